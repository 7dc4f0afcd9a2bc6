// Tiny models on every mesh: the axes, the strategies, and a training run whose whole outcome can be compared.
#pragma once
#include <meshwise/nn/llama.hpp>
#include <meshwise/optim/adamw.hpp>

#include <string>
#include <vector>

#include "ranks.hpp"

namespace tiny {

namespace mw = meshwise;

struct batch : mw::axis<24> {};  // 24 divides over 1, 2, 3, 4, 6 and 8 ranks
struct token : mw::axis<24> {};
struct embed : mw::axis<16> {};
struct heads : mw::axis<24> {};
struct kv_heads : mw::axis<2> {};
struct group : mw::axis<4> {};
struct head_dim : mw::axis<2> {};
struct llama_dim : mw::axis<4> {};
struct ffn : mw::axis<48> {};
struct vocab : mw::padded<21, 24> {};  // three ids are padding, on the last rank of any mesh
struct layer : mw::axis<2> {};

template <std::size_t Dp, std::size_t Tp, std::size_t Cp = 1>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    struct cp : mw::mesh_axis<Cp> {};
    using mesh = mw::mesh<dp, tp>;
    template <class... More>
    using tensor_parallel =
        mw::strategy<mesh, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<kv_heads, tp>,
                     mw::split<ffn, tp>, mw::split<vocab, tp>, More...>;
    template <class... More>
    using sequence_parallel = tensor_parallel<mw::split<token, tp>, More...>;
    template <class... More>
    using context_parallel =
        mw::strategy<mw::mesh<dp, tp, cp>, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<ffn, tp>,
                     mw::split<vocab, tp>, mw::split<token, cp>, More...>;
};
/// Fewer kv heads than ranks: the mesh says so with two axes.
template <std::size_t Kv, std::size_t Group>
struct grouped_places {
    struct tp_kv : mw::mesh_axis<Kv> {};
    struct tp_g : mw::mesh_axis<Group> {};
    template <class... More>
    using tensor_parallel = mw::strategy<mw::mesh<tp_kv, tp_g>, mw::split<kv_heads, tp_kv>,
                                         mw::split<group, tp_g>, mw::split<ffn, tp_kv>, mw::split<ffn, tp_g>,
                                         mw::split<vocab, tp_kv>, mw::split<vocab, tp_g>, More...>;
};

/// Plain loops: quick to compile, and the reference; the fast backend is held to it by the conformance suite.
template <class S>
using on_serial = typename S::template on<mw::serial>;

/// Four ranks, all rules at once.
using on_four = places<2, 2>::sequence_parallel<mw::on<mw::serial>>;

struct sizes {
    using vocab = tiny::vocab;
    using token = tiny::token;
    using embed = tiny::embed;
    using heads = tiny::heads;
    using head_dim = tiny::head_dim;
    using ffn = tiny::ffn;
    using layer = tiny::layer;
};
struct llama_sizes {
    using vocab = tiny::vocab;
    using embed = tiny::embed;
    using kv_heads = tiny::kv_heads;
    using group = tiny::group;
    using head_dim = tiny::llama_dim;
    using ffn = tiny::ffn;
    using layer = tiny::layer;
};
template <class S>
using gpt = mw::gpt<S, sizes>;
template <class S>
using llama = mw::llama<S, llama_sizes>;

/// Everything a run leaves behind, on whole tensors.
struct outcome {
    bool left_out = false;  // see `left_out<S>()`
    std::vector<double> losses, norms;
    std::vector<std::string> names;
    std::vector<std::vector<double>> gradients;  // of the first step
    std::vector<std::vector<double>> weights;    // after the last
};

inline std::vector<std::int32_t> ids(std::size_t step, std::size_t shift) {
    std::vector<std::int32_t> made(batch::size * token::size);
    mw::random_stream const numbers(mw::seed{3}, "ids", step);
    for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = static_cast<std::int32_t>(numbers.bits(i + shift) % 21);
    if (shift != 0) made[5] = mw::ignore_index;  // some places do not count
    return made;
}

/// The program: the same lines on every mesh, and in plans.
template <template <class> class Model, class S, class Each>
void train(mw::rank<S>& here, std::size_t steps, bool recompute, Each each) {
    auto model = mw::init<Model<S>>(here, mw::seed{11});
    model.recompute_blocks = recompute;
    mw::adamw optimizer(model, {.learning_rate = 1e-2, .weight_decay = 0.1, .clip_norm = 1});
    for (std::size_t step = 0; step < steps; ++step) {
        auto const inputs = mw::place<batch, token>(here, ids(step, 0)),
                   targets = mw::place<batch, token>(here, ids(step, 1));
        auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
        double const norm = optimizer.step(model, gradient).norm;
        each(model, step, loss, norm, gradient);
    }
}

/// One rank's part of `train` below, in a function of its own: what runs the ranks compiles nothing of the model anew.
template <template <class> class Model, class S>
void train_one_rank(mw::rank<S>& here, std::size_t steps, bool recompute, outcome& result) {
    auto const note = [&](std::vector<std::vector<double>>& all, auto const& x) {
        auto const whole = here.gather(x);
        if (!keeps_results(here)) return;
        all.emplace_back(whole.begin(), whole.end());
    };
    train<Model>(
        here, steps, recompute, [&](auto& model, std::size_t step, double loss, double norm, auto& gradient) {
            if (keeps_results(here)) result.losses.push_back(loss), result.norms.push_back(norm);
            mw::for_each_parameter(model, [&](std::size_t i, std::string_view name, auto& p, mw::initial) {
                if (step == 0) note(result.gradients, gradient.whole(i, p));
                if (step == 0 && keeps_results(here)) result.names.emplace_back(name);
                if (step + 1 == steps) note(result.weights, p);
            });
        });
}

template <template <class> class Model, class S, class Policy = ranks>
outcome train(std::size_t steps, bool recompute = false, Policy const& policy = {}) {
    outcome result;
    if (result.left_out = left_out<S>(); result.left_out) return result;
    mw::run<S>(policy, [&](mw::rank<S>& here) { train_one_rank<Model>(here, steps, recompute, result); });
    return result;
}

// What several programs train is compiled once, in tests/equivalence/models.
using one_rank = on_serial<places<1, 1>::tensor_parallel<>>;
template <std::size_t Dp, std::size_t Tp>
using sequence_on = on_serial<typename places<Dp, Tp>::template sequence_parallel<>>;
template <std::size_t Dp, std::size_t Tp>
using exact_on = typename places<Dp, Tp>::template tensor_parallel<mw::reproducible<8>>;

extern template void train_one_rank<gpt>(mw::rank<one_rank>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<sequence_on<1, 1>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<sequence_on<1, 2>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<sequence_on<2, 1>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<sequence_on<2, 2>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<exact_on<1, 1>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<exact_on<2, 1>>&, std::size_t, bool, outcome&);
extern template void train_one_rank<gpt>(mw::rank<exact_on<2, 2>>&, std::size_t, bool, outcome&);

}  // namespace tiny
