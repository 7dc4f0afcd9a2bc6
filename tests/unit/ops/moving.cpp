// Operations that move elements, on random run-time extents and on every placement that they take: values and gradients
// against maps of indices that plain loops write down.
#include <random>

#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<12> {};
struct embed : mw::axis<4> {};
struct twice : mw::axis<24> {};
struct run : mw::up_to<12> {};
struct run_twice : mw::up_to<24> {};
struct longer : mw::up_to<20> {};
struct fewer : mw::up_to<12> {};
struct windows : mw::up_to<12> {};
struct window : mw::axis<3> {};
struct single : mw::axis<1> {};
struct note : mw::axis<2> {};
struct inner : mw::axis<6> {};
struct short_axis : mw::padded<11, 12> {};

using one = mw::strategy<grid<1, 1>>;
using by_batch = mw::strategy<grid<4, 1>, split<batch, dp<4>>>;
using by_embed = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>;
using by_token = mw::strategy<grid<1, 3>, split<token, tp<3>>>;
using by_token_twice = mw::strategy<grid<2, 2>, split<token, tp<2>, dp<2>>>;
using by_all = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<token, tp<2>>>;

using places = std::vector<std::ptrdiff_t>;  // for each result element the operand's, or -1 for a zero

/// The sum of out, each element times weight_at(its index + salt).
template <class X>
auto salted(X const& out, std::size_t salt) {
    auto weights = mw::result_of<mw::gradient_of<X>>(out);
    mw::fill_by_index(weights, [=](std::size_t i) { return weight_at(i + salt); });
    auto const sum = [&]<class... A>(mw::axes<A...>) {
        return mw::sum<A...>(out * weights);
    }(typename X::axes{});
    return mw::reshard<mw::layout<typename X::mesh>>(sum);
}

/// What operations gave, and what plain loops say that they should; each operation is told beside its loop.
struct comparison {
    std::size_t outer, length, behind;  // of the operand: before, along and behind its token axis
    numbers out, expected;
    numbers const& x;
    numbers dx;
    std::size_t salt = 0;

    comparison(std::size_t before, std::size_t after, numbers const& all)
        : outer(before),
          length(token::size),
          behind(after),
          x(all),
          dx(all.size()) {}

    /// out(o, i, r) is x(o, map[i], r).
    template <class Rank, class X>
    auto add(Rank& here, X const& result, places const& map) {
        auto const all = here.gather(result.detached());
        if (here.is_first().on_this_rank()) {
            out.insert(out.end(), all.begin(), all.end());
            for (std::size_t o = 0, i = 0; o < outer; ++o)
                for (std::ptrdiff_t const from : map)
                    for (std::size_t r = 0; r < behind; ++r, ++i) {
                        auto const at = (o * length + static_cast<std::size_t>(from)) * behind + r;
                        expected.push_back(from < 0 ? 0 : x[at]);
                        if (from >= 0) dx[at] += weight_at(i + salt);
                    }
        }
        salt += 5;
        return salted(result, salt - 5);
    }
};

places map_of(std::size_t count, auto from) {
    places map(count);
    for (std::size_t i = 0; i < count; ++i) map[i] = from(static_cast<std::ptrdiff_t>(i));
    return map;
}
places moved_by(std::size_t count, std::ptrdiff_t n, bool around) {
    auto const all = static_cast<std::ptrdiff_t>(count);
    return map_of(count, [=](std::ptrdiff_t i) {
        if (around) return ((i - n) % all + all) % all;
        return i - n >= 0 && i - n < all ? i - n : -1;
    });
}

/// Random numbers that are equal on all ranks.
struct dice {
    std::mt19937 numbers;
    std::ptrdiff_t operator()(std::ptrdiff_t from, std::ptrdiff_t to) {  // both may come
        return from + static_cast<std::ptrdiff_t>(numbers() % static_cast<std::size_t>(to - from + 1));
    }
};

