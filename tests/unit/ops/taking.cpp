// take, scatter_add and index_add by ids; stack, concatenate of many, expand, squeeze and triangles: on every placement that
// they take, against plain loops.
#include <limits>

#include <meshwise/ops/moves/chunk.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/moves/triangle.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<2> {};
struct few : mw::axis<3> {};
struct pair : mw::axis<2> {};
struct room : mw::up_to<16> {};
struct stored : mw::padded<11, 12> {};
struct single : mw::axis<1> {};
struct pick : mw::axis<8> {};
struct items : mw::axis<12> {};
struct padded_items : mw::padded<11, 12> {};
struct note : mw::axis<2> {};
struct inner : mw::axis<6> {};

using one = mw::strategy<grid<1, 1>>;
using by_batch = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>;
using by_pick = mw::strategy<grid<2, 2>, split<pick, dp<2>>, split<embed, tp<2>>>;
using by_items = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<items, tp<2>>>;
using by_token = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<token, tp<2>>>;

// ids that repeat, within a rank and across ranks
ids some_ids(std::size_t count, std::size_t below) {
    ids all(count);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>((i * i + 3 * i) % below);
    return all;
}

// x(batch, items, embed) by ids(pick), and by ids(batch, pick), one behind the other
template <class S, class Items = items>
void takes() {
    constexpr std::size_t n = Items::size;
    auto const rows = some_ids(batch::size * pick::size, Items::true_size);
    auto const of_all = std::vector(rows.begin(), rows.begin() + pick::size);
    agrees<S, mw::tensor_of<S, double, batch, Items, embed>, mw::tensor_of<S, double, note>>(
        [&](auto& here, auto const& x, auto const&) {
            return mw::take<Items>(x, mw::place<pick>(here, of_all)) +
                   2 * mw::take<Items>(x, mw::place<batch, pick>(here, rows));
        },
        [&](numbers const& x, numbers const&) {
            numbers out;
            for (std::size_t b = 0; b < batch::size; ++b)
                for (std::size_t p = 0; p < pick::size; ++p)
                    for (std::size_t e = 0; e < embed::size; ++e) {
                        auto const at = [&](std::int32_t id) {
                            return x[(b * n + static_cast<std::size_t>(id)) * embed::size + e];
                        };
                        out.push_back(at(of_all[p]) + 2 * at(rows[b * pick::size + p]));
                    }
            return out;
        });
}

// x(items, embed) + sums of y(batch, pick, embed) by ids(batch, pick)
template <class S>
void adds() {
    auto const rows = some_ids(batch::size * pick::size, items::size - 1);  // nothing is added to the last
    agrees<S, mw::tensor_of<S, double, items, embed>, mw::tensor_of<S, double, batch, pick, embed>>(
        [&](auto& here, auto const& x, auto const& y) {
            auto const ids = mw::place<batch, pick>(here, rows);
            if constexpr (S::mesh::ranks == 1)
                return mw::index_add<items>(x, y, ids);
            else
                return x + mw::settle<S>(mw::scatter_add<items, mw::axes<items, embed>>(y, ids));
        },
        [&](numbers const& x, numbers const& y) {
            numbers out = x;
            for (std::size_t i = 0; i < y.size(); ++i)
                out[static_cast<std::size_t>(rows[i / embed::size]) * embed::size + i % embed::size] += y[i];
            return out;
        });
}

// the same for each text by itself: sums(embed, batch, items), an order of axes unlike that of the updates
template <class S>
void adds_for_each_text() {
    auto const rows = some_ids(batch::size * pick::size, items::size);
    agrees<S, mw::tensor_of<S, double, note>, mw::tensor_of<S, double, batch, pick, embed>>(
        [&](auto& here, auto const&, auto const& y) {
            return mw::scatter_add<items, mw::axes<embed, batch, items>>(y,
                                                                         mw::place<batch, pick>(here, rows));
        },
        [&](numbers const&, numbers const& y) {
            numbers out(embed::size * batch::size * items::size);
            for (std::size_t i = 0; i < y.size(); ++i) {
                std::size_t const row = i / embed::size, e = i % embed::size, b = row / pick::size;
                out[(e * batch::size + b) * items::size + static_cast<std::size_t>(rows[row])] += y[i];
            }
            return out;
        });
}

