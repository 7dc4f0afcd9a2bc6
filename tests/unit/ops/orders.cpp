// Places of extremes, sorts, the largest elements, and running sums and products: against plain loops, whole and split, with
// equal elements, NaN, padding and empty axes.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/reductions/argmax.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/nonzero.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

double const nan = std::numeric_limits<double>::quiet_NaN();

struct row : mw::axis<4> {};
struct place : mw::axis<6> {};
struct side : mw::axis<2> {};
struct best : mw::axis<3> {};
struct note : mw::axis<1> {};
struct up : mw::up_to<12> {};

using one = mw::strategy<grid<1, 1>>;
using by_row = mw::strategy<grid<2, 2>, split<row, dp<2>, tp<2>>>;
using by_place = mw::strategy<grid<1, 3>, split<place, tp<3>>>;
using by_place_minor_first = mw::strategy<grid<2, 3>, split<place, tp<3>, dp<2>>>;
using both_ways = mw::strategy<grid<2, 2>, split<place, dp<2>>, split<side, tp<2>>>;

numbers few_values() {
    numbers x(row::size * place::size * side::size);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i * 29 % 5);
    x[7] = x[9] = nan;
    return x;
}
// the rows of `place` of an array (row, place, side), each by `f`
template <class F>
void each_row(F f) {
    for (std::size_t r = 0; r < row::size; ++r)
        for (std::size_t s = 0; s < side::size; ++s)
            f([r, s](std::size_t p) { return (r * place::size + p) * side::size + s; });
}
// rising, NaN last, of equal ones the first first; falling with NaN first
std::vector<std::size_t> ranks_of(numbers const& row_of, bool falling) {
    std::vector<std::size_t> order(row_of.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    auto const less = [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
    std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
        double const a = row_of[falling ? j : i], b = row_of[falling ? i : j];
        return less(a, b) || (!less(b, a) && i < j);
    });
    return order;
}
numbers row_at(numbers const& x, auto at) {
    numbers values;
    for (std::size_t p = 0; p < place::size; ++p) values.push_back(x[at(p)]);
    return values;
}

template <class S>
void check_places() {
    using X = mw::tensor_of<S, double, row, place, side>;
    ids largest, smallest;
    auto const x = few_values();
    each_row([&](auto at) {
        auto const values = row_at(x, at);
        largest.push_back(static_cast<std::int32_t>(ranks_of(values, true)[0]));
        auto rising = ranks_of(values, false);
        // NaN is the smallest, too, as in numpy
        auto const not_a_number =
            std::find_if(values.begin(), values.end(), [](double a) { return std::isnan(a); });
        smallest.push_back(static_cast<std::int32_t>(not_a_number == values.end()
                                                         ? static_cast<std::ptrdiff_t>(rising[0])
                                                         : not_a_number - values.begin()));
    });
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const p = mw::cut_from<X>(std::span<double const>(x));
        CHECK(here.gather(mw::argmax<S, place>(p)) == largest);
        CHECK(here.gather(mw::argmin<S, place>(p)) == smallest);
    });
}

TEST_CASE("argmax and argmin: the lowest index of equal ones, over all ranks") {
    check_places<one>();
    check_places<by_row>();
    check_places<by_place>();
    check_places<by_place_minor_first>();
    check_places<both_ways>();
}

// where (row, place, side) is above 1, the first three places of each row, then 5
template <class S>
void check_nonzero() {
    using X = mw::tensor_of<S, double, row, place, side>;
    auto const x = few_values();
    ids places(row::size * best::size * side::size, 5);
    for (std::size_t r = 0; r < row::size; ++r)
        for (std::size_t s = 0; s < side::size; ++s)
            for (std::size_t p = 0, found = 0; p < place::size && found < best::size; ++p)
                if (x[(r * place::size + p) * side::size + s] > 1)
                    places[(r * best::size + found++) * side::size + s] = static_cast<std::int32_t>(p);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const p = mw::cut_from<X>(std::span<double const>(x));
        CHECK(here.gather(mw::nonzero<S, place, best>(p > 1, {.fill = 5})) == places);
    });
}

TEST_CASE("nonzero: the first places of each row, along a whole and a split axis, and take of them") {
    check_nonzero<one>();
    check_nonzero<by_row>();
    check_nonzero<by_place>();
    check_nonzero<by_place_minor_first>();
    check_nonzero<both_ways>();
    mw::run<one>(mw::threads{}, [](auto& here) {
        auto const x = here.template place<place>(std::vector<float>{0, 3, -0.0F, 4, NAN, 5});
        CHECK(here.gather(mw::nonzero<place, up>(x, {}, 2)) == ids{1, 3});
        CHECK(here.gather(mw::nonzero<place, best>(x)) == ids{1, 3, 4});  // NaN is not 0
        CHECK(here.gather(mw::take<place>(x, mw::nonzero<place, best>(x > 0))) ==
              std::vector<float>{3, 4, 5});
        CHECK(here.gather(mw::nonzero<place, best>(x > 9)) == ids{0, 0, 0});
        CHECK(here.gather(mw::nonzero<place, side>(here.template place<place>(ids{0, 0, 0, 0, 7, 0}))) ==
              ids{4, 0});
    });
    CHECK(complaint<one>([](auto& here) {
              (void)mw::nonzero<place, up>(here.template place<place>(ids(6)), {}, 7);
          }).find("mw::nonzero was asked for 7 indices of place, which has 6 elements") != std::string::npos);
}

