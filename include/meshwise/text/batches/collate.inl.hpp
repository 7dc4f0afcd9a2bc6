// Bodies of collate.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <string>

#include <meshwise/text/batches/collate.hpp>

namespace meshwise {

MESHWISE_BODY std::span<std::int32_t const> padded_ids::row(std::size_t i) const {
    return std::span(ids).subspan(i * width, width);
}

MESHWISE_BODY std::vector<std::int32_t> padded_ids::mask() const {
    std::vector<std::int32_t> made(ids.size());
    for (std::size_t i = 0; i < rows; ++i) {
        std::size_t const from = i * width + (side == pad_side::left ? width - lengths[i] : 0);
        std::fill_n(made.begin() + static_cast<std::ptrdiff_t>(from), lengths[i], 1);
    }
    return made;
}

MESHWISE_BODY void detail::check_lengths_from_the_left(padded_ids const& of) {
    for (std::size_t i = 0; i < of.lengths.size(); ++i) {
        std::string const row =
            "row " + std::to_string(i) + " has " + std::to_string(of.lengths[i]) + " tokens";
        if (of.lengths[i] > of.width)
            throw error(row + ", but its batch is " + std::to_string(of.width) +
                        " wide: give the lengths of the rows that were padded");
        if (of.side == pad_side::left && of.lengths[i] < of.width)
            throw error(
                row + " behind padding on the left, but a tensor of lengths says that the first tokens of a "
                      "row count: pad on the right (mw::pad_side::right)");
    }
}

MESHWISE_BODY std::size_t padded_ids::tokens() const {
    std::size_t sum = 0;
    for (std::size_t n : lengths) sum += n;
    return sum;
}

MESHWISE_BODY padded_ids pad(std::span<std::vector<std::int32_t> const> rows, std::int32_t pad_id,
                             padding how) {
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

MESHWISE_BODY pair_batch collate_pairs(std::span<pair_example const> examples, pair_special const& special,
                                       padding source, padding target) {
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

MESHWISE_BODY padded_ids shifted_right(padded_ids const& labels, std::int32_t start, std::int32_t pad_id) {
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

MESHWISE_BODY labelled_batch collate_labelled(std::span<labelled_example const> examples, std::int32_t pad_id,
                                              padding how) {
    id_rows rows;
    labelled_batch made;
    for (auto const& one : examples) {
        rows.push_back(one.ids);
        made.labels.push_back(one.label);
    }
    made.inputs = pad(rows, pad_id, how);
    return made;
}

MESHWISE_BODY tagged_batch collate_tagged(std::span<tagged_example const> examples, std::int32_t pad_id,
                                          padding how) {
    id_rows ids, labels;
    for (auto const& one : examples) {
        if (one.ids.size() != one.labels.size())
            throw error("a tagged sentence has " + std::to_string(one.ids.size()) + " ids and " +
                        std::to_string(one.labels.size()) +
                        " labels; give each id one, ignore_index for ids without a label");
        ids.push_back(one.ids);
        labels.push_back(one.labels);
    }
    return {pad(ids, pad_id, how), pad(labels, ignore_index, how)};
}

MESHWISE_BODY causal_example shifted(std::span<std::int32_t const> ids) {
    if (ids.size() < 2)
        throw error("a text of " + std::to_string(ids.size()) +
                    " tokens has no next token to learn; leave out texts shorter than two");
    return {{ids.begin(), ids.end() - 1}, {ids.begin() + 1, ids.end()}};
}

MESHWISE_BODY packed_ids pack(std::span<std::vector<std::int32_t> const> documents) {
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
