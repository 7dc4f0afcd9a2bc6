#pragma once
// box: a part of a tensor by first index and extent along every axis, without types; the runs two boxes share.
// Guarantees: indices are those of the whole tensor, whatever mesh or file holds the part.
// Costs: one call per contiguous run.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// In memory or in a file a box is contiguous, its last axis fastest.
struct box {
    std::vector<std::uint64_t> first, extent;

    std::uint64_t size() const {
        std::uint64_t n = 1;
        for (std::uint64_t e : extent) n *= e;
        return n;
    }
    /// What both have, if anything.
    std::optional<box> common(box const& other) const {
        box out;
        for (std::size_t i = 0; i < extent.size(); ++i) {
            std::uint64_t const begin = std::max(first[i], other.first[i]);
            std::uint64_t const end = std::min(first[i] + extent[i], other.first[i] + other.extent[i]);
            if (begin >= end) return std::nullopt;
            out.first.push_back(begin), out.extent.push_back(end - begin);
        }
        return out;
    }
    /// Where an element lies in this box.
    std::uint64_t place_of(std::vector<std::uint64_t> const& index) const {
        std::uint64_t at = 0;
        for (std::size_t i = 0; i < extent.size(); ++i) at = at * extent[i] + (index[i] - first[i]);
        return at;
    }
};

/// f(place in a, place in b, length) for the contiguous runs that both boxes hold, in order.
template <class F>
void for_each_shared_run(box const& a, box const& b, F f) {
    auto const shared = a.common(b);
    if (!shared) return;
    // trailing axes that both hold alike and wholly are one with the axis before
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

/// Extents of the whole tensor as files hold it: without padding, which belongs to a mesh.
template <class X>
std::vector<std::uint64_t> true_shape(X const& x) {
    return [&]<class... A>(axes<A...>) {
        return std::vector<std::uint64_t>{(A::bounded ? x.template extent<A>() : A::true_size)...};
    }(typename X::axes{});
}

/// What this rank holds of x, padding included: its memory.
template <class X>
box local_box(X const& x) {
    shard<X> const s(x);
    return {{s.first.begin(), s.first.end()}, {s.local.begin(), s.local.end()}};
}

}  // namespace meshwise
