// training: a step of a GPT (forward, backward, AdamW) on one rank or on several, in turns with the same step in
// PyTorch, which begins with the same weights and must come to the same losses.
#pragma once
#include <chrono>
#include <memory>

#include "peers/child.hpp"

#include <meshwise/meshwise.hpp>

namespace bench {

template <std::size_t Layers, std::size_t Embed, std::size_t Heads, class Vocab, std::size_t Batch,
          std::size_t Token>
struct gpt_of {
    struct batch : meshwise::axis<Batch> {};
    struct token : meshwise::axis<Token> {};
    struct embed : meshwise::axis<Embed> {};
    struct heads : meshwise::axis<Heads> {};
    struct head_dim : meshwise::axis<Embed / Heads> {};
    struct ffn : meshwise::axis<4 * Embed> {};
    struct vocab : Vocab {};
    struct layer : meshwise::axis<Layers> {};

    template <std::size_t Tp>
    struct over {
        struct tp : meshwise::mesh_axis<Tp> {};
        using strategy =
            meshwise::strategy<meshwise::mesh<tp>, meshwise::split<heads, tp>, meshwise::split<ffn, tp>,
                               meshwise::split<vocab, tp>, meshwise::split<token, tp>>;
    };
    template <class S>
    using model = meshwise::gpt<S, gpt_of>;

    /// Products of the step, of which causal attention needs half: forward once, backward twice (attention 2.5 times).
    static double operations() {
        double const rows = Batch * Token, e = Embed, v = Vocab::true_size;
        double const weights = 2 * rows * (Layers * 12 * e * e + e * v);
        double const attention = 2 * 2 * rows * (Token + 1) / 2 * e * Layers;
        return 3 * weights + 3.5 * attention;
    }

    static std::unique_ptr<peers::child> torch(std::size_t threads) {
        std::vector<std::string> options;
        for (std::size_t const each : {threads, Layers, Embed, Heads, Vocab::true_size, Batch, Token})
            options.push_back(std::to_string(each));
        return peers::torch("torch_gpt.py", options);
    }
};

struct step_times {
    double ours = unknown, torch = unknown;
    double held = 0,
           counted = 0;  // bytes of a rank: taken from the system; parameters x 16 and live activations
    std::size_t requests_after_first = 0;  // of memory, by all steps but the first
};

/// The median seconds of a step on `Tp` ranks of `workers` threads, and of PyTorch on as many threads. Throws where a
/// loss is not that of PyTorch, or where there is none and the first is not an untrained model's.
template <class Gpt, std::size_t Tp>
step_times step_in_turns(std::size_t workers, double budget) {
    using S = typename Gpt::template over<Tp>::strategy;
    namespace mw = meshwise;
    std::size_t const threads = Tp * workers;
    auto const peer = Gpt::torch(threads);
    watch const clock = watch_for(threads);
    step_times result;
    mw::run<S>(
        mw::threads{.deadline = std::chrono::seconds(600), .workers_per_rank = workers}, [&](auto& here) {
            auto model = mw::init<typename Gpt::template model<S>>(here, mw::seed{1});
            mw::for_each_parameter(model, [](std::size_t i, std::string_view, auto& p, mw::initial start) {
                auto const which = static_cast<std::uint32_t>(100 + i);
                if (start.how == mw::initial::kind::normal)
                    mw::fill_by_index(p, [&](std::size_t at) { return 0.02F * formula(at, which); });
            });
            auto optimizer = mw::adamw(model, {.learning_rate = 1e-3, .weight_decay = 0});
            std::vector<std::int32_t> inputs, targets;
            for (std::size_t i = 0; i < Gpt::batch::size * Gpt::token::size; ++i) {
                inputs.push_back(id(i, 1, Gpt::vocab::true_size));
                targets.push_back(id(i, 2, Gpt::vocab::true_size));
            }
            auto const x = mw::place<typename Gpt::batch, typename Gpt::token>(here, inputs);
            auto const y = mw::place<typename Gpt::batch, typename Gpt::token>(here, targets);
            bool const first = here.is_first().on_this_rank();
            std::vector<double> ours, theirs;
            std::size_t requests = 0;
            double const begin = now(watch::wall);
            for (std::size_t step = 0;; ++step) {
                std::uint8_t more = 1;
                if (first && step >= 5 && now(watch::wall) - begin > budget) more = 0;
                // ranks begin together
                if (Tp > 1) here.team().broadcast(1, mw::element_type::uint8, &more, 1, 0);
                if (more == 0) break;
                double const start = now(clock);
                auto [loss, gradient] = mw::value_and_gradient(model, x, y);
                optimizer.step(model, gradient);
                double const took = now(clock) - start;
                if (!first) continue;
                if (step == 0) requests = here.memory().use().backend_requests;
                double const expected = std::log(static_cast<double>(Gpt::vocab::true_size));
                if (step == 0 && !(std::abs(loss - expected) < 0.1 * expected))
                    throw std::runtime_error("the first loss, " + std::to_string(loss) +
                                             ", is not an untrained model's");
                if (peer) {
                    auto const answer = peer->ask("step");
                    if (step < 3 && !(std::abs(answer.at(1) - loss) <= 1e-3 * std::abs(loss)))
                        throw std::runtime_error("loss " + std::to_string(step + 1) + " is " +
                                                 std::to_string(loss) + ", but PyTorch's is " +
                                                 std::to_string(answer.at(1)));
                    if (step >= 2) theirs.push_back(answer.at(0));
                }
                if (step >= 2) ours.push_back(took);
            }
            if (!first) return;
            result.ours = median(ours);
            mw::memory_use const memory = here.memory().use();
            auto const most = [&](mw::purpose what) {
                return static_cast<double>(memory.most[static_cast<std::size_t>(what)]);
            };
            result.held = static_cast<double>(memory.reserved);
            result.counted = 4 * most(mw::purpose::parameters) + most(mw::purpose::activations);
            result.requests_after_first = memory.backend_requests - requests;
            if (!theirs.empty()) result.torch = median(theirs);
        });
    return result;
}

/// What the design's machine took, with a peak of 230 GFLOP/s a thread, at this machine's speed: a peer that is not
/// run here.
inline double recorded(double milliseconds) { return milliseconds * 230e9 / peak(1, float{}); }

/// The row of a training step, with the peers measured and recorded.
template <class Gpt, std::size_t Tp>
row training_row(std::string const& name, std::size_t workers, step_times const& took) {
    row r{.name = name,
          .ours = 1e3 * took.ours,
          .unit = "ms",
          .limit = 1e3 * Gpt::operations() / peak(Tp * workers, float{})};
    if (std::isfinite(took.torch)) r.peers.emplace_back("PyTorch", 1e3 * took.torch);
    return r;
}

}  // namespace bench
