// The parts of a Transformer against numbers worked out here: sines and cosines in both layouts, norms before and after,
// the embedding's scale and padding, and what a training drops.
#include <algorithm>
#include <cmath>

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/text_classifier.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/random_tensors.hpp>

#include "../ops/agreement.hpp"

namespace {

using namespace agreement;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<8> {};
struct vocab : mw::axis<12> {};
struct note : mw::axis<2> {};
struct dp2 : mw::mesh_axis<2> {};
struct tp2 : mw::mesh_axis<2> {};
using alone = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;
using tokens_split =
    mw::strategy<mw::mesh<dp2, tp2>, mw::split<batch, dp2>, mw::split<token, tp2>, mw::on<mw::serial>>;

struct after_seven {
    std::size_t next(std::size_t) const { return 7; }
};

template <class S, mw::position_kind Kind, class Past = mw::no_cache>
numbers positions(std::size_t first) {
    numbers whole;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const x = mw::full<mw::tensor_of<S, double, batch, token, embed>>(0);
        auto const all = here.gather(mw::sinusoidal_positions<Kind>(x, first, Past{}));
        if (here.is_first().on_this_rank()) whole.assign(all.begin(), all.end());
    });
    return whole;
}

// Vaswani et al., 3.5, word by word
numbers of_the_paper(std::size_t first) {
    numbers made;
    for (std::size_t t = 0; t < token::size; ++t)
        for (int i = 0; i < 4; ++i) {
            double const angle = static_cast<double>(first + t) / std::pow(10000.0, 2.0 * i / 8);
            made.push_back(std::sin(angle)), made.push_back(std::cos(angle));
        }
    return made;
}
// tensor2tensor's get_timing_signal_1d: exp(-i log(10000) / (timescales - 1)), sines and cosines one behind the other
numbers of_tensor2tensor(std::size_t first) {
    numbers made;
    double const increment = std::log(10000.0) / 3;
    for (std::size_t t = 0; t < token::size; ++t) {
        for (int i = 0; i < 4; ++i)
            made.push_back(std::sin(static_cast<double>(first + t) * std::exp(-i * increment)));
        for (int i = 0; i < 4; ++i)
            made.push_back(std::cos(static_cast<double>(first + t) * std::exp(-i * increment)));
    }
    return made;
}

TEST_CASE("sines and cosines: both layouts, both first positions, behind a cache, split or not") {
    using enum mw::position_kind;
    for (std::size_t const first : {0U, 1U}) {
        CHECK(distance(positions<alone, sinusoidal_interleaved>(first), of_the_paper(first)) < 1e-12);
        CHECK(distance(positions<tokens_split, sinusoidal_interleaved>(first), of_the_paper(first)) < 1e-12);
        CHECK(distance(positions<alone, sinusoidal_halves>(first), of_tensor2tensor(first)) < 1e-12);
        CHECK(distance(positions<tokens_split, sinusoidal_halves>(first), of_tensor2tensor(first)) < 1e-12);
        CHECK(distance(positions<alone, sinusoidal_halves, after_seven>(first), of_tensor2tensor(first + 7)) <
              1e-12);
    }
}

// sublayers that are easy to follow
template <int Factor>
struct times {
    auto operator()(auto const& x) const { return x * Factor; }
    auto operator()(auto const& x, auto) const { return x * Factor; }
    static constexpr auto parameters = mw::fields();
};

numbers normed(numbers x, numbers const& gain, numbers const& bias) {
    for (std::size_t row = 0; row < x.size(); row += embed::size) {
        double mean = 0, square = 0;
        for (std::size_t i = 0; i < embed::size; ++i) mean += x[row + i] / embed::size;
        for (std::size_t i = 0; i < embed::size; ++i)
            square += (x[row + i] - mean) * (x[row + i] - mean) / embed::size;
        for (std::size_t i = 0; i < embed::size; ++i)
            x[row + i] = (x[row + i] - mean) / std::sqrt(square + 1e-5) * gain[i] + bias[i];
    }
    return x;
}
numbers plus_times(numbers a, numbers const& b, double factor) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
    return a;
}

