// A feed-forward layer, split by hand and by its types: 1, 2 and 4 ranks give the same numbers.
// The strict form of every operation never communicates: what is owed is in the type, and paid where you say.
#include <meshwise/meshwise.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct embed : mw::axis<8> {};
struct ffn : mw::axis<32> {};

template <std::size_t Ranks>
std::vector<float> feed_forward() {
    struct tp : mw::mesh_axis<Ranks> {};
    using strategy = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

    std::vector<float> result;
    mw::run<strategy>(mw::threads{}, [&](auto& here) {
        mw::random_stream const numbers(mw::seed{7}, "example");
        auto const whole = [&](std::size_t n, std::size_t first) {
            std::vector<float> v(n);
            for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<float>(numbers.normal(first + i));
            return v;
        };
        auto const x = mw::place<batch, embed>(here, whole(batch::size * embed::size, 0));
        auto const up =
            mw::place<embed, ffn>(here, whole(embed::size * ffn::size, 1000));  // (embed, ffn / tp)
        auto const down =
            mw::place<ffn, embed>(here, whole(embed::size * ffn::size, 2000));  // (ffn / tp, embed)

        auto const h =
            mw::gelu(mw::dot<embed>(x, up));  // (batch, ffn / tp): every rank its columns, nothing owed
        auto const pending =
            mw::dot<ffn>(h, down);  // (batch, embed): a sum over tp is owed, and the type says so
        static_assert(
            std::is_same_v<typename decltype(pending)::layout, mw::layout<mw::mesh<tp>, mw::partial<tp>>>);
        auto const y = mw::all_reduce<tp>(
            pending);  // paid here; without it gelu(pending) or pending + bias do not compile

        auto all = here.gather(y);
        here.only_on_first([&] { result = std::move(all); });
    });
    return result;
}

int main() {
    auto const one = feed_forward<1>(), two = feed_forward<2>(), four = feed_forward<4>();
    float apart = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
        apart = std::max({apart, std::abs(one[i] - two[i]), std::abs(one[i] - four[i])});
    std::printf("first element on 1, 2, 4 ranks: %.6f %.6f %.6f; largest difference %.1e\n", double(one[0]),
                double(two[0]), double(four[0]), double(apart));
    return apart < 1e-4F && std::fflush(stdout) == 0 ? 0 : 1;
}
