// Beam search against all texts there are, greedy search against a loop without a cache, and both on meshes.
#include <algorithm>
#include <cmath>

#include "meshes.hpp"

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/search.hpp>

namespace {

namespace mw = meshwise;

struct few : mw::padded<5, 8> {};  // ids; three are padding
struct source : mw::axis<6> {};
struct target : mw::axis<4> {};
struct longer : mw::axis<12> {};
struct row : mw::up_to<128> {};
struct source_here : mw::up_to<6> {};
template <class Target>
struct target_here : mw::up_to<Target::size> {};

template <std::size_t Tp>
using on_tp = tiny::on_serial<
    typename tiny::places<1, Tp>::template tensor_parallel<mw::split<few, typename tiny::places<1, Tp>::tp>>>;
template <class Target, class Vocab>
struct pair_axes {
    using embed = tiny::embed;
    using heads = tiny::heads;
    using head_dim = tiny::head_dim;
    using ffn = tiny::ffn;
    using layer = tiny::layer;
    using source_vocab = few;
    using target_vocab = Vocab;
    using source = ::source;
    using target = Target;
};
template <class S, class Target, class Vocab>
using model = mw::encoder_decoder<S, pair_axes<Target, Vocab>>;

constexpr std::int32_t start = 0, eos = 1;
using ids = std::vector<std::int32_t>;

std::vector<ids> sources() {
    std::vector<ids> made;
    mw::random_stream const numbers(mw::seed{2}, "sources");
    for (std::size_t i = 0; i < 7; ++i) {
        made.emplace_back();
        for (std::size_t t = 0; t < 1 + (i * 4) % source::size; ++t)
            made.back().push_back(static_cast<std::int32_t>(numbers.bits(10 * i + t) % few::true_size));
    }
    return made;
}

// Weights as they start give nearly equal probabilities; these prefer some ids, and padding above all.
template <class Model, class Rank>
Model decided(Rank& here, std::uint64_t seed) {
    auto m = mw::init<Model>(here, mw::seed{seed});
    mw::for_each_parameter(m, [](std::size_t, std::string_view name, auto& p, mw::initial) {
        if (name.find("table") != name.npos || name.find("positions") != name.npos)
            for (auto& w : p.mutable_local_span()) w *= 25;
    });
    using vocab = typename Model::vocab;
    std::size_t const first = mw::first_of_axis<vocab>(m.decoder.table),
                      width = m.decoder.table.local_size() / m.decoder.table.template local_extent<vocab>();
    for (std::size_t i = 0; i < m.decoder.table.local_size(); ++i)
        if (first + i / width >= vocab::true_size) m.decoder.table.mutable_data()[i] *= 20;
    return m;
}

// log p of every next id after each of some texts, all of one length: no cache, no search.
template <class Rank, class Model>
std::vector<std::vector<double>> next_of(Rank& here, Model const& m, ids const& from,
                                         std::vector<ids> const& texts) {
    std::size_t const rows = texts.size(), length = texts[0].size() + 1;
    ids read, inputs;
    for (auto const& text : texts) {
        read.insert(read.end(), from.begin(), from.end());
        inputs.push_back(start);
        inputs.insert(inputs.end(), text.begin(), text.end());
    }
    auto const lengths = mw::place<row>(here, ids(rows, static_cast<std::int32_t>(from.size())), {rows});
    auto const memory = m.encode(mw::place<row, source_here>(here, read, {rows, from.size()}), lengths);
    auto const state =
        m.decode(memory, lengths,
                 mw::place<row, target_here<typename Model::target_axis>>(here, inputs, {rows, length}));
    auto const scores = here.gather(m.head(state));
    using vocab = typename Model::vocab;
    std::vector<std::vector<double>> found;
    for (std::size_t r = 0; r < rows; ++r) {
        auto const of_row =
            std::span(scores).subspan((r * length + length - 1) * vocab::size, vocab::true_size);
        double sum = 0;
        for (float const s : of_row) sum += std::exp(static_cast<double>(s));
        found.emplace_back();
        for (float const s : of_row) found.back().push_back(static_cast<double>(s) - std::log(sum));
    }
    return found;
}

struct best_text {
    ids text;
    double log_probability = 0, score = -1e30;
};

// All texts of at most target::size ids that end with the eos.
template <class Rank, class Model>
best_text best_of_all(Rank& here, Model const& m, ids const& from, double alpha) {
    best_text best;
    std::vector<ids> open{{}};
    std::vector<double> so_far{0};
    for (std::size_t length = 1; length <= target::size; ++length) {
        auto const next = next_of(here, m, from, open);
        std::vector<ids> longer_ones;
        std::vector<double> theirs;
        for (std::size_t i = 0; i < open.size(); ++i)
            for (std::int32_t id = 0; id < static_cast<std::int32_t>(few::true_size); ++id) {
                double const p = so_far[i] + next[i][static_cast<std::size_t>(id)];
                double const score = p / std::pow((5.0 + static_cast<double>(length)) / 6.0, alpha);
                if (id == eos && score > best.score) best = {open[i], p, score};
                if (id == eos) continue;
                longer_ones.push_back(open[i]);
                longer_ones.back().push_back(id);
                theirs.push_back(p);
            }
        open = longer_ones, so_far = theirs;
    }
    return best;
}

TEST_CASE("a wide beam finds the best of all texts, whatever the penalty") {
    using S = on_tp<2>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        mw::without_recording const off;
        std::size_t other_than_greedy = 0, other_than_without = 0;
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            auto const m = decided<model<S, target, few>>(here, seed);
            auto const from = sources();
            for (double const alpha : {0.0, 0.6, 3.0, -1.0}) {
                CAPTURE(alpha);
                mw::beam_search const wide{
                    .beams = 400, .length_penalty = alpha, .start = start, .eos = eos, .rows = 1000};
                mw::beam_search narrow = wide;
                narrow.beams = 1;
                auto const found = mw::translate(here, m, from, wide),
                           greedy = mw::translate(here, m, from, narrow);
                for (std::size_t i = 0; i < from.size(); ++i) {
                    auto const best = best_of_all(here, m, from[i], alpha);
                    CHECK(found[i].ids == best.text);
                    CHECK(found[i].ended);
                    CHECK(found[i].log_probability == doctest::Approx(best.log_probability).epsilon(1e-5));
                    CHECK(found[i].score == doctest::Approx(best.score).epsilon(1e-5));
                    other_than_greedy += greedy[i].ids != best.text;
                    other_than_without += alpha != 0 && best.text != best_of_all(here, m, from[i], 0).text;
                }
            }
        }
        CHECK(other_than_greedy > 10);  // or the test would say little
        CHECK(other_than_without > 10);
    });
}

