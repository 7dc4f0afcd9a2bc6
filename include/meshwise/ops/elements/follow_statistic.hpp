// follow_statistic: a running statistic of a layer goes a little of the way to what the layer sees, once a step.
// It travels as a gradient does, so that it is the same on all ranks, counts micro-batches and recomputed parts once, and stays as
// it is where a step is skipped, the model is frozen or the value is not used by the loss. optim/finite_steps.hpp applies it.
// All other operations take a statistic of the recorded model for a constant, as torch does a buffer.
// Cost: one pass over the statistic, forwards. Nothing where nothing is recorded.
#pragma once

#include <meshwise/ops/elements/map.hpp>
#include <meshwise/tensor/at_line.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

namespace elementary {
template <class T>
struct way_to {
    T share;
    constexpr T operator()(T at, T seen) const { return share * (at - seen); }
};
}  // namespace elementary

namespace detail {
[[noreturn]] inline void refuse_no_statistic(std::source_location where) {
    throw error(
        at_line(where) +
        "mw::follow_statistic was given a value that is trained or computed, and only a parameter of the recorded "
        "model whose role is mw::role::statistic follows what is seen: say the role behind the member in mw::fields");
}
}  // namespace detail

/// y, unchanged. Where it is recorded and the loss uses it, the next step moves `statistic`, a parameter whose role is
/// mw::role::statistic, by `share` of the way to `seen`; of a layer that is used several times in one loss or over
/// micro-batches by the mean of these ways.
/// Placement: y any; `seen` as the statistic. Communication: none. Errors: a share outside [0, 1]; a statistic that is a
/// trained parameter or a computed value.
/// Example: auto same = mw::follow_statistic(y, bias, mw::settle<S>(mw::mean<S, batch, token>(y)), 0.1);
template <any_tensor Y, any_tensor P, any_tensor Seen>
auto follow_statistic(Y const& y, P const& statistic, Seen const& seen, double share = 0.1,
                      std::source_location where = std::source_location::current()) {
    using fits = judge<std::is_same_v<typename P::axes, typename Seen::axes> &&
                           std::is_same_v<typename P::layout, typename Seen::layout>,
                       gradient_is_not_in_storage_layout, parameter_is_stored_as<typename P::layout>,
                       gradient_is_placed_as<typename Seen::layout>>;
    using verdict = all_of<not_refused<Y, P, Seen>, fits, detail::same_backend<Y, P, Seen>,
                           detail::same_elements<P, Seen>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::follow_statistic", {{"share", share, detail::zero_to_one}}, &where);
        detail::note_numbers<P>(share);
        check_operands(where, seen);
        bool const recorded = is_recorded(where, y, statistic);
        if (recorded && statistic.node() != 0) detail::refuse_no_statistic(where);
        context const& here = current();
        target<P> const to_statistic{
            statistic.memory().is_leaf_of(here.recording_number) ? statistic.node_of_statistic() : 0,
            statistic.extents()};
        if (here.noting_uses != nullptr) here.noting_uses->use(to_statistic.node);
        if (here.recording == nullptr || (!recorded && !to_statistic)) return y;
        using T = typename P::value_type;
        auto way = result_of<P>(statistic);
        P::backend::map(detail::element_loops(way, statistic, seen),
                        elementary::way_to<T>{static_cast<T>(share)}, way.mutable_data(),
                        statistic.raw_data(), seen.raw_data());
        Y out = Y::over(y.memory(), y.extents());
        record(out, where, [to = target_of(y), to_statistic, way](auto const& d) {
            contribute(to, d);
            if (to_statistic) detail::tape_going_backwards()->count_way(to_statistic.node);
            contribute(to_statistic, way);
        });
        return out;
    }
}

}  // namespace meshwise