template <mw::norm_order Order>
void block_agrees() {
    using in_double = mw::strategy<mw::mesh<>, mw::on<mw::serial>, mw::dtype<double>>;
    mw::run<alone>(mw::threads{}, [](auto& here) {
        mw::transformer_block<mw::layer_norm_of<in_double, embed>, times<2>, times<-3>, Order> block;
        auto const fill = [](auto& p, double from, double step) {
            p = std::remove_cvref_t<decltype(p)>::uninitialized();
            mw::fill_by_index(p, [=](std::size_t i) { return from + step * static_cast<double>(i); });
        };
        fill(block.attention_norm.gain, 0.5, 0.25), fill(block.attention_norm.bias, -1, 0.125);
        fill(block.mlp_norm.gain, 2, -0.25), fill(block.mlp_norm.bias, 0.5, 0.0625);
        auto const whole = [&](auto const& t) {
            auto const all = here.gather(t);
            return numbers(all.begin(), all.end());
        };
        numbers const g1 = whole(block.attention_norm.gain), b1 = whole(block.attention_norm.bias),
                      g2 = whole(block.mlp_norm.gain), b2 = whole(block.mlp_norm.bias);
        numbers const x = values(batch::size * token::size * embed::size);
        auto const found = whole(block(mw::place<batch, token, embed>(here, x)));
        numbers expected;
        if (Order == mw::norm_order::before) {
            numbers const y = plus_times(x, normed(x, g1, b1), 2);
            expected = plus_times(y, normed(y, g2, b2), -3);
        } else {
            numbers const y = normed(plus_times(x, x, 2), g1, b1);
            expected = normed(plus_times(y, y, -3), g2, b2);
        }
        CHECK(distance(found, expected) < 1e-10);
    });
}
TEST_CASE("norms before the sublayers") { block_agrees<mw::norm_order::before>(); }
TEST_CASE("norms after the sublayers") { block_agrees<mw::norm_order::after>(); }

struct heads : mw::axis<2> {};
struct head_dim : mw::axis<4> {};
struct ffn : mw::axis<16> {};
struct layer : mw::axis<2> {};
struct classes : mw::axis<3> {};
struct sizes {
    using vocab = ::vocab;
    using token = ::token;
    using embed = ::embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
    using classes = ::classes;
    using source_vocab = ::vocab;
    using target_vocab = ::vocab;
    using source = ::token;
    using target = ::token;
};
template <mw::transformer_options O>
using pairs = mw::encoder_decoder<alone, sizes, O>;
template <mw::transformer_options O = {}>
using classifier = mw::text_classifier<alone, sizes, O>;

TEST_CASE("what a model does not have has no parameters") {
    using enum mw::tied_tables;
    constexpr std::size_t usual = mw::parameter_count<pairs<{}>>;
    CHECK(mw::parameter_count<pairs<{.tied = none}>> == usual + 1);
    CHECK(mw::parameter_count<pairs<{.tied = all}>> == usual - 1);
    CHECK(mw::parameter_count<pairs<{.norms = mw::norm_order::after}>> == usual - 4);
    CHECK(mw::parameter_count<pairs<{.positions = mw::position_kind::sinusoidal_halves}>> == usual - 2);
    std::vector<std::string> names;
    pairs<{.tied = all}> model;
    mw::for_each_parameter(
        model, [&](std::size_t, std::string_view name, auto&, mw::initial) { names.emplace_back(name); });
    CHECK(std::count(names.begin(), names.end(), "encoder.table") == 1);
    CHECK(std::count(names.begin(), names.end(), "decoder.table") == 0);
    CHECK(std::count(names.begin(), names.end(), "decoder.blocks.1.cross.query.weight") == 1);
}

TEST_CASE("tables that will be scaled start with variance 1 / width, others with that of GPT-2") {
    mw::run<alone>(mw::threads{}, [](auto& here) {
        auto const deviation = [&](auto const& table) {
            double squares = 0;
            for (float w : table.span()) squares += static_cast<double>(w) * static_cast<double>(w);
            return std::sqrt(squares / static_cast<double>(table.size()));
        };
        using scaled = pairs<{.tied = mw::tied_tables::none, .scale_embeddings = true}>;
        auto const m = mw::init<scaled>(here, mw::seed{1});
        // 96 numbers: three deviations are 22 per cent
        for (double const found :
             {deviation(m.encoder.table), deviation(m.decoder.table), deviation(m.decoder.unembed)})
            CHECK(found == doctest::Approx(1 / std::sqrt(8.0)).epsilon(0.22));
        CHECK(deviation(mw::init<pairs<{}>>(here, mw::seed{1}).encoder.table) ==
              doctest::Approx(0.02).epsilon(0.22));
    });
}

