// untyped_tensor: what all tensors have, whatever their types: memory, and a place on the tape.
#pragma once

#include <concepts>
#include <source_location>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/verdict.hpp>
#include <meshwise/tensor/carried_axes.hpp>
#include <meshwise/tensor/context.hpp>

namespace meshwise {

/// Place on a tape; 0 means that no gradient is asked for.
/// Example: bool const gradient_is_asked_for = mw::node_id{0} != x.node();
using node_id = std::uint32_t;
/// The number of a recording, counted from 1 over all threads; 0 means none.
/// Example: mw::recording_id const of_x = x.recording();
using recording_id = std::uint32_t;

namespace detail {
class untyped_tensor {
public:
    /// Refused: `if (x == y)` would ask whether there is a mask, and not what it says.
    template <std::same_as<bool> Condition>
    explicit operator Condition() const {
        static_assert(
            never<Condition>,
            "meshwise: a tensor is no condition: mw::all(x == y).item() and mw::any(mask).item() are, "
            "x.item() is the number of a tensor without axes, and x.has_value() says whether x was "
            "ever given a value");
        return false;
    }
    /// Whether it was ever given a value.
    bool has_value() const { return static_cast<bool>(memory_); }
    buffer const& memory() const { return memory_; }
    /// Gives the memory away; the tensor is as one that was never given a value.
    buffer release_memory() { return std::exchange(memory_, buffer()); }
    // as a recording: what gradient.whole(...) gave
    static constexpr recording_id is_a_gradient = (recording_id{1} << 31U) - 1;
    // as a recording: what x.detached() gave. It may share the memory of a parameter and still be a constant.
    static constexpr recording_id is_a_constant = is_a_gradient - 1;
    // as a recording: a statistic of the recorded model. Operations take it for a constant; it still knows its node.
    static constexpr recording_id is_a_statistic = is_a_constant - 1;
    // as a recording: its value was moved to another tensor
    static constexpr recording_id is_moved_from = is_a_statistic - 1;
    static constexpr recording_id recordings = is_moved_from - 1;  // are counted from 1 to this
    /// To write: memory that no other tensor shares.
    /// Errors: the tensor has no value, is a gradient, or is a value of the recording under way.
    void* mutable_bytes() {
        if (recording_ != 0 || !memory_) leave_tape();
        return memory_.mutable_data();
    }
    node_id node() const { return recording_ == is_a_statistic ? 0 : node_; }
    /// Of a statistic of the recorded model, where its way goes; else 0.
    node_id node_of_statistic() const { return recording_ == is_a_statistic ? node_ : 0; }
    /// The recording to which the node belongs.
    recording_id recording() const { return recording_; }
    void set_node(node_id node, recording_id recording) {
        node_ = node;
        recording_ = recording & is_a_gradient;
    }
    void set_constant() { set_node(0, is_a_constant); }
    bool is_constant() const { return recording_ == is_a_constant || recording_ == is_a_statistic; }
    /// Of an unrecorded result that may share the memory of x.
    void set_constant_as(untyped_tensor const& x) {
        if (x.node_ != 0 || x.is_constant()) set_constant();
    }
    // Of a member of a model: see tensor/freeze.hpp. What is assigned or written to it does not change that.
    void set_frozen(bool frozen) {
        set_node(0, 0);
        frozen_ = frozen ? 1 : 0;
    }
    bool is_frozen() const { return frozen_ != 0; }
    void mark_leaf(recording_id recording) {
        if (memory_) memory_.mark_leaf(recording);
    }

    /// Where this thread notes the tensors that it makes, or null: see forgotten_fields.hpp.
    static std::vector<untyped_tensor const*>*& noted_by() {
        thread_local constinit std::vector<untyped_tensor const*>* list = nullptr;
        return list;
    }

protected:
    untyped_tensor() {
        if (noted_by() != nullptr) [[unlikely]]
            noted_by()->push_back(this);
    }
    untyped_tensor(untyped_tensor const&) = default;
    untyped_tensor(untyped_tensor&& other) noexcept
        : memory_(std::move(other.memory_)),
          node_(other.node_),
          recording_(other.recording_),
          frozen_(other.frozen_) {
        other.set_node(0, is_moved_from);
    }
    // Assigned is a value, and not whether the member that had it is frozen. One that never had a value becomes a copy.
    untyped_tensor& operator=(untyped_tensor const& other) {
        take_state(other);
        memory_ = other.memory_;
        return *this;
    }
    untyped_tensor& operator=(untyped_tensor&& other) noexcept {
        take_state(other);
        memory_ = std::move(other.memory_);
        if (this != &other) other.set_node(0, is_moved_from);
        return *this;
    }
    ~untyped_tensor() = default;

    // The tape knows nothing of a write by hand. A node of an earlier recording is dropped.
    void leave_tape();
    // Before elements are read by hand. Errors: there are none, or a recording would lose the gradient through them.
    void check_readable(axis_name const* names, std::source_location where) const;

    void take_state(untyped_tensor const& other) {
        if (!memory_ && recording_ != is_moved_from) frozen_ = other.frozen_;
        node_ = other.node_, recording_ = other.recording_;
    }

    buffer memory_;
    node_id node_ = 0;
    recording_id recording_ : 31 = 0;
    recording_id frozen_ : 1 = 0;
};
}  // namespace detail

}  // namespace meshwise