TEST_CASE("take with ids of all and with ids of each text") {
    takes<one>();
    takes<by_batch>();
    takes<by_pick>();
    takes<by_items>();  // leaves pending sums
    takes<one, padded_items>();
}
TEST_CASE("scatter_add and index_add") {
    adds<one>();
    adds<by_batch>();  // a pending sum over the ranks of batch
    adds<by_pick>();
    adds_for_each_text<one>();
    adds_for_each_text<by_batch>();
    adds_for_each_text<by_pick>();
}

TEST_CASE("under reproducible<V> the sums by ids agree in every bit on all meshes") {
    auto const on = [&]<class S>() {
        auto const rows = some_ids(pick::size, 3);
        using X = mw::tensor_of<S, float, items, embed>;
        return result_on<S, X, mw::tensor_of<S, float, pick, embed>>(
            [&](auto& here, auto const& x, auto const& y) {
                auto const ids = mw::place<pick>(here, rows);
                return mw::settle<S>(mw::scatter_add<items, mw::axes<items, embed>>(
                    mw::map([](auto a, auto b) { return a * b * 1.1F; }, mw::take<items>(x, ids), y), ids));
            });
    };
    auto const alone =
        on.template operator()<mw::strategy<grid<1, 1>, split<pick, dp<1>>, mw::reproducible<4>>>();
    auto const on_two =
        on.template operator()<mw::strategy<grid<2, 1>, split<pick, dp<2>>, mw::reproducible<4>>>();
    CHECK(alone.out == on_two.out);
    CHECK(alone.dx == on_two.dx);
    CHECK(alone.dy == on_two.dy);
}

TEST_CASE("an id outside is an error, and NaN goes only where it is taken") {
    auto const with = [](std::int32_t id, std::size_t extent) {
        return complaint<one>([=](auto& here) {
            auto const x = mw::full<mw::tensor_of<one, float, room>>(1, {extent});
            (void)mw::take<room>(x, here.template place<single>(ids{id}));
        });
    };
    CHECK(with(4, 5) == "nothing went wrong");
    CHECK(with(5, 5).find("id 5 at single 0 is outside of room: allowed are 0 to 4;") != std::string::npos);
    CHECK(with(-1, 5).find("id -1 at single 0") != std::string::npos);
    CHECK(with(0, 0).find("id 0 at single 0 is outside of room without elements") != std::string::npos);
    CHECK(complaint<one>([](auto& here) {
              auto const x = mw::full<mw::tensor_of<one, float, single>>(1);
              (void)mw::scatter_add<padded_items, mw::axes<padded_items>>(
                  x, here.template place<single>(ids{11}));
          }).find("outside of padded_items: allowed are 0 to 10") != std::string::npos);
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const x = here.template place<few>(std::vector<float>{1, NAN, INFINITY});
        auto const y = here.gather(mw::take<few>(x, here.template place<pair>(ids{2, 0})));
        CHECK((y[0] == INFINITY && y[1] == 1));
        auto const z =
            here.gather(mw::scatter_add<token, mw::axes<token>>(x, here.template place<few>(ids{4, 0, 5})));
        CHECK((std::isnan(z[0]) && z[1] == 0 && z[3] == 0 && z[4] == 1 && z[5] == INFINITY));
    });
}

