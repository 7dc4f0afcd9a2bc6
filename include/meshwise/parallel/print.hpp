// print: shows a tensor that is split over ranks, once.
#pragma once

#include <meshwise/parallel/rank.hpp>
#include <meshwise/tensor/to_text.hpp>

namespace meshwise {

/// Writes the axes, the placement and all elements of x, on the first rank. Placement: any; a pending sum is settled to be
/// shown. Communication: as here.gather, so all ranks call it. In a plan nothing is written.
/// Errors: x is recorded: mw::print(here, x.detached()) says that no gradient is wanted of what is shown.
/// Example: mw::print(here, x);
template <any_strategy S, any_tensor X>
void print(rank<S>& here, X const& x, std::FILE* to = stdout,
           std::source_location where = std::source_location::current()) {
    if constexpr (!is_poison<X>) {
        if (is_recorded(where, x)) detail::refuse_without_gradient("mw::print", where);
        without_recording const off;
        auto const whole = reshard<layout<typename S::mesh>>(x.detached(), where);
        here.only_on_first([&] {
            auto const shown = detail::true_extents(x);
            print(detail::text_of(detail::axes_text<typename X::layout>(shown, typename X::axes{}), whole,
                                  shown),
                  to);
        });
    }
}

}  // namespace meshwise
