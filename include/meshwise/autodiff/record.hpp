#pragma once
// record: how an operation notes its gradient. The types carry the placements: the gradient of a value lives
// where the value does (split <-> split, partial <-> replicated), and what a pullback computes with the ordinary
// operations has the placement that their rules give it: replicated is a complete contribution, partial a pending one.
#include <meshwise/autodiff/tape.hpp>

namespace meshwise {

/// The gradient of a tensor of type X, whole.
template <class X>
using gradient_of = with_place<X, typename X::axes, without_partials<typename X::layout>>;

/// What a pullback remembers of an operand: where to send its gradient, but not its memory.
template <class X>
struct target {
    node_id node = 0;
    [[no_unique_address]] typename X::extents_type extents{};
    explicit operator bool() const { return node != 0; }
};
template <class X>
target<X> target_of(X const& x) {
    return {x.node(), x.extents()};
}

/// Whether an operation on these operands has to be recorded. Every operation asks for all that it gives gradients to.
template <class... X>
bool is_recorded(X const&... x) {
    context const& here = current();
    if (here.noting_uses != nullptr) (here.noting_uses->use(x.node()), ...);
    return here.recording != nullptr && ((x.node() != 0) || ...);
}

/// Notes how `out` was made. `pull(gradient_of<Out>)` gets the whole gradient, reduced if any of it was pending.
template <class Out, class Pull>
void record(Out& out, std::source_location where, Pull pull) {
    auto const extents = out.extents();
    out.set_node(current().recording->record(
        element_operations_of<typename Out::value_type, typename Out::backend>, out.size(), where,
        [pull = std::move(pull), extents](tape& t, node_id id) mutable {
            pull(gradient_of<Out>::over(t.whole(id), extents));
        }));
}

/// The same for operations whose gradient is linear and cheap: `pull(gradient_of<Out>, pending)` is called once for
/// each kind of contribution and hands it on by its kind.
template <class Out, class Pull>
void record_linear(Out& out, std::source_location where, Pull pull) {
    auto const extents = out.extents();
    out.set_node(current().recording->record(
        element_operations_of<typename Out::value_type, typename Out::backend>, out.size(), where,
        [pull = std::move(pull), extents](tape& t, node_id id) mutable {
            // a copy: nested recordings may move the nodes
            contributions const all = t.gradient_of(id);
            for (std::size_t i = 0; i < all.count; ++i)
                pull(gradient_of<Out>::over(all.kinds[i].memory, extents), all.kinds[i].pending);
        }));
}

namespace detail {
inline tape*& tape_going_backwards() {
    thread_local tape* t = nullptr;
    return t;
}
}  // namespace detail

/// Adds a contribution to an operand's gradient. Placement: as the operand, but what is partial is pending
/// (`also_pending`: by the kind of contribution it was made from).
template <class X, class DX>
void contribute(target<X> const& to, DX const& gradient, mesh_mask also_pending = 0) {
    static_assert(std::is_same_v<typename X::axes, typename DX::axes>,
                  "a gradient has the axes of its value, in the same order");
    static_assert(std::is_same_v<without_partials<typename X::layout>, without_partials<typename DX::layout>>,
                  "a gradient is split as its value");
    static_assert((sum_mask<typename X::layout> & sum_mask<typename DX::layout>) == 0,
                  "the gradient of a pending value is whole");
    static_assert(std::is_same_v<typename X::value_type, typename DX::value_type>);
    if (!to) return;
    tape& t = *detail::tape_going_backwards();
    mesh_mask pending = sum_mask<typename DX::layout> | also_pending;
    buffer memory = gradient.memory();
    if constexpr (X::backend::leaves > 1) {
        // (q0 + k0) + (q1 + k1) is not (q0 + q1) + (k0 + k1): for equal bits every contribution is reduced by itself
        memory = tape::reduced(element_type_of<typename X::value_type>, sizeof(typename X::value_type),
                               gradient.size(), pending, std::move(memory), t.where(to.node));
        pending = 0;
    }
    t.contribute(to.node, pending, std::move(memory));
}

/// Runs the pullbacks of all nodes after `down_to`.
inline void pull_back(tape& t, node_id down_to) {
    without_recording const off;
    doing const backward("backward");
    struct restore {
        tape *before, *noting;
        ~restore() {
            detail::tape_going_backwards() = before;
            current().noting_uses = noting;
        }
    } const at_end{std::exchange(detail::tape_going_backwards(), &t),
                   std::exchange(current().noting_uses, nullptr)};
    t.backward(down_to);
}

}  // namespace meshwise
