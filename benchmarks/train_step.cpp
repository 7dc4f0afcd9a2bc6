// How long does a training step of the demo's model take (6 layers, 384 wide, 256 tokens, batch 12), and what share of the
// processor's peak is it? One rank with all cores in each product, and two ranks with tensor and sequence parallelism.
// The loss of the first step is verified against ln(256) at start; the peak is calibrated in the same run.
#include <benchmark/benchmark.h>

#include <meshwise/meshwise.hpp>

#include <cmath>

namespace {

namespace mw = meshwise;

struct batch : mw::axis<12> {};
struct token : mw::axis<256> {};
struct embed : mw::axis<384> {};
struct heads : mw::axis<6> {};
struct head_dim : mw::axis<64> {};
struct ffn : mw::axis<1536> {};
struct vocab : mw::axis<256> {};
struct layer : mw::axis<6> {};

template <std::size_t Tp>
struct places {
    struct tp : mw::mesh_axis<Tp> {};
    using strategy = mw::strategy<mw::mesh<tp>, mw::split<heads, tp>, mw::split<ffn, tp>,
                                  mw::split<vocab, tp>, mw::split<token, tp>>;
};

template <class S, class Step>
void train(mw::rank<S>& here, mw::blocks<batch, token> const& data, Step go_on) {
    auto model =
        here.template init<mw::gpt<S, vocab, token, embed, heads, head_dim, ffn, layer>>(mw::seed{1});
    auto optimizer = mw::adamw(model, {.learning_rate = 1e-3, .clip_norm = 1});
    for (std::size_t step = 0;; ++step) {
        auto const [inputs, targets] = data.template batch<S>(step);
        auto [loss, gradient, count] = mw::value_and_gradient(
            model, [&, &x = inputs, &y = targets](auto const& m) { return m.loss(x, y); });
        optimizer.step(gradient);
        if (!go_on(step, loss)) return;
    }
}

template <class S>
void training_step(benchmark::State& state) {
    std::string text;
    for (std::size_t i = 0; i < 100'000; ++i)
        text += static_cast<char>(mw::random_stream(mw::seed{1}, "text").bits(i) % 256);
    mw::blocks<batch, token> const data(mw::byte_text::from_string(text));
    double const flops = static_cast<double>(mw::explain<S>([&](auto& here) {
                                                 train(here, data, [](std::size_t, double) { return false; });
                                             }).flops) *
                         S::mesh::ranks;
    double communicating = 0, seconds = 0;
    // ranks go on together: the first decides, all others follow through a small broadcast
    mw::run<S>(mw::threads{}, [&](auto& here) {
        double inside = 0;
        auto start = std::chrono::steady_clock::now();
        train(here, data, [&](std::size_t step, double loss) {
            std::uint8_t more = 0;
            if (here.is_first().on_this_rank()) {
                if (step == 0 && std::abs(loss - std::log(256.0)) > 0.5)
                    state.SkipWithError("the first loss is not that of an untrained model");
                more = state.KeepRunning() ? 1 : 0;
            }
            if (here.team().size() > 1) here.team().broadcast(1, mw::element_type::uint8, &more, 1, 0);
            if (step == 1)
                inside = here.team().collective_seconds(), start = std::chrono::steady_clock::now();
            if (more == 0 && here.is_first().on_this_rank() && step > 1) {
                communicating = here.team().collective_seconds() - inside;
                seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
            }
            return more != 0;
        });
    });
    state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9 * static_cast<double>(state.iterations()),
                                                   benchmark::Counter::kIsRate);
    if (seconds > 0) state.counters["communicating_%"] = 100 * communicating / seconds;
    state.counters["tokens/s"] = benchmark::Counter(
        static_cast<double>(batch::size * token::size * state.iterations()), benchmark::Counter::kIsRate);
}

BENCHMARK(training_step<places<1>::strategy>)
    ->Name("demo_model_step/1_rank")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(8);
BENCHMARK(training_step<places<2>::strategy>)
    ->Name("demo_model_step/2_ranks_tp")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MinTime(8);

}  // namespace

BENCHMARK_MAIN();
