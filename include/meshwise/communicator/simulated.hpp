// simulated: a communicator for planning. It plays rank 0 of a mesh of any size and moves nothing.
// Guarantees: no memory is read or written, so pointers may be null; every collective of a group with more
// than one rank is recorded in the order of the calls.
// Costs: one record per collective.
#pragma once

#include <vector>

#include <meshwise/communicator/concept.hpp>

namespace meshwise {

/// One recorded collective: the call, the ranks of its group, and what each of them would send on a ring.
struct simulated_call {
    call made;
    std::size_t ranks = 1;
    std::uint64_t bytes_sent = 0;
};

class simulated : public communicator {
public:
    explicit simulated(grid const& mesh) : communicator(mesh, 0) {}

    std::vector<simulated_call> const& calls() const { return calls_; }
    void forget() { calls_.clear(); }

    void all_reduce(mesh_mask mask, reduction how, element_type type, void const*, void*, std::size_t count,
                    std::source_location where = std::source_location::current()) override {
        record({operation::all_reduce, how, type, mask, 1, count, 0, 0, where});
    }
    void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const*, void*, pieces shape,
                        std::source_location where = std::source_location::current()) override {
        record({operation::reduce_scatter, how, type, mask, shape.outer, shape.inner, 0, 0, where});
    }
    void all_gather(mesh_mask mask, element_type type, void const*, void*, pieces shape,
                    std::source_location where = std::source_location::current()) override {
        record({operation::all_gather, reduction::sum, type, mask, shape.outer, shape.inner, 0, 0, where});
    }
    void all_to_all(mesh_mask mask, element_type type, void const*, void*, std::size_t count_per_peer,
                    std::source_location where = std::source_location::current()) override {
        record({operation::all_to_all, reduction::sum, type, mask, 1, count_per_peer, 0, 0, where});
    }
    void broadcast(mesh_mask mask, element_type type, void*, std::size_t count, std::size_t root,
                   std::source_location where = std::source_location::current()) override {
        mesh().check(mask);
        check_root(mask, root);
        record({operation::broadcast, reduction::sum, type, mask, 1, count, root, 0, where});
    }
    void barrier(mesh_mask mask, std::source_location where = std::source_location::current()) override {
        record({operation::barrier, reduction::sum, element_type::uint8, mask, 1, 0, 0, 0, where});
    }
    void fail(std::string_view) noexcept override {}

protected:
    virtual void record(call made) {
        mesh().check(made.mask);
        std::size_t const ranks = group_size(made.mask);
        if (ranks == 1) return;
        made.sequence = collectives();
        calls_.push_back({made, ranks, meshwise::bytes_sent(made, ranks)});
        count_collective(made);
    }

private:
    std::vector<simulated_call> calls_;
};

}  // namespace meshwise
