// groups: the groups whose ranks are threads of this process: a rendezvous for each, and each rank's membership.
// Guarantees: built once; groups of one rank have no group.
// Costs: a rendezvous per group, at most as many per mask as there are ranks here.
#pragma once

#include <algorithm>
#include <span>

#include <meshwise/communicator/shared_memory/rendezvous.hpp>

namespace meshwise::shared_memory {

class groups {
public:
    /// The groups of `ranks` along the axes of `within` and along each of their subsets.
    [[gnu::cold]] groups(grid const& mesh, mesh_mask within, std::span<std::size_t const> ranks)
        : ranks_(mesh.ranks()),
          memberships_((std::size_t{mesh.every_axis()} + 1) * ranks_) {
        for (mesh_mask mask = 1; mask <= mesh.every_axis(); ++mask) {
            if ((mask & ~within) != 0 || mesh.without_ones(mask) != mask) continue;
            for (std::size_t const rank : ranks) {
                if (mesh.group_index(rank, mask) != 0) continue;
                std::vector<std::size_t> group(mesh.group_size(mask));
                for (std::size_t i = 0; i < group.size(); ++i) group[i] = mesh.group_member(rank, mask, i);
                all_.push_back(std::make_unique<rendezvous>(group, all_.size()));
                for (std::size_t i = 0; i < group.size(); ++i)
                    memberships_[mask * ranks_ + group[i]] = {all_.back().get(), i, 0, 0};
            }
        }
    }

    std::span<std::unique_ptr<rendezvous> const> all() const { return all_; }
    /// The membership of `rank` along a mask without axes of size 1; its group is null where the rank is alone, or where some members are elsewhere.
    membership membership_of(std::size_t rank, mesh_mask mask) const {
        return memberships_[mask * ranks_ + rank];
    }
    /// The memberships of `rank`, by mask.
    [[gnu::cold]] std::vector<membership> memberships(std::size_t rank) const {
        std::vector<membership> all(memberships_.size() / ranks_);
        for (std::size_t mask = 0; mask < all.size(); ++mask) all[mask] = memberships_[mask * ranks_ + rank];
        return all;
    }

private:
    std::size_t ranks_;
    std::vector<membership> memberships_;
    std::vector<std::unique_ptr<rendezvous>> all_;
};

}  // namespace meshwise::shared_memory
