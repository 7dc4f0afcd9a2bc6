// The encoder-decoder on meshes against one rank; lengths as masks; a target written from a cache.
#include <algorithm>
#include <cmath>

#include "max_with_nan.hpp"
#include "meshes.hpp"

#include <meshwise/nn/encoder_decoder.hpp>

namespace {

namespace mw = meshwise;

struct source : mw::axis<12> {};
struct source_vocab : mw::padded<15, 16> {};
struct target : mw::axis<24> {};
struct one : mw::up_to<24> {};

constexpr std::size_t sources = source::size, rows = tiny::batch::size;

std::vector<std::int32_t> source_ids(std::size_t seed = 0) {
    std::vector<std::int32_t> made(rows * sources);
    mw::random_stream const numbers(mw::seed{5 + seed}, "source");
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<std::int32_t>(numbers.bits(i) % 15);
    return made;
}
std::vector<std::int32_t> lengths() {
    std::vector<std::int32_t> made(rows);
    for (std::size_t i = 0; i < rows; ++i)
        made[i] = static_cast<std::int32_t>((i * 5 + 1) % (sources + 1));  // 0 too
    return made;
}

struct pair_axes {
    using embed = tiny::embed;
    using heads = tiny::heads;
    using head_dim = tiny::head_dim;
    using ffn = tiny::ffn;
    using layer = tiny::layer;
    using source_vocab = ::source_vocab;
    using target_vocab = tiny::vocab;
    using source = ::source;
    using target = tiny::token;
};
template <class S>
using plain = mw::encoder_decoder<S, pair_axes>;

// for tiny::train, which knows texts, not pairs
template <class S>
struct with_sources : plain<S> {
    bool recompute_blocks = false;
    auto loss(auto const& inputs, auto const& targets) const {
        return plain<S>::loss(place<source>(source_ids()), place<>(lengths()), inputs, targets);
    }
    template <class... A>
    static auto place(std::vector<std::int32_t> const& whole) {
        return mw::cut_from<mw::tensor_of<S, std::int32_t, tiny::batch, A...>>(whole);
    }
};

template <std::size_t Dp, std::size_t Tp>
using tensor = tiny::on_serial<typename tiny::places<Dp, Tp>::template tensor_parallel<>>;
template <std::size_t Dp, std::size_t Tp>
using sequence = tiny::on_serial<typename tiny::places<Dp, Tp>::template sequence_parallel<
    mw::split<source, typename tiny::places<Dp, Tp>::tp>,
    mw::split<source_vocab, typename tiny::places<Dp, Tp>::tp>>>;

TEST_CASE("encoder-decoder on meshes") {
    auto const alone = tiny::train<with_sources, tensor<1, 1>>(3);
    for (std::size_t i = 0; i < alone.gradients.size(); ++i) {  // everything takes part
        CAPTURE(alone.names[i]);
        double most = 0;
        for (double const g : alone.gradients[i]) most = std::max(most, std::abs(g));
        CHECK(most > 0);
    }
    SUBCASE("dp 2 x tp 2") { tiny::check_equal(alone, tiny::train<with_sources, tensor<2, 2>>(3)); }
    SUBCASE("tp 4, source and target tokens split") {
        tiny::check_equal(alone, tiny::train<with_sources, sequence<1, 4>>(3));
    }
}

TEST_CASE("what stands behind a source's length changes nothing; what stands before it does") {
    using S = tensor<1, 2>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        mw::without_recording const off;
        auto const m = mw::init<plain<S>>(here, mw::seed{11});
        auto const inputs = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 0));
        auto const counted = mw::place<tiny::batch>(here, lengths());
        auto const scores = [&](std::vector<std::int32_t> const& ids) {
            auto const read = mw::place<tiny::batch, source>(here, ids);
            return here.gather(m.head(m.decode(m.encode(read, counted), counted, inputs)));
        };
        auto const ids = source_ids(), others = source_ids(1), all_lengths = lengths();
        auto padding = ids, text = ids;
        for (std::size_t i = 0; i < ids.size(); ++i)
            (i % sources < static_cast<std::size_t>(all_lengths[i / sources]) ? text : padding)[i] =
                others[i];
        auto const usual = scores(ids), changed = scores(text);
        CHECK(scores(padding) == usual);
        std::size_t const wide = usual.size() / rows;
        for (std::size_t b = 0; b < rows; ++b) {
            CAPTURE(all_lengths[b]);
            auto const at = static_cast<std::ptrdiff_t>(b * wide),
                       end = at + static_cast<std::ptrdiff_t>(wide);
            bool const same = std::equal(usual.begin() + at, usual.begin() + end, changed.begin() + at);
            CHECK(same == (all_lengths[b] == 0));
        }

        // the last counted token reaches the first: the encoder reads both ways
        auto ends = ids;
        for (std::size_t b = 0; b < rows; ++b)
            if (all_lengths[b] > 1) {
                auto& last = ends[b * sources + static_cast<std::size_t>(all_lengths[b]) - 1];
                last = (last + 1) % 15;
            }
        auto const read = [&](std::vector<std::int32_t> const& from) {
            return here.gather(m.encode(mw::place<tiny::batch, source>(here, from), counted));
        };
        auto const before = read(ids), after = read(ends);
        for (std::size_t b = 0; b < rows; ++b)
            CHECK((before[b * sources * tiny::embed::size] != after[b * sources * tiny::embed::size]) ==
                  (all_lengths[b] > 1));

        // the target, from a cache, in pieces: the same scores
        typename plain<S>::template cache<tiny::batch, target> cache;
        auto const memory = m.encode(mw::place<tiny::batch, source>(here, ids), counted);
        auto const whole_ids = tiny::ids(0, 0);
        constexpr std::size_t tokens = tiny::token::size;
        for (std::size_t first = 0, count = 5; first < tokens;
             first += count, count = std::min(tokens - first, count + 3)) {
            std::vector<std::int32_t> some;
            for (std::size_t b = 0; b < rows; ++b)
                for (std::size_t t = first; t < first + count; ++t) some.push_back(whole_ids[b * tokens + t]);
            auto const step = mw::place<tiny::batch, one>(here, some, {count});
            auto const found = here.gather(m.head(m.decode(memory, counted, step, cache)));
            double most = 0;
            constexpr std::size_t scores_of_one = tiny::vocab::size;
            for (std::size_t i = 0; i < found.size(); ++i) {
                std::size_t const token = i / scores_of_one, b = token / count, t = first + token % count;
                auto const expected = usual[(b * tokens + t) * scores_of_one + i % scores_of_one];
                most = worse(most, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected)));
            }
            CHECK(most <= 1e-5);
        }
        CHECK(cache.length() == tokens);
    });
}

}  // namespace