/// Every operation that needs the whole axis, on the first `extent` tokens of x.
template <class Rank, class X>
auto whole_axis(Rank& here, X const& x, std::size_t extent, dice& roll, comparison& seen) {
    auto const y = mw::slice<token, run>(x, 0, extent);
    auto const n = static_cast<std::ptrdiff_t>(extent);
    auto total = seen.add(here, mw::flip<run>(y), map_of(extent, [=](auto i) { return n - 1 - i; }));
    auto const by = roll(-20, 20);
    total = total + seen.add(here, mw::roll<run>(y, by), moved_by(extent, by, true));
    total = total + seen.add(here, mw::shift<run>(y, by / 2), moved_by(extent, by / 2, false));
    auto const before = roll(0, 4), after = roll(0, 4);
    total =
        total +
        seen.add(here,
                 mw::pad<run, longer>(y, static_cast<std::size_t>(before), static_cast<std::size_t>(after)),
                 map_of(extent + static_cast<std::size_t>(before + after),
                        [=](auto i) { return i - before >= 0 && i - before < n ? i - before : -1; }));
    total = total +
            seen.add(here, mw::repeat<run, run_twice>(y), map_of(2 * extent, [](auto i) { return i / 2; }));
    total = total +
            seen.add(here, mw::tile<run, run_twice>(y), map_of(2 * extent, [=](auto i) { return i % n; }));
    if (extent > 0) {
        auto const first = roll(0, n - 1), step = roll(0, 1) == 0 ? roll(1, 4) : roll(-4, -1);
        auto const most = 1 + (step < 0 ? first / -step : (n - 1 - first) / step);
        auto const count = static_cast<std::size_t>(roll(0, most));
        total = total + seen.add(here,
                                 mw::slice<run, fewer>(y, static_cast<std::size_t>(first),
                                                       {.step = step, .extent = count}),
                                 map_of(count, [=](auto i) { return first + i * step; }));
    }
    auto const step = roll(1, 3), apart = roll(1, 3);
    std::size_t count = 0;
    for (std::ptrdiff_t at = 0; at + 2 * apart < n; at += step) ++count;
    return total +
           seen.add(here,
                    mw::unfold<run, windows, window>(y, {.step = static_cast<std::size_t>(step),
                                                         .dilation = static_cast<std::size_t>(apart)}),
                    map_of(3 * count, [=](auto i) { return i / 3 * step + i % 3 * apart; }));
}
/// Those that a split axis may have.
template <class Rank, class X>
auto split_axis(Rank& here, X const& x, dice& roll, comparison& seen) {
    auto const by = roll(-14, 14);
    auto total = seen.add(here, mw::roll<token>(x, by), moved_by(token::size, by, true));
    total = total + seen.add(here, mw::shift<token>(x, by), moved_by(token::size, by, false));
    total = total + seen.add(here, mw::roll<token>(x, 1), moved_by(token::size, 1, true));
    return total +
           seen.add(here, mw::repeat<token, twice>(x), map_of(twice::size, [](auto i) { return i / 2; }));
}

template <class S, class... A>
void agrees_on(unsigned cases) {
    using X = mw::tensor_of<S, double, A...>;
    auto const x = values((std::size_t{1} * ... * A::size));
    std::size_t outer = 1, behind = 1;
    bool before = true;
    ((std::is_same_v<A, token> ? void(before = false) : void((before ? outer : behind) *= A::size)), ...);
    for (unsigned seed = 0; seed < cases; ++seed) {
        CAPTURE(seed);
        comparison seen(outer, behind, x);
        auto const found = loss_on<S, X, mw::tensor_of<S, double, note>>(
            x, {0, 0}, [&, seed](auto& here, auto const& given, auto const& other) {
                dice roll{std::mt19937(seed)};
                comparison ignored(outer, behind, x);
                comparison& mine = here.is_first().on_this_rank() ? seen : ignored;
                auto const nothing = salted(other, 0);  // y takes part
                if constexpr (mw::shards<typename X::layout, token> > 1)
                    return split_axis(here, given, roll, mine) + nothing;
                else
                    return whole_axis(here, given, seed < 3 ? seed : static_cast<std::size_t>(roll(3, 12)),
                                      roll, mine) +
                           nothing;
            });
        CHECK(distance(seen.out, seen.expected) == 0);
        CHECK(distance(found.dx, seen.dx) < 1e-12);
    }
}

TEST_CASE("random moves of random extents, 0 and 1 among them") {
    agrees_on<one, batch, token, embed>(12);
    agrees_on<one, token>(12);
    agrees_on<by_batch, batch, token, embed>(6);
    agrees_on<by_embed, batch, token, embed>(6);
}
TEST_CASE("random moves along a split axis") {
    agrees_on<by_token, batch, token, embed>(12);
    agrees_on<by_token_twice, batch, token, embed>(12);
    agrees_on<by_all, token, batch, embed>(12);
}

TEST_CASE("a pending sum stays pending") {
    using S = mw::strategy<grid<2, 2>, split<token, dp<2>>, split<inner, tp<2>>>;
    agrees<S, mw::tensor_of<S, double, token, inner>, mw::tensor_of<S, double, inner, embed>>(
        [&](auto&, auto const& x, auto const& w) {
            auto const out = mw::shift<token>(mw::flip<embed>(mw::dot<inner>(x, w)), 2);
            static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
            return out;
        },
        [&](numbers const& x, numbers const& w) {
            numbers out(token::size * embed::size);
            for (std::size_t t = 2; t < token::size; ++t)
                for (std::size_t k = 0; k < inner::size; ++k)
                    for (std::size_t e = 0; e < embed::size; ++e)
                        out[t * embed::size + 3 - e] += x[(t - 2) * inner::size + k] * w[k * embed::size + e];
            return out;
        },
        1e-7);
}

