// memory_pool: the memory of one rank. Blocks come from the backend once and are reused for ever after, so a
// training step allocates nothing from its second time on. Batches of changing shapes do not pile up: at most about twice
// the largest amount held at once is kept. It also counts the bytes held for each purpose.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// What memory is held for; `explain` and the memory report count by this.
/// Example:
/// std::size_t const held = here.memory().use().live[static_cast<std::size_t>(mw::purpose::parameters)];
enum class purpose : std::uint8_t { activations, parameters, gradients, optimizer };
/// How many purposes there are.
/// Example: std::array<std::size_t, mw::purpose_count> bytes{};
inline constexpr std::size_t purpose_count = 4;

/// Bytes held, by purpose and in all, now and at the most.
/// Example:
/// mw::memory_use const use = here.memory().use();
/// std::cout << use.most_total << " bytes at the most\n";
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
    std::uint64_t version = 0;              // of the last write; no two writes of a pool have the same
    std::uint32_t quiet = 0;                // holders that do not share the value: packed forms, open writers
    std::uint32_t writers = 0;              // of them, open writers (`writable_span`)
    std::atomic<std::uint32_t> leaf_of{0};  // the recording in which it is a parameter
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
inline constexpr bool blocks_are_cut = false;  // else it would not see a write past the end of a block
#else
inline constexpr bool blocks_are_cut = true;
#endif
#undef MESHWISE_UNDER_ADDRESS_SANITIZER
}  // namespace detail

/// Blocks of one backend. It outlives its rank until the last tensor that holds a block is gone.
/// Example: std::size_t const bytes = here.memory().use().live_total;
class memory_pool {
public:
    using allocate_function = void* (*)(std::size_t);
    using deallocate_function = void (*)(void*, std::size_t) noexcept;
    using copy_function = void (*)(void* to, void const* from, std::size_t bytes);

    struct owner {
        void operator()(memory_pool* pool) const { pool->release_pool(); }
    };

    /// `copy` copies bytes between two blocks; it is null where blocks have no memory, as in a plan.
    memory_pool(allocate_function allocate, deallocate_function deallocate,
                copy_function copy = &copy_on_the_host)
        : allocate_(allocate),
          deallocate_(deallocate),
          copy_(copy) {}

    detail::block* take(std::size_t bytes, purpose held_for);

    void give_back(detail::block* block) noexcept;

    /// A block with the same bytes, for the same purpose.
    detail::block* copy_of(detail::block const& of);
    /// A number that no earlier write to the blocks of this pool had.
    std::uint64_t next_version() {
        return (1 + versions_.fetch_add(1, std::memory_order_relaxed)) |
               alone_.load(std::memory_order_relaxed);
    }
    /// While its rank works alone, versions of writes are marked; true: it did before.
    bool work_alone(bool alone) {
        return alone_.exchange(alone ? written_alone : 0, std::memory_order_relaxed) != 0;
    }
    bool works_alone() const { return alone_.load(std::memory_order_relaxed) != 0; }
    /// The bit of such a version.
    static constexpr std::uint64_t written_alone = std::uint64_t{1} << 63U;

    memory_use use() const;
    /// Starts counting the most from what is held now.
    void forget_most();

    void release_pool() noexcept;

private:
    ~memory_pool() { give_up_free_blocks(); }

    static void copy_on_the_host(void* to, void const* from, std::size_t bytes) {
        std::memcpy(to, from, bytes);
    }

    void give_up_free_blocks() noexcept;

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
    void cut(detail::block& made);
    void give_up(detail::slab* emptied) noexcept;

    using shelf = std::pair<std::size_t, detail::block*>;
    static constexpr std::size_t spare = std::size_t{16} << 20U, huge_page = std::size_t{2} << 20U,
                                 least_cut = std::size_t{64} << 10U;

    // a block that fits with at most an eighth to spare
    detail::block* reuse(std::size_t bytes);
    std::vector<shelf>::iterator shelf_of(std::size_t bytes);

