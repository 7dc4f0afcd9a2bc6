// attention: against loops, differences, and one rank; grouped heads, context parallel, cross; refusals.
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/attention.hpp>

#include <meshwise/backend/dry_run.hpp>
#include <meshwise/tensor/constants.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<2> {};
struct token : mw::axis<12> {};
struct source : mw::axis<5> {};
struct kv_heads : mw::axis<2> {};
struct group : mw::axis<4> {};
struct head_dim : mw::axis<4> {};

// k and v beside q, their keys whole
template <class Q, class... A>
using beside =
    mw::with_place<Q, mw::axes<A...>,
                   mw::relayout<mw::axes<batch, kv_heads>, mw::detail::list<>, typename Q::layout>>;

template <class S, class T>
struct strict_operands {
    using q_type = mw::tensor_of<S, T, batch, token, kv_heads, group, head_dim>;
    q_type q;
    beside<q_type, batch, token, kv_heads, head_dim> k, v;
    static constexpr auto parameters =
        mw::fields<&strict_operands::q, &strict_operands::k, &strict_operands::v>();
};
// wherever the strategy puts them
template <class S, class T>
struct placed_operands {
    mw::tensor_of<S, T, batch, token, kv_heads, group, head_dim> q;
    mw::tensor_of<S, T, batch, token, kv_heads, head_dim> k, v;
    static constexpr auto parameters =
        mw::fields<&placed_operands::q, &placed_operands::k, &placed_operands::v>();
};
template <class S, class T>
struct cross_operands {
    mw::tensor_of<S, T, batch, token, kv_heads, head_dim> q;
    mw::tensor_of<S, T, batch, source, kv_heads, head_dim> k, v;
    static constexpr auto parameters =
        mw::fields<&cross_operands::q, &cross_operands::k, &cross_operands::v>();
};
// no batch; one key head for all
template <class S, class T>
struct bare_operands {
    mw::tensor_of<S, T, token, group, head_dim> q;
    mw::tensor_of<S, T, token, head_dim> k, v;
    static constexpr auto parameters = mw::fields<&bare_operands::q, &bare_operands::k, &bare_operands::v>();
};

struct sizes {
    std::size_t batch, queries, keys, heads, group, width;
    std::size_t q() const { return batch * queries * heads * group * width; }
    std::size_t k() const { return batch * keys * heads * width; }
};
struct looking {
    bool causal = true;
    std::array<std::int32_t, 2> lengths{99, 99};
    std::size_t first_query = 0;
    double scale = 0.5;  // 1 / sqrt(head_dim)
};

numbers attended(std::vector<numbers> const& in, sizes const& n, looking const& how) {
    numbers y(n.q());
    for (std::size_t b = 0; b < n.batch; ++b)
        for (std::size_t i = 0; i < n.queries; ++i)
            for (std::size_t h = 0; h < n.heads; ++h)
                for (std::size_t g = 0; g < n.group; ++g) {
                    std::size_t const at = (((b * n.queries + i) * n.heads + h) * n.group + g) * n.width;
                    double total = 0;
                    for (std::size_t j = 0; j < n.keys; ++j) {
                        if (static_cast<std::int32_t>(j) >= how.lengths[b]) continue;
                        if (how.causal && j > i + how.first_query) continue;
                        std::size_t const key = ((b * n.keys + j) * n.heads + h) * n.width;
                        double score = 0;
                        for (std::size_t d = 0; d < n.width; ++d)
                            score += how.scale * in[0][at + d] * in[1][key + d];
                        total += std::exp(score);
                        for (std::size_t d = 0; d < n.width; ++d)
                            y[at + d] += std::exp(score) * in[2][key + d];
                    }
                    for (std::size_t d = 0; d < n.width; ++d)
                        y[at + d] = total == 0 ? 0.0 : y[at + d] / total;
                }
    return y;
}

std::vector<numbers> inputs_of(sizes const& n) {
    return {varied(n.q(), 1), varied(n.k(), 2), varied(n.k(), 3)};
}
outcome expected_of(sizes const& n, looking const& how) {
    return by_differences(inputs_of(n), varied(n.q(), 4),
                          [&](auto const& in) { return attended(in, n, how); });
}

