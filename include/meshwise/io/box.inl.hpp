// Bodies of box.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/io/box.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::uint64_t box::size() const {
    std::uint64_t n = 1;
    for (std::uint64_t e : extent) n *= e;
    return n;
}

MESHWISE_BODY std::optional<box> box::common(box const& other) const {
    box out;
    for (std::size_t i = 0; i < extent.size(); ++i) {
        std::uint64_t const begin = std::max(first[i], other.first[i]);
        std::uint64_t const end = std::min(first[i] + extent[i], other.first[i] + other.extent[i]);
        if (begin >= end) return std::nullopt;
        out.first.push_back(begin), out.extent.push_back(end - begin);
    }
    return out;
}

MESHWISE_BODY std::uint64_t box::place_of(std::vector<std::uint64_t> const& index) const {
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < extent.size(); ++i) at = at * extent[i] + (index[i] - first[i]);
    return at;
}

// Along an axis a sum of boxes changes only where boxes begin and end, and each of these changes is a sum of boxes with
// one axis less.
struct counted_box {
    box const* of;
    int sign;
};
// Whether no element is left with a count other than 0.
MESHWISE_BODY bool is_nothing(std::vector<counted_box> const& sum, std::size_t axis) {
    if (sum.empty()) return true;
    std::size_t const axes = sum[0].of->extent.size();
    auto const is_alike = [&](counted_box const& one) {
        return one.of->first[axis] == sum[0].of->first[axis] &&
               one.of->extent[axis] == sum[0].of->extent[axis];
    };
    while (axis < axes && std::all_of(sum.begin(), sum.end(), is_alike)) ++axis;
    if (axis == axes) {
        std::int64_t total = 0;
        for (auto const& one : sum) total += one.sign;
        return total == 0;
    }
    struct change {
        std::uint64_t at;
        counted_box what;
    };
    std::vector<change> changes;
    changes.reserve(2 * sum.size());
    for (auto const& one : sum) {
        std::uint64_t const begin = one.of->first[axis];
        changes.push_back({begin, one}),
            changes.push_back({begin + one.of->extent[axis], {one.of, -one.sign}});
    }
    std::sort(changes.begin(), changes.end(), [](change const& a, change const& b) { return a.at < b.at; });
    std::vector<counted_box> here;
    for (std::size_t i = 0; i < changes.size();) {
        std::uint64_t const at = changes[i].at;
        for (here.clear(); i < changes.size() && changes[i].at == at; ++i) here.push_back(changes[i].what);
        if (!is_nothing(here, axis + 1)) return false;
    }
    return true;
}

MESHWISE_BODY bool is_tiling(std::vector<box const*> const& boxes, std::vector<std::uint64_t> const& whole) {
    box const all{std::vector<std::uint64_t>(whole.size(), 0), whole};
    std::vector<counted_box> sum{{&all, -1}};
    for (box const* one : boxes) sum.push_back({one, 1});
    return is_nothing(sum, 0);
}

}  // namespace meshwise::detail
