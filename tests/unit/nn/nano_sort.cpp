// A real GPT, minGPT's gpt-nano that sorts digits: 3 layers, 3 heads, 48 wide, with the activations that PyTorch found on
// the way through its first block, and after each other one. All of them within 1e-5, on 1 rank and on 3.
// The files: JSON, each tensor float32 in base 64; weights are outputs before inputs, query, key and value in one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <meshwise/nn/generate.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/ops/rows/softmax.hpp>
#include <meshwise/parallel/run.hpp>

#include "real_models.hpp"

namespace {

namespace mw = meshwise;

struct batch : mw::axis<3> {};
struct token : mw::axis<11> {};
struct key : mw::axis<11> {};
struct embed : mw::axis<48> {};
struct heads : mw::axis<3> {};
struct head_dim : mw::axis<16> {};
struct ffn : mw::axis<192> {};
struct vocab : mw::axis<3> {};
struct layer : mw::axis<3> {};

template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
template <std::size_t N>
using strategy =
    mw::strategy<mw::mesh<tp<N>>, mw::split<heads, tp<N>>, mw::split<ffn, tp<N>>, mw::split<vocab, tp<N>>>;

struct sizes {
    using vocab = ::vocab;
    using token = ::token;
    using embed = ::embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};

// minGPT's head is a matrix of its own
template <class S>
struct sorter : mw::gpt<S, sizes> {
    using base = mw::gpt<S, sizes>;
    mw::parameter<S, vocab, embed> unembed;
    auto head(auto const& state) const { return mw::dot<S, embed>(state, unembed); }
    static constexpr auto parameters =
        mw::fields<&base::table, &base::positions, &base::blocks, &base::final_norm, &sorter::unembed>();
};

using numbers = std::vector<double>;

testing::weights weights_of(mw::json const& file) {
    testing::weights read;
    auto const stored = [&](std::string const& name) {
        return testing::json_floats(file, "transformer." + name);
    };
    auto const norm = [&](std::string const& to, std::string const& from) {
        read[to + ".gain"] = stored(from + ".weight"), read[to + ".bias"] = stored(from + ".bias");
    };
    // outputs [first, first + count) of a layer
    auto const linear = [&](std::string const& to, std::string const& from, std::size_t first,
                            std::size_t count) {
        auto const weight = stored(from + ".weight"), bias = stored(from + ".bias");
        std::size_t const inputs = weight.size() / bias.size();
        auto const run = [](numbers const& x, std::size_t begin, std::size_t n) {
            auto const at = x.begin() + static_cast<std::ptrdiff_t>(begin);
            return numbers(at, at + static_cast<std::ptrdiff_t>(n));
        };
        read[to + ".weight"] = testing::turned(run(weight, first * inputs, count * inputs), count);
        read[to + ".bias"] = run(bias, first, count);
    };
    read["table"] = stored("wte.weight");
    read["positions"] = stored("wpe.weight");
    norm("final_norm", "ln_f");
    for (std::size_t i = 0; i < layer::size; ++i) {
        std::string const to = "blocks." + std::to_string(i) + ".", from = "h." + std::to_string(i) + ".";
        constexpr std::size_t n = embed::size;
        norm(to + "attention_norm", from + "ln_1");
        linear(to + "attention.query", from + "attn.c_attn", 0, n);
        linear(to + "attention.key", from + "attn.c_attn", n, n);
        linear(to + "attention.value", from + "attn.c_attn", 2 * n, n);
        linear(to + "attention.out", from + "attn.c_proj", 0, n);
        norm(to + "mlp_norm", from + "ln_2");
        linear(to + "mlp.up", from + "mlp.c_fc", 0, ffn::size);
        linear(to + "mlp.down", from + "mlp.c_proj", 0, n);
    }
    return read;
}

// (batch, token, heads, last) as (batch, heads, token, last), which is how PyTorch keeps heads
numbers heads_first(numbers const& x) {
    std::size_t const last = x.size() / (batch::size * token::size * heads::size);
    numbers made;
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t h = 0; h < heads::size; ++h)
            for (std::size_t t = 0; t < token::size; ++t)
                for (std::size_t i = 0; i < last; ++i)
                    made.push_back(x[((b * token::size + t) * heads::size + h) * last + i]);
    return made;
}

// the first `kept` of each `row` numbers
numbers cut_rows(numbers const& x, std::size_t row, std::size_t kept) {
    numbers made;
    for (std::size_t i = 0; i < x.size(); ++i)
        if (i % row < kept) made.push_back(x[i]);
    return made;
}

