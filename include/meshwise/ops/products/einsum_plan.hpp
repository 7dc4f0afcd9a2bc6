// einsum_plan: the cheapest order in which several operands are multiplied two at a time, found at compile time.
// Cost: what one rank computes, and what it moves, a byte as much as 8 operations: about what a core does while memory gives
// it a byte. Up to 8 operands all orders are compared, of more the cheapest pair comes next.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include <meshwise/core/relations.hpp>

namespace meshwise::detail {

inline constexpr std::size_t most_operands = 16;

// Axes as bits. Node i < operands is an operand without the axes that are summed before all else; the others are products, in
// the order in which they are made.
struct einsum_plan {
    static constexpr double operations_per_byte = 8;
    struct node {
        std::uint64_t axes = 0, summed = 0;  // of the result; of both operands, but not of the result
        std::size_t left = 0, right = 0;
        double operations = 0, bytes = 0;
        constexpr double cost() const { return operations + operations_per_byte * bytes; }
    };
    std::size_t operands = 0;
    std::uint64_t out = 0;
    std::array<double, 64> extents{};
    std::array<node, 2 * most_operands> nodes{};

    constexpr double volume(std::uint64_t axes) const {
        double elements = 1;
        for (; axes != 0; axes &= axes - 1)
            elements *= extents[static_cast<std::size_t>(std::countr_zero(axes))];
        return elements;
    }
    // the product of two nodes, of which the axes in `wanted` are kept
    constexpr node product(std::size_t left, std::size_t right, std::uint64_t a, std::uint64_t b,
                           std::uint64_t wanted, double element) const {
        std::uint64_t const all = a | b;
        node made{.axes = all & wanted, .summed = all & ~wanted, .left = left, .right = right};
        made.operations = (made.summed == 0 ? 1 : 2) * volume(all);
        made.bytes = element * (volume(a) + volume(b) + volume(made.axes));
        return made;
    }
    constexpr double operations() const {
        double all = 0;
        for (node const& one : nodes) all += one.operations;
        return all;
    }
    constexpr std::size_t most_axes_of_a_product() const {
        int most = 0;
        for (std::size_t i = operands; i + 1 < 2 * operands; ++i)
            most = std::popcount(nodes[i].axes) > most ? std::popcount(nodes[i].axes) : most;
        return static_cast<std::size_t>(most);
    }
};

// All orders of n operands: the best way to make each set of them, from the best of two parts.
struct einsum_orders {
    static constexpr std::size_t most = 8;
    std::array<std::uint64_t, std::size_t{1} << most> axes{};
    std::array<double, std::size_t{1} << most> cost{};
    std::array<std::size_t, std::size_t{1} << most> left{};

