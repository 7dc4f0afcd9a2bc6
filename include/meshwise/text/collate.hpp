#pragma once
// collate: lists of ids of different lengths as one rectangle, and what models learn from them.
// Guarantees: lengths are the truth and masks follow from them: labels are masked by length, never by the id of the
// padding, so that a model whose pad token is its eos still learns to stop.
// Costs: memory for the rectangle; a row that does not fit is refused, never cut unseen.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// The label of a place that counts in no loss.
inline constexpr std::int32_t ignore_index = -100;

enum class pad_to { longest, max_length, multiple };
enum class pad_side { left, right };

/// How rows become equally long: the longest row; exactly `length`; or the longest rounded up to a multiple of `length`.
struct padding {
    pad_to to = pad_to::longest;
    std::size_t length = 0;
    pad_side side = pad_side::right;
};

/// Rows of ids of one width.
struct padded_ids {
    std::size_t rows = 0, width = 0;
    std::vector<std::int32_t> ids;     // (rows, width)
    std::vector<std::size_t> lengths;  // (rows): what is not padding
    pad_side side = pad_side::right;

    std::span<std::int32_t const> row(std::size_t i) const {
        return std::span(ids).subspan(i * width, width);
    }
    /// 1 for what is not padding: attention_mask. (rows, width)
    std::vector<std::int32_t> mask() const {
        std::vector<std::int32_t> made(ids.size());
        for (std::size_t i = 0; i < rows; ++i) {
            std::size_t const from = i * width + (side == pad_side::left ? width - lengths[i] : 0);
            std::fill_n(made.begin() + static_cast<std::ptrdiff_t>(from), lengths[i], 1);
        }
        return made;
    }
    std::size_t tokens() const {
        std::size_t sum = 0;
        for (std::size_t n : lengths) sum += n;
        return sum;
    }
};

using id_rows = std::vector<std::vector<std::int32_t>>;

/// Errors: a row longer than max_length; a length of 0 where one is needed.
inline padded_ids pad(std::span<std::vector<std::int32_t> const> rows, std::int32_t pad_id,
                      padding how = {}) {
    padded_ids made;
    made.rows = rows.size();
    made.side = how.side;
    std::size_t longest = 0;
    for (auto const& row : rows) {
        made.lengths.push_back(row.size());
        longest = std::max(longest, row.size());
    }
    if (how.to != pad_to::longest && how.length == 0)
        throw error("padding to a length or a multiple needs a length above 0; give padding::length");
    made.width = how.to == pad_to::longest      ? longest
                 : how.to == pad_to::max_length ? how.length
                                                : (longest + how.length - 1) / how.length * how.length;
    if (longest > made.width)
        throw error("a row of " + std::to_string(longest) + " ids does not fit into " +
                    std::to_string(made.width) +
                    "; drop or cut long texts before (see limit_lengths), or pad to more");
    made.ids.assign(made.rows * made.width, pad_id);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::size_t const from =
            i * made.width + (how.side == pad_side::left ? made.width - rows[i].size() : 0);
        std::copy(rows[i].begin(), rows[i].end(), made.ids.begin() + static_cast<std::ptrdiff_t>(from));
    }
    return made;
}

/// A text and its translation, the source as its model wants it, the target without special tokens.
struct pair_example {
    std::vector<std::int32_t> source, target;
};
struct pair_special {
    std::int32_t pad = 0, start = 0, eos = 0;
    std::int32_t label_pad = ignore_index;  // what labels have for padding
};
/// What an encoder-decoder model learns from: labels are y1..yn eos, the decoder's input start y1..yn.
struct pair_batch {
    padded_ids source, decoder_input, labels;
    std::size_t target_tokens() const { return labels.tokens(); }
};
inline pair_batch collate_pairs(std::span<pair_example const> examples, pair_special const& special,
                                padding source = {}, padding target = {}) {
    id_rows sources, inputs, labels;
    for (auto const& one : examples) {
        sources.push_back(one.source);
        inputs.push_back(one.target);
        inputs.back().insert(inputs.back().begin(), special.start);
        labels.push_back(one.target);
        labels.back().push_back(special.eos);
    }
    return {pad(sources, special.pad, source), pad(inputs, special.pad, target),
            pad(labels, special.label_pad, target)};
}

