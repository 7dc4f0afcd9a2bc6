// allclose: whether two tensors are the same up to rounding, as one answer that all ranks have.
// Rule: core/relations.hpp `element_wise`: nothing is pending. No gradient. Cost: two passes and a mask.
#pragma once

#include <cmath>

#include <meshwise/core/uniform.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

/// Elements a and b are close where |a - b| <= atol + rtol |b|, as in numpy; infinities are close to themselves.
/// Example: bool const same = mw::allclose(x, y, {.rtol = 1e-3, .atol = 0, .equal_nan = true});
struct allclose_options {
    double rtol = 1e-5, atol = 1e-8;
    bool equal_nan = false;
};

namespace elementary {
struct close {
    double rtol, atol;
    bool equal_nan;
    constexpr bool operator()(auto a, auto b) const {
        if constexpr (any_number<decltype(a)> && any_number<decltype(b)>)
            return are(static_cast<double>(a), static_cast<double>(b));
        else
            return a == b;  // of the dual numbers with which map looks for a derivative
    }
    constexpr bool operator()(bfloat16 a, bfloat16 b) const {
        return are(static_cast<double>(static_cast<float>(a)), static_cast<double>(static_cast<float>(b)));
    }

private:
    constexpr bool are(double a, double b) const {
        if (a == b || (equal_nan && a != a && b != b)) return true;
        return std::isfinite(b) && std::abs(a - b) <= atol + rtol * std::abs(b);
    }
};
}  // namespace elementary

/// Whether all elements of x and y are close, in double; axes that one lacks are repeated. Padding does not count.
/// Placement: as `map`, nothing pending. Communication: one all-gather of the ranks' counts; the answer is the same on all ranks.
/// Errors: elements of two types; a negative tolerance. Source: numpy.allclose.
/// Example: if (mw::allclose(gain, bias)) std::puts("equal");
template <any_tensor X, any_tensor Y>
auto allclose(X const& x, Y const& y, allclose_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict = all_of<detail::mappable<X, Y>, detail::same_elements<X, Y>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::allclose",
                              {{"rtol", how.rtol, detail::at_least_zero_in_double},
                               {"atol", how.atol, detail::at_least_zero_in_double}},
                              &where);
        auto const mask =
            map(elementary::close{how.rtol, how.atol, how.equal_nan}, x.detached(), y.detached());
        bool const all_are = all<strategy<typename X::mesh>>(mask, where).item();
        return uniform<bool>::equal_by_construction(all_are);
    }
}

}  // namespace meshwise
