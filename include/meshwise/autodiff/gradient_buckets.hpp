#pragma once
// gradient_buckets: sums of gradients over ranks that begin while the backward pass goes on. A gradient is final when the
// first node that used its parameter was pulled back; then its sum is started.
// Guarantees: the bits of sums made afterwards; the same starts in the same order on all ranks.
// Costs: a large gradient is summed where it lies; small ones are copied together, and back. One reading of each, because a
// gradient that is not finite must be found on the rank where it begins.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <meshwise/autodiff/tape.hpp>

namespace meshwise {

/// What a plan says about the gradients that are summed over ranks.
struct pending_gradients {
    struct line {
        mesh_mask mask = 0;
        std::size_t tensors = 0;
        std::uint64_t bytes = 0, early = 0;  // early: final before the backward pass ends
    };
    std::vector<line> lines;

    void add(mesh_mask mask, std::uint64_t bytes, bool early) {
        mask = current().team->mesh().without_ones(mask);
        if (mask == 0) return;
        auto at = std::find_if(lines.begin(), lines.end(), [&](line const& l) { return l.mask == mask; });
        if (at == lines.end()) at = lines.insert(at, {mask, 0, 0, 0});
        at->tensors += 1, at->bytes += bytes, at->early += early ? bytes : 0;
    }
};

class gradient_buckets final : public backward_watcher {
public:
    /// For the first leaves of a tape whose forward pass is over.
    gradient_buckets(tape const& t, std::span<local_elements const> leaves)
        : coming_(t.used()),
          places_(leaves.size()) {
        for (std::size_t i = 0; i < leaves.size(); ++i) places_[i].sum_squares = leaves[i].sum_squares;
    }

    void pulled_back(tape& t, node_id id) override {
        for (; !coming_.empty() && t.first_use(coming_.back()) >= id; coming_.pop_back())
            start(t, coming_.back());
        current().team->progress();
    }
    void contributed() override { current().team->progress(); }
    /// The backward pass is over: starts what still waits for company.
    void close() {
        for (auto& b : buckets_)
            if (b.open) send(b);
    }

    /// Whether the gradient of this leaf was started; then it is whole in `part` now.
    bool finish(std::size_t index, contributions::one& part) {
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
    /// Whether the gradient of this leaf was finite before ranks were summed, if it was started.
    bool was_finite(std::size_t index) const { return index >= places_.size() || places_[index].finite; }

private:
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
    /// A gradient of this part of a bucket is not copied into one with others.
    static constexpr std::size_t large = 8;

    struct place {
        std::size_t bucket = nowhere, first = 0, count = 0;
        bool finite = true;
        double (*sum_squares)(void const*, std::size_t) = nullptr;
    };
    struct bucket {
        mesh_mask pending = 0;
        element_operations const* elements = nullptr;
        std::size_t count = 0, room = 0;
        bool gathered = false, open = false;
        std::source_location where;
        buffer in, memory;
        std::unique_ptr<communicator::started> under_way;  // the first to go: it may still write

        std::byte* at(std::size_t element) const {
            return static_cast<std::byte*>(memory.data()) + element * elements->size;
        }
    };

    void start(tape& t, node_id leaf) {
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

    /// One with room for so many more.
    std::size_t open_bucket(mesh_mask pending, element_operations const& elements, std::size_t count,
                            std::size_t wanted, std::source_location where) {
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

    static void send(bucket& b) {
        b.open = false;
        void const* const in = b.gathered ? b.memory.data() : b.in.data();
        b.under_way = current().team->start_all_reduce(b.pending, reduction::sum, b.elements->type, in,
                                                       b.memory.data(), b.count, b.where);
    }

    std::vector<node_id> coming_;  // the next is the last
    std::vector<place> places_;    // by leaf
    std::vector<bucket> buckets_;
};

}  // namespace meshwise
