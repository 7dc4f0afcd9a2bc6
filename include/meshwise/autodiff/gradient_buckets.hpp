// gradient_buckets: sums of gradients over ranks that begin while the backward pass goes on. A gradient is final when the
// first node that used its parameter was pulled back; then its sum is started.
// Guarantees: the bits of sums made afterwards; the same starts in the same order on all ranks.
// Costs: a large gradient is summed where it lies; small ones are copied together, and back. One reading of each, because a
// gradient that is not finite must be found on the rank where it begins.
#pragma once

#include <memory>
#include <vector>

#include <meshwise/autodiff/tape.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// What a plan says about the gradients that are summed over ranks.
/// Example:
/// mw::pending_gradients seen;
/// seen.add(mesh::bit<tp>, 4096, true);
struct pending_gradients {
    struct line {
        mesh_mask mask = 0;
        std::size_t tensors = 0;
        std::uint64_t bytes = 0, early = 0;  // early: final before the backward pass ends
    };
    std::vector<line> lines;
    std::size_t steps = 0, most_steps = 0;  // calls of value_and_gradient, and how many are enough

    /// Errors: more steps than are enough; a loop that ends by its loss never ends in a plan.
    void count_step();

    void add(mesh_mask mask, std::uint64_t bytes, bool early);
};

/// Gradients that are summed over processes while the backward pass goes on: those of one kind that lie near each other
/// make a bucket, which is started when it is full.
/// Example:
/// mw::tape const t;
/// mw::gradient_buckets const under_way(t, {});
class gradient_buckets final : public backward_watcher {
public:
    /// For the first leaves of a tape whose forward pass is over.
    gradient_buckets(tape const& t, std::span<local_elements const> leaves);
    /// The same on the heap. No template, so that not every program instantiates std::make_shared.
    static std::shared_ptr<gradient_buckets> for_leaves(tape const& t,
                                                        std::span<local_elements const> leaves);

    MESHWISE_BODY void pulled_back(tape& t, node_id id) override;
    void contributed() override { current().team->progress(); }
    /// The backward pass is over: starts the buckets that are not full.
    void close();

    /// Whether the gradient of this leaf was started; then it is whole in `part` now.
    bool finish(std::size_t index, contributions::one& part);
    /// Whether the sum of this leaf's gradient was started.
    bool has_begun(std::size_t index) const {
        return index < places_.size() && places_[index].bucket != nowhere;
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
        std::unique_ptr<communicator::request> under_way;  // the first to go: it may still write

        std::byte* at(std::size_t element) const;
    };

    void start(tape& t, node_id leaf);

    /// One with room for so many more.
    std::size_t open_bucket(mesh_mask pending, element_operations const& elements, std::size_t count,
                            std::size_t wanted, std::source_location where);

    static void send(bucket& b);

    std::vector<node_id> coming_;  // the next is the last
    std::vector<place> places_;    // by leaf
    std::vector<bucket> buckets_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/gradient_buckets.inl.hpp>
#endif
