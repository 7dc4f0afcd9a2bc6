// box: a part of a tensor, given by its first index and extent along every axis, without types; and the runs that two
// boxes share.
// Guarantees: indices are those of the whole tensor, whatever mesh or file holds the part.
// Costs: one call per contiguous run.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise::detail {

/// A box is contiguous in memory or in a file, its last axis fastest.
struct box {
    std::vector<std::uint64_t> first, extent;

    std::uint64_t size() const;
    /// The intersection, if it is not empty.
    std::optional<box> common(box const& other) const;
    /// The position of an element within this box.
    std::uint64_t place_of(std::vector<std::uint64_t> const& index) const;
};

/// Whether the boxes hold each element of a tensor exactly once.
/// Costs: n log n for n boxes and each of the axes that they divide; twice that with each further one of these.
bool is_tiling(std::vector<box const*> const& boxes, std::vector<std::uint64_t> const& whole);

/// f(position in a, position in b, length) for the contiguous runs that both boxes hold, in order.
template <class F>
void for_each_shared_run(box const& a, box const& b, F f) {
    auto const shared = a.common(b);
    if (!shared) return;
    // trailing axes that both boxes hold whole are merged with the axis before
    std::size_t last = shared->extent.size();
    std::uint64_t length = 1;
    while (last > 0) {
        --last;
        length *= shared->extent[last];
        if (shared->extent[last] != a.extent[last] || shared->extent[last] != b.extent[last]) break;
    }
    for (auto index = shared->first;;) {
        f(a.place_of(index), b.place_of(index), length);
        std::size_t axis = last;
        for (; axis > 0; --axis) {
            if (++index[axis - 1] < shared->first[axis - 1] + shared->extent[axis - 1]) break;
            index[axis - 1] = shared->first[axis - 1];
        }
        if (axis == 0) return;
    }
}

/// The extents of the whole tensor in a file: without padding, which depends on the mesh.
template <class X>
std::vector<std::uint64_t> true_shape(X const& x) {
    return [&]<class... A>(axes<A...>) {
        return std::vector<std::uint64_t>{(A::bounded ? x.template stored_extent<A>() : A::true_size)...};
    }(typename X::axes{});
}

/// The part of x that this rank holds, padding included.
template <class X>
box local_box(X const& x) {
    shard<X> const s(x);
    return {{s.first.begin(), s.first.end()}, {s.local.begin(), s.local.end()}};
}

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/box.inl.hpp>
#endif
