// Bodies of tape.hpp: see core/compiled.hpp.
#pragma once

#include <memory>
#include <new>

#include <meshwise/autodiff/tape.hpp>

namespace meshwise {

MESHWISE_BODY node_id tape::leaf(element_operations const& elements, std::size_t size,
                                 std::source_location where) {
    nodes_.push_back({.elements = &elements, .size = size, .where = where, .before = arena_.now()});
    return static_cast<node_id>(nodes_.size());
}

MESHWISE_BODY void tape::contribute(node_id id, mesh_mask pending, buffer memory) {
    node& n = at(id);
    if (n.taken)
        throw error("a gradient came to a parameter whose sum over ranks had begun: an operation did not ask "
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

[[gnu::noinline]] MESHWISE_BODY void tape::each_kind(node_id id,
                                                     detail::function_ref<void(buffer const&, mesh_mask)> f) {
    contributions const all = at(id).gradient;  // a copy: nested recordings may move the nodes
    for (std::size_t i = 0; i < all.count; ++i) f(all.kinds[i].memory, all.kinds[i].pending);
}

MESHWISE_BODY buffer tape::take(node_id id, mesh_mask pending) {
    contributions& all = at(id).gradient;
    for (std::size_t i = 0; i < all.count; ++i)
        if (all.kinds[i].pending == pending && all.kinds[i].memory.is_unique()) {
            buffer taken = std::move(all.kinds[i].memory);
            all.kinds[i] = std::move(all.kinds[--all.count]);
            return taken;
        }
    return {};
}

MESHWISE_BODY buffer const& tape::whole(node_id id) {
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

MESHWISE_BODY contributions::one const& tape::merged(node_id id) {
    node& n = at(id);
    merge(n);
    return n.gradient.kinds[0];
}

MESHWISE_BODY contributions::one tape::take(node_id id) {
    merged(id);
    node& n = at(id);
    n.taken = true, n.gradient.count = 0;
    return std::move(n.gradient.kinds[0]);
}

MESHWISE_BODY void tape::backward(node_id down_to) {
    while (nodes_.size() > down_to) {
        auto const id = static_cast<node_id>(nodes_.size());
        node& n = nodes_.back();
        if (n.gradient.count != 0 && n.pull != nullptr) n.pull(n.pullback, *this, id);
        cut(id - 1);
        if (watcher_ != nullptr) watcher_->pulled_back(*this, id);
    }
}

MESHWISE_BODY void tape::cut(node_id down_to) {
    while (nodes_.size() > down_to) {
        node& n = nodes_.back();
        if (n.destroy != nullptr) n.destroy(n.pullback);
        arena_.back_to(n.before);
        nodes_.pop_back();
    }
    while (!resharded_.empty() && (resharded_.back().source > down_to || resharded_.back().result > down_to))
        resharded_.pop_back();
}

[[gnu::noinline]] MESHWISE_BODY tape::resharded const* tape::find_resharded(node_id source,
                                                                            void const* layout_tag) const {
    for (auto at = resharded_.rbegin(); at != resharded_.rend(); ++at)
        if (at->source == source && at->layout_tag == layout_tag) return &*at;
    return nullptr;
}

MESHWISE_BODY buffer tape::zeros(element_operations const& elements, std::size_t size) {
    context& here = current();
    buffer made(*here.pool, size * elements.size, here.allocating_for);
    elements.zero(made.data(), size);
    return made;
}

MESHWISE_BODY buffer tape::reduced(element_type type, std::size_t element_size, std::size_t count,
                                   mesh_mask pending, buffer memory, std::source_location where) {
    context& here = current();
    if (here.team->group_size(pending) == 1) return memory;
    buffer out = memory.is_unique() ? memory : buffer(*here.pool, count * element_size, here.allocating_for);
    here.team->all_reduce(pending, reduction::sum, type, memory.data(), out.data(), count, where);
    return out;
}

[[gnu::noinline]] MESHWISE_BODY tape::node& tape::add(element_operations const& elements, std::size_t size,
                                                      std::source_location where, std::size_t bytes) {
    auto const before = arena_.now();
    void* const place = arena_.take(bytes);
    nodes_.push_back(
        {.elements = &elements, .size = size, .where = where, .before = before, .pullback = place});
    return nodes_.back();
}

MESHWISE_BODY buffer tape::sum(node const& n, buffer x, buffer const& y) {
    context& here = current();
    buffer out = x.is_unique() ? x : buffer(*here.pool, n.size * n.elements->size, here.allocating_for);
    n.elements->add(out.data(), x.data(), y.data(), n.size);
    return out;
}

MESHWISE_BODY void tape::merge(node& n) {
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

}  // namespace meshwise
