// padding: the elements behind the true size of a padded axis. They are zero in every tensor, gradients and moments included,
// so that a padded model computes what the unpadded one does: an operation that would make them something else clears them.
// Costs: nothing for tensors without padded axes.
#pragma once

#include <limits>

#include <meshwise/tensor/first_of_axis.hpp>

namespace meshwise::detail {

// Whether an operand is repeated along a padded axis of the result, so that its padding would not be zero.
template <class... X, class... A>
consteval bool repeats_into_padding(axes<A...> out) {
    if constexpr (has_padding(out))
        return ([]<class Axis>(Axis*) {
            return is_padded_axis<Axis>() && !(contains<Axis, typename X::axes> && ...);
        }(static_cast<A*>(nullptr)) ||
                ...);
    else
        return false;
}

/// Sets the padding of memory that has the axes and extents of x to a value, on this rank.
template <class X>
void fill_padding_of(X const& x, typename X::value_type* elements, typename X::value_type value) {
    if constexpr (has_padding(typename X::axes{}) && X::backend::computes)
        [&]<class... A>(axes<A...>) {
            auto const& local = x.local_extents();
            std::size_t at = 0, outer = 1, inner = x.local_size();
            auto const along = [&]<class Axis>(Axis*) {
                std::size_t const here = local[at++];
                if (here == 0) return;
                inner /= here;
                if constexpr (is_padded_axis<Axis>()) {
                    std::size_t const first = first_of_axis<Axis>(x);
                    std::size_t const kept = first >= Axis::true_size ? 0 : Axis::true_size - first;
                    if (kept < here)
                        for (std::size_t o = 0; o < outer; ++o)
                            X::backend::fill(elements + (o * here + kept) * inner, (here - kept) * inner,
                                             value);
                }
                outer *= here;
            };
            (along(static_cast<A*>(nullptr)), ...);
        }(typename X::axes{});
}

/// The same with zeros.
template <class X>
void clear_padding_of(X const& x, typename X::value_type* elements) {
    fill_padding_of(x, elements, typename X::value_type{});
}
/// The same of the memory of x.
template <class X>
void clear_padding(X& x) {
    if constexpr (has_padding(typename X::axes{}) && X::backend::computes)
        clear_padding_of(x, x.overwritten_data());
}

/// x for a kernel that looks for the largest elements, or sums up exponentials: without changing what it finds, it may go over
/// the padding of this.
template <class X>
X with_least_padding(X const& x) {
    X copy = x.detached();
    if constexpr (has_padding(typename X::axes{}))
        fill_padding_of(copy, copy.mutable_data(),
                        static_cast<typename X::value_type>(-std::numeric_limits<double>::infinity()));
    return copy;
}

/// The elements of an axis that count, over all ranks.
template <class Axis, class X>
std::size_t true_extent(X const& x) {
    if constexpr (is_padded_axis<Axis>())
        return Axis::true_size;
    else
        return x.template stored_extent<Axis>();
}

/// Refuses a padded axis where padding would count as elements.
template <class... Axis>
constexpr void refuse_padding(list<Axis...> = {}) {
    static_assert(
        !(is_padded_axis<Axis>() || ...),
        "meshwise: this operation would count the padding of a padded axis as elements: give the axis a size "
        "that needs no padding, or do not split it, so that it needs none");
}

// Several axes in place of one, or one in place of several: padding stands at the end of an axis, so that only the outermost
// of several may have some.
template <class First, class... Inner>
constexpr void refuse_inner_padding(list<First, Inner...>) {
    static_assert(
        !(is_padded_axis<Inner>() || ...),
        "meshwise: padding stands at the end of an axis, so that of axes that become one, or come of "
        "one, only the outermost may be padded: give the others a size that needs no padding");
}

}  // namespace meshwise::detail
