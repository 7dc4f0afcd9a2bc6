// draw_batch: a batch as readable text: tokens in columns, padding as dots, masks as zeros and ones.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/batches/collate.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

namespace detail {

/// A token for a column: spaces are visible, control characters are replaced.
std::string cell_of(vocabulary const& v, std::int32_t id);
std::size_t columns_of(std::string_view utf8);
void draw_rows(std::string const& title, padded_ids const& from, vocabulary const& v, bool mask,
               std::string& out);

}  // namespace detail

/// Source, its mask, the decoder's input and the labels of a batch of pairs, row by row. A space in a token is shown
/// as "_". `target`: the tokenizer of the targets, if it is another.
/// Errors: an id that no token has.
/// Example: std::puts(mw::draw(pairs, tokens).c_str());
std::string draw(pair_batch const& batch, tokenizer const& source, tokenizer const& target);
std::string draw(pair_batch const& batch, tokenizer const& tokens);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/draw_batch.inl.hpp>
#endif
