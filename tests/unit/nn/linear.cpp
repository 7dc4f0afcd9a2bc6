// linear adds its bias inside of the product where it may: values and gradients keep the bits of dot and add.
#include <doctest/doctest.h>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/parallel/run.hpp>

#include <cstring>

namespace {

namespace mw = meshwise;

struct rows : mw::axis<120> {};
struct in : mw::axis<600> {};
struct heads : mw::axis<6> {};
struct dim : mw::axis<20> {};

template <class S>
struct apart {  // linear as two operations
    mw::linear<S, in, mw::axes<heads, dim>> both;

    auto operator()(auto const& x) const {
        auto const y = mw::dot<S, in>(x, both.weight);
        return y + mw::align(both.bias, y);
    }
    static constexpr auto parameters = mw::fields<&apart::both>();
};

template <class X>
bool same_bits(X const& x, X const& y) {
    return std::memcmp(x.local_data(), y.local_data(), x.local_size() * sizeof *x.local_data()) == 0;
}

template <class S>
void check_linear(bool fits) {
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const model = mw::init<apart<S>>(here, mw::seed{7});
        auto bias = model.both.bias;
        for (std::size_t i = 0; i < bias.local_size(); ++i)
            bias.mutable_data()[i] = 0.37F * static_cast<float>(i % 7);
        std::vector<float> numbers(rows::size * in::size);
        for (std::size_t i = 0; i < numbers.size(); ++i)
            numbers[i] = static_cast<float>(mw::random_stream(mw::seed{2}, "x").bits(i) % 1000) / 900 - 0.5F;
        auto const x = mw::place<rows, in>(here, numbers);
        CHECK(same_bits(model.both(x), model(x)));
        using type = decltype(x);
        CHECK(mw::detail::bias_fits_into_product<S, std::remove_cvref_t<type>, decltype(model.both.weight),
                                                 decltype(model.both.bias), in>() == fits);
        auto const ask = [&](auto f) {
            return mw::value_and_gradient(model, [&](auto const& m) {
                auto const y = f(m);
                return mw::settle<S>(mw::sum<rows, heads, dim>(y * y));
            });
        };
        auto one = ask([&](auto const& m) { return m(x); }),
             two = ask([&](auto const& m) { return m.both(x); });
        CHECK(one.loss == two.loss);
        mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto const& p, mw::initial) {
            CHECK(same_bits(one.gradient.whole(i, p), two.gradient.whole(i, p)));
        });
    });
}

template <class Axis, class... More>
struct split_by {
    struct tp : mw::mesh_axis<2> {};
    using strategy = mw::strategy<mw::mesh<tp>, mw::split<Axis, tp>, More...>;
};

TEST_CASE("linear has the bits of dot and add, forward and backward") {
    SUBCASE("one rank") { check_linear<mw::strategy<mw::mesh<>>>(true); }
    SUBCASE("plain loops") { check_linear<mw::strategy<mw::mesh<>, mw::on<mw::serial>>>(true); }
    SUBCASE("outputs split") { check_linear<split_by<heads>::strategy>(true); }
    SUBCASE("rows split") { check_linear<split_by<rows>::strategy>(true); }
    SUBCASE("inputs split: a sum is owed before the bias") { check_linear<split_by<in>::strategy>(false); }
    SUBCASE("reproducible") { check_linear<split_by<in, mw::reproducible<4>>::strategy>(false); }
}

}  // namespace
