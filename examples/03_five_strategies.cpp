// One model source under five strategies: only the type changes. All train alike; what they communicate differs.
#include <meshwise/meshwise.hpp>
#include <meshwise/plan.hpp>
#include <meshwise/text/batches/blocks.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
// the axes of the model
struct small {
    struct vocab : mw::padded<50, 8> {};
    struct token : mw::axis<16> {};
    struct embed : mw::axis<32> {};
    struct heads : mw::axis<4> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
};

template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using data_parallel = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>>;
    using tensor_parallel = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<small::heads, tp>,
                                         mw::split<small::ffn, tp>, mw::split<small::vocab, tp>>;
    using sequence_parallel =
        mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<small::heads, tp>,
                     mw::split<small::ffn, tp>, mw::split<small::vocab, tp>, mw::split<small::token, tp>>;
};

// the program: no mesh axis in sight
template <class S, class Each>
void train(mw::rank<S>& here, int steps, Each each) {
    auto model = mw::init<mw::gpt<S, small>>(here, mw::seed{5});
    auto optimizer = mw::adamw(model, {.learning_rate = 3e-3, .clip_norm = 1});
    mw::blocks<batch, small::token> const text(mw::byte_text::from_string([] {
        std::string digits;
        for (int i = 0; i < 2000; ++i) digits += static_cast<char>(i * i % 50);
        return digits;
    }()));
    for (int step = 0; step < steps; ++step) {
        auto const [x, y] = text.batch(here, static_cast<std::uint64_t>(step));
        auto [loss, gradient] = mw::value_and_gradient(model, x, y);
        optimizer.step(model, gradient);
        each(loss);
    }
}

template <class S>
double last_loss(char const* name) {
    auto const plan = mw::explain<S>([](auto& here) { train(here, 1, [](double) {}); });
    double last = 0;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        train(here, 10, [&](double loss) { here.only_on_first([&] { last = loss; }); });
    });
    std::printf("%-34s %2zu ranks  %3zu collectives a step  loss after 10 steps %.6f\n", name, S::mesh::ranks,
                plan.count(), last);
    return last;
}

int main() {
    double const one = last_loss<places<1, 1>::tensor_parallel>("one rank");
    double apart = 0;
    for (double other : {last_loss<places<2, 1>::data_parallel>("data parallel"),
                         last_loss<places<1, 2>::tensor_parallel>("tensor parallel"),
                         last_loss<places<1, 2>::sequence_parallel>("tensor and sequence parallel"),
                         last_loss<places<2, 2>::sequence_parallel>("all of them")})
        apart = std::max(apart, std::abs(other - one));
    std::printf("largest difference from one rank: %.1e\n", apart);
    return apart < 1e-4 && std::fflush(stdout) == 0 ? 0 : 1;
}
