// gpt continues texts from a cache as it does without, on any mesh; what generation refuses; what it says at its edges.
#include <algorithm>
#include <cmath>

#include "speaking.hpp"

namespace {

namespace mw = meshwise;
using speaking::check_spoken, speaking::speak, speaking::text, speaking::tokens;

template <std::size_t Tp, class... More>
using sequence_parallel = tiny::on_serial<typename tiny::places<1, Tp>::template sequence_parallel<More...>>;

TEST_CASE("gpt speaks from a cache as it does without, its tokens split in training or not") {
    using alone_type = sequence_parallel<1>;
    auto const alone = speak<tiny::gpt, alone_type>();
    check_spoken(alone, alone, 1e-5);
    if (!alone.left_out) {
        CHECK(alone.likeliest == speaking::likeliest_without_cache<tiny::gpt, alone_type>(3, tokens - 3));
        CHECK(alone.slid == speaking::likeliest_without_cache<tiny::gpt, alone_type>(tokens, 6));
    }
    SUBCASE("tp 2, sequence parallel") {
        check_spoken(alone, speak<tiny::gpt, sequence_parallel<2>>(), 1e-5);
    }
    SUBCASE("tp 4, sequence parallel") {
        check_spoken(alone, speak<tiny::gpt, sequence_parallel<4>>(), 1e-5);
    }
}

TEST_CASE("gpt in double, tp 2 x cp 2") {
    using precise = mw::dtype<double>;
    using S = tiny::on_serial<tiny::places<1, 2, 2>::context_parallel<precise>>;
    auto const alone = speak<tiny::gpt, sequence_parallel<1, precise>>();
    check_spoken(alone, alone, 1e-12);
    check_spoken(alone, speak<tiny::gpt, S>(), 1e-12);
}

using S = sequence_parallel<2>;
using model = tiny::gpt<S>;

template <class F>
void on_two(F f) {
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const m = mw::init<model>(here, mw::seed{11});
        f(here, m);
    });
}

TEST_CASE("a step from the cache communicates as a step without one") {
    on_two([](auto& here, model const& m) {
        mw::without_recording const off;
        auto const ids = mw::place<speaking::one, speaking::piece>(here, std::vector<std::int32_t>{4}, {1});
        auto const count = [&](auto f) {
            auto const before = here.team().collectives();
            f();
            return here.team().collectives() - before;
        };
        typename model::template cache<speaking::one, speaking::context> cache;
        auto const with = count([&] { m.logits(ids, cache); }), without = count([&] { m.logits(ids); });
        CHECK(with == without);
        CHECK(cache.length() == 1);
    });
}

TEST_CASE("a full cache refuses before it writes, a recorded step is refused") {
    on_two([](auto& here, model const& m) {
        std::vector<std::int32_t> const ids = text();
        auto const place = [&](std::size_t first, std::size_t count) {
            return mw::place<speaking::one, speaking::piece>(here, std::span(ids).subspan(first, count),
                                                             {count});
        };
        typename model::template cache<speaking::one, speaking::context> cache;
        std::vector<float> last;
        {
            mw::without_recording const off;
            m.logits(place(0, tokens - 2), cache);
            CHECK_THROWS_WITH_AS(m.logits(place(0, 3), cache), doctest::Contains("3 more do not fit"),
                                 mw::error);
            CHECK(cache.length() == tokens - 2);
            last = here.gather(m.logits(place(tokens - 2, 2), cache));  // still what it was
            auto const whole = here.gather(m.logits(place(0, tokens)));
            auto const expected = std::span(whole).last(last.size());
            for (std::size_t i = 0; i < last.size(); ++i) CHECK(std::abs(last[i] - expected[i]) <= 1e-5F);
            CHECK_THROWS_WITH_AS(m.logits(place(0, 1), cache), doctest::Contains("holds 24"), mw::error);
            cache.clear();
            CHECK(cache.length() == 0);
        }
        auto const ask = [&] {
            mw::value_and_gradient(m, [&](auto const& given) {
                auto const scores = given.logits(place(0, 2), cache);
                return mw::cross_entropy<tiny::vocab>(scores, mw::align(place(1, 2), scores));
            });
        };
        CHECK_THROWS_WITH_AS(ask(), doctest::Contains("keeps no gradient"), mw::error);
    });
}

TEST_CASE("a cache of other weights is refused") {
    on_two([](auto& here, model const& m) {
        mw::without_recording const off;
        std::vector<std::int32_t> const some = text();
        auto const ids = mw::place<speaking::one, speaking::piece>(here, std::span(some).first(2), {2});
        typename model::template cache<speaking::one, speaking::context> cache;
        m.logits(ids, cache);
        model const same = m;
        same.logits(ids, cache);  // a copy has the same weights
        auto changed = m;
        for (float& one : changed.blocks[0].attention.value.weight.mutable_local_span()) one *= 2;
        CHECK_THROWS_WITH_AS(changed.logits(ids, cache),
                             doctest::Contains("holds 4 tokens that other weights made"), mw::error);
        cache.clear();
        changed.logits(ids, cache);
        CHECK(cache.length() == 2);
    });
}

TEST_CASE("generation at its edges") {
    on_two([](auto& here, model const& m) {
        using ids = std::vector<std::int32_t>;
        mw::sampling const likeliest{.temperature = 0};
        CHECK_THROWS_WITH_AS(mw::generate(here, m, ids{}, 3), doctest::Contains("give a prompt"), mw::error);
        CHECK_THROWS_WITH_AS(mw::generate(here, m, ids{}, 0), doctest::Contains("give a prompt"), mw::error);
        CHECK_THROWS_WITH_AS(mw::generate(here, m, ids{21}, 1), doctest::Contains("outside of vocab"),
                             mw::error);
        CHECK_THROWS_WITH_AS(mw::generate(here, m, ids{1}, 0, {.temperature = -1}),
                             doctest::Contains("temperature"), mw::error);
        CHECK(mw::generate(here, m, ids{1, 2}, 0) == ids{1, 2});

        ids told;
        auto const all = mw::generate(here, m, ids{5, 9}, 8, {.from = mw::seed{3}},
                                      [&](std::int32_t id) { told.push_back(id); });
        REQUIRE(all.size() == 10);
        CHECK(told == ids(all.begin() + 2, all.end()));
        std::int32_t const stop = all[6];
        auto const first = std::find(all.begin() + 2, all.end(), stop);
        CHECK(mw::generate(here, m, ids{5, 9}, 8, {.from = mw::seed{3}, .stop_at = stop}) ==
              ids(all.begin(), first));
        // an id that is never drawn ends no text
        for (std::int32_t const never : {-1, 21})
            CHECK_THROWS_WITH_AS(mw::generate(here, m, ids{1}, 3, {.stop_at = never}),
                                 doctest::Contains("which is never drawn"), mw::error);
        // a text that goes on in a second call is that of one call
        auto const begun = mw::generate(here, m, ids{5, 9}, 3, {.from = mw::seed{3}});
        CHECK(mw::generate(here, m, begun, 5, {.from = mw::seed{3}}) == all);

        // a prompt longer than the context: its last tokens count
        ids longer = text();
        longer.insert(longer.begin(), {1, 2, 3});
        auto const from_longer = mw::generate(here, m, longer, 4, likeliest),
                   from_last = mw::generate(here, m, text(), 4, likeliest);
        CHECK(ids(from_longer.begin() + 3, from_longer.end()) == from_last);
    });
}

}  // namespace