    allocate_function allocate_;
    deallocate_function deallocate_;
    copy_function copy_;
    std::atomic<std::uint64_t> versions_{0}, alone_{0};
    mutable std::mutex mutex_;
    std::vector<shelf> shelves_;    // sorted by size
    detail::slab* slab_ = nullptr;  // the last one
    memory_use use_;
    std::atomic<std::size_t> references_{1};
};

/// A counted hold on a block of memory; the last holder gives it back to its pool.
/// A copy is a value: holders share a block until one of them writes, and that one gets a block of its own first.
/// Example: mw::buffer const memory = x.memory();  // shared with x until one of them is written
class buffer {
public:
    buffer() = default;
    buffer(memory_pool& pool, std::size_t bytes, purpose held_for) : block_(pool.take(bytes, held_for)) {}
    /// Memory that belongs to the user and outlives this buffer.
    static buffer of_user(void* data, std::size_t bytes);
    buffer(buffer const& other) : block_(other.block_) {
        if (block_ == nullptr) return;
        if (block_->writers == 0)
            block_->holders.fetch_add(1, std::memory_order_relaxed);
        else
            block_ = copy_of(*block_);  // what is still written through a span may not change the copy
    }
    buffer(buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    buffer& operator=(buffer other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~buffer() {
        if (block_ != nullptr && block_->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) drop(block_);
    }

    explicit operator bool() const { return block_ != nullptr; }
    void* data() const { return block_ == nullptr ? nullptr : block_->data; }
    /// To write: memory that no other holder shares. What was shared is copied first. `version` changes.
    /// Errors: the memory is the user's and another buffer shares it.
    void* mutable_data() {
        if (block_ == nullptr) return nullptr;
        if (is_shared()) separate();
        return overwritten();
    }
    /// To write where no other holder needs the old value, for operations that know that: nothing is copied.
    void* overwritten() {
        if (block_ == nullptr) return nullptr;
        note_write();
        return block_->data;
    }
    std::uint64_t version() const { return block_ == nullptr ? 0 : block_->version; }
    std::size_t bytes() const { return block_ == nullptr ? 0 : block_->bytes; }
    bool is_users() const { return block_ != nullptr && block_->pool == nullptr; }
    /// No other holder sees a change made here.
    bool is_unique() const { return block_ != nullptr && !is_users() && !is_shared(); }
    /// The pool that the memory comes from; null for the user's.
    memory_pool const* pool() const { return block_ == nullptr ? nullptr : block_->pool; }

    /// A hold that does not share the value: a write through another holder does not copy on its account.
    buffer quiet_hold() const;
    void end_quiet_hold() noexcept;
    /// The same for a span through which the elements may be written until `end_writing`.
    buffer writing_hold() const;
    void end_writing() noexcept;
    bool is_being_written() const { return block_ != nullptr && block_->writers != 0; }

    /// Marks the memory as that of a parameter, for one recording.
    void mark_leaf(std::uint32_t recording) { block_->leaf_of.store(recording, std::memory_order_relaxed); }
    bool is_leaf_of(std::uint32_t recording) const {
        return block_ != nullptr && block_->leaf_of.load(std::memory_order_relaxed) == recording;
    }

    /// Whether it was a parameter in any recording.
    bool was_leaf() const {
        return block_ != nullptr && block_->leaf_of.load(std::memory_order_relaxed) != 0;
    }

    /// The same block; an order of blocks.
    friend bool operator==(buffer const& a, buffer const& b) { return a.block_ == b.block_; }
    friend bool operator<(buffer const& a, buffer const& b) {
        return reinterpret_cast<std::uintptr_t>(a.block_) < reinterpret_cast<std::uintptr_t>(b.block_);
    }

private:
    bool is_shared() const { return block_->holders.load(std::memory_order_acquire) != 1 + block_->quiet; }
    void note_write() {
        block_->version = block_->pool == nullptr ? block_->version + 1 : block_->pool->next_version();
    }
    static detail::block* copy_of(detail::block const& of);
    void separate();
    /// Of a block that its last holder has left.
    static void drop(detail::block* block) noexcept;

    detail::block* block_ = nullptr;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/memory_pool.inl.hpp>
#endif
