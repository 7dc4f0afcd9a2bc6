// How fast is causal attention, forward and backward, at the shapes of GPT-2 124M and of a Llama of 135M (grouped
// heads)? The limit is the products that causal attention needs at the calibrated peak. Results are compared with the
// serial backend's. Peer: PyTorch.
#include <meshwise/backend/serial.hpp>

#include "peers/kernels.hpp"

namespace {

using namespace bench;
namespace mw = meshwise;

struct problem {
    std::size_t batch, kv_heads, group, tokens, head_dim;
    std::vector<float> q, k, v, d, o, lse, dq, dk, dv;
    mw::attention_shape shape;

    problem(std::size_t texts, std::size_t kv, std::size_t sharing, std::size_t length, std::size_t width)
        : batch(texts),
          kv_heads(kv),
          group(sharing),
          tokens(length),
          head_dim(width) {
        std::size_t const of_keys = batch * tokens * kv_heads * head_dim, of_queries = of_keys * group;
        for (auto* each : {&q, &d, &o, &dq}) each->resize(of_queries);
        for (auto* each : {&k, &v, &dk, &dv}) each->resize(of_keys);
        lse.resize(batch * kv_heads * group * tokens);
        std::uint32_t which = 0;
        for (auto* each : {&q, &k, &v, &d}) fill(each->data(), each->size(), ++which);
        auto const signed_of = [](std::size_t x) { return static_cast<std::ptrdiff_t>(x); };
        std::ptrdiff_t const key = signed_of(kv_heads * head_dim), query = signed_of(group) * key;
        shape = {.batch = batch,
                 .kv_heads = kv_heads,
                 .group = group,
                 .queries = tokens,
                 .keys = tokens,
                 .head_dim = head_dim,
                 .causal = true,
                 .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
        shape.q_batch = signed_of(tokens) * query, shape.q_token = query;
        shape.q_head = signed_of(group * head_dim), shape.q_group = signed_of(head_dim);
        shape.k_batch = shape.v_batch = signed_of(tokens) * key, shape.k_token = shape.v_token = key;
        shape.k_head = shape.v_head = signed_of(head_dim);
    }

    template <class Backend>
    void forward() {
        Backend::attention(shape, q.data(), k.data(), v.data(), o.data(), lse.data());
    }
    template <class Backend>
    void backward() {
        Backend::attention_gradient(shape, q.data(), k.data(), v.data(), o.data(), lse.data(), d.data(),
                                    dq.data(), dk.data(), dv.data());
    }

    /// Half of all pairs of tokens are looked at: two products forward, five backward.
    double operations(bool back) const {
        auto const t = static_cast<double>(tokens);
        return (back ? 5 : 2) * t * (t + 1) * static_cast<double>(batch * kv_heads * group * head_dim);
    }
    std::string text() const {
        std::string all;
        for (std::size_t const each : {batch, kv_heads, group, tokens, head_dim})
            all += " " + std::to_string(each);
        return all;
    }
};

void answer(question& here, std::string const& name, problem& p, bool back, std::size_t threads) {
    mw::tbb::enter(threads, [&] {
        p.forward<mw::serial>();
        if (back) p.backward<mw::serial>();
        std::array const expected{p.o, p.dq, p.dk, p.dv};
        p.forward<mw::tbb>();
        if (back) p.backward<mw::tbb>();
        if (!agree(p.o, expected[0]) || !agree(p.dq, expected[1]) || !agree(p.dk, expected[2]) ||
            !agree(p.dv, expected[3]))
            return here.fail(name + " is not what the serial backend computes");
        std::vector<contender> all;
        all.push_back(timed("ours", watch_for(threads),
                            [&p, back] { back ? p.backward<mw::tbb>() : p.forward<mw::tbb>(); }));
        auto const& result = back ? p.dq : p.o;
        if (auto peer = peers::torch_kernel(threads, (back ? "attention_gradient" : "attention") + p.text(),
                                            result.data(), result.size()))
            all.push_back(*peer);
        auto const seconds = in_turns(all);
        row r{.name = name,
              .ours = p.operations(back) / seconds[0] * 1e-9,
              .unit = "GFLOP/s",
              .limit = peak(threads, float{}) * 1e-9};
        if (all.size() > 1) r.peers.emplace_back("PyTorch", p.operations(back) / seconds[1] * 1e-9);
        here.report(r.beside_the_best_peer());
    });
}

void add(std::string const& model, std::size_t batch, std::size_t kv_heads, std::size_t group,
         std::size_t tokens, std::size_t head_dim) {
    for (std::size_t const threads : {std::size_t{1}, std::size_t{2}})
        for (bool const back : {false, true}) {
            std::string const name = "attention/" + model + "/B:" + std::to_string(batch) +
                                     "/T:" + std::to_string(tokens) + (back ? "/backward" : "/forward") +
                                     "/threads:" + std::to_string(threads);
            ask(name, [=](question& here) {
                problem p(batch, kv_heads, group, tokens, head_dim);
                answer(here, name, p, back, threads);
            });
        }
}

}  // namespace

int main(int argc, char** argv) {
    add("GPT-2", 4, 12, 1, 64, 64);
    add("GPT-2", 4, 12, 1, 256, 64);
    add("GPT-2", 1, 12, 1, 1024, 64);
    add("Llama 135M", 1, 3, 3, 512, 64);
    return run(argc, argv);
}
