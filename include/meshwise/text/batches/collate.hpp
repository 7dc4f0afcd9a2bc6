// collate: pads lists of ids to one rectangle, and makes inputs and labels for models.
// Guarantees: masks are computed from lengths, never from the id of the padding, so a model whose pad token is its
// eos still learns to stop.
// Costs: memory for the rectangle. A row that does not fit is refused, never cut.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/ignore_index.hpp>
#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// To what length rows are padded.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// auto const eight_wide = mw::pad(rows, 0, {.to = mw::pad_to::multiple, .length = 8});
enum class pad_to { longest, max_length, multiple };
/// On which side of a row the padding stands.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// auto const right_aligned = mw::pad(rows, 0, {.side = mw::pad_side::left});
enum class pad_side { left, right };

/// The width of the rectangle: that of the longest row; exactly `length`; or the longest row rounded up to a multiple
/// of `length`.
/// Example: constexpr mw::padding how{.to = mw::pad_to::multiple, .length = 8};
struct padding {
    pad_to to = pad_to::longest;
    std::size_t length = 0;
    pad_side side = pad_side::right;
};

/// Rows of ids, padded to one width.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// mw::padded_ids const made = mw::pad(rows, 0);
/// std::cout << made.rows << " x " << made.width << '\n';
struct padded_ids {
    std::size_t rows = 0, width = 0;
    std::vector<std::int32_t> ids;     // (rows, width)
    std::vector<std::size_t> lengths;  // (rows): the ids without padding
    pad_side side = pad_side::right;

    std::span<std::int32_t const> row(std::size_t i) const;
    /// The attention mask, (rows, width): 1 for ids, 0 for padding.
    std::vector<std::int32_t> mask() const;
    std::size_t tokens() const;
};

namespace detail {
// Lengths say that the first tokens of a row count: padding on the left is refused, and a row longer than its batch.
void check_lengths_from_the_left(padded_ids const& of);
}  // namespace detail

/// Rows of ids, each of a length of its own.
/// Example: mw::id_rows const rows{{5, 6, 7}, {8}};
using id_rows = std::vector<std::vector<std::int32_t>>;

/// Errors: a row longer than max_length; a length of 0 where one is needed.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// auto const made = mw::pad(rows, 0);
padded_ids pad(std::span<std::vector<std::int32_t> const> rows, std::int32_t pad_id, padding how = {});

/// A text and its translation, the source as its model wants it, the target without special tokens.
/// Example: mw::pair_example const one{{5, 6, 7}, {8, 9}};
struct pair_example {
    std::vector<std::int32_t> source, target;
};
/// The ids of special tokens that a batch of pairs needs.
/// Example: constexpr mw::pair_special special{.pad = 0, .start = 1, .eos = 2};
struct pair_special {
    std::int32_t pad = 0, start = 0, eos = 0;
    std::int32_t label_pad = ignore_index;  // the padding of labels
};
/// A batch for an encoder-decoder model: labels are y1..yn eos, the input of the decoder is start y1..yn.
/// Example:
/// std::vector<mw::pair_example> const examples{{{5, 6, 7}, {8, 9}}, {{5}, {9, 9, 9}}};
/// mw::pair_batch const made = mw::collate_pairs(examples, {.pad = 0, .start = 1, .eos = 2});
struct pair_batch {
    padded_ids source, decoder_input, labels;
    std::size_t target_tokens() const { return labels.tokens(); }
};
/// A batch of pairs: sources, and targets behind `start` and before `eos`.
/// Example:
/// std::vector<mw::pair_example> const examples{{{5, 6, 7}, {8, 9}}, {{5}, {9, 9, 9}}};
/// auto const made = mw::collate_pairs(examples, {.pad = 0, .start = 1, .eos = 2});
pair_batch collate_pairs(std::span<pair_example const> examples, pair_special const& special,
                         padding source = {}, padding target = {});

/// Shifts labels one position to the right, after `start`, as shift_tokens_right of transformers does for the input
/// of a decoder. Unlike collate_pairs it keeps the eos of a short row at a position without a label.
/// Errors: labels with padding on the left.
/// Example: auto const decoder_input = mw::shifted_right(pairs.labels, 1, 0);
padded_ids shifted_right(padded_ids const& labels, std::int32_t start, std::int32_t pad_id);

/// A text and its class.
/// Example: mw::labelled_example const one{{5, 6, 7}, 1};
struct labelled_example {
    std::vector<std::int32_t> ids;
    std::int32_t label = 0;
};
/// A batch of texts with a class each.
/// Example:
/// std::vector<mw::labelled_example> const examples{{{5, 6, 7}, 1}, {{8}, 0}};
/// mw::labelled_batch const made = mw::collate_labelled(examples, 0);
struct labelled_batch {
    padded_ids inputs;
    std::vector<std::int32_t> labels;  // (rows)
};
/// A batch of texts and their classes.
/// Example:
/// std::vector<mw::labelled_example> const examples{{{5, 6, 7}, 1}, {{8}, 0}};
/// auto const made = mw::collate_labelled(examples, 0);
labelled_batch collate_labelled(std::span<labelled_example const> examples, std::int32_t pad_id,
                                padding how = {});

/// A sentence with a label for each token: the first token of a word has the label of the word, the others have
/// ignore_index.
/// Example: mw::tagged_example const one{{5, 6, 7}, {0, 1, mw::ignore_index}};
struct tagged_example {
    std::vector<std::int32_t> ids, labels;
};
/// A batch of texts with a label for each token.
/// Example:
/// std::vector<mw::tagged_example> const examples{{{5, 6}, {0, 1}}, {{8}, {0}}};
/// mw::tagged_batch const made = mw::collate_tagged(examples, 0);
struct tagged_batch {
    padded_ids inputs, labels;
};
/// Errors: an example with more or fewer labels than ids.
/// Example:
/// std::vector<mw::tagged_example> const examples{{{5, 6}, {0, 1}}, {{8}, {0}}};
/// auto const made = mw::collate_tagged(examples, 0);
tagged_batch collate_tagged(std::span<tagged_example const> examples, std::int32_t pad_id, padding how = {});

/// An example for a language model: inputs t0..tn-1, labels t1..tn, already shifted.
/// Example: mw::causal_example const one = mw::shifted(prompt);
struct causal_example {
    std::vector<std::int32_t> inputs, labels;
};
/// Errors: fewer than two ids.
/// Example: auto const [inputs, labels] = mw::shifted(prompt);
causal_example shifted(std::span<std::int32_t const> ids);

/// Several documents in one row, without a loss across their ends.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// mw::packed_ids const made = mw::pack(rows);
struct packed_ids {
    std::vector<std::int32_t> ids,
        labels;  // shifted; the label of the last token of a document is ignore_index
    std::vector<std::int32_t> positions;  // from 0 in each document
    std::vector<std::size_t> starts{0};   // of each document, and the end of the last
    std::size_t longest = 0;
};
/// Documents one after the other in one row.
/// Example:
/// mw::id_rows const rows{{5, 6, 7}, {8}};
/// auto const made = mw::pack(rows);
packed_ids pack(std::span<std::vector<std::int32_t> const> documents);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/collate.inl.hpp>
#endif
