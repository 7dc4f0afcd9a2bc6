// einsum, outer and inner: values and gradients of several expressions on one rank against plain loops and their differences,
// and on meshes; the order of the steps against all orders. Every placement: tests/equivalence/every_placement_of_einsum.cpp.
#include <bit>
#include <limits>
#include <map>
#include <random>
#include <string>

#include <meshwise/ops/products/einsum.hpp>

#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

template <char Letter, std::size_t N>
struct letter : mw::axis<N> {
    static constexpr char name = Letter;
};
struct b : letter<'b', 2> {};
struct i : letter<'i', 4> {};
struct j : letter<'j', 3> {};
struct k : letter<'k', 6> {};
struct l : letter<'l', 1> {};
std::map<char, std::size_t> const sizes{{'b', 2}, {'i', 4}, {'j', 3}, {'k', 6}, {'l', 1}};

template <class... A>
std::string text_of(mw::axes<A...>) {
    return {A::name...};
}

/// The sum over all letters that `out` lacks, element by element.
numbers by_loops(std::vector<std::string> const& in, std::string const& out,
                 std::vector<numbers> const& values) {
    std::string letters;
    for (std::string const& one : in)
        for (char c : one)
            if (letters.find(c) == std::string::npos) letters += c;
    std::size_t points = 1, results = 1;
    for (char c : letters) points *= sizes.at(c);
    for (char c : out) results *= sizes.at(c);
    numbers sums(results);
    for (std::size_t n = 0; n < points; ++n) {
        std::map<char, std::size_t> at;
        std::size_t rest = n;
        for (char c : letters) at[c] = rest % sizes.at(c), rest /= sizes.at(c);
        auto const place = [&](std::string const& axes) {
            std::size_t p = 0;
            for (char c : axes) p = p * sizes.at(c) + at[c];
            return p;
        };
        double product = 1;
        for (std::size_t x = 0; x < in.size(); ++x) product *= values[x][place(in[x])];
        sums[place(out)] += product;
    }
    return sums;
}

using one = mw::strategy<mw::mesh<>, mw::on<mw::serial>, mw::dtype<double>>;
template <class S, class... A>
using value = mw::tensor_of<S, double, A...>;

template <class S, class X, class Y, class Z>
struct three {
    X x;
    Y y;
    Z z;
    static constexpr auto parameters = mw::fields<&three::x, &three::y, &three::z>();
};

/// einsum<Out> of three operands on the mesh of S; with `Strict` false it follows the strategy.
template <class S, bool Strict, class Out, class X, class Y, class Z>
void agrees(mw::detail::list<X, Y, Z>) {
    std::vector<std::string> const in{text_of(X{}), text_of(Y{}), text_of(Z{})};
    std::string const out = text_of(Out{});
    CAPTURE(in[0] + "," + in[1] + "," + in[2] + "->" + out);
    std::vector<numbers> inputs;
    for (std::string const& axes : in) {
        std::size_t n = 1;
        for (char c : axes) n *= sizes.at(c);
        inputs.push_back(varied(n, inputs.size()));
    }
    std::size_t results = 1;
    for (char c : out) results *= sizes.at(c);
    auto const weights = varied(results, 7);
    auto const on = [&]<class... A, class... B, class... C>(mw::axes<A...>, mw::axes<B...>, mw::axes<C...>) {
        return on_ranks<S, three<S, value<S, A...>, value<S, B...>, value<S, C...>>>(
            inputs, weights, [](auto&, auto const& given) {
                if constexpr (Strict)
                    return mw::einsum<Out>(given.x, given.y, given.z);
                else
                    return mw::einsum<S, Out>(given.x, given.y, given.z);
            });
    };
    auto const expected =
        by_differences(inputs, weights, [&](auto const& all) { return by_loops(in, out, all); });
    for (outcome const& rank : on(X{}, Y{}, Z{})) check_reference(rank, expected);
}

using chain = mw::detail::list<mw::axes<b, i>, mw::axes<i, j>, mw::axes<j, k>>;
using all_share = mw::detail::list<mw::axes<b, i, k>, mw::axes<k, b>, mw::axes<k, j>>;
using lonely = mw::detail::list<mw::axes<i, k, l>, mw::axes<j, i>, mw::axes<b>>;

