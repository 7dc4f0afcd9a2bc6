// rooms: the groups whose ranks are threads of this process: a meeting for each, and each rank's place in them.
// Guarantees: built once; groups of one rank have no room.
// Costs: a meeting per group, at most as many per mask as there are ranks here.
#pragma once

#include <algorithm>
#include <span>

#include <meshwise/communicator/meeting.hpp>

namespace meshwise {

class rooms {
public:
    /// The groups of `ranks` along the axes of `within` and along each of their subsets.
    rooms(grid const& mesh, mesh_mask within, std::span<std::size_t const> ranks)
        : ranks_(mesh.ranks()),
          seats_((std::size_t{mesh.every_axis()} + 1) * ranks_) {
        for (mesh_mask mask = 1; mask <= mesh.every_axis(); ++mask) {
            if ((mask & ~within) != 0 || mesh.without_ones(mask) != mask) continue;
            for (std::size_t const rank : ranks) {
                if (mesh.group_index(rank, mask) != 0) continue;
                std::vector<std::size_t> group(mesh.group_size(mask));
                for (std::size_t i = 0; i < group.size(); ++i) group[i] = mesh.group_member(rank, mask, i);
                all_.push_back(std::make_unique<meeting>(group, all_.size()));
                for (std::size_t i = 0; i < group.size(); ++i)
                    seats_[mask * ranks_ + group[i]] = {all_.back().get(), i, 0, 0};
            }
        }
    }

    std::span<std::unique_ptr<meeting> const> all() const { return all_; }
    /// The place of `rank` along a mask without axes of size 1; without a room where it is alone, or not all are here.
    seat place(std::size_t rank, mesh_mask mask) const { return seats_[mask * ranks_ + rank]; }
    /// The places of `rank`, by mask.
    std::vector<seat> places(std::size_t rank) const {
        std::vector<seat> all;
        for (std::size_t at = rank; at < seats_.size(); at += ranks_) all.push_back(seats_[at]);
        return all;
    }

private:
    std::size_t ranks_;
    std::vector<seat> seats_;
    std::vector<std::unique_ptr<meeting>> all_;
};

}  // namespace meshwise
