// The rules about types of elements, in the form of core/rules.hpp.
#pragma once

#include <meshwise/core/facts.hpp>
#include <meshwise/core/verdict.hpp>

namespace meshwise {

inline namespace rules {
// clang-format off

/// An operation computes in one element type. Ids and labels are std::int32_t.
/// Wrong: `mw::add(floats, doubles)`
/// Right: `mw::add(mw::cast<double>(floats), doubles)`
struct elements_of_different_types {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the operands have different element types: convert one with mw::cast<type>(x), or make both of one type: ids and labels are std::int32_t, numbers are float unless the strategy has mw::dtype<type>");
    };
};

/// An exponential, a root, a rounding, a mean or a quotient of integers would be cut to an integer.
/// Wrong: `mw::sqrt(ids)`
/// Right: `mw::sqrt(mw::cast<float>(ids))`
struct function_of_integers {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this function is one of numbers with fractions, and its operand has integers, or is a mask: convert it first, with mw::cast<float>(x)");
    };
};

/// A mask is true or false. What is added or multiplied is a number.
/// Wrong: `x * (x > 0)`, `(x > 0) + (y > 0)`
/// Right: `mw::where(x > 0, x, 0)`, `x > 0 || y > 0`
struct arithmetic_on_a_mask {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a mask is true or false, and this operation is one of numbers: choose with mw::where(mask, x, y), combine masks with &&, || and !, or make zeros and ones of it with mw::cast<float>(mask)");
    };
};

/// What chooses, and what && and || combine, is true or false.
/// Wrong: `mw::where(x, y, 0)`
/// Right: `mw::where(x != 0, y, 0)`
struct not_a_mask {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a mask belongs here, a tensor of true and false, and this one has numbers: compare it, as in x != 0 or x > y");
    };
};

// clang-format on
}  // namespace rules

}  // namespace meshwise
