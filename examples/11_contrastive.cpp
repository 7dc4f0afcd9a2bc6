// Contrastive learning over a split batch: two noisy views of a thing shall be nearer to each other than to the views of
// all other things, also of those on other ranks. info_nce gathers the keys, and its gradient goes back to the ranks that
// they came from: four ranks learn what one rank learns.
#include <meshwise/meshwise.hpp>
#include <meshwise/ops/rows/info_nce.hpp>

#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct thing : mw::axis<64> {};
struct candidate : mw::axis<64> {};  // things, seen from other things
struct pixel : mw::axis<32> {};
struct embed : mw::axis<8> {};

template <class S>
struct encoder {
    mw::linear<S, pixel, embed> project;

    auto operator()(auto const& x) const { return mw::normalize<embed>(project(x)); }
    auto loss(auto const& one, auto const& other) const {  // CLIP's: each view asks for the other
        auto const a = (*this)(one), b = (*this)(other);
        return mw::settle<S>(mw::info_nce<S, thing, embed>(a, b)) +
               mw::settle<S>(mw::info_nce<S, thing, embed>(b, a));
    }

    static constexpr auto parameters = mw::fields<&encoder::project>();
};

struct result {
    double loss, found;
};
template <std::size_t Ranks>
result learn() {
    struct dp : mw::mesh_axis<Ranks> {};
    using S = mw::strategy<mw::mesh<dp>, mw::split<thing, dp>>;
    return mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const things = mw::random_normal<thing, pixel>(here, {mw::seed{1}, "things"});
        auto const view_of = [&](auto const& all, char const* name) {
            return all + mw::random_normal<thing, pixel>(here, {mw::seed{1}, name}, 0, 0.5);
        };
        auto const one = view_of(things, "one"), other = view_of(things, "other");
        auto model = mw::init<encoder<S>>(here, mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 1e-2});
        double last = 0;
        for (int step = 0; step < 40; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, one, other);
            optimizer.step(model, gradient);
            last = loss;
        }
        // every thing against every other; the candidates of all ranks are gathered
        auto const likeness = mw::dot<S, embed>(model(one), mw::rename<thing, candidate>(model(other)));
        auto const found = mw::argmax<candidate>(likeness) == mw::arange<thing>(here);
        return result{last, mw::mean<S, thing>(mw::cast<float>(found)).item()};
    });
}

int main() {
    result const one = learn<1>(), four = learn<4>();
    std::printf("loss %.6f on one rank, %.6f on four; %.1f %% of 64 things are found by their other view\n",
                one.loss, four.loss, 100 * four.found);
    if (!(std::abs(one.loss - four.loss) < 1e-4))
        return std::puts("WRONG: four ranks learn otherwise than one"), 1;
    if (!(four.found > 0.9)) return std::puts("WRONG: a tenth of the things is taken for others"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
