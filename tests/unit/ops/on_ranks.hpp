// on_ranks: runs an operation and its gradient on the ranks of a strategy and gathers everything, so that a test can
// compare meshes with one rank, and one rank with loops and finite differences written beside it.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/parallel/run.hpp>

#include "max_with_nan.hpp"

namespace testing {

namespace mw = meshwise;

using numbers = std::vector<double>;

/// What one rank sees of an operation: its whole result, and the whole gradient of sum(result * weights) by each operand.
struct outcome {
    numbers value;
    std::vector<numbers> gradients;
};

template <class X>
X cut(numbers const& whole) {
    std::vector<typename X::value_type> const converted(whole.begin(), whole.end());
    return mw::cut_from<X>(std::span<typename X::value_type const>(converted));
}

template <class X>
auto sum_of_all(X const& x) {
    return [&]<class... A>(mw::axes<A...>) { return mw::sum<A...>(x); }(typename X::axes{});
}

/// Operands: a struct of tensors with `parameters`. op(rank, operands) -> tensor. One outcome a rank.
template <class S, class Operands, class Op>
std::vector<outcome> on_ranks(std::vector<numbers> const& inputs, numbers const& weights, Op op) {
    std::vector<outcome> seen(S::mesh::ranks);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto operands = mw::init<Operands>(here, mw::seed{1});
        mw::for_each_parameter(operands, [&](std::size_t i, std::string_view, auto& p, auto) {
            p = cut<std::remove_cvref_t<decltype(p)>>(inputs[i]);
        });
        outcome& mine = seen[here.index().on_this_rank()];
        auto const keep = [&](numbers& to, auto const& x) {
            auto const all = here.gather(x.detached());
            to.assign(all.begin(), all.end());
        };
        auto found = mw::value_and_gradient(operands, [&](Operands const& given) {
            auto const y = op(here, given);
            keep(mine.value, y);
            using Y = mw::gradient_of<std::remove_const_t<decltype(y)>>;
            auto const total = sum_of_all(y * cut<Y>(weights));
            return mw::loss_parts{total,
                                  total.detached()};  // gradients are looked at before they are divided
        });
        found.gradient.scale = 1;
        mine.gradients.resize(inputs.size());
        mw::for_each_parameter(operands, [&](std::size_t i, std::string_view, auto& p, auto) {
            keep(mine.gradients[i], found.gradient.whole(i, p));
        });
    });
    return seen;
}

/// Numbers without a pattern, between -1 and 1.
inline numbers varied(std::size_t count, std::size_t seed) {
    numbers made(count);
    for (std::size_t i = 0; i < count; ++i) {
        made[i] = std::sin(static_cast<double>((i + 1) * (2 * seed + 3) * 7919 % 10007));
    }
    return made;
}

/// The largest difference, in units of the largest number (or of 1, if that is smaller). NaN and other sizes are infinite.
inline double distance(numbers const& a, numbers const& b) {
    if (a.size() != b.size()) return INFINITY;
    double scale = 1, most = 0;
    for (double y : b) scale = std::max(scale, std::abs(y));
    for (std::size_t i = 0; i < a.size(); ++i) most = worse(most, std::abs(a[i] - b[i]));
    return most / scale;
}

inline void check_near(outcome const& a, outcome const& b, double tolerance) {
    CHECK(distance(a.value, b.value) <= tolerance);
    REQUIRE(a.gradients.size() == b.gradients.size());
    for (std::size_t i = 0; i < a.gradients.size(); ++i) {
        CAPTURE(i);
        CHECK(distance(a.gradients[i], b.gradients[i]) <= tolerance);
    }
}

inline void check_near(std::vector<outcome> const& all, outcome const& expected, double tolerance) {
    for (outcome const& one : all) check_near(one, expected, tolerance);
}

/// Result and gradient of `reference(inputs) -> result`, the gradient by central differences.
template <class Reference>
outcome by_differences(std::vector<numbers> inputs, numbers const& weights, Reference reference) {
    auto const total = [&] {
        numbers const y = reference(inputs);
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * weights[i];
        return sum;
    };
    outcome found{reference(inputs), {}};
    constexpr double step = 1e-5;
    for (numbers& input : inputs) {
        numbers& gradient = found.gradients.emplace_back();
        for (double& x : input) {
            double const before = x;
            x = before + step;
            double const above = total();
            x = before - step;
            gradient.push_back((above - total()) / (2 * step));
            x = before;
        }
    }
    return found;
}

/// One rank against a reference: the result to rounding, gradients to what differences can tell.
inline void check_reference(outcome const& one, outcome const& expected) {
    CHECK(distance(one.value, expected.value) <= 1e-12);
    REQUIRE(one.gradients.size() == expected.gradients.size());
    for (std::size_t i = 0; i < one.gradients.size(); ++i) {
        CAPTURE(i);
        CHECK(distance(one.gradients[i], expected.gradients[i]) <= 1e-8);
    }
}

template <class Verdict>
using rule_of = typename Verdict::rule;

}  // namespace testing
