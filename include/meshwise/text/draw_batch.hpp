#pragma once
// draw_batch: a batch as a person reads it: its tokens in columns, padding as dots, masks as zeros and ones.
#include <meshwise/text/collate.hpp>
#include <meshwise/text/tokenizer.hpp>

namespace meshwise {

namespace detail {

/// A token in a column: spaces seen, nothing that moves a cursor.
inline std::string cell_of(vocabulary const& v, std::int32_t id) {
    if (id == ignore_index) return "-100";
    text_decoder decoder;
    std::string shown, out;
    for (char c : v.id_to_token(id)) decoder.push(static_cast<unsigned char>(c), shown);
    decoder.finish(shown);
    for (char c : shown) c == ' ' || c == '\n' || c == '\t' ? out += '_' : out += c;
    return out;
}
inline std::size_t columns_of(std::string_view utf8) {
    std::size_t n = 0;
    for (char c : utf8) n += (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    return n;
}
inline void draw_rows(std::string const& title, padded_ids const& from, vocabulary const& v, bool mask,
                      std::string& out) {
    auto const truth = from.mask();
    std::vector<std::string> cells;
    std::size_t wide = 1;
    for (std::size_t i = 0; i < from.ids.size(); ++i) {
        // labels say -100 where padding is, which is worth seeing; other padding is a dot
        bool const dot = truth[i] == 0 && from.ids[i] != ignore_index;
        cells.push_back(mask ? std::to_string(truth[i]) : dot ? "\xc2\xb7" : cell_of(v, from.ids[i]));
        wide = std::max(wide, columns_of(cells.back()));
    }
    for (std::size_t r = 0; r < from.rows; ++r) {
        std::string line = r == 0 ? title : "";
        line.resize(16, ' ');
        for (std::size_t c = 0; c < from.width; ++c) {
            auto const& cell = cells[r * from.width + c];
            line += cell + std::string(wide + 1 - columns_of(cell), ' ');
        }
        out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
}

}  // namespace detail

/// Source, its mask, the decoder's input and the labels of a batch of pairs, row by row. A space in a token is shown
/// as "_". `target`: the tokenizer of the targets, if it is another.
/// Errors: an id that no token has.
inline std::string draw(pair_batch const& batch, tokenizer const& source, tokenizer const& target) {
    std::string out;
    detail::draw_rows("source", batch.source, source.vocab(), false, out);
    detail::draw_rows("mask", batch.source, source.vocab(), true, out);
    detail::draw_rows("decoder input", batch.decoder_input, target.vocab(), false, out);
    detail::draw_rows("labels", batch.labels, target.vocab(), false, out);
    return out;
}
inline std::string draw(pair_batch const& batch, tokenizer const& tokens) {
    return draw(batch, tokens, tokens);
}

}  // namespace meshwise
