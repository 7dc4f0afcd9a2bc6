#pragma once
// tape: what happened to recorded values, so that gradients can be found going backwards. It knows nothing of
// types: a node is a list of gradient contributions and a pullback. All its memory is reused by the next step.
//
// A contribution is complete (every rank holds the same, whole one) or pending over a set of mesh axes (the sum
// over them is owed). Contributions gather by kind, and what is pending is reduced once, when somebody asks for
// the whole: with q, k and v projected from one value that is one all-reduce, not three.
#include <cstddef>
#include <memory>
#include <new>
#include <source_location>
#include <vector>

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

/// The few things that are done with elements whatever their type and backend.
struct element_operations {
    element_type type;
    std::size_t size;
    void (*add)(void* out, void const* x, void const* y, std::size_t n);
    void (*zero)(void* y, std::size_t n);
    void (*copy)(void* y, void const* x, std::size_t n);
};
template <class T, class Backend>
inline constexpr element_operations element_operations_of{
    element_type_of<T>, sizeof(T),
    [](void* out, void const* x, void const* y, std::size_t n) {
        Backend::add(static_cast<T*>(out), static_cast<T const*>(x), static_cast<T const*>(y), n);
    },
    [](void* y, std::size_t n) { Backend::fill(static_cast<T*>(y), n, T{}); },
    [](void* y, void const* x, std::size_t n) {
        Backend::copy(static_cast<T*>(y), static_cast<T const*>(x), n);
    }};

/// The elements of a parameter on one rank, as its type says.
struct local_elements {
    element_operations const* operations;
    double (*sum_squares)(void const* x, std::size_t n);  // finite if and only if all are, but for double
    std::size_t size;
};
template <class T, class Backend>
double sum_of_squares(void const* x, std::size_t n) {
    return Backend::sum_squares(n, static_cast<T const*>(x));
}
template <class X>
local_elements elements_of() {
    using T = typename X::value_type;
    using B = typename X::backend;
    return {&element_operations_of<T, B>, &sum_of_squares<T, B>, X().size()};
}

/// Memory for pullbacks: grows in a step, is emptied after it, allocates nothing in the next.
class pullback_arena {
public:
    struct mark {
        std::size_t chunk, used;
    };
    void* take(std::size_t bytes) {
        bytes = (bytes + 15) / 16 * 16;
        while (chunk_ < chunks_.size() && used_ + bytes > chunk_bytes) ++chunk_, used_ = 0;
        if (chunk_ == chunks_.size()) {
            chunks_.push_back(std::make_unique<std::byte[]>(chunk_bytes));
            used_ = 0;
        }
        void* const at = chunks_[chunk_].get() + used_;
        used_ += bytes;
        return at;
    }
    mark now() const { return {chunk_, used_}; }
    void back_to(mark m) { chunk_ = m.chunk, used_ = m.used; }

    static constexpr std::size_t chunk_bytes = 1 << 16;

private:
    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::size_t chunk_ = 0, used_ = 0;
};

/// The contributions to one gradient, by what is pending of them.
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

/// Somebody who looks at a tape that goes backwards.
class backward_watcher {
public:
    virtual ~backward_watcher() = default;
    /// The node `id` was pulled back, and all later ones.
    virtual void pulled_back(tape&, node_id id) = 0;
    /// A part of that work is done.
    virtual void contributed() = 0;
};

class tape {
public:
    tape() = default;
    tape(tape const&) = delete;
    tape& operator=(tape const&) = delete;
    ~tape() { cut(0); }

    /// A value whose gradient is wanted in the end.
    node_id leaf(element_operations const& elements, std::size_t size, std::source_location where) {
        nodes_.push_back({.elements = &elements, .size = size, .where = where, .before = arena_.now()});
        return static_cast<node_id>(nodes_.size());
    }

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
    void contribute(node_id id, mesh_mask pending, buffer memory) {
        node& n = at(id);
        if (n.taken)
            throw error(
                "a gradient came to a parameter whose sum over ranks had begun: an operation did not ask "
                "is_recorded(...) about it; ask, or set mpi::gradient_bucket = 0");
        if (watcher_ != nullptr) watcher_->contributed();
        for (std::size_t i = 0; i < n.gradient.count; ++i)
            if (n.gradient.kinds[i].pending == pending) {
                n.gradient.kinds[i].memory = sum(n, std::move(n.gradient.kinds[i].memory), memory);
                return;
            }
        if (n.gradient.count == contributions::room) merge(n);
        n.gradient.kinds[n.gradient.count++] = {pending, std::move(memory)};
    }

    /// Takes out the contribution of this kind, if there is one and nobody else holds it, so that it can be added to and
    /// contributed again.
    buffer take(node_id id, mesh_mask pending) {
        contributions& all = at(id).gradient;
        for (std::size_t i = 0; i < all.count; ++i)
            if (all.kinds[i].pending == pending && all.kinds[i].memory.is_unique()) {
                buffer taken = std::move(all.kinds[i].memory);
                all.kinds[i] = std::move(all.kinds[--all.count]);
                return taken;
            }
        return {};
    }

