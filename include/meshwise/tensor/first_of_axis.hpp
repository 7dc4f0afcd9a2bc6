// first_of_axis: where the part of an axis begins that this rank holds.
#pragma once

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

namespace detail {
template <class Mesh, class... M>
std::size_t piece_index(communicator const& team, list<M...>) {
    std::size_t at = 0;
    ((at = at * M::ranks + (M::ranks == 1 ? 0 : team.coordinate(index_of<M, as_list<Mesh>>))), ...);
    (void)team;
    return at;
}
}  // namespace detail

/// The first global index of an axis that this rank holds of x.
/// Example: std::size_t const first_text_of_this_rank = mw::first_of_axis<batch>(x);
template <any_axis Axis, class X>
std::size_t first_of_axis(X const& x) {
    return detail::piece_index<typename X::mesh>(*current().team, split_of<typename X::layout, Axis>{}) *
           x.template local_extent<Axis>();
}

}  // namespace meshwise
