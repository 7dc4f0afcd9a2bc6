// along_axis: how operations along one axis (norms, softmax, rotary positions) see a tensor: as rows of that axis. The axis
// is brought to the end where it is not there already; that is one copy each way, and nothing where it is the last.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/reductions/sum.hpp>

namespace meshwise::detail {

template <class Axis, class X>
using rows_of = without<as_list<typename X::axes>, list<Axis>>;
template <class Axis, class X>
using last_ordered = with_place<X, as_axes<concat<rows_of<Axis, X>, list<Axis>>>, typename X::layout>;
/// One number a row, split as the rows are.
template <class Axis, class X>
using one_per_row =
    with_place<X, as_axes<rows_of<Axis, X>>, relayout<rows_of<Axis, X>, list<>, typename X::layout>>;

/// The same elements in the axis order of Out; no copy where it is the order of x.
template <class Out, class X>
Out in_order(X const& x) {
    if constexpr (std::is_same_v<Out, X>)
        return x.detached();
    else
        return repeated<Out>(x, x);
}
template <class Axis, class X>
last_ordered<Axis, X> with_last(X const& x) {
    return in_order<last_ordered<Axis, X>>(x);
}

// the split axis of these rows that reproducible<V> divides into leaves, or void
template <class X, class Rows>
struct row_leaf {
    using type = void;
};
template <class X, class Rows>
    requires(X::backend::leaves > 1)
struct row_leaf<X, Rows> : leaf_axis<typename X::layout, Rows> {};

// leaves are runs of rows when their axis is the outermost
template <class Leaf, class X>
auto leaf_first(X const& x) {
    if constexpr (std::is_void_v<Leaf>)
        return x.detached();
    else
        return in_order<
            with_place<X, as_axes<concat<list<Leaf>, without<as_list<typename X::axes>, list<Leaf>>>>,
                       typename X::layout>>(x);
}

template <class Leaf, class X>
constexpr std::size_t leaves_here() {
    if constexpr (std::is_void_v<Leaf>)
        return 1;
    else
        return leaves_of<typename X::backend, typename X::layout, Leaf>::here;
}

/// out = the sum over all rows of a kernel's part(first row, rows, to), the rows ordered by leaf_first.
template <class Leaf, class X, class Part>
void sum_over_rows(X const& x, std::size_t rows, std::size_t size, typename X::value_type* out, Part part) {
    constexpr std::size_t leaves = leaves_here<Leaf, X>();
    if constexpr (!std::is_void_v<Leaf>)
        if (x.template local_extent<Leaf>() % leaves != 0)
            throw_error({"axis ", name_of<Leaf>(), " has ", x.template stored_extent<Leaf>(),
                         " elements, which reproducible<", X::backend::leaves,
                         "> cannot divide into leaves; pad it to a multiple"});
    std::size_t const each = rows / leaves;
    auto leaf = [&](std::size_t i, typename X::value_type* to) { part(i * each, each, to); };
    sum_of_leaves<typename X::backend>(0, leaves, size, out, leaf);
}

/// The gradient of a parameter that all rows share: pending where the rows are split.
template <class Axis, class X, class Parameter>
using shared_by_rows = with_place<Parameter, typename Parameter::axes,
                                  typename summation<rows_of<Axis, X>, typename X::operand>::layout>;

/// A gain or bias of rows along Axis: that axis alone, whole and not pending.
template <class Axis, class X, class Parameter>
using fits_rows =
    all_of<same_mesh<typename X::layout, typename Parameter::layout>, same_backend<X, Parameter>,
           same_elements<X, Parameter>, typename along<Axis, typename Parameter::operand>::verdict,
           typename present<left_operand_lacks_axis, typename Parameter::axes, axes<Axis>>::type>;

}  // namespace meshwise::detail