    bool has_gradient(node_id id) { return at(id).gradient.count != 0; }
    contributions const& gradient_of(node_id id) { return at(id).gradient; }
    std::size_t size_of_node(node_id id) { return at(id).size; }
    std::source_location where(node_id id) { return at(id).where; }

    /// The whole gradient: merges all contributions and reduces what is pending, in one collective.
    buffer const& whole(node_id id) {
        node& n = at(id);
        merge(n);
        auto& only = n.gradient.kinds[0];
        if (only.pending != 0) {
            only.memory = reduced(n.elements->type, n.elements->size, n.size, only.pending,
                                  std::move(only.memory), n.where);
            only.pending = 0;
        }
        return only.memory;
    }

    /// All contributions as one, still pending; nothing is communicated.
    contributions::one const& merged(node_id id) {
        node& n = at(id);
        merge(n);
        return n.gradient.kinds[0];
    }

    /// The same, for good: nothing may come to this gradient any more.
    contributions::one take(node_id id) {
        merged(id);
        node& n = at(id);
        n.taken = true, n.gradient.count = 0;
        return std::move(n.gradient.kinds[0]);
    }
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
    void backward(node_id down_to) {
        while (nodes_.size() > down_to) {
            auto const id = static_cast<node_id>(nodes_.size());
            node& n = nodes_.back();
            if (n.gradient.count != 0 && n.pull != nullptr) n.pull(n.pullback, *this, id);
            cut(id - 1);
            if (watcher_ != nullptr) watcher_->pulled_back(*this, id);
        }
    }

    node_id top() const { return static_cast<node_id>(nodes_.size()); }

    /// Forgets all nodes after `down_to`.
    void cut(node_id down_to) {
        while (nodes_.size() > down_to) {
            node& n = nodes_.back();
            if (n.destroy != nullptr) n.destroy(n.pullback);
            arena_.back_to(n.before);
            nodes_.pop_back();
        }
        while (!resharded_.empty() &&
               (resharded_.back().source > down_to || resharded_.back().result > down_to))
            resharded_.pop_back();
    }

    /// A value that was brought to another layout once is not brought there again: returns the earlier result.
    struct resharded {
        node_id source;
        void const* layout_tag;
        node_id result;
        buffer memory;
    };
    [[gnu::noinline]] resharded const* find_resharded(node_id source, void const* layout_tag) const {
        for (auto at = resharded_.rbegin(); at != resharded_.rend(); ++at)
            if (at->source == source && at->layout_tag == layout_tag) return &*at;
        return nullptr;
    }
    [[gnu::noinline]] void remember_resharded(resharded made) { resharded_.push_back(std::move(made)); }

    /// A gradient to which nothing came.
    static buffer zeros(element_operations const& elements, std::size_t size) {
        context& here = current();
        buffer made(*here.pool, size * elements.size, here.allocating_for);
        elements.zero(made.data(), size);
        return made;
    }

    /// Sums a pending buffer over its mesh axes, in place where nobody else holds it.
    static buffer reduced(element_type type, std::size_t element_size, std::size_t count, mesh_mask pending,
                          buffer memory, std::source_location where) {
        context& here = current();
        if (here.team->group_size(pending) == 1) return memory;
        buffer out =
            memory.is_unique() ? memory : buffer(*here.pool, count * element_size, here.allocating_for);
        here.team->all_reduce(pending, reduction::sum, type, memory.data(), out.data(), count, where);
        return out;
    }

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
    };

    node& at(node_id id) { return nodes_[id - 1]; }

    // a node with room for its pullback
    [[gnu::noinline]] node& add(element_operations const& elements, std::size_t size,
                                std::source_location where, std::size_t bytes) {
        auto const before = arena_.now();
        void* const place = arena_.take(bytes);
        nodes_.push_back(
            {.elements = &elements, .size = size, .where = where, .before = before, .pullback = place});
        return nodes_.back();
    }

    static buffer sum(node const& n, buffer x, buffer const& y) {
        context& here = current();
        buffer out = x.is_unique() ? x : buffer(*here.pool, n.size * n.elements->size, here.allocating_for);
        n.elements->add(out.data(), x.data(), y.data(), n.size);
        return out;
    }

    // brings all contributions to the largest set of pending axes: a contribution that is complete along an axis
    // is counted on the first rank of that axis only
    static void merge(node& n) {
        if (n.gradient.count <= 1) return;
        context& here = current();
        mesh_mask all = 0;
        for (std::size_t i = 0; i < n.gradient.count; ++i) all |= n.gradient.kinds[i].pending;
        buffer total;
        for (std::size_t i = 0; i < n.gradient.count; ++i) {
            auto& kind = n.gradient.kinds[i];
            if (here.team->group_index(all & ~kind.pending) == 0)
                total = total ? sum(n, std::move(total), kind.memory) : std::move(kind.memory);
            kind.memory = {};
        }
        if (!total) total = zeros(*n.elements, n.size);
        n.gradient.kinds[0] = {all, std::move(total)};
        n.gradient.count = 1;
    }

    std::vector<node> nodes_;
    std::vector<resharded> resharded_;
    std::vector<node_id> first_use_;  // by leaf
    std::vector<node_id> used_;
    backward_watcher* watcher_ = nullptr;
    pullback_arena arena_;
};

}  // namespace meshwise