constexpr sizes grouped{2, 12, 12, 2, 4, 4}, crossed{2, 12, 5, 2, 1, 4}, bare{1, 12, 12, 1, 4, 4};
std::vector<std::int32_t> const lengths{3, 7};
constexpr looking plain{}, shortened{true, {3, 7}};

template <class S, class T = double>
std::vector<outcome> strict_on(bool causal = true) {
    return on_ranks<S, strict_operands<S, T>>(
        inputs_of(grouped), varied(grouped.q(), 4),
        [&](auto&, auto const& m) { return mw::attention<token>(m.q, m.k, m.v, {.causal = causal}); });
}
// with key lengths, through the strategy
template <class S, class T = double>
std::vector<outcome> placed_on() {
    return on_ranks<S, placed_operands<S, T>>(
        inputs_of(grouped), varied(grouped.q(), 4), [](auto& here, auto const& m) {
            return mw::attention<S, token>(m.q, m.k, m.v, {.key_lengths = mw::place<batch>(here, lengths)});
        });
}
template <class S, class T = double>
std::vector<outcome> cross_on() {
    return on_ranks<S, cross_operands<S, T>>(
        inputs_of(crossed), varied(crossed.q(), 4),
        [](auto&, auto const& m) { return mw::attention<S, token, source>(m.q, m.k, m.v); });
}

TEST_CASE("attention on one rank agrees with loops and differences") {
    check_reference(strict_on<one_rank>()[0], expected_of(grouped, plain));
    check_reference(strict_on<one_rank>(false)[0], expected_of(grouped, {.causal = false}));
    check_reference(placed_on<one_rank>()[0], expected_of(grouped, shortened));
    check_reference(cross_on<one_rank>()[0], expected_of(crossed, {.causal = false}));
    auto const other = on_ranks<one_rank, cross_operands<one_rank, double>>(
        inputs_of(crossed), varied(crossed.q(), 4), [](auto&, auto const& m) {
            return mw::attention<token, source>(m.q, m.k, m.v,
                                                {.causal = true, .first_query = 2, .scale = 1.5});
        });
    check_reference(other[0], expected_of(crossed, {.causal = true, .first_query = 2, .scale = 1.5}));
}

TEST_CASE("batch, kv_heads and group may be absent") {
    auto const on = []<class S>(S*) {
        return on_ranks<S, bare_operands<S, double>>(
            inputs_of(bare), varied(bare.q(), 4),
            [](auto&, auto const& m) { return mw::attention<S, token>(m.q, m.k, m.v); });
    };
    auto const expected = expected_of(bare, plain);
    check_reference(on(static_cast<one_rank*>(nullptr))[0], expected);
    using S = mw::strategy<mw::mesh<tp2>, mw::split<group, tp2>>;
    for (outcome const& one : on(static_cast<S*>(nullptr))) check_reference(one, expected);
}

TEST_CASE("attention is the same on every mesh, strict and through the strategy") {
    auto const strict = strict_on<one_rank>()[0], placed = placed_on<one_rank>()[0],
               cross = cross_on<one_rank>()[0];
    auto const check = [&]<class... Rule, class... M>(mw::mesh<M...>, Rule...) {
        using S = mw::strategy<mw::mesh<M...>, Rule...>;
        check_near(strict_on<S>(), strict, 1e-12);
        check_near(placed_on<S>(), placed, 1e-12);
    };
    check(mw::mesh<dp2>{}, mw::split<batch, dp2>{});
    check(mw::mesh<dp2, tp2>{}, mw::split<batch, dp2>{}, mw::split<kv_heads, tp2>{});
    // grouped heads with fewer key heads than ranks
    check(mw::mesh<dp2, tp2>{}, mw::split<kv_heads, tp2>{}, mw::split<group, dp2>{});
    check(mw::mesh<cp<4>>{}, mw::split<group, cp<4>>{});
    // context parallel
    check(mw::mesh<cp<3>>{}, mw::split<token, cp<3>>{});
    check(mw::mesh<dp2, tp2>{}, mw::split<token, tp2, dp2>{});
    check(mw::mesh<dp2, tp2>{}, mw::split<token, dp2>{}, mw::split<group, tp2>{});
    // a rule that would split head_dim is not followed
    using by_width = mw::strategy<mw::mesh<dp2>, mw::split<head_dim, dp2>>;
    check_near(placed_on<by_width>(), placed, 1e-12);
    check_near(
        cross_on<mw::strategy<mw::mesh<dp2, cp<3>>, mw::split<kv_heads, dp2>, mw::split<token, cp<3>>>>(),
        cross, 1e-12);
}

