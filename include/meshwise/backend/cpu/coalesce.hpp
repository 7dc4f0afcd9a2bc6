// coalesce: iteration spaces with as few dimensions as possible, and walking through them from any point.
// Guarantees: the order of the points is kept.
// Costs: a few operations per dimension.
#pragma once

#include <array>
#include <cstddef>

#include <meshwise/backend/concept.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu {

/// The same points in the same order, without dimensions of extent 1; adjacent dimensions that are contiguous in
/// every operand become one.
template <std::size_t Inputs>
MESHWISE_INLINE iteration_space<Inputs> coalesce(iteration_space<Inputs> const& space) {
    iteration_space<Inputs> result;
    for (std::size_t d = 0; d < space.dims; ++d) {
        if (space.extents[d] == 1) continue;
        auto const extent = static_cast<std::ptrdiff_t>(space.extents[d]);
        bool joins = result.dims > 0;
        std::size_t const last = joins ? result.dims - 1 : 0;
        joins = joins && result.out[last] == space.out[d] * extent;
        for (std::size_t i = 0; i < Inputs; ++i)
            joins = joins && result.in[i][last] == space.in[i][d] * extent;
        std::size_t const to = joins ? last : result.dims++;
        result.extents[to] = joins ? result.extents[to] * space.extents[d] : space.extents[d];
        result.out[to] = space.out[d];
        for (std::size_t i = 0; i < Inputs; ++i) result.in[i][to] = space.in[i][d];
    }
    return result;
}

/// The space without the dimension `removed`.
template <std::size_t Inputs>
MESHWISE_INLINE iteration_space<Inputs> without(iteration_space<Inputs> const& space, std::size_t removed) {
    iteration_space<Inputs> result;
    for (std::size_t d = 0; d < space.dims; ++d) {
        if (d == removed) continue;
        result.extents[result.dims] = space.extents[d];
        result.out[result.dims] = space.out[d];
        for (std::size_t i = 0; i < Inputs; ++i) result.in[i][result.dims] = space.in[i][d];
        ++result.dims;
    }
    return result;
}

/// A point of a space, and its offset in each operand.
template <std::size_t Inputs>
class walker {
public:
    /// Starts at the point with `position` points before it.
    MESHWISE_INLINE walker(iteration_space<Inputs> const& space, std::size_t position) : space_(space) {
        for (std::size_t d = space.dims; position != 0 && d-- > 0;) {
            index_[d] = position % space.extents[d];
            position /= space.extents[d];
            move(d, static_cast<std::ptrdiff_t>(index_[d]));
        }
    }

    std::ptrdiff_t out() const { return out_; }
    std::ptrdiff_t in(std::size_t input) const { return in_[input]; }

    /// The number of points left in the last dimension, this one included.
    MESHWISE_INLINE std::size_t run() const {
        return space_.dims == 0 ? 1 : space_.extents[space_.dims - 1] - index_[space_.dims - 1];
    }

    /// Moves on by `steps` points, at most run().
    MESHWISE_INLINE void advance(std::size_t steps = 1) {
        for (std::size_t d = space_.dims; d-- > 0; steps = 1) {
            index_[d] += steps;
            move(d, static_cast<std::ptrdiff_t>(steps));
            if (index_[d] < space_.extents[d]) return;
            move(d, -static_cast<std::ptrdiff_t>(index_[d]));
            index_[d] = 0;
        }
    }

private:
    MESHWISE_INLINE void move(std::size_t d, std::ptrdiff_t steps) {
        out_ += steps * space_.out[d];
        for (std::size_t i = 0; i < Inputs; ++i) in_[i] += steps * space_.in[i][d];
    }

    iteration_space<Inputs> const& space_;
    std::array<std::size_t, iteration_space<Inputs>::max_dims> index_{};
    std::ptrdiff_t out_ = 0;
    std::array<std::ptrdiff_t, Inputs> in_{};
};

}  // namespace meshwise::cpu
