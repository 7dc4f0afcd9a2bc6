// Bodies of memory_pool.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <functional>

#include <meshwise/core/error.hpp>
#include <meshwise/tensor/memory_pool.hpp>

namespace meshwise {

MESHWISE_BODY detail::block* memory_pool::take(std::size_t bytes, purpose held_for) {
    bytes = std::max<std::size_t>((bytes + 63) / 64 * 64, 64);
    std::lock_guard const lock(mutex_);
    detail::block* found = reuse(bytes);
    if (found == nullptr) {
        if (use_.reserved + bytes > 2 * use_.most_total + spare) give_up_free_blocks();
        found = new detail::block;
        found->bytes = bytes;
        found->pool = this;
        if (detail::blocks_are_cut && held_for != purpose::activations && bytes >= least_cut &&
            bytes < huge_page)
            cut(*found);
        else
            found->data = request(bytes);
    }
    found->held_for = held_for;
    found->leaf_of.store(0, std::memory_order_relaxed);
    auto const at = static_cast<std::size_t>(held_for);
    use_.live[at] += found->bytes;
    use_.live_total += found->bytes;
    use_.most[at] = std::max(use_.most[at], use_.live[at]);
    use_.most_total = std::max(use_.most_total, use_.live_total);
    references_.fetch_add(1, std::memory_order_relaxed);
    return found;
}

MESHWISE_BODY void memory_pool::give_back(detail::block* block) noexcept {
    {
        std::lock_guard const lock(mutex_);
        use_.live[static_cast<std::size_t>(block->held_for)] -= block->bytes;
        use_.live_total -= block->bytes;
        auto const at = shelf_of(block->bytes);
        block->next = at->second;
        at->second = block;
    }
    release_pool();
}

MESHWISE_BODY detail::block* memory_pool::copy_of(detail::block const& of) {
    detail::block* const made = take(of.bytes, of.held_for);
    made->version = next_version();
    if (copy_ != nullptr) copy_(made->data, of.data, of.bytes);
    return made;
}

MESHWISE_BODY memory_use memory_pool::use() const {
    std::lock_guard const lock(mutex_);
    return use_;
}

MESHWISE_BODY void memory_pool::forget_most() {
    std::lock_guard const lock(mutex_);
    use_.most = use_.live;
    use_.most_total = use_.live_total;
}

MESHWISE_BODY void memory_pool::release_pool() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

MESHWISE_BODY void memory_pool::give_up_free_blocks() noexcept {
    for (auto& [bytes, first] : shelves_)
        while (first != nullptr) {
            detail::block* const next = first->next;
            if (first->cut_from == nullptr)
                return_to_backend(first->data, bytes);
            else if (--first->cut_from->blocks == 0)
                give_up(first->cut_from);
            delete first;
            first = next;
        }
}

MESHWISE_BODY void memory_pool::cut(detail::block& made) {
    if (slab_ == nullptr || slab_->used + made.bytes > slab_->bytes) {
        std::size_t const bytes =
            std::clamp(use_.reserved / 16 / huge_page * huge_page, 2 * huge_page, 16 * huge_page);
        slab_ = new detail::slab{.bytes = bytes, .data = static_cast<std::byte*>(request(bytes))};
    }
    made.data = slab_->data + slab_->used;
    made.cut_from = slab_;
    slab_->used += (made.bytes + 255) / 256 * 256;  // what a device wants of its addresses
    ++slab_->blocks;
}

MESHWISE_BODY void memory_pool::give_up(detail::slab* emptied) noexcept {
    if (emptied == slab_) slab_ = nullptr;
    return_to_backend(emptied->data, emptied->bytes);
    delete emptied;
}

MESHWISE_BODY detail::block* memory_pool::reuse(std::size_t bytes) {
    auto at = std::lower_bound(shelves_.begin(), shelves_.end(), bytes,
                               [](shelf const& s, std::size_t b) { return s.first < b; });
    for (; at != shelves_.end() && at->first <= bytes + bytes / 8; ++at)
        if (at->second != nullptr) return std::exchange(at->second, at->second->next);
    // a new shelf is made here, so that giving back never allocates
    if (std::none_of(shelves_.begin(), shelves_.end(), [&](shelf const& s) { return s.first == bytes; }))
        shelves_.insert(std::lower_bound(shelves_.begin(), shelves_.end(), bytes,
                                         [](shelf const& s, std::size_t b) { return s.first < b; }),
                        {bytes, nullptr});
    return nullptr;
}

MESHWISE_BODY std::vector<memory_pool::shelf>::iterator memory_pool::shelf_of(std::size_t bytes) {
    return std::lower_bound(shelves_.begin(), shelves_.end(), bytes,
                            [](shelf const& s, std::size_t b) { return s.first < b; });
}

MESHWISE_BODY buffer buffer::of_user(void* data, std::size_t bytes) {
    buffer made;
    made.block_ = new detail::block;
    made.block_->data = data;
    made.block_->bytes = bytes;
    return made;
}

[[gnu::noinline]] MESHWISE_BODY detail::block* buffer::copy_of(detail::block const& of) {
    if (of.pool == nullptr)
        throw error(
            "a tensor over the user's own memory (mw::view_of) is written while another tensor shares that "
            "memory, and only one of them could keep its value: copy the numbers with mw::cut_from instead");
    return of.pool->copy_of(of);
}

[[gnu::noinline]] MESHWISE_BODY void buffer::separate() {
    buffer own;
    own.block_ = copy_of(*block_);
    std::swap(block_, own.block_);
}

MESHWISE_BODY buffer buffer::quiet_hold() const {
    buffer made;
    made.block_ = block_;
    block_->holders.fetch_add(1, std::memory_order_relaxed);
    ++block_->quiet;
    return made;
}
MESHWISE_BODY void buffer::end_quiet_hold() noexcept {
    if (block_ == nullptr) return;
    --block_->quiet;
    *this = {};
}
MESHWISE_BODY buffer buffer::writing_hold() const {
    buffer made = quiet_hold();
    ++block_->writers;
    return made;
}
MESHWISE_BODY void buffer::end_writing() noexcept {
    if (block_ == nullptr) return;
    --block_->writers;
    note_write();
    end_quiet_hold();
}

MESHWISE_BODY void buffer::drop(detail::block* block) noexcept {
    if (block->pool == nullptr) {
        delete block;
        return;
    }
    block->holders.store(1, std::memory_order_relaxed);
    block->pool->give_back(block);
}

}  // namespace meshwise