struct vocab : mw::padded<5, 8> {};
TEST_CASE("nonzero finds nothing in padding") {
    using S = mw::strategy<grid<1, 4>, split<vocab, tp<4>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const x = mw::zeros<mw::tensor_of<S, float, vocab>>();
        CHECK(here.gather(mw::nonzero<S, vocab, best>(x < 1, {.fill = 9})) == ids{0, 1, 2});
        CHECK(here.gather(mw::nonzero<S, vocab, up>(!(x > 1), {.fill = 9}, 5)) == ids{0, 1, 2, 3, 4});
    });
}
TEST_CASE("padding is never chosen, sorted or summed up") {
    using S = mw::strategy<grid<1, 4>, split<vocab, tp<4>>>;
    using X = mw::tensor_of<S, float, row, vocab>;
    std::vector<float> const logits(row::size * vocab::size, -3);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const split = mw::cut_from<X>(std::span<float const>(logits));
        CHECK(here.gather(mw::argmax<S, vocab>(split)) == ids{0, 0, 0, 0});
        auto const whole = mw::reshard<mw::layout<typename S::mesh>>(split);
        CHECK(here.gather(mw::argmax<vocab>(whole)) == ids{0, 0, 0, 0});
        CHECK(here.gather(mw::top_k<vocab, best>(whole).values) == std::vector<float>(12, -3));
        CHECK(here.gather(mw::top_k<vocab, best>(whole).indices) == ids{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
        std::vector<float> const first{-3, -3, -3, -3, -3, 0, 0, 0}, sums{-3, -6, -9, -12, -15, 0, 0, 0};
        auto const sorted = here.gather(mw::sort<vocab>(whole)),
                   running = here.gather(mw::cumsum<vocab>(whole));
        CHECK(std::equal(first.begin(), first.end(), sorted.begin()));
        CHECK(std::equal(sums.begin(), sums.end(), running.begin()));
    });
}

TEST_CASE("an axis without elements has no largest one; a running sum of it has none either") {
    using X = mw::tensor_of<one, float, row, up>;
    CHECK(complaint<one>([](auto&) {
              (void)mw::argmax<up>(X::uninitialized({0}));
          }).find("mw::argmax of axis up, which has no elements") != std::string::npos);
    CHECK(complaint<one>([](auto&) {
              (void)mw::top_k<up, best>(X::uninitialized({2}));
          }).find("which has 2") != std::string::npos);
    mw::run<one>(mw::threads{}, [](auto&) {
        CHECK(mw::cumsum<up>(X::uninitialized({0})).size() == 0);
        CHECK(mw::sort<up>(X::uninitialized({0})).size() == 0);
        auto const single = mw::full<X>(7, {1});
        CHECK(mw::argmin<up>(single).span()[3] == 0);
        CHECK(mw::sort<up>(single).span()[3] == 7);
        CHECK(mw::cumprod<up>(single).span()[3] == 7);
    });
}

TEST_CASE("integers are sorted and summed up; what has no gradient refuses a recorded operand") {
    using X = mw::tensor_of<one, std::int32_t, place>;
    mw::run<one>(mw::threads{}, [](auto& here) {
        using sums = std::vector<std::int64_t>;
        ids const given{3, -1, 3, 2, -1, 0};
        auto const x = mw::cut_from<X>(std::span<std::int32_t const>(given));
        CHECK(here.gather(mw::argsort<place>(x)) == ids{1, 4, 5, 3, 0, 2});
        CHECK(here.gather(mw::argsort<place>(x, {.descending = true})) == ids{0, 2, 3, 5, 1, 4});
        CHECK(here.gather(mw::cumsum<place>(x)) == sums{3, 2, 5, 7, 6, 6});
        CHECK(here.gather(mw::cumprod<place>(x)) == sums{3, -3, -9, -18, 18, 0});
        CHECK(here.gather(mw::argmax<place>(x)) == ids{0});
    });
    auto const said = [](auto op) {
        return complaint<one>([&](auto&) {
            using P = mw::tensor_of<one, double, place>;
            operands<P, P> const both{mw::full<P>(1), mw::full<P>(2)};
            (void)mw::value_and_gradient(both, [&](auto const& m) {
                (void)op(m.x);
                return mw::sum(m.x);
            });
        });
    };
    CHECK(said([](auto const& x) { return mw::argmax<place>(x); }).find("mw::argmax was given") !=
          std::string::npos);
    CHECK(said([](auto const& x) { return mw::argsort<place>(x); }).find("mw::argsort was given") !=
          std::string::npos);
}