TEST_CASE("attention of floats") {
    using S = mw::strategy<mw::mesh<dp2, tp2>, mw::split<kv_heads, tp2>, mw::split<token, dp2>>;
    check_near(strict_on<S, float>(), strict_on<one_rank>()[0], 1e-5);
    check_near(placed_on<S, float>(), placed_on<one_rank>()[0], 1e-5);
}

TEST_CASE("attention of bfloat16") {
    using S = mw::strategy<mw::mesh<dp2, tp2>, mw::split<kv_heads, tp2>, mw::split<token, dp2>>;
    auto const narrow = [](auto const& x) { return mw::cast<mw::bfloat16>(x); };
    auto const seen = on_ranks<S, placed_operands<S, float>>(
        inputs_of(grouped), varied(grouped.q(), 4), [&](auto& here, auto const& m) {
            auto const y = mw::attention<S, token>(narrow(m.q), narrow(m.k), narrow(m.v),
                                                   {.key_lengths = mw::place<batch>(here, lengths)});
            static_assert(std::is_same_v<typename decltype(y)::value_type, mw::bfloat16>);
            return mw::cast<float>(y);
        });
    check_near(seen, placed_on<one_rank>()[0], 0x1p-6);  // inputs, result and gradients are rounded to 2^-8
}

TEST_CASE("a query that sees no key gives zero, and changes nothing") {
    auto const seen = on_ranks<one_rank, cross_operands<one_rank, double>>(
        inputs_of(crossed), varied(crossed.q(), 4), [](auto& here, auto const& m) {
            return mw::attention<token, source>(
                m.q, m.k, m.v, {.key_lengths = mw::place<batch>(here, std::vector<std::int32_t>{0, 5})});
        })[0];
    check_reference(seen, expected_of(crossed, {.causal = false, .lengths = {0, 5}}));
    auto const half_is_zero = [](numbers const& x) {
        return std::all_of(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2),
                           [](double y) { return y == 0; });
    };
    CHECK(half_is_zero(seen.value));
    for (numbers const& gradient : seen.gradients) CHECK(half_is_zero(gradient));
}

TEST_CASE("key lengths outside the keys are refused") {
    for (std::int32_t const wrong : {-1, 13}) {
        CHECK_THROWS_WITH_AS(
            mw::run<one_rank>(mw::threads{},
                              [&](auto& here) {
                                  using q = mw::tensor_of<one_rank, float, batch, token, kv_heads, head_dim>;
                                  auto const x = mw::full<q>(1);
                                  mw::attention<token>(x, x, x,
                                                       {.key_lengths = mw::place<batch>(
                                                            here, std::vector<std::int32_t>{1, wrong})});
                              }),
            doctest::Contains("key length"), mw::error);
    }
}

struct prompt : mw::up_to<16> {};
struct next : mw::up_to<2> {};