    constexpr void compare(einsum_plan const& plan, double element) {
        std::size_t const every = (std::size_t{1} << plan.operands) - 1;
        for (std::size_t set = 1; set <= every; ++set) {
            std::uint64_t inside = 0, outside = plan.out;
            for (std::size_t i = 0; i < plan.operands; ++i)
                (set >> i & 1 ? inside : outside) |= plan.nodes[i].axes;
            axes[set] = inside & outside;
        }
        for (std::size_t set = 1; set <= every; ++set) {
            if (std::has_single_bit(set)) continue;
            cost[set] = std::numeric_limits<double>::infinity();
            std::size_t const first = set & (~set + 1), rest = set ^ first;
            // the part with the first operand: the largest of them first, so that equal costs go from left to right
            for (std::size_t others = rest; others != 0;) {
                others = (others - 1) & rest;
                std::size_t const part = first | others;
                auto const made = plan.product(0, 0, axes[part], axes[set ^ part], axes[set], element);
                bool const is_a_tensor = static_cast<std::size_t>(std::popcount(made.axes)) <= most_axes;
                double const total = cost[part] + cost[set ^ part] + made.cost() + (is_a_tensor ? 0 : 1e100);
                if (total < cost[set]) cost[set] = total, left[set] = part;
            }
        }
    }
    constexpr std::size_t write(einsum_plan& plan, std::size_t set, std::size_t& next, double element) const {
        if (std::has_single_bit(set)) return static_cast<std::size_t>(std::countr_zero(set));
        std::size_t const a = write(plan, left[set], next, element),
                          b = write(plan, set ^ left[set], next, element);
        plan.nodes[next] = plan.product(a, b, axes[left[set]], axes[set ^ left[set]], axes[set], element);
        return next++;
    }
};

constexpr void order_by_pairs(einsum_plan& plan, double element) {
    std::array<std::size_t, 2 * most_operands> left{};
    std::size_t count = plan.operands, next = plan.operands;
    for (std::size_t i = 0; i < count; ++i) left[i] = i;
    for (; count > 1; --count) {
        double least = std::numeric_limits<double>::infinity();
        std::size_t at = 0, with = 1;
        for (std::size_t i = 0; i < count; ++i)
            for (std::size_t j = i + 1; j < count; ++j) {
                std::uint64_t wanted = plan.out;
                for (std::size_t k = 0; k < count; ++k)
                    if (k != i && k != j) wanted |= plan.nodes[left[k]].axes;
                auto const made = plan.product(left[i], left[j], plan.nodes[left[i]].axes,
                                               plan.nodes[left[j]].axes, wanted, element);
                double const total =
                    made.cost() +
                    (static_cast<std::size_t>(std::popcount(made.axes)) <= most_axes ? 0 : 1e100);
                if (total < least) least = total, at = i, with = j, plan.nodes[next] = made;
            }
        left[at] = next++;
        left[with] = left[count - 1];
    }
}

/// `axes` of each operand, as it is given; `extents` of all axes on one rank; `element` in bytes.
template <std::size_t Operands, std::size_t Axes>
constexpr einsum_plan cheapest_order(std::array<std::uint64_t, Operands> const& axes, std::uint64_t out,
                                     std::array<std::size_t, Axes> const& extents, double element) {
    einsum_plan plan{.operands = Operands, .out = out};
    for (std::size_t i = 0; i < Axes; ++i) plan.extents[i] = static_cast<double>(extents[i]);
    for (std::size_t i = 0; i < Operands; ++i) {
        std::uint64_t wanted = out;
        for (std::size_t j = 0; j < Operands; ++j) wanted |= j == i ? 0 : axes[j];
        plan.nodes[i] = {.axes = axes[i] & wanted, .summed = axes[i] & ~wanted};
        if (plan.nodes[i].summed != 0) {
            plan.nodes[i].operations = plan.volume(axes[i]);
            plan.nodes[i].bytes = element * (plan.volume(axes[i]) + plan.volume(plan.nodes[i].axes));
        }
    }
    if constexpr (Operands <= einsum_orders::most) {
        einsum_orders orders;
        orders.compare(plan, element);
        std::size_t next = Operands;
        orders.write(plan, (std::size_t{1} << Operands) - 1, next, element);
    } else
        order_by_pairs(plan, element);
    return plan;
}

/// A line for each step.
[[gnu::noinline]] inline std::string text_of(einsum_plan const& plan, std::string_view const* names) {
    auto const with_unit = [](double number, char const* unit) {
        return std::to_string(static_cast<std::uint64_t>(number)) + unit;
    };
    auto const axes_of = [&](std::uint64_t axes) {
        std::string text = "(";
        for (; axes != 0; axes &= axes - 1) {
            auto const at = static_cast<std::size_t>(std::countr_zero(axes));
            if (text.size() > 1) text += ", ";
            text += std::string(names[at]) + " " + with_unit(plan.extents[at], "");
        }
        return text + ")";
    };
    std::string text;
    double bytes = 0;
    std::size_t step = 0;
    for (std::size_t i = 0; i + 1 < 2 * plan.operands; ++i) {
        auto const& made = plan.nodes[i];
        if (made.operations == 0) continue;
        text += std::to_string(++step) + ". " +
                (i < plan.operands
                     ? axes_of(made.axes | made.summed)
                     : axes_of(plan.nodes[made.left].axes) + " x " + axes_of(plan.nodes[made.right].axes)) +
                " -> " + axes_of(made.axes) + ": " + with_unit(made.operations, " operations, ") +
                with_unit(made.bytes, " bytes\n");
        bytes += made.bytes;
    }
    return text + "in all " + with_unit(plan.operations(), " operations, ") +
           with_unit(bytes, " bytes on each rank\n");
}

}  // namespace meshwise::detail