// which: 0 sort, 1 falling, 2 top_k, 3 cumsum, 4 cumprod
numbers naive(std::size_t which, numbers const& x) {
    std::size_t const kept = which == 2 ? best::size : place::size;
    numbers out(row::size * kept * side::size);
    std::size_t group = 0;
    each_row([&](auto at) {
        auto const values = row_at(x, at);
        auto const order = ranks_of(values, which != 0);
        double sum = 0, product = 1;
        for (std::size_t p = 0; p < kept; ++p) {
            sum += values[p], product *= values[p];
            out[(group / side::size * kept + p) * side::size + group % side::size] = which < 3
                                                                                         ? values[order[p]]
                                                                                     : which == 3 ? sum
                                                                                                  : product;
        }
        ++group;
    });
    return out;
}
template <class S, bool UnderS = false>
void check_rows() {
    using X = mw::tensor_of<S, double, row, place, side>;
    auto x = values(elements<typename X::axes>);
    for (std::size_t which = 0; which < 5; ++which) {
        if (which == 4) x[4] = 0, x[16] = 0, x[18] = 0;  // products with one zero, and with two
        CAPTURE(which);
        numbers out;
        auto const found = loss_on<S, X, mw::tensor_of<S, double, note>>(
            x, {1}, [&](auto& here, auto const& given, auto const&) {
                auto const finish = [&](auto const& y) {
                    auto const all = here.gather(y.detached());
                    if (here.is_first().on_this_rank()) out.assign(all.begin(), all.end());
                    return weighed(y);
                };
                if constexpr (UnderS) switch (which) {
                    case 0: return finish(mw::sort<S, place>(given));
                    case 1: return finish(mw::sort<S, place>(given, {.descending = true}));
                    case 2: return finish(mw::top_k<S, place, best>(given).values);
                    case 3: return finish(mw::cumsum<S, place>(given));
                    default: return finish(mw::cumprod<S, place>(given));
                    }
                else
                    switch (which) {
                    case 0: return finish(mw::sort<place>(given));
                    case 1: return finish(mw::sort<place>(given, {.descending = true}));
                    case 2: return finish(mw::top_k<place, best>(given).values);
                    case 3: return finish(mw::cumsum<place>(given));
                    default: return finish(mw::cumprod<place>(given));
                    }
            });
        auto const loss = [&](numbers const& a) {
            double total = 0;
            std::size_t i = 0;
            for (double y : naive(which, a)) total += weight_at(i++) * y;
            return total;
        };
        CHECK(distance(out, naive(which, x)) < 1e-10);
        CHECK(distance(found.dx, slopes(x, loss)) < 1e-5);
    }
}

TEST_CASE("padding on ranks is not summed up, and never among the largest") {
    using S = mw::strategy<grid<1, 4>, split<vocab, tp<4>>>;
    using X = mw::tensor_of<S, float, vocab>;
    std::vector<float> const x(vocab::size, 2);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const sums = here.gather(mw::cumsum<S, vocab>(mw::cut_from<X>(std::span<float const>(x))));
        CHECK(sums == std::vector<float>{2, 4, 6, 8, 10, 0, 0, 0});
        auto const p = mw::cut_from<X>(std::span<float const>(x)) * -1;
        CHECK(here.gather(mw::cumprod<S, vocab>(p)) == std::vector<float>{-2, 4, -8, 16, -32, 0, 0, 0});
        CHECK(here.gather(mw::top_k<S, vocab, best>(p).indices) == ids{0, 1, 2});
        CHECK(here.gather(mw::sort<S, vocab>(p)) == std::vector<float>{-2, -2, -2, -2, -2, 0, 0, 0});
    });
}

TEST_CASE("sorts, the largest elements, running sums and products, and their gradients") {
    check_rows<one>();
    check_rows<by_row>();
    check_rows<by_place, true>();
    check_rows<by_place_minor_first, true>();
    check_rows<both_ways, true>();
}

template <class S>
void check_ranks_of_ties() {
    using X = mw::tensor_of<S, double, row, place, side>;
    ids order(row::size * place::size * side::size), largest(row::size * best::size * side::size);
    auto const x = few_values();
    std::size_t group = 0;
    each_row([&](auto at) {
        auto const rising = ranks_of(row_at(x, at), false), falling = ranks_of(row_at(x, at), true);
        for (std::size_t p = 0; p < place::size; ++p) {
            order[at(p)] = static_cast<std::int32_t>(rising[p]);
            if (p < best::size)
                largest[(group / side::size * best::size + p) * side::size + group % side::size] =
                    static_cast<std::int32_t>(falling[p]);
        }
        ++group;
    });
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const p = mw::cut_from<X>(std::span<double const>(x));
        CHECK(here.gather(mw::argsort<S, place>(p)) == order);
        CHECK(here.gather(mw::top_k<S, place, best>(p).indices) == largest);
    });
}
TEST_CASE("of equal elements and NaN on several ranks the one with the lowest index comes first") {
    check_ranks_of_ties<one>();
    check_ranks_of_ties<by_place_minor_first>();
    check_ranks_of_ties<both_ways>();
}

}  // namespace