TEST_CASE("a text that is continued: the last query alone gives the last row") {
    mw::run<one_rank>(mw::threads{}, [](auto&) {
        using all = mw::tensor_of<one_rank, double, prompt, head_dim>;
        using last = mw::tensor_of<one_rank, double, next, head_dim>;
        constexpr std::size_t n = 7;
        numbers const x = varied(n * head_dim::size, 1);
        auto const text = mw::cut_from<all>(x, {n});
        auto const whole = mw::attention<prompt>(text, text, text);
        auto const one = mw::cut_from<last>(std::span(x).last(head_dim::size), {1});
        auto const row = mw::attention<next, prompt>(one, text, text, {.causal = true, .first_query = n - 1});
        numbers const reference = attended({x, x, x}, {1, n, n, 1, 1, head_dim::size}, plain);
        CHECK(distance(numbers(whole.span().begin(), whole.span().end()), reference) <= 1e-12);
        for (std::size_t d = 0; d < head_dim::size; ++d)
            CHECK(row.data()[d] == whole.data()[(n - 1) * head_dim::size + d]);
    });
}

TEST_CASE("context parallel gathers k and v, and scatters their gradients") {
    using S = mw::strategy<mw::mesh<cp<3>>, mw::split<token, cp<3>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto operands = mw::init<placed_operands<S, float>>(here, mw::seed{1});
        auto const before = here.team().collectives();
        std::size_t forward = 0;
        mw::value_and_gradient(operands, [&](auto const& m) {
            auto const total = sum_of_all(mw::attention<S, token>(m.q, m.k, m.v));
            forward = here.team().collectives() - before;
            return mw::loss_parts{total, total.detached()};
        });
        CHECK(forward == 2);
        CHECK(here.team().collectives() - before == 2 + 2 + 1);  // the last is that of the loss
    });
}

template <class M>
using by_group = mw::strategy<mw::mesh<M>, mw::split<group, M>, mw::reproducible<4>>;
template <class M>
using by_token = mw::strategy<mw::mesh<M>, mw::split<token, M>, mw::reproducible<4>>;

TEST_CASE("reproducible<V>: gradients of shared keys and values have the same bits on every mesh") {
    auto const of_group = strict_on<by_group<cp<1>>, float>()[0];
    check_near(strict_on<by_group<cp<2>>, float>(), of_group, 0);
    check_near(strict_on<by_group<cp<4>>, float>(), of_group, 0);
    auto const of_token = strict_on<by_token<cp<1>>, float>()[0];
    check_near(strict_on<by_token<cp<2>>, float>(), of_token, 0);
    check_near(strict_on<by_token<cp<4>>, float>(), of_token, 0);
    auto const one = strict_on<one_rank>()[0];
    check_near(of_group, one, 1e-5);
    check_near(of_token, one, 1e-5);
}

TEST_CASE("a dry run counts and touches nothing") {
    using S = one_rank::on<mw::dry_run>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto operands = mw::init<placed_operands<S, float>>(here, mw::seed{1});
        mw::dry_run::flops() = 0;
        mw::value_and_gradient(operands, [&](auto const& m) {
            auto const y = mw::attention<S, token>(
                m.q, m.k, m.v, {.causal = false, .key_lengths = mw::place<batch>(here, lengths)});
            CHECK(mw::dry_run::flops() == 4 * 2 * 8 * 12 * 12 * 4);
            auto const total = sum_of_all(y);
            return mw::loss_parts{total, total.detached()};
        });
        CHECK(mw::dry_run::flops() == 14 * 2 * 8 * 12 * 12 * 4);
    });
}

// the placements, in types
using M = mw::mesh<dp2, tp2>;
template <class Axes, class... P>
using at = mw::operand<Axes, mw::canonical<M, P...>>;
using q_axes = mw::axes<batch, token, kv_heads, group, head_dim>;
using k_axes = mw::axes<batch, token, kv_heads, head_dim>;
using whole_k = at<k_axes>;
template <class Q, class K, class V = K>
using verdict_of = typename mw::attending<token, token, Q, K, V>::verdict;
template <class Q, class K, class V = K>
using rule = rule_of<verdict_of<Q, K, V>>;

static_assert(verdict_of<at<q_axes>, whole_k>::value);
static_assert(verdict_of<at<q_axes, mw::split<token, dp2>, mw::split<group, tp2>>, whole_k>::value);
static_assert(verdict_of<at<q_axes, mw::split<batch, dp2>, mw::split<kv_heads, tp2>>,
                         at<k_axes, mw::split<batch, dp2>, mw::split<kv_heads, tp2>>>::value);