// stack and concatenate: x, two tokens of y and y one behind the other; the same of y and x
template <class S>
void joins() {
    using X = mw::tensor_of<S, double, batch, token, embed>;
    agrees<S, X, X>(
        [&](auto&, auto const& x, auto const& y) {
            auto const both = mw::concatenate<token, few, token, room>(x, mw::slice<token, few>(y, 2), y);
            auto const third = mw::slice<token, few>(x, 0);
            auto const other =
                mw::concatenate<few, room>(third, third, mw::slice<token, few>(y, 3), third, third);
            return mw::stack<pair>(both, other);
        },
        [&](numbers const& x, numbers const& y) {
            numbers out;
            auto const rows = [&](numbers const& from, std::size_t b, std::size_t first, std::size_t count) {
                for (std::size_t i = 0; i < count * embed::size; ++i)
                    out.push_back(from[(b * token::size + first) * embed::size + i]);
            };
            for (std::size_t b = 0; b < batch::size; ++b)
                rows(x, b, 0, 6), rows(y, b, 2, 3), rows(y, b, 0, 6);
            for (std::size_t b = 0; b < batch::size; ++b)
                rows(x, b, 0, 3), rows(x, b, 0, 3), rows(y, b, 3, 3), rows(x, b, 0, 3), rows(x, b, 0, 3);
            return out;
        });
}
// two halves of x and three unequal parts of y, put together in another order: all of them, and some
template <class S>
void cuts() {
    using X = mw::tensor_of<S, double, batch, token, embed>;
    agrees<S, X, X>(
        [&](auto&, auto const& x, auto const& y) {
            auto const [early, late] = mw::chunk<token, few>(x);
            auto const [first, second, third] = mw::pieces<token, single, few, pair>(y);
            return mw::concatenate<few, single, few, room>(late, first, early * 2) +
                   mw::concatenate<few, single, few, room>(second, first, second);
        },
        [&](numbers const& x, numbers const& y) {
            numbers out;
            for (std::size_t b = 0; b < batch::size; ++b)
                for (std::size_t i = 0; i < 7 * embed::size; ++i) {
                    auto const at = [&](numbers const& of, std::size_t t) {
                        return of[(b * token::size + t) * embed::size + i % embed::size];
                    };
                    std::size_t const t = i / embed::size;
                    out.push_back(t < 3    ? at(x, 3 + t) + at(y, 1 + t)
                                  : t == 3 ? 2 * at(y, 0)
                                           : 2 * at(x, t - 4) + at(y, t - 3));
                }
            return out;
        });
}
TEST_CASE("chunk and pieces, of whole and of pending values") {
    cuts<one>();
    cuts<by_batch>();
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const all = mw::chunk<token, pair>(here.template place<token>(ids{1, 2, 3, 4, 5, 6}));
        static_assert(std::tuple_size_v<std::remove_const_t<decltype(all)>> == 3);
        CHECK(here.gather(all[1]) == ids{3, 4});
    });
    using S = mw::strategy<grid<1, 2>, split<inner, tp<2>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const parts = mw::chunk<token, few>(mw::sum<inner>(mw::ones<token, inner>(here)));
        auto const both = parts[0] + parts[1];
        static_assert(mw::detail::sums_of<typename decltype(both)::layout>::size == 1);
        CHECK(here.gather(mw::settle<S>(both)) == std::vector<float>{12, 12, 12});
    });
}

// tril by (batch, token) and triu by (token, embed), of (batch, token, embed), twice along a new axis
template <class S>
void triangles() {
    agrees<S, mw::tensor_of<S, double, batch, token, embed>, mw::tensor_of<S, double, note>>(
        [&](auto&, auto const& x, auto const&) {
            auto const low = mw::squeeze<single>(mw::expand<single>(mw::tril<batch, token>(x, 1)));
            return mw::expand<few>(mw::stack<pair>(low, mw::triu<token, embed>(x, -2)));
        },
        [&](numbers const& x, numbers const&) {
            numbers out;
            for (std::size_t f = 0; f < few::size; ++f)
                for (std::size_t p = 0; p < 2; ++p)
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        std::size_t const e = i % 2, t = i / 2 % 6, b = i / 12;
                        out.push_back((p == 0 ? t <= b + 1 : e + 2 >= t) ? x[i] : 0);
                    }
            return out;
        });
}
TEST_CASE("stack, and concatenate of three and more") {
    joins<one>();
    joins<by_batch>();
}
TEST_CASE("tril, triu, expand and squeeze") {
    triangles<one>();
    triangles<by_batch>();
    triangles<by_token>();
}
TEST_CASE(
    "what a triangle leaves out is zero, whatever it was; masks have triangles, and an axis of no elements repeats nothing") {
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const x = mw::full<mw::tensor_of<one, float, few, pair>>(NAN);
        auto const y = here.gather(mw::tril<few, pair>(x, -1));
        CHECK((y[0] == 0 && y[1] == 0 && std::isnan(y[2]) && y[3] == 0 && std::isnan(y[5])));
        auto const ones = mw::full_like(x, 1);  // whose farthest diagonals leave nothing out
        CHECK(mw::sum(mw::tril<few, pair>(ones, std::numeric_limits<std::ptrdiff_t>::max())).item() == 6);
        CHECK(mw::sum(mw::triu<few, pair>(ones, std::numeric_limits<std::ptrdiff_t>::min())).item() == 6);
        auto const mask = mw::triu<few, pair>(mw::full<mw::tensor_of<one, bool, few, pair>>(true));
        CHECK((mask.data()[1] && !mask.data()[2] && mask.data()[3] && !mask.data()[5]));
        CHECK(mw::expand<room>(x, 0).size() == 0);
        auto const in_padding = mw::expand<stored>(mw::full<mw::tensor_of<one, float, pair>>(1));
        CHECK((in_padding.data()[21] == 1 && in_padding.data()[22] == 0));
    });
    CHECK(complaint<one>([](auto&) {
              (void)mw::expand<few>(mw::full<mw::tensor_of<one, float, pair>>(1), 2);
          }).find("axis few has 3 elements, and 2 are asked for") != std::string::npos);
}