using long_vocab = tiny::vocab;

template <std::size_t Tp>
std::vector<mw::translation> searched(std::size_t beams, std::size_t rows = 128, std::uint64_t seed = 9,
                                      std::size_t vocab_size = 0) {
    using S = on_tp<Tp>;
    std::vector<mw::translation> found;
    if (tiny::left_out<S>()) return found;
    mw::run<S>(tiny::ranks{}, [&](auto& here) {
        auto const m = decided<model<S, longer, long_vocab>>(here, seed);
        auto mine = mw::translate(
            here, m, sources(),
            {.beams = beams, .start = start, .eos = eos, .vocab_size = vocab_size, .rows = rows});
        if (tiny::keeps_results(here)) found = std::move(mine);  // any rank has them
    });
    return found;
}

TEST_CASE("one beam takes the likeliest id at every step") {
    using S = on_tp<2>;
    std::size_t some_end = 0, some_do_not = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        auto const found = searched<2>(1, 128, seed);
        mw::run<S>(mw::threads{}, [&](auto& here) {
            mw::without_recording const off;
            auto const m = decided<model<S, longer, long_vocab>>(here, seed);
            auto const from = sources();
            for (std::size_t i = 0; i < from.size(); ++i) {
                ids text;
                double log_probability = 0;
                bool ended = false;
                while (!ended && text.size() < longer::size) {
                    auto const next = next_of(here, m, from[i], {text})[0];
                    auto const likeliest = std::max_element(next.begin(), next.end());
                    log_probability += *likeliest;
                    ended = likeliest - next.begin() == eos;
                    if (!ended) text.push_back(static_cast<std::int32_t>(likeliest - next.begin()));
                }
                if (!here.is_first().on_this_rank()) continue;
                CHECK(found[i].ids == text);
                CHECK(found[i].ended == ended);
                CHECK(found[i].log_probability == doctest::Approx(log_probability).epsilon(1e-5));
                ++(ended ? some_end : some_do_not);
            }
        });
    }
    CHECK(some_end > 0);
    CHECK(some_do_not > 0);
}

