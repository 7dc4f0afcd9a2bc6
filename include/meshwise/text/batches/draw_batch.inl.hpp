// Bodies of draw_batch.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/batches/draw_batch.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string cell_of(vocabulary const& v, std::int32_t id) {
    if (id == ignore_index) return "-100";
    text_decoder decoder;
    std::string shown, out;
    for (char c : v.id_to_token(id)) decoder.push(static_cast<unsigned char>(c), shown);
    decoder.finish(shown);
    for (char c : shown) c == ' ' || c == '\n' || c == '\t' ? out += '_' : out += c;
    return out;
}

MESHWISE_BODY std::size_t columns_of(std::string_view utf8) {
    std::size_t n = 0;
    for (char c : utf8) n += (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    return n;
}

MESHWISE_BODY void draw_rows(std::string const& title, padded_ids const& from, vocabulary const& v, bool mask,
                             std::string& out) {
    auto const truth = from.mask();
    std::vector<std::string> cells;
    std::size_t wide = 1;
    for (std::size_t i = 0; i < from.ids.size(); ++i) {
        // padding of labels is shown as -100, all other padding as a dot
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

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::string draw(pair_batch const& batch, tokenizer const& source, tokenizer const& target) {
    std::string out;
    detail::draw_rows("source", batch.source, source.vocab(), false, out);
    detail::draw_rows("mask", batch.source, source.vocab(), true, out);
    detail::draw_rows("decoder input", batch.decoder_input, target.vocab(), false, out);
    detail::draw_rows("labels", batch.labels, target.vocab(), false, out);
    return out;
}

MESHWISE_BODY std::string draw(pair_batch const& batch, tokenizer const& tokens) {
    return draw(batch, tokens, tokens);
}

}  // namespace meshwise
