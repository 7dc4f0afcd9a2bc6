// batch_tensors: padded rows as tensors of a strategy.
// Guarantees: every rank is given the whole batch and takes its own part. No message is sent; a hash of the batch is
// compared between ranks in the next collective.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/shard.hpp>
#include <meshwise/text/batches/collate.hpp>

namespace meshwise {

namespace detail {

/// Checks the extent of one axis, and stores it if the axis is bounded.
template <any_axis Axis, class Extents>
void set_extent(Extents& extents, std::size_t& at, std::size_t size) {
    if (size > Axis::size || (!Axis::bounded && size != Axis::size))
        throw error("a batch has " + std::to_string(size) + " of the axis " + std::string(name_of<Axis>()) +
                    ", which has " + (Axis::bounded ? "at most " : "") + std::to_string(Axis::size) +
                    "; pad to that size, or use an axis mw::up_to of the largest size");
    if constexpr (Axis::bounded) extents[at++] = size;
    (void)extents;
    (void)at;
}

}  // namespace detail

/// The ids of a batch.
/// Placement: where the strategy puts (Batch, Token). Communication: none.
/// Errors: a batch whose size does not fit the axes; an axis that is not bounded takes exactly its size. Ranks with
/// different batches throw at their next collective; the error names two of them.
/// Example: auto inputs = mw::tensor_of_ids<batch, token>(here, pairs.source);
template <any_axis Batch, any_axis Token, any_strategy S>
tensor_of<S, std::int32_t, Batch, Token> tensor_of_ids(rank<S> const&, padded_ids const& from) {
    using made = tensor_of<S, std::int32_t, Batch, Token>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, from.rows);
    detail::set_extent<Token>(extents, at, from.width);
    return detail::cut_whole<made>(from.ids, extents, common_kind::batch);
}

/// The length of each row: its tokens, which are its first.
/// Placement: where the strategy puts (Batch). Communication: none.
/// Errors: as tensor_of_ids; rows padded on the left, whose tokens are their last; a row longer than the batch.
/// Example: auto lengths = mw::tensor_of_lengths<batch>(here, pairs.source);
template <any_axis Batch, any_strategy S>
tensor_of<S, std::int32_t, Batch> tensor_of_lengths(rank<S> const&, padded_ids const& from) {
    using made = tensor_of<S, std::int32_t, Batch>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, from.rows);
    detail::check_lengths_from_the_left(from);
    std::vector<std::int32_t> const lengths(from.lengths.begin(), from.lengths.end());
    return detail::cut_whole<made>(lengths, extents, common_kind::batch);
}

/// One number per row: the labels of labelled texts.
/// Placement: where the strategy puts (Batch). Communication: none. Errors: as tensor_of_ids.
/// Example:
/// std::vector<std::int32_t> const classes(batch::size, 1);
/// auto labels = mw::tensor_of_labels<batch>(here, classes);
template <any_axis Batch, any_strategy S>
tensor_of<S, std::int32_t, Batch> tensor_of_labels(rank<S> const&, std::span<std::int32_t const> labels) {
    using made = tensor_of<S, std::int32_t, Batch>;
    typename made::extents_type extents{};
    std::size_t at = 0;
    detail::set_extent<Batch>(extents, at, labels.size());
    return detail::cut_whole<made>(labels, extents, common_kind::batch);
}

}  // namespace meshwise
