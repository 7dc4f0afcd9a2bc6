// agreement: an operation on a mesh against a plain double loop over the whole arrays: its result, and its
// gradient against central differences of that loop.
#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/parallel/run.hpp>

namespace agreement {

namespace mw = meshwise;
using numbers = std::vector<double>;
using ids = std::vector<std::int32_t>;

// no two elements, and no two sums of few of them, are alike
inline double value_at(std::size_t i) {
    return 0.25 * static_cast<double>((i * 37 + 5) % 23) - 2.5 + 0.01 * static_cast<double>(i);
}
inline double weight_at(std::size_t i) { return static_cast<double>((i * 7 + 3) % 11) - 4.5; }
inline numbers values(std::size_t n) {
    numbers x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = value_at(i);
    return x;
}

template <class Axes>
inline constexpr std::size_t elements = 1;
template <class... A>
inline constexpr std::size_t elements<mw::axes<A...>> = (std::size_t{1} * ... * A::size);

template <class X, class Y>
struct operands {
    X x;
    Y y;
    static constexpr auto parameters = mw::fields<&operands::x, &operands::y>();
};

/// The sum of an operation's result, each element times its own weight: a loss that sees every element.
template <class X>
auto weighed(X const& out) {
    auto weights = mw::result_of<mw::gradient_of<X>>(out);
    mw::fill_by_index(weights, weight_at);
    auto const sum = [&]<class... A>(mw::axes<A...>) {
        return mw::sum<A...>(out * weights);
    }(typename X::axes{});
    return mw::reshard<mw::layout<typename X::mesh>>(sum);
}

struct outcome {
    double value = 0, count = 0;
    numbers out, dx, dy;
};

/// The loss of f(x, y) and its gradient, on the mesh of S, as rank 0 sees them.
template <class S, class X, class Y, class F>
outcome loss_on(numbers const& x, numbers const& y, F f) {
    outcome found;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        using T = typename X::value_type;
        std::vector<T> const of_x(x.begin(), x.end()), of_y(y.begin(), y.end());
        operands<X, Y> const both{mw::cut_from<X>(std::span<T const>(of_x)),
                                  mw::cut_from<Y>(std::span<T const>(of_y))};
        auto result =
            mw::value_and_gradient(both, [&](auto const& model) { return f(here, model.x, model.y); });
        auto const dx = here.gather(result.gradient.whole(0, both.x)),
                   dy = here.gather(result.gradient.whole(1, both.y));
        if (!here.is_first().on_this_rank()) return;
        found.value = result.loss, found.count = result.gradient.count;
        for (T d : dx) found.dx.push_back(static_cast<double>(d));
        for (T d : dy) found.dy.push_back(static_cast<double>(d));
    });
    return found;
}

/// The result of op(x, y) whole, and the gradient of its weighed sum.
template <class S, class X, class Y, class Op>
outcome result_on(Op op) {
    numbers whole;
    auto found = loss_on<S, X, Y>(values(elements<typename X::axes>), values(elements<typename Y::axes>),
                                  [&](auto& here, auto const& x, auto const& y) {
                                      auto const out = op(here, x, y);
                                      auto const all = here.gather(out.detached());
                                      if (here.is_first().on_this_rank())
                                          whole.assign(all.begin(), all.end());
                                      return weighed(out);
                                  });
    found.out = whole;
    return found;
}

/// d loss / d x_i by central differences.
template <class F>
numbers slopes(numbers x, F loss) {
    numbers d(x.size());
    double const step = 1e-5;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const at = x[i];
        x[i] = at + step;
        double const above = loss(x);
        x[i] = at - step;
        double const below = loss(x);
        x[i] = at;
        d[i] = (above - below) / (2 * step);
    }
    return d;
}

inline double distance(numbers const& a, numbers const& b) {
    if (a.size() != b.size()) return INFINITY;
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        double const apart = std::abs(a[i] - b[i]);
        if (!(apart <= worst)) worst = apart;
    }
    return worst;
}

/// naive(x, y) -> the whole result, from the whole operands.
template <class S, class X, class Y, class Op, class Naive>
void agrees(Op op, Naive naive, double tolerance = 1e-8) {
    auto const x = values(elements<typename X::axes>), y = values(elements<typename Y::axes>);
    auto const expected = naive(x, y);
    auto const loss = [&](numbers const& a, numbers const& b) {
        auto const out = naive(a, b);
        double total = 0;
        for (std::size_t i = 0; i < out.size(); ++i) total += weight_at(i) * out[i];
        return total;
    };
    auto const found = result_on<S, X, Y>(op);
    CHECK(distance(found.out, expected) < tolerance);
    CHECK(std::abs(found.value - loss(x, y)) < 100 * tolerance);
    CHECK(distance(found.dx, slopes(x, [&](numbers const& a) { return loss(a, y); })) < 1e-6);
    CHECK(distance(found.dy, slopes(y, [&](numbers const& b) { return loss(x, b); })) < 1e-6);
}

/// What a program that fails on some rank says.
template <class S, class Program>
std::string complaint(Program program) {
    try {
        mw::run<S>(mw::threads{}, program);
    } catch (mw::error const& e) { return e.what(); }
    return "nothing went wrong";
}

}  // namespace agreement
