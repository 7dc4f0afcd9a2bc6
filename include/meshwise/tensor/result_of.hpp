// result_of: room for a result, whose run-time extents are those of its operands.
// Guarantees: operands that disagree about an extent are refused. Costs: nothing where all sizes are in the types.
#pragma once

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

namespace detail {
template <class Axis, class X, class... Rest>
std::size_t extent_among(X const& x, Rest const&... rest) {
    if constexpr (contains<Axis, typename X::axes>)
        return x.template stored_extent<Axis>();
    else
        return extent_among<Axis>(rest...);
}
template <class Axis, class X>
void check_agrees(std::size_t extent, X const& x, std::source_location const* where = nullptr) {
    if constexpr (contains<Axis, typename X::axes>)
        if (x.template stored_extent<Axis>() != extent)
            refuse_extents(name_of<Axis>(), extent, x.template stored_extent<Axis>(), where);
}
template <class Out, class... A, class... X>
typename Out::extents_type result_extents(axes<A...>, X const&... x) {
    typename Out::extents_type extents{};
    std::size_t at = 0;
    [[maybe_unused]] auto one = [&]<class Axis>(Axis*) {
        if constexpr (Axis::bounded) {
            extents[at] = extent_among<Axis>(x...);
            (check_agrees<Axis>(extents[at], x), ...);
            ++at;
        }
    };
    (one(static_cast<A*>(nullptr)), ...);
    (void)at;
    return extents;
}
}  // namespace detail

/// Room for a result whose axes come from these operands.
/// Example: auto out = mw::result_of<decltype(x)>(x, bias);
template <class Out, class... X>
Out result_of(X const&... operands) {
    if constexpr (Out::bounded_count == 0)
        return Out::uninitialized();
    else
        return Out::uninitialized(detail::result_extents<Out>(typename Out::axes{}, operands...));
}

}  // namespace meshwise