void check_same(std::vector<mw::translation> const& one, std::vector<mw::translation> const& other,
                double close) {
    if (tiny::ranks::processes != 0 && (one.empty() || other.empty())) return;  // left to other processes
    ++tiny::ranks::compared;
    REQUIRE(one.size() == other.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
        CHECK(one[i].ids == other[i].ids);
        CHECK(one[i].ended == other[i].ended);
        CHECK(std::abs(one[i].score - other[i].score) <= close);
    }
}

TEST_CASE("the same texts on 1, 2 and 4 ranks") {
    for (std::size_t const beams : {1U, 3U}) {
        auto const alone = searched<1>(beams);
        check_same(alone, searched<2>(beams), 1e-4);
        check_same(alone, searched<4>(beams), 1e-4);
    }
}

TEST_CASE("the same texts with any company, to the last bit") {
    // with few ids beams fill up slowly, so that one sentence takes the rows that another gives up
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
        auto const alone = searched<1>(8, 8, seed, 3);
        check_same(alone, searched<1>(8, 16, seed, 3), 0);
        check_same(alone, searched<1>(8, 24, seed, 3), 0);
        check_same(alone, searched<1>(8, 128, seed, 3), 0);
    }
}

TEST_CASE("the penalty, in numbers") {
    // log p of the ids 0 (eos), 1 and 2 at the first step, and at all others
    std::vector<double> const first{std::log(.4), std::log(.35), std::log(.25)},
        sure{std::log(.9), std::log(.06), std::log(.04)};
    auto const found = [&](double alpha, std::size_t beams) {
        mw::detail::beam search({.beams = beams, .length_penalty = alpha, .eos = 0}, 8);
        search.step([&](std::size_t) { return std::span(first); });
        while (!search.open.empty()) search.step([&](std::size_t) { return std::span(sure); });
        return search.best;
    };
    // "" : log .4 = -0.9163, of one token: / (6/6)^alpha;  "1": log .35 + log .9 = -1.1552, of two: / (7/6)^alpha
    CHECK(found(0, 3).ids.empty());
    CHECK(found(0, 3).score == doctest::Approx(-0.916291));
    CHECK(found(1, 3).ids.empty());  // -1.1552 / 1.1667 = -0.9902
    CHECK(found(2, 3).ids == ids{1});
    CHECK(found(2, 3).score == doctest::Approx(-0.848709));  // -1.155183 / (7/6)^2
    CHECK(found(2, 3).log_probability == doctest::Approx(-1.155183));
    CHECK(found(2, 1).ids.empty());  // greedy: the eos is likeliest, and that is that
    CHECK(found(-2, 3).ids.empty());
}

TEST_CASE("an open text is kept as long as it could still win") {
    // "" at once: log .7 = -0.3567. Seven tokens: log .3 / (12/6)^2 = -0.3010; six: log .3 / (11/6)^2 = -0.3582
    auto const found = [](std::size_t most) {
        std::vector<double> const first{std::log(.7), std::log(.3), -INFINITY},
            go_on{-INFINITY, 0, -INFINITY}, end{0, -INFINITY, -INFINITY};
        mw::detail::beam search({.beams = 3, .length_penalty = 2, .eos = 0}, most);
        search.step([&](std::size_t) { return std::span(first); });
        for (std::size_t length = 2; !search.open.empty(); ++length)
            search.step([&](std::size_t) { return std::span(length == most ? end : go_on); });
        return search.best;
    };
    CHECK(found(6).ids.empty());
    CHECK(found(7).ids.size() == 6);
    CHECK(found(7).score == doctest::Approx(-0.300993));
}

TEST_CASE("a text that ends keeps its beam") {
    std::vector<double> const first{std::log(.5), std::log(.3), std::log(.2)},
        second{std::log(.1), std::log(.6), std::log(.3)};
    mw::detail::beam search({.beams = 2, .length_penalty = 4, .eos = 0}, 9);
    search.step([&](std::size_t) { return std::span(first); });
    REQUIRE(search.open.size() == 1);
    CHECK(search.open[0].ids == ids{1});
    search.step([&](std::size_t) { return std::span(second); });
    REQUIRE(search.open.size() == 1);
    CHECK(search.open[0].ids == ids{1, 1});
}

