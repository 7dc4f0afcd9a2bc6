// record: how an operation notes its gradient. The types carry the placements: the gradient of a value lives
// where the value does (split <-> split, partial <-> replicated), and what a pullback computes with the ordinary
// operations has the placement that their rules give it: replicated is a complete contribution, partial a pending one.
#pragma once

#include <string_view>

#include <meshwise/autodiff/tape.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/padding.hpp>
#include <meshwise/tensor/result_of.hpp>

namespace meshwise {

/// The gradient of a tensor of type X, whole. That of bfloat16 is float: gradients are sums.
/// Example: static_assert(std::is_same_v<mw::gradient_of<decltype(x)>, decltype(x)>);  // x is not pending
template <class X>
using gradient_of = tensor<detail::summed_as<typename X::value_type>, typename X::axes,
                           without_partials<typename X::layout>, typename X::backend>;

/// What a pullback remembers of an operand: where to send its gradient, but not its memory.
/// Example:
/// mw::target<decltype(x)> const to = mw::target_of(x);
/// bool const is_asked_for = static_cast<bool>(to);
template <class X>
struct target {
    node_id node = 0;
    [[no_unique_address]] typename X::extents_type extents{};
    explicit operator bool() const { return node != 0; }
};
/// Where the gradient of x goes; it does not hold the memory of x.
/// Example: mw::target<decltype(x)> const to = mw::target_of(x);
template <class X>
target<X> target_of(X const& x) {
    return {x.node(), x.extents()};
}

namespace detail {
[[noreturn]] void refuse_operand(untyped_tensor const& x, axis_name const* names, std::source_location where);

/// Whether an operation may use the operand: it has a value, of this rank, and its place on the tape is one of this
/// recording. A value of a recording that is over is an ordinary one where nothing is recorded.
inline bool may_be_used(context const& here, untyped_tensor const& x, bool on_many_ranks) {
    bool const of_this_rank = !on_many_ranks || x.memory().pool() == here.pool.get() || x.memory().is_users();
    bool const in_its_place =
        x.node() != 0 ? x.recording() == here.recording_number ||
                            (here.recording == nullptr && !is_under_way(x.recording()))
                      : here.recording == nullptr || !x.memory().is_leaf_of(here.recording_number) ||
                            x.node_of_statistic() != 0 ||
                            (x.is_constant() && (x.is_frozen() || !here.models.contain(&x)));
    // a value of one rank among values of all
    bool const of_all = !on_many_ranks || (x.memory().version() & memory_pool::written_alone) == 0 ||
                        here.pool->works_alone();
    return x.has_value() && of_this_rank && in_its_place && of_all;
}
template <class X>
void check_operand(context const& here, X const& x, std::source_location where) {
    bool const has_dirty_padding = has_padding(typename X::axes{}) && x.memory().is_being_written();
    if (!may_be_used(here, x, X::mesh::ranks > 1) || has_dirty_padding)
        refuse_operand(x, names_of(static_cast<typename X::axes*>(nullptr)), where);
}
// An axis that several operands have is as long in all of them.
template <class X, class... Rest>
void check_agreement(std::source_location const& where, X const& x, Rest const&... rest) {
    if constexpr (X::bounded_count != 0 && ((Rest::bounded_count != 0) || ...)) {
        [[maybe_unused]] auto const one = [&]<class Axis>(Axis*) {
            if constexpr (Axis::bounded)
                (check_agrees<Axis>(x.template stored_extent<Axis>(), rest, &where), ...);
        };
        [&]<class... A>(axes<A...>) { (one(static_cast<A*>(nullptr)), ...); }(typename X::axes{});
    }
    if constexpr (sizeof...(Rest) > 1) check_agreement(where, rest...);
}
}  // namespace detail

/// Checks operands before an operation reads them; `is_recorded` does so, too. An operation gives all its operands to one of
/// the two in one call, so that an axis which several of them have is as long in all.
/// Errors: an operand without a value, of another run or rank, or recorded earlier; extents that differ. The message has `where`.
/// Example: mw::check_operands(std::source_location::current(), ids);
template <class... X>
void check_operands(std::source_location where, X const&... x) {
    context const& here = current();
    (detail::check_operand(here, x, where), ...);
    if constexpr (sizeof...(X) > 1) detail::check_agreement(where, x...);
}

/// Whether an operation on these operands has to be recorded. Every operation asks first of all, for all that it gives
/// gradients to.
/// Errors: as `check_operands`.
/// Example: bool const recorded = mw::is_recorded(std::source_location::current(), x, w);
template <class... X>
bool is_recorded(std::source_location where, X const&... x) {
    context const& here = current();
    (detail::check_operand(here, x, where), ...);
    if constexpr (sizeof...(X) > 1) detail::check_agreement(where, x...);
    if (here.noting_uses != nullptr) (here.noting_uses->use(x.node()), ...);
    return here.recording != nullptr && ((x.node() != 0) || ...);
}

/// The same from a function that was not told the line of its call.
template <class... X>
bool is_recorded(X const&... x) {
    return is_recorded(std::source_location::current(), x...);
}

namespace detail {
// For an operation that has no gradient for elements of the operands' type.
template <class... X>
void refuse_recorded(std::string_view operation, X const&... x) {
    if (!is_recorded(x...)) return;
    std::string sentence(operation);
    sentence +=
        " has no gradient for elements of this type, and a gradient is asked of its operand: convert the operand "
        "to float with mw::cast<float>(x), or give x.detached() where no gradient is wanted";
    throw error(sentence);
}
// the first function of custom_gradient computed with a recorded value that is no operand
[[noreturn]] void refuse_captured();
// a gradient that is none: it has no value, or other extents than its operand
[[noreturn]] void refuse_contribution(untyped_tensor const& gradient, axis_name const* names,
                                      std::source_location where);
// an operation that has no gradient was given a recorded operand
[[noreturn]] void refuse_without_gradient(std::string_view operation, std::source_location where);

inline void place_on_tape(untyped_tensor& out, node_id node) {
    out.set_node(node, current().recording_number);
}
}  // namespace detail

/// Notes how `out` was made. `pull(gradient_of<Out>)` gets the whole gradient, reduced if any of it was pending.
/// Example:
/// // y = 3 x, by hand; mw::contribute adds to the gradient of x
/// auto out = mw::map([](auto a) { return a * 3; }, x.detached());
/// if (mw::is_recorded(std::source_location::current(), x))
///     mw::record(out, std::source_location::current(),
///                [to = mw::target_of(x)](auto const& d) { mw::contribute(to, mw::scale(d, 3)); });
template <class Out, class Pull>
void record(Out& out, std::source_location where, Pull pull) {
    auto const extents = out.extents();
    detail::place_on_tape(
        out, current().recording->record(
                 element_operations_of<detail::summed_as<typename Out::value_type>, typename Out::backend>,
                 out.local_size(), where, [pull = std::move(pull), extents](tape& t, node_id id) mutable {
                     pull(gradient_of<Out>::over(t.whole(id), extents));
                 }));
}

/// The same for operations whose gradient is linear and cheap: `pull(gradient_of<Out>, pending)` is called once for
/// each kind of contribution and hands it on by its kind.
/// Example:
/// auto out = mw::scale(x.detached(), 3);
/// if (mw::is_recorded(std::source_location::current(), x))
///     mw::record_linear(out, std::source_location::current(), [to = mw::target_of(x)](auto const& d, mw::mesh_mask pending) {
///         mw::contribute(to, mw::scale(d, 3), pending);
///     });
template <class Out, class Pull>
void record_linear(Out& out, std::source_location where, Pull pull) {
    auto const extents = out.extents();
    detail::place_on_tape(
        out, current().recording->record(
                 element_operations_of<detail::summed_as<typename Out::value_type>, typename Out::backend>,
                 out.local_size(), where, [pull = std::move(pull), extents](tape& t, node_id id) mutable {
                     t.each_kind(id, [&](buffer const& memory, mesh_mask pending) {
                         pull(gradient_of<Out>::over(memory, extents), pending);
                     });
                 }));
}

namespace detail {
inline tape*& tape_going_backwards() {
    thread_local tape* t = nullptr;
    return t;
}
}  // namespace detail

namespace detail {
// Is a DX a gradient of an X: placed as it, or pending where it is whole?
template <class X, class DX>
constexpr bool is_gradient_of() {
    if constexpr (is_poison<DX>)
        return true;
    else if constexpr (!is_tensor_type<DX>)
        return false;
    else
        return std::is_same_v<typename X::axes, typename DX::axes> &&
               std::is_same_v<typename DX::value_type, summed_as<typename X::value_type>> &&
               std::is_same_v<without_partials<typename X::layout>, without_partials<typename DX::layout>> &&
               (sum_mask<typename X::layout> & sum_mask<typename DX::layout>) == 0;
}
}  // namespace detail

/// Adds a contribution to an operand's gradient. Placement: as the operand, but what is partial is pending
/// (`also_pending`: by the kind of contribution it was made from).
/// Errors: a gradient without a value or of other extents than its operand.
/// Example: auto pull = [to = mw::target_of(x)](auto const& d) { mw::contribute(to, d); };
template <class X, class DX>
void contribute(target<X> const& to, DX const& gradient, mesh_mask also_pending = 0) {
    static_assert(
        detail::is_gradient_of<X, DX>(),
        "meshwise: a gradient has the axes of its value in the same order, its elements (float of bfloat16), and its splits; "
        "it may be pending, but not where the value is");
    using T = typename DX::value_type;
    if (!to) return;
    tape& t = *detail::tape_going_backwards();
    bool fits = gradient.has_value();
    if constexpr (X::bounded_count != 0)
        for (std::size_t i = 0; i < X::bounded_count; ++i) fits &= to.extents[i] == gradient.extents()[i];
    if (!fits)
        detail::refuse_contribution(gradient, detail::names_of(static_cast<typename X::axes*>(nullptr)),
                                    t.where(to.node));
    mesh_mask pending = detail::sum_mask<typename DX::layout> | also_pending;
    buffer memory = gradient.memory();
    if constexpr (X::backend::leaves > 1) {
        // (q0 + k0) + (q1 + k1) is not (q0 + q1) + (k0 + k1): for equal bits every contribution is reduced by itself
        memory = tape::reduced(element_type_of<T>, sizeof(T), gradient.local_size(), pending,
                               std::move(memory), t.where(to.node));
        pending = 0;
    }
    t.contribute(to.node, pending, std::move(memory));
}

/// Runs the pullbacks of all nodes after `down_to`.
/// Example:
/// mw::tape t;
/// mw::pull_back(t, 0);
void pull_back(tape& t, node_id down_to);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/record.inl.hpp>
#endif