TEST_CASE("pending sums stay pending") {
    using S = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<inner, tp<2>>>;
    auto const rows = some_ids(pick::size, token::size);
    agrees<S, mw::tensor_of<S, double, batch, inner>, mw::tensor_of<S, double, inner, token>>(
        [&](auto& here, auto const& x, auto const& w) {
            auto const product = mw::dot<inner>(x, w);
            auto const taken = mw::take<token>(mw::tril<batch, token>(product), mw::place<pick>(here, rows));
            auto const out = mw::expand<few>(mw::stack<pair>(taken, taken));
            static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
            return out;
        },
        [&](numbers const& x, numbers const& w) {
            numbers out;
            for (std::size_t copies = 0; copies < few::size * pair::size; ++copies)
                for (std::size_t b = 0; b < batch::size; ++b)
                    for (std::int32_t const id : rows) {
                        auto const t = static_cast<std::size_t>(id);
                        double sum = 0;
                        for (std::size_t k = 0; k < inner::size; ++k)
                            sum += x[b * inner::size + k] * w[k * token::size + t];
                        out.push_back(t <= b ? sum : 0);
                    }
            return out;
        },
        1e-7);
}

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using whole = on_two<mw::axes<batch, token>>;
using cut = on_two<mw::axes<batch, token>, split<token, tp<2>>>;
using cut_batch = on_two<mw::axes<batch, token>, split<batch, tp<2>>>;
using pending = on_two<mw::axes<batch, token>, mw::partial<tp<2>>>;
template <class Relation>
using rule_of = typename Relation::verdict::rule;
using cut_ids = on_two<mw::axes<pick>, split<pick, tp<2>>>;
static_assert(std::is_same_v<rule_of<mw::taking<token, cut, cut_ids>>,
                             mw::operands_split_by_different_axes_on_one_mesh_axis>);
static_assert(std::is_same_v<rule_of<mw::taking<embed, whole, cut_ids>>, mw::axis_is_missing>);
static_assert(std::is_same_v<rule_of<mw::taking<token, whole, on_two<mw::axes<pick>, mw::partial<tp<2>>>>>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<rule_of<mw::taking<token, cut_batch, on_two<mw::axes<batch, pick>>>>,
                             mw::shared_axis_is_split_differently>);
static_assert(
    std::is_same_v<rule_of<mw::scattering<items, mw::axes<items>, whole, cut_ids>>, mw::axis_is_missing>);
static_assert(std::is_same_v<rule_of<mw::scattering<items, mw::axes<batch>, whole, on_two<mw::axes<token>>>>,
                             mw::axis_is_missing>);
static_assert(
    std::is_same_v<mw::detail::sums_of<mw::scattering<items, mw::axes<batch, items>, cut,
                                                      on_two<mw::axes<token>, split<token, tp<2>>>>::layout>,
                   mw::detail::list<tp<2>>>);
static_assert(std::is_same_v<rule_of<mw::stacking<pair, whole>>, mw::sizes_differ>);
static_assert(std::is_same_v<rule_of<mw::stacking<pair, whole, cut>>, mw::shared_axis_is_split_differently>);
static_assert(
    std::is_same_v<rule_of<mw::stacking<pair, whole, pending>>, mw::whole_value_added_to_a_pending_sum>);
static_assert(std::is_same_v<rule_of<mw::squeezing<token, whole>>, mw::sizes_differ>);
static_assert(mw::triangular<batch, token, cut>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::triangular<batch, embed, cut>>, mw::axis_is_missing>);
static_assert(std::is_same_v<rule_of<mw::joining_all<mw::axes<token, token, token>, room, cut, cut, cut>>,
                             mw::reshape_cuts_a_split_axis>);
static_assert(
    std::is_same_v<rule_of<mw::joining_all<mw::axes<token, token, token>, items, whole, whole, whole>>,
                   mw::sizes_differ>);

}  // namespace