static_assert(verdict_of<at<k_axes>, whole_k>::value);

// what shares keys and values owes their gradient
template <class... P>
using owed = typename mw::attending<token, token, at<q_axes, P...>, whole_k,
                                    whole_k>::template shared_gradient<whole_k>;
static_assert(std::is_same_v<owed<>, mw::layout<M>>);
static_assert(std::is_same_v<owed<mw::split<group, tp2>>, mw::canonical<M, mw::partial<tp2>>>);
static_assert(std::is_same_v<owed<mw::split<token, dp2>>, mw::canonical<M, mw::partial<dp2>>>);
static_assert(std::is_same_v<owed<mw::split<token, dp2>, mw::split<group, tp2>>,
                             mw::canonical<M, mw::partial<dp2>, mw::partial<tp2>>>);
static_assert(
    std::is_same_v<mw::attending<token, token, at<q_axes, mw::split<kv_heads, tp2>>,
                                 at<k_axes, mw::split<kv_heads, tp2>>, at<k_axes, mw::split<kv_heads, tp2>>>::
                       shared_gradient<at<k_axes, mw::split<kv_heads, tp2>>>,
                   mw::canonical<M, mw::split<kv_heads, tp2>>>);

// keys and head_dim are whole
static_assert(std::is_same_v<verdict_of<at<q_axes, mw::split<token, dp2>>, at<k_axes, mw::split<token, dp2>>>,
                             mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<token, dp2>>>);
static_assert(std::is_same_v<rule<at<q_axes>, whole_k, at<k_axes, mw::split<token, dp2>>>,
                             mw::normalised_axis_is_split>);
static_assert(
    std::is_same_v<verdict_of<at<q_axes, mw::split<head_dim, dp2>>, at<k_axes, mw::split<head_dim, dp2>>>,
                   mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<head_dim, dp2>>>);
// batch and kv_heads are split alike
static_assert(std::is_same_v<rule<at<q_axes, mw::split<kv_heads, tp2>>, whole_k>,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<rule<at<q_axes>, whole_k, at<k_axes, mw::split<kv_heads, tp2>>>,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<rule<at<q_axes, mw::split<batch, dp2>>, at<k_axes, mw::split<batch, tp2>>>,
                             mw::shared_axis_is_split_differently>);
// nothing is pending
static_assert(
    std::is_same_v<rule<at<q_axes, mw::partial<tp2>>, whole_k>, mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<rule<at<q_axes>, whole_k, at<k_axes, mw::partial<tp2>>>,
                             mw::non_linear_operation_on_a_pending_sum>);
// the axes are those of an attention
using other_k = mw::operand<k_axes, mw::layout<mw::mesh<dp2>>>;
static_assert(std::is_same_v<rule<at<q_axes>, other_k>, mw::tensors_of_different_meshes>);
static_assert(
    std::is_same_v<rule<at<q_axes>, at<mw::axes<batch, source, kv_heads, head_dim>>>, mw::axis_is_missing>);
static_assert(
    std::is_same_v<rule<at<mw::axes<batch, source, kv_heads, head_dim>>, whole_k>, mw::axis_is_missing>);
static_assert(
    std::is_same_v<rule<at<mw::axes<batch, token, group, head_dim>>, whole_k>, mw::axis_is_missing>);
static_assert(
    std::is_same_v<rule<at<q_axes>, whole_k, at<mw::axes<batch, token, head_dim>>>, mw::axis_is_missing>);
static_assert(std::is_same_v<rule<at<mw::axes<batch, token, group, kv_heads, head_dim>>, whole_k>,
                             mw::axis_is_missing>);
static_assert(std::is_same_v<rule<at<mw::axes<batch, token, kv_heads, group, source, head_dim>>, whole_k>,
                             mw::axis_is_missing>);
static_assert(std::is_same_v<rule<at<mw::axes<token, kv_heads, head_dim>>, whole_k>, mw::axis_is_missing>);

}  // namespace
