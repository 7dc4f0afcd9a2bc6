#pragma once
// memory_pool: the memory of one rank. Blocks come from the backend once and are reused for ever after, so a
// training step allocates nothing from its second time on. Batches of ever other shapes do not pile up: at most about twice
// what was ever held at once is kept. It also counts who holds how much.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace meshwise {

/// What memory is held for; `explain` and the memory report count by this.
enum class purpose : std::uint8_t { activations, parameters, gradients, optimizer };
inline constexpr std::size_t purpose_count = 4;

/// Bytes held, by purpose and in all, now and at the most.
struct memory_use {
    std::array<std::size_t, purpose_count> live{};
    std::array<std::size_t, purpose_count> most{};
    std::size_t live_total = 0;
    std::size_t most_total = 0;
    std::size_t reserved = 0;          // taken from the backend
    std::size_t backend_requests = 0;  // how often it was asked
};

class memory_pool;

namespace detail {
/// Memory that blocks are cut from.
struct slab {
    std::size_t bytes = 0, used = 0, blocks = 0;
    std::byte* data = nullptr;
};
struct block {
    std::atomic<std::uint32_t> holders{1};
    purpose held_for = purpose::activations;
    std::size_t bytes = 0;
    std::uint64_t version = 0;  // how often somebody was let write
    void* data = nullptr;
    memory_pool* pool = nullptr;  // null: the memory is the user's
    slab* cut_from = nullptr;     // null: from the backend alone
    block* next = nullptr;
};

#if defined(__SANITIZE_ADDRESS__)
#define MESHWISE_UNDER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MESHWISE_UNDER_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(MESHWISE_UNDER_ADDRESS_SANITIZER)
inline constexpr bool blocks_are_cut = false;  // else it would not see who leaves one block for its neighbour
#else
inline constexpr bool blocks_are_cut = true;
#endif
#undef MESHWISE_UNDER_ADDRESS_SANITIZER
}  // namespace detail

/// Blocks of one backend. It outlives its rank until the last tensor that holds a block is gone.
class memory_pool {
public:
    using allocate_function = void* (*)(std::size_t);
    using deallocate_function = void (*)(void*, std::size_t) noexcept;

    struct owner {
        void operator()(memory_pool* pool) const { pool->release_pool(); }
    };

    memory_pool(allocate_function allocate, deallocate_function deallocate)
        : allocate_(allocate),
          deallocate_(deallocate) {}

    detail::block* take(std::size_t bytes, purpose held_for) {
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
        auto const at = static_cast<std::size_t>(held_for);
        use_.live[at] += found->bytes;
        use_.live_total += found->bytes;
        use_.most[at] = std::max(use_.most[at], use_.live[at]);
        use_.most_total = std::max(use_.most_total, use_.live_total);
        references_.fetch_add(1, std::memory_order_relaxed);
        return found;
    }

    void give_back(detail::block* block) noexcept {
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

    memory_use use() const {
        std::lock_guard const lock(mutex_);
        return use_;
    }
    /// Starts counting the most from what is held now.
    void forget_most() {
        std::lock_guard const lock(mutex_);
        use_.most = use_.live;
        use_.most_total = use_.live_total;
    }

    void release_pool() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

private:
    ~memory_pool() { give_up_free_blocks(); }

    void give_up_free_blocks() noexcept {
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

    void* request(std::size_t bytes) {
        void* const memory = allocate_(bytes);
        use_.reserved += bytes;
        ++use_.backend_requests;
        return memory;
    }
    void return_to_backend(void* memory, std::size_t bytes) noexcept {
        deallocate_(memory, bytes);
        use_.reserved -= bytes;
    }

    // What a model keeps, and is too small for a huge page of its own, lies side by side on some: a row times such
    // weights is read up to 1.4 times as fast. Activations come and go, and one that stays would keep a whole slab.
    void cut(detail::block& made) {
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
    void give_up(detail::slab* emptied) noexcept {
        if (emptied == slab_) slab_ = nullptr;
        return_to_backend(emptied->data, emptied->bytes);
        delete emptied;
    }

    using shelf = std::pair<std::size_t, detail::block*>;
    static constexpr std::size_t spare = std::size_t{16} << 20U, huge_page = std::size_t{2} << 20U,
                                 least_cut = std::size_t{64} << 10U;

    // a block that fits with at most an eighth to spare
    detail::block* reuse(std::size_t bytes) {
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
    std::vector<shelf>::iterator shelf_of(std::size_t bytes) {
        return std::lower_bound(shelves_.begin(), shelves_.end(), bytes,
                                [](shelf const& s, std::size_t b) { return s.first < b; });
    }

    allocate_function allocate_;
    deallocate_function deallocate_;
    mutable std::mutex mutex_;
    std::vector<shelf> shelves_;    // sorted by size
    detail::slab* slab_ = nullptr;  // the last one
    memory_use use_;
    std::atomic<std::size_t> references_{1};
};

/// A counted hold on a block of memory; the last holder gives it back to its pool.
class buffer {
public:
    buffer() = default;
    buffer(memory_pool& pool, std::size_t bytes, purpose held_for) : block_(pool.take(bytes, held_for)) {}
    /// Memory that belongs to the user and outlives this buffer.
    static buffer of_user(void* data, std::size_t bytes) {
        buffer made;
        made.block_ = new detail::block;
        made.block_->data = data;
        made.block_->bytes = bytes;
        return made;
    }
    buffer(buffer const& other) noexcept : block_(other.block_) {
        if (block_ != nullptr) block_->holders.fetch_add(1, std::memory_order_relaxed);
    }
    buffer(buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    buffer& operator=(buffer other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~buffer() {
        if (block_ == nullptr || block_->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        if (block_->pool == nullptr) {
            delete block_;
            return;
        }
        block_->holders.store(1, std::memory_order_relaxed);
        block_->pool->give_back(block_);
    }

    explicit operator bool() const { return block_ != nullptr; }
    void* data() const { return block_ == nullptr ? nullptr : block_->data; }
    /// Memory for somebody who writes; `version` counts how often it was asked for.
    void* mutable_data() {
        if (block_ == nullptr) return nullptr;
        ++block_->version;
        return block_->data;
    }
    std::uint64_t version() const { return block_ == nullptr ? 0 : block_->version; }
    bool is_users() const { return block_ != nullptr && block_->pool == nullptr; }
    /// Nobody else can see a change made here.
    bool is_unique() const {
        return block_ != nullptr && !is_users() && block_->holders.load(std::memory_order_acquire) == 1;
    }

    /// The same block; an order of blocks.
    friend bool operator==(buffer const& a, buffer const& b) { return a.block_ == b.block_; }
    friend bool operator<(buffer const& a, buffer const& b) {
        return std::less<detail::block const*>{}(a.block_, b.block_);
    }

private:
    detail::block* block_ = nullptr;
};

}  // namespace meshwise
