// Bodies of gradient_buckets.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include <meshwise/autodiff/gradient_buckets.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise {

MESHWISE_BODY void pending_gradients::add(mesh_mask mask, std::uint64_t bytes, bool early) {
    mask = current().team->mesh().without_ones(mask);
    if (mask == 0) return;
    auto at = std::find_if(lines.begin(), lines.end(), [&](line const& l) { return l.mask == mask; });
    if (at == lines.end()) at = lines.insert(at, {mask, 0, 0, 0});
    at->tensors += 1, at->bytes += bytes, at->early += early ? bytes : 0;
}

MESHWISE_BODY void pending_gradients::count_step() {
    if (++steps <= most_steps) return;
    detail::throw_error(
        {"mw::explain ran ", most_steps,
         " steps of this program and saw no end: a loop that ends by its loss never ends in a plan, where "
         "losses have no value; give the loop a number of steps, or mw::explain more of them: "
         "mw::explain<strategy>(program, {.most_steps = ...})"});
}

MESHWISE_BODY gradient_buckets::gradient_buckets(tape const& t, std::span<local_elements const> leaves)
    : coming_(t.used()),
      places_(leaves.size()) {
    for (std::size_t i = 0; i < leaves.size(); ++i) places_[i].sum_squares = leaves[i].sum_squares;
}

MESHWISE_BODY std::shared_ptr<gradient_buckets> gradient_buckets::for_leaves(
    tape const& t, std::span<local_elements const> leaves) {
    return std::make_shared<gradient_buckets>(t, leaves);
}

MESHWISE_BODY void gradient_buckets::pulled_back(tape& t, node_id id) {
    for (; !coming_.empty() && t.first_use(coming_.back()) >= id; coming_.pop_back())
        start(t, coming_.back());
    current().team->progress();
}

MESHWISE_BODY void gradient_buckets::close() {
    for (auto& b : buckets_)
        if (b.open) send(b);
}

MESHWISE_BODY bool gradient_buckets::finish(std::size_t index, contributions::one& part) {
    if (index >= places_.size() || places_[index].bucket == nowhere) return false;
    place const& at = places_[index];
    bucket& b = buckets_[at.bucket];
    if (b.under_way) b.under_way->finish();
    b.under_way.reset();
    part.pending = 0;
    part.memory = b.memory;
    if (!b.gathered) return true;
    context& here = current();
    part.memory = buffer(*here.pool, at.count * b.elements->size, here.allocating_for);
    b.elements->copy(part.memory.data(), b.at(at.first), at.count);
    return true;
}

MESHWISE_BODY std::byte* gradient_buckets::bucket::at(std::size_t element) const {
    return static_cast<std::byte*>(memory.data()) + element * elements->size;
}

MESHWISE_BODY void gradient_buckets::start(tape& t, node_id leaf) {
    if (!t.has_gradient(leaf)) return;
    context& here = current();
    mesh_mask const pending = here.team->mesh().without_ones(t.merged(leaf).pending);
    std::size_t const wanted = pending == 0 ? 0 : here.team->bucket_bytes(pending);
    if (wanted == 0) return;
    auto const& elements = t.elements(leaf);
    std::size_t const count = t.size_of_node(leaf), bytes = count * elements.size;
    std::source_location const where = t.where(leaf);
    contributions::one part = t.take(leaf);
    place& own = places_[leaf - 1];
    own.finite = std::isfinite(own.sum_squares(part.memory.data(), count));
    own.count = count;
    if (bytes * large >= wanted) {
        own.bucket = buckets_.size();
        bucket& b = buckets_.emplace_back(bucket{
            pending, &elements, count, count, false, true, where, std::move(part.memory), {}, nullptr});
        b.memory = b.in.is_unique() ? b.in : buffer(*here.pool, bytes, here.allocating_for);
        return send(b);
    }
    own.bucket = open_bucket(pending, elements, count, wanted, where);
    bucket& b = buckets_[own.bucket];
    own.first = b.count;
    elements.copy(b.at(b.count), part.memory.data(), count);
    b.count += count;
}

MESHWISE_BODY std::size_t gradient_buckets::open_bucket(mesh_mask pending, element_operations const& elements,
                                                        std::size_t count, std::size_t wanted,
                                                        std::source_location where) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        bucket& b = buckets_[i];
        if (!b.open || b.pending != pending || b.elements->type != elements.type) continue;
        if (b.count + count <= b.room) return i;
        send(b);
    }
    context& here = current();
    std::size_t const room = std::max(count, wanted / elements.size);
    buckets_.push_back({pending,
                        &elements,
                        0,
                        room,
                        true,
                        true,
                        where,
                        {},
                        buffer(*here.pool, room * elements.size, here.allocating_for),
                        nullptr});
    return buckets_.size() - 1;
}

MESHWISE_BODY void gradient_buckets::send(bucket& b) {
    b.open = false;
    void const* const in = b.gathered ? b.memory.data() : b.in.data();
    b.under_way = current().team->start_all_reduce(b.pending, reduction::sum, b.elements->type, in,
                                                   b.memory.data(), b.count, b.where);
}

}  // namespace meshwise
