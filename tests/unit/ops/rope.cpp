// rope: against loops, differences, and one rank; positions are global; refusals.
#include <cmath>

#include <meshwise/ops/rows/rope.hpp>

#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<2> {};
struct token : mw::axis<12> {};
struct heads : mw::axis<2> {};
struct head_dim : mw::axis<6> {};

template <class S, class T>
struct operands {
    mw::tensor_of<S, T, batch, token, heads, head_dim> x;
    static constexpr auto parameters = mw::fields<&operands::x>();
};
// no heads, and the tokens last
template <class S, class T>
struct turned_operands {
    mw::tensor_of<S, T, batch, heads, head_dim, token> x;
    static constexpr auto parameters = mw::fields<&turned_operands::x>();
};

constexpr std::size_t width = head_dim::size, count = batch::size * token::size * heads::size * width;
std::vector<numbers> const inputs{varied(count, 1)};
numbers const weights = varied(count, 2);

std::size_t at_last(std::size_t b, std::size_t t, std::size_t h, std::size_t d) {
    return ((b * token::size + t) * heads::size + h) * width + d;
}
std::size_t at_middle(std::size_t b, std::size_t t, std::size_t h, std::size_t d) {
    return ((b * heads::size + h) * width + d) * token::size + t;
}

template <class At>
numbers turned(numbers const& x, mw::rope_options const& how, At at) {
    numbers y(count);
    for (std::size_t b = 0; b < batch::size; ++b) {
        for (std::size_t t = 0; t < token::size; ++t) {
            for (std::size_t i = 0; i < width / 2; ++i) {
                double const angle = static_cast<double>(how.first_position + t) /
                                     std::pow(how.base, 2.0 * static_cast<double>(i) / width);
                bool const adjacent = how.pairing == mw::rope_pairing::adjacent;
                std::size_t const first = adjacent ? 2 * i : i, second = adjacent ? 2 * i + 1 : i + width / 2;
                for (std::size_t h = 0; h < heads::size; ++h) {
                    double const u = x[at(b, t, h, first)], v = x[at(b, t, h, second)];
                    y[at(b, t, h, first)] = u * std::cos(angle) - v * std::sin(angle);
                    y[at(b, t, h, second)] = u * std::sin(angle) + v * std::cos(angle);
                }
            }
        }
    }
    return y;
}

constexpr mw::rope_options adjacent{}, halves{100, mw::rope_pairing::halves, 5};

template <class S, class T = double>
std::vector<outcome> rope_on(mw::rope_options const& how) {
    return on_ranks<S, operands<S, T>>(
        inputs, weights, [&](auto&, auto const& given) { return mw::rope<token, head_dim>(given.x, how); });
}

TEST_CASE("rope on one rank agrees with loops and differences") {
    for (auto const& how : {adjacent, halves}) {
        check_reference(rope_on<one_rank>(how)[0], by_differences(inputs, weights, [&](auto const& in) {
                            return turned(in[0], how, at_last);
                        }));
    }
}

TEST_CASE("rope finds its axes by name") {
    using S = mw::strategy<mw::mesh<cp3>, mw::split<token, cp3>>;
    auto const seen = on_ranks<S, turned_operands<S, double>>(
        inputs, weights, [](auto&, auto const& given) { return mw::rope<token, head_dim>(given.x, halves); });
    auto const expected =
        by_differences(inputs, weights, [](auto const& in) { return turned(in[0], halves, at_middle); });
    for (outcome const& one : seen) check_reference(one, expected);
}

TEST_CASE("positions are global: rope has the same bits on every mesh") {
    auto const one = rope_on<one_rank>(halves)[0];
    check_near(rope_on<mw::strategy<mw::mesh<cp3>, mw::split<token, cp3>>>(halves), one, 0);
    check_near(rope_on<mw::strategy<mw::mesh<cp4>, mw::split<token, cp4>>>(halves), one, 0);
    check_near(rope_on<mw::strategy<mw::mesh<dp2, tp2>, mw::split<token, tp2, dp2>>>(halves), one, 0);
    check_near(
        rope_on<mw::strategy<mw::mesh<dp2, tp2>, mw::split<batch, dp2>, mw::split<heads, tp2>>>(halves), one,
        0);
    check_near(
        rope_on<mw::strategy<mw::mesh<dp2, cp3>, mw::split<heads, dp2>, mw::split<token, cp3>>>(adjacent),
        rope_on<one_rank>(adjacent)[0], 0);
    check_near(rope_on<mw::strategy<mw::mesh<dp2, cp3>, mw::split<heads, dp2>, mw::split<token, cp3>>, float>(
                   halves),
               one, 1e-5);
}

using by_text = mw::strategy<mw::mesh<dp2>, mw::split<batch, dp2>>;
using text = mw::tensor_of<by_text, double, batch, token, head_dim>;
using whole = mw::tensor_of<by_text, double, token, head_dim>;
struct shared {
    whole x;
    static constexpr auto parameters = mw::fields<&shared::x>();
};

// rope is linear: what is owed may be paid later, and a contribution that is owed passes through as it is
TEST_CASE("a pending sum is turned before it is reduced") {
    mw::run<by_text>(mw::threads{}, [](auto& here) {
        auto const x = cut<text>(varied(batch::size * token::size * width, 3));
        auto const owed = mw::sum<batch>(x);
        auto const late = mw::reshard<typename whole::layout>(mw::rope<token, head_dim>(owed, halves));
        auto const early = mw::rope<token, head_dim>(mw::reshard<typename whole::layout>(owed), halves);
        auto const a = here.gather(late), b = here.gather(early);
        if (distance(numbers(a.begin(), a.end()), numbers(b.begin(), b.end())) > 1e-14)
            throw mw::error("turning and reducing do not commute");
    });
    // shared by both texts: its gradient is owed, through rope
    numbers const factors = varied(batch::size * token::size * width, 4), w = varied(factors.size(), 5),
                  x = varied(token::size * width, 6);
    auto const seen = on_ranks<by_text, shared>({x}, w, [&](auto&, auto const& given) {
        return mw::mul(cut<text>(factors), mw::rope<token, head_dim>(given.x, adjacent));
    });
    auto const expected = by_differences({x}, w, [&](auto const& in) {
        numbers wide(count), y(factors.size());
        for (std::size_t i = 0; i < x.size(); ++i) wide[at_last(0, i / width, 0, i % width)] = in[0][i];
        numbers const all = turned(wide, adjacent, at_last);
        for (std::size_t i = 0; i < y.size(); ++i)
            y[i] = factors[i] * all[at_last(0, i / width % token::size, 0, i % width)];
        return y;
    });
    for (outcome const& one : seen) check_reference(one, expected);
}

using S3 = mw::strategy<mw::mesh<cp3>, mw::split<head_dim, cp3>>;
using cut_heads = mw::tensor_of<S3, float, token, head_dim>;
using owed = mw::tensor<float, mw::axes<token, head_dim>, mw::canonical<mw::mesh<cp3>, mw::partial<cp3>>>;
using maxima =
    mw::tensor<float, mw::axes<token, head_dim>, mw::canonical<mw::mesh<cp3>, mw::partial<cp3, mw::maximum>>>;
static_assert(std::is_same_v<mw::rotation<token, head_dim, cut_heads::operand>::verdict,
                             mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<head_dim, cp3>>>);
static_assert(mw::rotation<token, head_dim, owed::operand>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::rotation<token, head_dim, maxima::operand>::verdict>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(
    std::is_same_v<rule_of<mw::rotation<batch, head_dim, owed::operand>::verdict>, mw::axis_is_missing>);

}  // namespace