TEST_CASE("equal scores go to the lowest id, and no id that is impossible is written") {
    std::vector<double> const equal(5, 0.0);
    mw::detail::beam search({.beams = 2, .eos = 4}, 3);
    search.step([&](std::size_t) { return std::span(equal); });
    REQUIRE(search.open.size() == 2);
    CHECK(search.open[0].ids == ids{0});
    CHECK(search.open[1].ids == ids{1});
    std::vector<double> const impossible{-INFINITY, -INFINITY, 1, -INFINITY, -INFINITY};
    search.step([&](std::size_t) { return std::span(impossible); });
    REQUIRE(search.open.size() == 2);
    CHECK(search.open[0].ids == ids{0, 2});
    CHECK(search.open[1].ids == ids{1, 2});
    std::vector<double> const none(5, NAN);
    CHECK_THROWS_WITH_AS(search.step([&](std::size_t) { return std::span(none); }),
                         doctest::Contains("no numbers"), mw::error);
}

TEST_CASE("what a search refuses, and what it limits") {
    using S = on_tp<1>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const m = decided<model<S, longer, long_vocab>>(here, 9);
        mw::beam_search const good{.beams = 2, .start = start, .eos = eos};
        auto const refused = [&](std::vector<ids> const& from, mw::beam_search const& how, char const* why) {
            CHECK_THROWS_WITH_AS(mw::translate(here, m, from, how), doctest::Contains(why), mw::error);
        };
        auto const with = [&](auto change) {
            auto changed = good;
            change(changed);
            return changed;
        };
        refused({{1}, {}}, good, "source 1 has 0 tokens");
        refused({ids(7)}, good, "the model reads 1 to 6");
        refused({{1}}, with([](auto& how) { how.beams = 0; }),
                "beams of mw::beam_search is 0, but it has to be a count of 1 or more");
        refused({{1}}, with([](auto& how) { how.beams = 129; }), "129 beams");
        refused({{1}}, with([](auto& how) { how.most_tokens = 13; }), "no room in a context of 12");
        refused({{1}}, with([](auto& how) { how.eos = 21; }), "the id of eos, 21");
        refused({{1}}, with([](auto& how) { how.start = -1; }), "the id of start, -1");
        refused({{1}}, with([](auto& how) { how.vocab_size = 22; }), "a model that knows 21");
        refused({{1}}, with([](auto& how) { how.length_penalty = NAN; }),
                "length_penalty of mw::beam_search is nan");
        refused({{5}}, good, "outside of few");
        CHECK(mw::translate(here, m, std::vector<ids>{}, good).empty());

        for (auto const& one :
             mw::translate(here, m, sources(), with([](auto& how) { how.most_tokens = 3; }))) {
            CHECK(one.ids.size() + one.ended <= 3);
        }
        for (auto const& one : mw::translate(here, m, sources(), with([](auto& how) { how.vocab_size = 4; })))
            for (std::int32_t const id : one.ids) CHECK(id < 4);
        // a beam wider than the vocabulary is as wide as there are texts
        CHECK(mw::translate(here, m, sources(), with([](auto& how) { how.beams = 30; })).size() == 7);
        // a cache of two rows is one of two rows
        using cache_type = typename model<S, longer, long_vocab>::template cache<row, target>;
        cache_type cache({2});
        mw::without_recording const off;
        auto const lengths = mw::place<row>(here, ids{2, 1, 2}, {3});
        auto const memory =
            m.encode(mw::place<row, source_here>(here, ids{1, 2, 3, 0, 4, 2}, {3, 2}), lengths);
        auto const three = mw::place<row, target_here<target>>(here, ids{0, 0, 0}, {3, 1});
        CHECK_THROWS_WITH_AS(m.decode(m.project_memory(memory), lengths, three, cache),
                             doctest::Contains("axis row has 2 elements in one operand and 3"), mw::error);
        CHECK_THROWS_WITH_AS(cache.take_rows(ids{0, 1, 1}), doctest::Contains("made for 2 rows"), mw::error);
        CHECK_THROWS_WITH_AS(cache.take_rows(ids{0, 2}), doctest::Contains("row 2 was asked"), mw::error);
        // a context of the caller's own
        for (auto const& one : mw::translate<target>(here, m, sources(), good))
            CHECK(one.ids.size() + one.ended <= target::size);
    });
}

}  // namespace