/// Labels one place to the right behind `start`, as transformers' shift_tokens_right makes a decoder's input. Unlike
/// collate_pairs it leaves the eos of a short row in a place that has no label.
/// Errors: labels with padding on the left.
inline padded_ids shifted_right(padded_ids const& labels, std::int32_t start, std::int32_t pad_id) {
    if (labels.side == pad_side::left)
        throw error("labels padded on the left cannot be shifted right; pad them right");
    padded_ids made = labels;
    for (std::size_t i = 0; i < made.rows; ++i)
        for (std::size_t at = made.width; at-- > 0;) {
            auto& id = made.ids[i * made.width + at];
            id = at == 0 ? start : labels.ids[i * made.width + at - 1];
            if (id == ignore_index) id = pad_id;
        }
    return made;
}

/// A text and its class.
struct labelled_example {
    std::vector<std::int32_t> ids;
    std::int32_t label = 0;
};
struct labelled_batch {
    padded_ids inputs;
    std::vector<std::int32_t> labels;  // (rows)
};
inline labelled_batch collate_labelled(std::span<labelled_example const> examples, std::int32_t pad_id,
                                       padding how = {}) {
    id_rows rows;
    labelled_batch made;
    for (auto const& one : examples) {
        rows.push_back(one.ids);
        made.labels.push_back(one.label);
    }
    made.inputs = pad(rows, pad_id, how);
    return made;
}

/// A sentence with a label for each token; the first of a word has the word's, the others have ignore_index.
struct tagged_example {
    std::vector<std::int32_t> ids, labels;
};
struct tagged_batch {
    padded_ids inputs, labels;
};
/// Errors: an example with more or fewer labels than ids.
inline tagged_batch collate_tagged(std::span<tagged_example const> examples, std::int32_t pad_id,
                                   padding how = {}) {
    id_rows ids, labels;
    for (auto const& one : examples) {
        if (one.ids.size() != one.labels.size())
            throw error("a tagged sentence has " + std::to_string(one.ids.size()) + " ids and " +
                        std::to_string(one.labels.size()) +
                        " labels; give each id one, ignore_index where none counts");
        ids.push_back(one.ids);
        labels.push_back(one.labels);
    }
    return {pad(ids, pad_id, how), pad(labels, ignore_index, how)};
}

/// A piece of text as a language model learns it: inputs t0..tn-1, labels t1..tn, already shifted.
struct causal_example {
    std::vector<std::int32_t> inputs, labels;
};
/// Errors: fewer than two ids.
inline causal_example shifted(std::span<std::int32_t const> ids) {
    if (ids.size() < 2)
        throw error("a text of " + std::to_string(ids.size()) +
                    " tokens has no next token to learn; leave out texts shorter than two");
    return {{ids.begin(), ids.end() - 1}, {ids.begin() + 1, ids.end()}};
}

/// Documents one after the other in one row, without a loss across their ends.
struct packed_ids {
    std::vector<std::int32_t> ids,
        labels;  // labels are shifted: that of a document's last token is ignore_index
    std::vector<std::int32_t> positions;  // begin anew with each document
    std::vector<std::size_t> starts{0};   // of each document, and the end of the last
    std::size_t longest = 0;
};
inline packed_ids pack(std::span<std::vector<std::int32_t> const> documents) {
    packed_ids made;
    for (auto const& one : documents) {
        for (std::size_t i = 0; i < one.size(); ++i) {
            made.ids.push_back(one[i]);
            made.labels.push_back(i + 1 < one.size() ? one[i + 1] : ignore_index);
            made.positions.push_back(static_cast<std::int32_t>(i));
        }
        made.starts.push_back(made.ids.size());
        made.longest = std::max(made.longest, one.size());
    }
    return made;
}

}  // namespace meshwise
