// tape: what happened to recorded values, so that gradients can be found going backwards. It knows nothing of
// types: a node is a list of gradient contributions and a pullback. All its memory is reused by the next step.
//
// A contribution is complete (every rank holds the same, whole one) or pending over a set of mesh axes (the sum
// over them is owed). Contributions gather by kind, and what is pending is reduced once, when the whole
// gradient is needed: with q, k and v projected from one value that is one all-reduce, not three.
#pragma once

#include <cstddef>
#include <source_location>
#include <vector>

#include <meshwise/autodiff/element_operations.hpp>
#include <meshwise/autodiff/pullback_arena.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/core/function_ref.hpp>
#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

/// The contributions to one gradient, by what is pending of them.
/// Example:
/// mw::contributions gradient;
/// gradient.kinds[gradient.count++].pending = mesh::bit<tp>;
struct contributions {
    struct one {
        mesh_mask pending = 0;
        buffer memory;
    };
    static constexpr std::size_t room = 4;  // more kinds than this never met; a fifth is merged
    std::array<one, room> kinds;
    std::size_t count = 0;
};

class tape;

/// Observes the backward pass of a tape.
/// Example:
/// struct counting : mw::backward_watcher {
///     int nodes = 0;
///     void pulled_back(mw::tape&, mw::node_id) override { ++nodes; }
///     void contributed() override {}
/// };
class backward_watcher {
public:
    virtual ~backward_watcher() = default;
    /// The node `id` was pulled back, and all later ones.
    virtual void pulled_back(tape&, node_id id) = 0;
    /// A part of that work is done.
    virtual void contributed() = 0;
};

/// What was computed, in order, with a pullback for each value: `value_and_gradient` fills one and goes through it
/// backwards. It knows no types.
/// Example:
/// mw::tape t;
/// auto const node = t.leaf(mw::element_operations_of<float, mw::serial>, 8, std::source_location::current());
class tape {
public:
    tape() = default;
    tape(tape const&) = delete;
    tape& operator=(tape const&) = delete;
    ~tape() { cut(0); }

    /// A value whose gradient is wanted in the end.
    node_id leaf(element_operations const& elements, std::size_t size, std::source_location where);

    /// A value made by an operation; `pull(tape, node)` hands its gradient on to the operands.
    template <class Pull>
    node_id record(element_operations const& elements, std::size_t size, std::source_location where,
                   Pull pull) {
        static_assert(sizeof(Pull) <= pullback_arena::chunk_bytes && alignof(Pull) <= 16);
        node& made = add(elements, size, where, sizeof(Pull));
        new (made.pullback) Pull(std::move(pull));
        made.pull = [](void* p, tape& t, node_id n) { (*static_cast<Pull*>(p))(t, n); };
        if constexpr (!__is_trivially_copyable(Pull))  // of each pullback, std's would be twenty types more
            made.destroy = [](void* p) { static_cast<Pull*>(p)->~Pull(); };
        return top();
    }

    /// Adds a contribution to the gradient of a node. The memory may be shared with other nodes.
    void contribute(node_id id, mesh_mask pending, buffer memory);

    /// Takes out the contribution of this kind, if there is one and its memory is not shared, so that it can be added to and
    /// contributed again.
    buffer take(node_id id, mesh_mask pending);

    /// How often a statistic was told where to go: what came to its gradient is the sum of so many ways.
    void count_way(node_id id) { ++at(id).ways; }
    std::uint32_t ways(node_id id) { return at(id).ways; }

    bool has_gradient(node_id id) { return at(id).gradient.count != 0; }
    contributions const& gradient_of(node_id id) { return at(id).gradient; }
    /// Calls f(memory, pending) for each kind of contribution that there is now.
    void each_kind(node_id id, detail::function_ref<void(buffer const&, mesh_mask)> f);
    std::size_t size_of_node(node_id id) { return at(id).size; }
    std::source_location where(node_id id) { return at(id).where; }

    /// The whole gradient: merges all contributions and reduces what is pending, in one collective.
    buffer const& whole(node_id id);

    /// All contributions as one, still pending; nothing is communicated.
    contributions::one const& merged(node_id id);

    /// Takes the merged contribution out of the tape. A later contribution to this node throws.
    contributions::one take(node_id id);
    element_operations const& elements(node_id id) { return *at(id).elements; }

    /// Forgets where leaves were used, and notes it from now on for the first `leaves` nodes.
    void note_uses(std::size_t leaves) {
        first_use_.assign(leaves, 0);
        used_.clear();
    }
    /// An operation looks at a value. What it hands back comes from nodes that are not recorded yet.
    void use(node_id id) {
        if (id == 0 || id > first_use_.size() || first_use_[id - 1] != 0) return;
        first_use_[id - 1] = top() + 1;
        used_.push_back(id);
    }
    /// A leaf's gradient is final when this node, and all later ones, are pulled back. 0: no use was noted.
    node_id first_use(node_id leaf) const { return first_use_[leaf - 1]; }
    /// The leaves in the order of their first uses.
    std::vector<node_id> const& used() const { return used_; }

    void set_watcher(backward_watcher* watcher) { watcher_ = watcher; }

    /// Pulls back all nodes after `down_to`, latest first, and drops them.
    void backward(node_id down_to);

    node_id top() const { return static_cast<node_id>(nodes_.size()); }

    /// Forgets all nodes after `down_to`.
    void cut(node_id down_to);

    /// A value that was brought to another layout once is not brought there again: returns the earlier result.
    struct resharded {
        node_id source;
        void const* layout_tag;
        node_id result;
        buffer memory;
    };
    resharded const* find_resharded(node_id source, void const* layout_tag) const;
    [[gnu::noinline]] void remember_resharded(resharded made) { resharded_.push_back(std::move(made)); }

    /// A zero gradient, for a value that no operation used.
    static buffer zeros(element_operations const& elements, std::size_t size);

    /// Sums a pending buffer over its mesh axes, in place where its memory is not shared.
    static buffer reduced(element_type type, std::size_t element_size, std::size_t count, mesh_mask pending,
                          buffer memory, std::source_location where);

private:
    struct node {
        element_operations const* elements = nullptr;
        std::size_t size = 0;
        std::source_location where;
        pullback_arena::mark before{};
        void* pullback = nullptr;
        void (*pull)(void*, tape&, node_id) = nullptr;
        void (*destroy)(void*) = nullptr;
        contributions gradient{};
        bool taken = false;
        std::uint32_t ways = 0;
    };

    node& at(node_id id) { return nodes_[id - 1]; }

    // a node with room for its pullback
    node& add(element_operations const& elements, std::size_t size, std::source_location where,
              std::size_t bytes);

    static buffer sum(node const& n, buffer x, buffer const& y);

    // brings all contributions to the largest set of pending axes: a contribution that is complete along an axis
    // is counted on the first rank of that axis only
    static void merge(node& n);

    std::vector<node> nodes_;
    std::vector<resharded> resharded_;
    std::vector<node_id> first_use_;  // by leaf
    std::vector<node_id> used_;
    backward_watcher* watcher_ = nullptr;
    pullback_arena arena_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/tape.inl.hpp>
#endif