TEST_CASE("three operands on one rank") {
    agrees<one, true, mw::axes<k, b>>(chain{});
    agrees<one, true, mw::axes<>>(chain{});
    agrees<one, true, mw::axes<j, b>>(all_share{});        // k is in all three
    agrees<one, true, mw::axes<b, j, i>>(lonely{});        // k and l are in one only; b is an outer product
    agrees<one, true, mw::axes<j, i, l, b, k>>(lonely{});  // nothing is summed
}
TEST_CASE("on meshes, pending and settled") {
    using by_i = mw::strategy<grid<1, 2>, mw::on<mw::serial>, mw::dtype<double>, split<i, tp<2>>>;
    using by_two =
        mw::strategy<grid<2, 2>, mw::on<mw::serial>, mw::dtype<double>, split<b, dp<2>>, split<i, tp<2>>>;
    // the operands of the second are cut over one mesh axis in several ways
    using by_all =
        mw::strategy<grid<1, 3>, mw::on<mw::serial>, mw::dtype<double>, split<k, tp<3>>, split<j, tp<3>>>;
    agrees<by_i, true, mw::axes<k, b>>(chain{});
    agrees<by_two, true, mw::axes<b, j, i>>(lonely{});
    agrees<by_two, false, mw::axes<b, j>>(all_share{});
    agrees<by_all, false, mw::axes<b, k>>(chain{});
}

TEST_CASE("one, two and five operands; outer and inner") {
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const numbers_of = [](std::size_t n, std::size_t seed) { return varied(n, seed); };
        auto const x = cut<value<one, b, i>>(numbers_of(8, 0)), y = cut<value<one, b, i>>(numbers_of(8, 1));
        auto const w = cut<value<one, i, j>>(numbers_of(12, 2));
        auto const c = cut<value<one, j>>(numbers_of(3, 3));
        auto const is = [&](auto const& found, std::vector<std::string> const& in, std::string const& out,
                            std::vector<numbers> const& values) {
            using axes = typename std::remove_cvref_t<decltype(found)>::axes;
            CHECK(text_of(axes{}) == out);
            CHECK(distance(here.gather(found), by_loops(in, out, values)) <= 1e-13);
        };
        auto const of_x = numbers_of(8, 0), of_y = numbers_of(8, 1), of_w = numbers_of(12, 2),
                   of_c = numbers_of(3, 3);
        is(mw::einsum<mw::axes<i>>(x), {"bi"}, "i", {of_x});
        is(mw::einsum<mw::axes<i, b>>(x), {"bi"}, "ib", {of_x});
        is(mw::einsum<mw::axes<j, b>>(x, w), {"bi", "ij"}, "jb", {of_x, of_w});
        is(mw::einsum<mw::axes<b, i>>(x, y, w, c, y), {"bi", "bi", "ij", "j", "bi"}, "bi",
           {of_x, of_y, of_w, of_c, of_y});
        is(mw::outer(x, c), {"bi", "j"}, "bij", {of_x, of_c});
        is(mw::outer(c, x), {"j", "bi"}, "jbi", {of_c, of_x});
        is(mw::outer(x, w), {"bi", "ij"}, "bij", {of_x, of_w});  // one for each i
        is(mw::inner(x, y), {"bi", "bi"}, "", {of_x, of_y});
        is(mw::inner<i>(x, y), {"bi", "bi"}, "b", {of_x, of_y});
        is(mw::inner(x, w), {"bi", "ij"}, "bj", {of_x, of_w});
    });
}

TEST_CASE("NaN and infinity go where they are multiplied, and an axis of no elements gives zeros") {
    struct none : mw::up_to<4> {};
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const x = cut<value<one, b, i>>({NAN, 1, 1, 1, 1, 1, 1, INFINITY});
        auto const c = cut<value<one, b>>({1, 2});
        auto const sums = here.gather(mw::einsum<mw::axes<b>>(x, x, c));
        CHECK((std::isnan(sums[0]) && sums[1] == INFINITY));
        auto const empty = value<one, none, b>::uninitialized({0});
        auto const zeros =
            here.gather(mw::einsum<mw::axes<i>>(empty, cut<value<one, b, i>>(varied(8, 0)), c));
        CHECK(zeros == numbers{0, 0, 0, 0});
    });
}