TEST_CASE("NaN and infinity are moved, and zeros that come in are zeros") {
    mw::run<one>(mw::threads{}, [](auto& here) {
        numbers x(token::size, NAN);
        x[0] = INFINITY;
        auto const y = mw::cut_from<mw::tensor_of<one, double, token>>(std::span<double const>(x));
        auto const shifted = here.gather(mw::shift<token>(y, 3));
        CHECK((shifted[0] == 0 && shifted[2] == 0 && shifted[3] == INFINITY && std::isnan(shifted[4])));
        auto const padded = here.gather(mw::pad<token, twice>(y, 5));
        CHECK((padded[4] == 0 && padded[5] == INFINITY && std::isnan(padded[16]) && padded[17] == 0));
        auto const alone = mw::full<mw::tensor_of<one, std::int32_t, single>>(7);
        CHECK(*mw::roll<single>(mw::flip<single>(alone), -3).data() == 7);
        CHECK(*mw::shift<single>(alone, 1).data() == 0);
    });
}

TEST_CASE("moves that leave an axis are errors in one sentence") {
    auto const says = [](auto op) {
        return complaint<one>([=](auto&) { (void)op(mw::full<mw::tensor_of<one, float, token>>(1)); });
    };
    CHECK(says([](auto x) { return mw::slice<token, fewer>(x, 1, {.step = 5, .extent = 3}); }) ==
          "nothing went wrong");
    CHECK(says([](auto x) {
              return mw::slice<token, fewer>(x, 2, {.step = 5, .extent = 3});
          }).find("a slice of 3 elements from element 2 on in steps of 5 does not fit token of 12") !=
          std::string::npos);
    CHECK(says([](auto x) {
              return mw::slice<token, fewer>(x, 5, {.step = -3, .extent = 3});
          }).find("does not fit token") != std::string::npos);
    CHECK(says([](auto x) {
              return mw::slice<token, fewer>(x, 0, {.step = PTRDIFF_MIN, .extent = 2});
          }).find("does not fit token") != std::string::npos);
    CHECK(says([](auto x) { return mw::slice<token, fewer>(x, 0, {.step = 0}); }).find("has a step of 0") !=
          std::string::npos);
    CHECK(says([](auto x) { return mw::pad<token, twice>(x, 12); }) == "nothing went wrong");
    CHECK(says([](auto x) {
              return mw::pad<token, twice>(x, 13);
          }).find("13 zeros and the 12 elements of token do not fit twice of 24 elements") !=
          std::string::npos);
    CHECK(says([](auto x) { return mw::pad<token, longer>(x, 1, 8); }).find("axis longer has 20 elements") !=
          std::string::npos);
    CHECK(says([](auto x) {
              return mw::unfold<token, embed, window>(x);
          }).find("token has room for 10 windows, and axis embed has 4 elements") != std::string::npos);
    CHECK(says([](auto x) { return mw::unfold<token, embed, window>(x, {.step = 3}); }) ==
          "nothing went wrong");
    CHECK(says([](auto x) {
              return mw::unfold<token, windows, window>(x, {.step = 0});
          }).find("take at least 1") != std::string::npos);
    // padding is no element
    auto const takes = [](std::size_t count) {
        return complaint<one>([=](auto&) {
            auto const x = mw::full<mw::tensor_of<one, float, short_axis>>(1);
            (void)mw::slice<short_axis, fewer>(x, 0, count);
            (void)mw::slice<short_axis, fewer>(x, 0, {.extent = count});
        });
    };
    CHECK(takes(11) == "nothing went wrong");
    CHECK(takes(12).find("does not fit short_axis of 11 elements") != std::string::npos);
}

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using whole = on_two<mw::axes<batch, token>>;
using cut_token = on_two<mw::axes<batch, token>, split<token, tp<2>>>;
using largest = on_two<mw::axes<batch, token>, mw::partial<tp<2>, mw::maximum>>;
template <class Relation>
using rule_of = typename Relation::verdict::rule;
using only_token = mw::detail::list<token>;
static_assert(mw::rearranging<batch, mw::detail::list<batch>, cut_token>::verdict::value);
static_assert(
    std::is_same_v<rule_of<mw::rearranging<token, only_token, cut_token>>, mw::reshape_cuts_a_split_axis>);
static_assert(std::is_same_v<rule_of<mw::rearranging<embed, only_token, whole>>, mw::axis_is_missing>);
static_assert(std::is_same_v<rule_of<mw::rearranging<token, only_token, largest>>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(mw::shifting<token, cut_token>::verdict::value);
static_assert(
    std::is_same_v<rule_of<mw::shifting<token, largest>>, mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<mw::split_of<mw::repeating<token, twice, cut_token>::layout, twice>,
                             mw::detail::list<tp<2>>>);
static_assert(std::is_same_v<rule_of<mw::repeating<token, run_twice, whole>>, mw::sizes_differ>);
static_assert(std::is_same_v<rule_of<mw::repeating<token, embed, whole>>, mw::sizes_differ>);

}  // namespace
