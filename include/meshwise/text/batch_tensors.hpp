#pragma once
// batch_tensors: padded rows as tensors of a strategy.
// Guarantees: every rank takes its own part of the one batch that all see. Nothing is sent; that all see the same batch
// is checked by a hash of it which rides in the next collective.
#include <meshwise/tensor/shard.hpp>
#include <meshwise/text/collate.hpp>

namespace meshwise {

namespace detail {

/// Writes the extent of one axis where it is bounded, and checks it.
template <tensor_axis Axis, class Extents>
void set_extent(Extents& extents, std::size_t& at, std::size_t size) {
    if (size > Axis::size || (!Axis::bounded && size != Axis::size))
        throw error("a batch has " + std::to_string(size) + " of the axis " + std::string(name_of<Axis>()) +
                    ", which has " + (Axis::bounded ? "at most " : "") + std::to_string(Axis::size) +
                    "; pad to that, or take an axis mw::up_to of the largest");
    if constexpr (Axis::bounded) extents[at++] = size;
    (void)extents;
    (void)at;
}

// every rank of the mesh has to hold these
inline void note_common(std::span<std::int32_t const> ids) {
    std::uint64_t hash = ids.size();
    for (std::int32_t const id : ids) hash = (hash ^ static_cast<std::uint32_t>(id)) * 0x9E3779B97F4A7C15ULL;
    current().team->note_common(hash ^ hash >> 32U);
}

}  // namespace detail

/// The ids of a batch.
/// Placement: where the strategy puts (Batch, Token). Communication: none.
/// Errors: a batch of another size than the axes; an axis that is not bounded takes its size exactly. Ranks that were
/// given different batches learn it, both named, at their next collective.
/// Example: auto inputs = mw::tensor_of_ids<S, batch, token>(made.source);
template <class S, tensor_axis Batch, tensor_axis Token>
tensor_of<S, std::int32_t, Batch, Token> tensor_of_ids(padded_ids const& from) {
    using made = tensor_of<S, std::int32_t, Batch, Token>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, from.rows);
    detail::set_extent<Token>(extents, at, from.width);
    detail::note_common(from.ids);
    return cut_from<made>(from.ids, extents);
}

/// The length of each row.
/// Placement: where the strategy puts (Batch). Communication: none. Errors: as tensor_of_ids.
template <class S, tensor_axis Batch>
tensor_of<S, std::int32_t, Batch> tensor_of_lengths(padded_ids const& from) {
    using made = tensor_of<S, std::int32_t, Batch>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, from.rows);
    std::vector<std::int32_t> const lengths(from.lengths.begin(), from.lengths.end());
    detail::note_common(lengths);
    return cut_from<made>(lengths, extents);
}

/// One number a row: the labels of labelled texts.
/// Placement: where the strategy puts (Batch). Communication: none. Errors: as tensor_of_ids.
template <class S, tensor_axis Batch>
tensor_of<S, std::int32_t, Batch> tensor_of_labels(std::span<std::int32_t const> labels) {
    using made = tensor_of<S, std::int32_t, Batch>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, labels.size());
    detail::note_common(labels);
    return cut_from<made>(labels, extents);
}

}  // namespace meshwise
