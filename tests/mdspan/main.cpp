// Tensors as std::mdspan and back: rows, transposed and strided arrays, on one rank and on two; wrong extents.
#include <meshwise/meshwise.hpp>
#include <meshwise/tensor/mdspan.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#if !defined(__cpp_lib_mdspan)
int main() { return std::puts("skipped: this standard library has no <mdspan>"), 77; }
#else
namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct embed : mw::axis<3> {};
struct most : mw::up_to<8> {};
struct stored : mw::padded<3, 4> {};
struct dp : mw::mesh_axis<2> {};
using one = mw::strategy<mw::mesh<>>;
using two = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

#define CHECK(condition)                                                                                     \
    if (!(condition)) std::printf("line %d: %s\n", __LINE__, #condition), std::exit(1)

std::vector<float> counted(std::size_t n) {
    std::vector<float> x(n);
    std::iota(x.begin(), x.end(), 0.0F);
    return x;
}
template <class F>
std::string complaint(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return "";
}

template <class S>
void reads() {
    auto numbers = counted(24);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        using X = mw::tensor_of<S, float, batch, embed>;
        auto const expect = [&](X const& x, auto at) {
            auto const all = here.gather(x);
            for (std::size_t b = 0; b < 4; ++b)
                for (std::size_t e = 0; e < 3; ++e) CHECK(all[b * 3 + e] == at(b, e));
        };
        auto const number = [](auto i) { return static_cast<float>(i); };
        std::mdspan<float const, std::extents<int, 4, 3>> const rows(numbers.data());
        expect(mw::from_mdspan<X>(rows), [&](auto b, auto e) { return number(b * 3 + e); });
        std::mdspan<float, std::dextents<std::size_t, 2>, std::layout_left> const columns(numbers.data(), 4,
                                                                                          3);
        expect(mw::from_mdspan<X>(columns), [&](auto b, auto e) { return number(b + 4 * e); });
        std::layout_stride::mapping<std::extents<int, 4, 3>> const apart({}, std::array<int, 2>{6, 2});
        std::mdspan<float const, std::extents<int, 4, 3>, std::layout_stride> const strided(numbers.data(),
                                                                                            apart);
        expect(mw::from_mdspan<X>(strided), [&](auto b, auto e) { return number(6 * b + 2 * e); });

        auto const x = mw::from_mdspan<X>(strided);
        auto const local = mw::local_mdspan(x);
        CHECK(local.extent(0) == 4 / S::mesh::ranks && local.extent(1) == 3);
        CHECK((local[1, 2] == x.local_data()[5]));
        CHECK(mw::local_mdspan(x).data_handle() == x.local_data());

        std::mdspan<float const, std::extents<int, 3, 4>> const turned(numbers.data());
        CHECK(complaint([&] {
                  (void)mw::from_mdspan<X>(turned);
              }).find("an mdspan of 3 elements in its dimension 0 was given for 4") != std::string::npos);
        std::mdspan<float, std::dextents<int, 2>> const part(numbers.data(),
                                                             4 / static_cast<int>(S::mesh::ranks), 3);
        CHECK(mw::view_of_mdspan<X>(part).local_data() == numbers.data());
        std::mdspan<float, std::dextents<int, 2>> const more(numbers.data(), 3, 3);
        CHECK(complaint([&] { (void)mw::view_of_mdspan<X>(more); }).find("this rank's part") !=
              std::string::npos);
        std::mdspan<float, std::dextents<int, 2>, std::layout_left> const other(
            numbers.data(), 4 / static_cast<int>(S::mesh::ranks), 3);
        CHECK(complaint([&] { (void)mw::view_of_mdspan<X>(other); }).find("one behind the other") !=
              std::string::npos);
    });
}

int main() {
    reads<one>();
    reads<two>();
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const numbers = counted(24);
        auto const x =
            here.template place<batch, embed>(std::vector<float>(numbers.begin(), numbers.begin() + 12));
        auto const whole = mw::as_mdspan(x);
        static_assert(decltype(whole)::static_extent(0) == 4 && decltype(whole)::static_extent(1) == 3);
        CHECK((whole[3, 1] == 10 && whole.data_handle() == x.data()));
        auto const y = mw::from_mdspan<mw::tensor_of<one, float, most, embed>>(
            std::mdspan(numbers.data(), std::dextents<std::size_t, 2>(5, 3)));
        CHECK(y.template extent<most>() == 5 && mw::as_mdspan(y).extent(0) == 5);
        CHECK((mw::as_mdspan(mw::full<mw::tensor_of<one, float>>(7))[] == 7));
    });
    std::puts("passed");
    return 0;
}
#endif