// the cheapest of all orders: pairs of what is left, until one is left
double least_cost(mw::detail::einsum_plan const& plan, std::vector<std::uint64_t> const& left,
                  double element) {
    if (left.size() == 1) return 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t m = 0; m < left.size(); ++m)
        for (std::size_t n = m + 1; n < left.size(); ++n) {
            std::vector<std::uint64_t> rest;
            std::uint64_t wanted = plan.out;
            for (std::size_t o = 0; o < left.size(); ++o)
                if (o != m && o != n) rest.push_back(left[o]), wanted |= left[o];
            std::uint64_t const all = left[m] | left[n], made = all & wanted;
            double const cost =
                (made == all ? 1 : 2) * plan.volume(all) +
                8 * element * (plan.volume(left[m]) + plan.volume(left[n]) + plan.volume(made));
            rest.push_back(made);
            if (std::popcount(made) <= 8) least = std::min(least, cost + least_cost(plan, rest, element));
        }
    return least;
}
template <std::size_t Operands>
void compare_orders(std::mt19937& random) {
    constexpr std::size_t axes = 7;
    std::array<std::uint64_t, Operands> operands{};
    std::array<std::size_t, axes> extents{};
    for (auto& extent : extents) extent = 1 + random() % 9;
    for (auto& axes_of : operands) axes_of = random() % (1U << axes) & random();
    std::uint64_t every = 0, out = random();
    for (auto axes_of : operands) every |= axes_of;
    auto const plan = mw::detail::cheapest_order<Operands>(operands, out & every, extents, 8);
    std::vector<std::uint64_t> leaves;
    double cost = 0;
    for (std::size_t n = 0; n < Operands; ++n) leaves.push_back(plan.nodes[n].axes);
    for (std::size_t n = Operands; n < 2 * Operands - 1; ++n) cost += plan.nodes[n].cost();
    CHECK(plan.nodes[2 * Operands - 2].axes == (out & every));
    double const least = least_cost(plan, leaves, 8);
    CHECK(cost >= least * (1 - 1e-12));
    if (Operands <= 8) CHECK(cost <= least * (1 + 1e-12));
}
TEST_CASE("the order costs least of all") {
    std::mt19937 random(5);
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        compare_orders<2>(random);
        compare_orders<3>(random);
        compare_orders<4>(random);
        compare_orders<5>(random);
    }
    compare_orders<6>(random);
}
TEST_CASE("more operands than are compared: each is multiplied once, and the sum is right") {
    std::array<std::uint64_t, 10> operands{};
    for (std::size_t n = 0; n < operands.size(); ++n) operands[n] = std::uint64_t{3} << n;
    std::array<std::size_t, 11> const extents{9, 1, 8, 2, 7, 3, 6, 4, 5, 5, 2};
    auto const plan = mw::detail::cheapest_order(operands, 1 + (std::uint64_t{1} << 10), extents, 8.0);
    std::vector<int> used(2 * operands.size() - 1);
    for (std::size_t n = operands.size(); n < used.size(); ++n) {
        CHECK((plan.nodes[n].left < n && plan.nodes[n].right < n));
        ++used[plan.nodes[n].left], ++used[plan.nodes[n].right];
    }
    CHECK(used == [&] {
        std::vector<int> once(used.size(), 1);
        once.back() = 0;
        return once;
    }());
    CHECK(plan.nodes[18].axes == 1 + (std::uint64_t{1} << 10));
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const x = cut<value<one, b, i>>(varied(8, 0));
        auto const w = cut<value<one, i>>(varied(4, 1));
        auto const found = mw::einsum<mw::axes<b>>(x, w, w, w, w, w, w, w, w, x);
        CHECK(distance(here.gather(found), by_loops({"bi", "i", "i", "i", "i", "i", "i", "i", "i", "bi"}, "b",
                                                    {varied(8, 0), varied(4, 1), varied(4, 1), varied(4, 1),
                                                     varied(4, 1), varied(4, 1), varied(4, 1), varied(4, 1),
                                                     varied(4, 1), varied(8, 0)})) <= 1e-13);
    });
}

TEST_CASE("the order is printed, with what each step costs") {
    auto const text = mw::einsum_order<mw::axes<b>, value<one, b, i>, value<one, i, k>, value<one, k>>();
    CHECK(text == "1. (i 4, k 6) x (k 6) -> (i 4): 48 operations, 272 bytes\n"
                  "2. (b 2, i 4) x (i 4) -> (b 2): 16 operations, 112 bytes\n"
                  "in all 64 operations, 384 bytes on each rank\n");
}
static_assert(mw::einsum_operations<mw::axes<b>, value<one, b, i>, value<one, i, k>, value<one, k>> == 64);

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using x_cut = on_two<mw::axes<b, i>, split<i, tp<2>>>;
using w_cut = on_two<mw::axes<i, k>, split<i, tp<2>>>;
using w_by_k = on_two<mw::axes<i, k>, split<k, tp<2>>>;
using pending = on_two<mw::axes<k>, mw::partial<tp<2>>>;
using whole_k = on_two<mw::axes<k>>;
static_assert(std::is_same_v<mw::contraction_of_all<mw::axes<b>, x_cut, w_cut, whole_k>::pending,
                             mw::detail::list<tp<2>>>);
template <class Relation>
using broken_rule = typename Relation::verdict::rule;
static_assert(std::is_same_v<broken_rule<mw::contraction_of_all<mw::axes<b>, x_cut, whole_k, w_by_k>>,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<broken_rule<mw::contraction_of_all<mw::axes<b>, x_cut, w_cut, pending>>,
                             mw::product_of_two_pending_sums>);
static_assert(
    std::is_same_v<broken_rule<mw::contraction_of_all<mw::axes<b, l>, x_cut, w_cut>>, mw::axis_is_missing>);

}  // namespace
