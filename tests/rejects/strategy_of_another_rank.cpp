// A program that is run or planned under one strategy and names another, and programs that are not told theirs. However many
// operations mix the two, there is one error.
//
// lines: 30
#include <meshwise/nn/gpt.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/plan/explain.hpp>

#include <vector>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
struct small {
    struct vocab : mw::axis<48> {};
    struct token : mw::axis<16> {};
    struct embed : mw::axis<32> {};
    struct heads : mw::axis<4> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
};
using strategy = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<small::heads, tp>,
                              mw::split<small::ffn, tp>>;
template <class S>
using model_of = mw::gpt<S, small>;

// trains a model of the strategy Model on the rank that it is given
template <class Model>
auto const training_of = [](auto& here) {
    auto model = mw::init<Model>(here, mw::seed{42});
    auto optimizer = mw::adamw(model, {.learning_rate = 1e-2});
    auto const ids =
        mw::place<batch, small::token>(here, std::vector<std::int32_t>(batch::size * small::token::size, 1));
    auto [loss, gradient] = mw::value_and_gradient(model, ids, ids);
    optimizer.step(model, gradient);
    (void)loss;
};
auto const train = []<class S>(mw::rank<S>& here) { training_of<model_of<S>>(here); };

void program(model_of<strategy> const& model) {
#if REJECTED == 1
    // sentence: take the strategy from the rank that runs the program, as in []<class S>(mw::rank<S>& here)
    mw::explain<strategy>(training_of<model_of<strategy>>);
#elif REJECTED == 2
    // sentence: take the strategy from the rank that runs the program, as in []<class S>(mw::rank<S>& here)
    mw::explain<strategy>([&]<class S>(mw::rank<S>& here) {
        auto const ids = mw::place<batch, small::token>(
            here, std::vector<std::int32_t>(batch::size * small::token::size, 1));
        (void)model.loss(ids, ids);
    });
#elif REJECTED == 3
    // sentence: so the program takes its strategy from the rank: write it as []<class S>(mw::rank<S>& here)
    mw::explain<strategy>([](mw::rank<strategy>& here) { mw::init<model_of<strategy>>(here, mw::seed{42}); });
#elif REJECTED == 4
    // sentence: mw::run needs the strategy, and where its ranks run
    mw::run(mw::threads{}, train);
#elif REJECTED == 5
    // sentence: mw::explain<strategy>(program) has to be told the strategy
    mw::explain(train);
#else
    (void)mw::explain<strategy>(train);
    mw::run<strategy>(mw::threads{}, train);
    mw::run<strategy>(mw::threads{}, training_of<model_of<strategy>>);
    mw::run<strategy>(mw::threads{}, [&](mw::rank<strategy>& here) {
        auto const ids =
            here.place<batch, small::token>(std::vector<std::int32_t>(batch::size * small::token::size, 1));
        auto const parts = model.loss(ids, ids);
        (void)parts;
    });
#endif
}