template <std::size_t N>
void follow() {
    auto const model_file = shared_data("models/gpt-nano-sort/model.json"),
               partials = shared_data("models/gpt-nano-sort/partials.json");
    if (!model_file || !partials) return;
    auto const stored = mw::json::from_file(*model_file), steps = mw::json::from_file(*partials);
    auto weights = weights_of(stored);
    weights["unembed"] = testing::json_floats(stored, "lm_head.weight");
    auto const stored_ids = testing::json_floats(steps, "idx");
    std::vector<std::int32_t> const ids(stored_ids.begin(), stored_ids.end());
    std::size_t compared = 0;
    using S = strategy<N>;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        mw::without_recording const off;
        auto m = mw::init<sorter<S>>(here, mw::seed{1});
        testing::set_parameters(m, weights);

        auto const whole = [&](auto const& x) {
            auto const all = here.gather(x);
            return numbers(all.begin(), all.end());
        };
        auto const compare = [&](std::string const& name, numbers const& found) {
            if (!here.is_first().on_this_rank()) return;
            CAPTURE(name);
            auto const expected = testing::json_floats(steps, name);
            REQUIRE(found.size() == expected.size());
            double most = 0;
            for (std::size_t i = 0; i < found.size(); ++i) {
                if (std::isinf(expected[i]) && found[i] == expected[i]) continue;
                double const off_by = std::abs(found[i] - expected[i]) / std::max(1.0, std::abs(expected[i]));
                if (!(off_by <= most)) most = off_by;
            }
            CHECK(most <= 1e-5);
            ++compared;
        };

        auto const input = mw::place<batch, token>(here, ids);
        auto const tok_emb = mw::embedding<S, vocab>(m.table, input);
        auto const x = mw::add(tok_emb, mw::align(m.positions, tok_emb));
        compare("tok_emb", whole(tok_emb));
        compare("pos_emb", whole(m.positions));
        compare("x", whole(x));

        auto const& first = m.blocks[0];
        auto const ln1 = first.attention_norm(x);
        auto const q = first.attention.query(ln1), k = first.attention.key(ln1),
                   v = first.attention.value(ln1);
        compare("ln1", whole(ln1));
        compare("q", heads_first(whole(q)));
        compare("k", heads_first(whole(k)));
        compare("v", heads_first(whole(v)));
        numbers together;
        for (std::size_t row = 0; row < batch::size * token::size; ++row)
            for (auto const& part : {whole(q), whole(k), whole(v)})
                for (std::size_t i = 0; i < embed::size; ++i) together.push_back(part[row * embed::size + i]);
        compare("qkv", together);

        numbers scores = heads_first(whole(mw::dot<S, head_dim>(q, mw::rename<token, key>(k))));
        for (std::size_t i = 0; i < scores.size(); ++i)
            scores[i] = i % token::size > i / token::size % token::size ? -INFINITY : scores[i] / 4;
        compare("att", scores);
        // values that are unit vectors show the weights
        numbers units;
        for (std::size_t i = 0; i < batch::size * token::size * heads::size * head_dim::size; ++i)
            units.push_back(i % head_dim::size == i / (heads::size * head_dim::size) % token::size);
        auto const unit =
            mw::place<batch, token, heads, head_dim>(here, std::vector<float>(units.begin(), units.end()));
        compare("attSm", heads_first(cut_rows(whole(mw::attention<S, token>(q, k, unit)), head_dim::size,
                                              token::size)));

        auto const y = mw::attention<S, token>(q, k, v);
        auto const projected = first.attention.out(y), attended = x + projected;
        compare("y", whole(y));
        compare("yProj", whole(projected));
        compare("attnResid", whole(attended));
        auto const ln2 = first.mlp_norm(attended);
        auto const fc = first.mlp.up(ln2), bent = mw::gelu(fc);
        auto const mlp = first.mlp.down(bent);
        compare("ln2", whole(ln2));
        compare("fc", whole(fc));
        compare("gelu", whole(bent));
        compare("mlp", whole(mlp));
        compare("mlpResid", whole(attended + mlp));

        auto const block0 = first(x), block1 = m.blocks[1](block0), block2 = m.blocks[2](block1);
        compare("block0", whole(block0));
        compare("block1", whole(block1));
        compare("block2", whole(block2));
        auto const state = m.hidden(input);
        auto const logits = m.head(state);
        compare("ln_f", whole(state));
        compare("lm_head", whole(logits));
        using all_whole = mw::layout<typename S::mesh>;
        compare("probs", whole(mw::softmax<vocab>(mw::reshard<all_whole>(logits))));

        // what the model is for: six digits, then the same, sorted
        for (std::vector<std::int32_t> digits :
             {std::vector{0, 0, 2, 1, 0, 1}, {2, 2, 1, 1, 0, 2}, {1, 0, 2, 0, 1, 0}}) {
            auto said = mw::generate(here, m, digits, 6, {.temperature = 0});
            said.erase(said.begin(), said.begin() + 6);
            std::sort(digits.begin(), digits.end());
            CHECK(said == digits);
        }
    });
    CHECK(compared == 24);
}

TEST_CASE("gpt-nano-sort: every stored activation, on 1 rank") { follow<1>(); }
TEST_CASE("gpt-nano-sort: every stored activation, on 3 ranks") { follow<3>(); }

}  // namespace
