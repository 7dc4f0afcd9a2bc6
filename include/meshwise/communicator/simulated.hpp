// simulated: a communicator for planning. It acts as rank 0 of a mesh of any size and moves no data.
// Guarantees: no memory is read or written, so pointers may be null; every collective of a group with more
// than one rank is recorded in the order of the calls.
// Costs: one record per collective.
#pragma once

#include <vector>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// One recorded collective: the call, the ranks of its group, and what each of them would send on a ring.
/// Example:
/// mw::simulated team({1, {4}, {"tp"}});
/// team.barrier(1);
/// mw::simulated_call const first = team.calls()[0];
struct simulated_call {
    call made;
    std::size_t ranks = 1;
    std::uint64_t bytes_sent = 0;
};

/// A team that moves nothing and notes every collective, as `explain` needs it.
/// Example:
/// mw::simulated team({1, {4}, {"tp"}});
/// team.barrier(1);
/// std::cout << team.calls().size() << '\n';
class simulated : public communicator {
public:
    explicit simulated(grid const& mesh) : communicator(mesh, 0) {}

    std::vector<simulated_call> const& calls() const { return calls_; }
    void forget() { calls_.clear(); }

    MESHWISE_BODY void all_reduce(mesh_mask mask, reduction how, element_type type, void const*, void*,
                                  std::size_t count,
                                  std::source_location where = std::source_location::current()) override;
    MESHWISE_BODY void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const*, void*,
                                      piece_shape shape,
                                      std::source_location where = std::source_location::current()) override;
    MESHWISE_BODY void all_gather(mesh_mask mask, element_type type, void const*, void*, piece_shape shape,
                                  std::source_location where = std::source_location::current()) override;
    MESHWISE_BODY void all_to_all(mesh_mask mask, element_type type, void const*, void*,
                                  std::size_t count_per_peer,
                                  std::source_location where = std::source_location::current()) override;
    MESHWISE_BODY void broadcast(mesh_mask mask, element_type type, void*, std::size_t count,
                                 std::size_t root,
                                 std::source_location where = std::source_location::current()) override;
    MESHWISE_BODY void barrier(mesh_mask mask,
                               std::source_location where = std::source_location::current()) override;
    void fail(std::string_view) noexcept override {}

protected:
    MESHWISE_BODY virtual void record(call made);

private:
    std::vector<simulated_call> calls_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/simulated.inl.hpp>
#endif