TEST_CASE("a training that drops nothing changes no bit; one that drops is the same for the same step only") {
    mw::run<alone>(mw::threads{}, [](auto& here) {
        auto const m = mw::init<classifier<>>(here, mw::seed{3});
        ids text;
        for (std::size_t i = 0; i < batch::size * token::size; ++i)
            text.push_back(static_cast<std::int32_t>(i * 5 % vocab::size));
        auto const input = mw::place<batch, token>(here, text);
        auto const lengths = mw::place<batch>(here, ids{6, 0, 3, 5});
        auto const labels = mw::place<batch>(here, ids{0, 1, 2, 0});
        auto const loss = [&](auto... how) { return *m.loss(input, lengths, labels, how...).sum.data(); };
        mw::training const some{.dropout = 0.3, .from = mw::seed{5}, .step = 2};
        auto next = some, other = some, smoothed = some;
        next.step = 3, other.from = mw::seed{6}, smoothed.label_smoothing = 0.2;
        CHECK(loss() == loss(mw::training{}));
        CHECK(loss() != loss(some));
        CHECK(loss(some) == loss(some));
        CHECK(loss(some) != loss(next));
        CHECK(loss(some) != loss(other));
        CHECK(loss(some) != loss(smoothed));
        CHECK_NOTHROW(loss(mw::training{.label_smoothing = 0.1}));  // without dropout no step is asked for
        std::string said;
        try {
            loss(mw::training{.dropout = 0.3, .from = mw::seed{5}});
        } catch (mw::error const& e) { said = e.what(); }
        CHECK(said.starts_with("mw::training asks for dropout and does not say of which step"));
    });
}

TEST_CASE("a text without a length is a text of full length, of which every token sees every other") {
    mw::run<alone>(mw::threads{}, [](auto& here) {
        auto const attention = mw::init<mw::self_attention<alone, embed, heads, head_dim>>(here, mw::seed{3});
        auto x = mw::random_normal<batch, token, embed>(here, {mw::seed{1}, "x"});
        auto const all = mw::full<mw::tensor_of<alone, std::int32_t, batch>>(token::size);
        auto const found = here.gather(attention(x, mw::bidirectional{}));
        CHECK(found == here.gather(attention(x, mw::bidirectional{all})));
        CHECK(found != here.gather(attention(x)));
    });
}

TEST_CASE("every place has masks of its own") {
    mw::run<alone>(mw::threads{}, [](auto& here) {
        mw::training const how{.dropout = 0.5, .step = 0};
        auto const ones = mw::full<mw::tensor_of<alone, float, batch, token, embed>>(1);
        std::vector<std::vector<float>> masks;
        for (std::string_view const part : {"encoder", "decoder"})
            for (std::size_t const block : {0U, 1U})
                for (std::string_view const name : {"attention", "cross", "mlp"})
                    masks.push_back(here.gather(how.inside(part).inside("blocks", block).drop(ones, name)));
        masks.push_back(here.gather(how.drop(ones, "embedding")));
        for (std::size_t i = 0; i < masks.size(); ++i) {
            CHECK(std::count(masks[i].begin(), masks[i].end(), 0.0F) > 60);  // of 192: 5 deviations
            CHECK(std::count(masks[i].begin(), masks[i].end(), 2.0F) > 60);
            for (std::size_t j = 0; j < i; ++j) CHECK(masks[i] != masks[j]);
        }
    });
}

TEST_CASE("blocks that are run again drop the same again") {
    mw::run<alone>(mw::threads{}, [](auto& here) {
        using model = mw::gpt<alone, sizes>;
        auto m = mw::init<model>(here, mw::seed{3});
        ids text(batch::size * token::size, 4);
        auto const input = mw::place<batch, token>(here, text);
        std::vector<std::vector<float>> first;
        for (bool const again : {false, true}) {
            m.recompute_blocks = again;
            auto found = mw::value_and_gradient(m, input, input, mw::training{.dropout = 0.3, .step = 0});
            mw::for_each_parameter(m, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
                auto const whole = here.gather(found.gradient.whole(i, p));
                if (again)
                    CHECK(whole == first[i]);
                else
                    first.push_back(whole);
            });
        }
    });
}

}  // namespace
