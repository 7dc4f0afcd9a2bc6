// Bodies of byte_level_bpe.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/byte_level_bpe.hpp>

namespace meshwise {

MESHWISE_BODY byte_level_bpe::byte_level_bpe(vocabulary v, std::span<bpe_merge const> merges,
                                             byte_level_options options)
    : tokenizer(std::move(v), options.frame,
                options.nfc.value_or(options.split == splitting::qwen2) ? detail::text_normalizer(detail::nfc)
                                                                        : detail::text_normalizer()),
      merges_(merges),
      split_(options.split),
      trim_offsets_(options.trim_offsets) {
    if (merges_.repeated())
        throw input_error(vocab().source() + ": a pair of tokens has two merges; give each pair once");
    for (std::size_t b = 0; b < 256; ++b) {
        char const byte = static_cast<char>(b);
        auto const id = token_to_id({&byte, 1});
        if (!id)
            throw input_error(vocab().source() + " has no token for the byte " + std::to_string(b) +
                              "; a byte-level vocabulary has one for each of the 256");
        byte_ids_[b] = *id;
    }
    // Most pieces are tokens. If the merges would give the same token, one look-up replaces them.
    is_whole_.resize(vocab_size(), options.ignore_merges);
    std::vector<detail::bpe_symbol> symbols;
    for (std::size_t i = 0; i < is_whole_.size(); ++i) {
        auto const id = static_cast<std::int32_t>(i);
        if (!vocab().has(id) || vocab().is_special(id)) {
            is_whole_[i] = false;
        } else if (!is_whole_[i]) {
            merge(vocab().id_to_token(id), symbols);
            is_whole_[i] = symbols.size() == 1 && symbols[0].id == id;
        }
    }
}

MESHWISE_BODY byte_level_bpe byte_level_bpe::from_vocab_and_merges(std::filesystem::path const& vocab_json,
                                                                   std::filesystem::path const& merges_txt,
                                                                   special_names const& roles,
                                                                   byte_level_options options) {
    std::string const source = "vocabulary " + path_in_quotes(vocab_json);
    std::vector<added_token> added;
    auto const is_role = [&](std::string const& token, std::int32_t id) {
        bool found = false;
        roles.for_each([&](char const*, auto const& name) { found = found || name == token; });
        if (found) added.push_back({token, id, true});
        return found;
    };
    auto tokens = detail::tokens_from_json(json::from_file(vocab_json), detail::spelling::byte_letters,
                                           source, is_role);
    vocabulary v(std::move(tokens), roles, std::move(added), source);
    auto const merges = detail::merges_from_lines(detail::read_input(merges_txt, "merges file"), v,
                                                  detail::spelling::byte_letters,
                                                  "merges file " + path_in_quotes(merges_txt));
    return byte_level_bpe(std::move(v), merges, std::move(options));
}

MESHWISE_BODY byte_level_bpe byte_level_bpe::from_tiktoken(std::filesystem::path const& path,
                                                           byte_level_options options,
                                                           std::vector<added_token> added,
                                                           special_names const& roles) {
    std::string const source = "vocabulary " + path_in_quotes(path);
    vocabulary v(detail::tokens_from_base64(detail::read_input(path, "vocabulary"), source), roles,
                 std::move(added), source);
    options.ignore_merges = true;
    auto const merges = detail::merges_from_tokens(
        v, [](std::int32_t id) { return static_cast<std::uint32_t>(id); },
        [&](std::string_view token, auto& symbols) { return detail::bytes_of_token(v, token, symbols); });
    return byte_level_bpe(std::move(v), merges, std::move(options));
}

MESHWISE_BODY std::string byte_level_bpe::vocab_json() const {
    return detail::vocabulary_to_json(vocab(), detail::spelling::byte_letters);
}

MESHWISE_BODY std::string byte_level_bpe::merges_txt() const {
    std::string out = "#version: 0.2\n";
    for (auto const& one : merges_.in_order())
        out += detail::in_byte_letters(id_to_token(one.left)) + ' ' +
               detail::in_byte_letters(id_to_token(one.right)) + '\n';
    return out;
}

MESHWISE_BODY void byte_level_bpe::encode_text(std::string_view text, std::size_t from, encoding& out) const {
    std::vector<detail::bpe_symbol> symbols;
    text = text.substr(from);
    auto const add = [&](std::int32_t id, std::size_t begin, std::size_t end) {
        if (trim_offsets_) {
            std::size_t const first = begin, last = end;
            while (begin < last && text[begin] == ' ') ++begin;
            while (end > first && text[end - 1] == ' ') --end;
            end = std::max(begin, end);
        }
        out.add(id, from + begin, from + end);
    };
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t const end = detail::piece_end(text, begin, split_);
        auto const piece = text.substr(begin, end - begin);
        auto const whole = token_to_id(piece);
        if (whole && is_whole_[static_cast<std::size_t>(*whole)]) {
            add(*whole, begin, end);
        } else {
            merge(piece, symbols);
            for (std::size_t i = 0; i < symbols.size(); ++i)
                add(symbols[i].id, begin + symbols[i].begin,
                    i + 1 < symbols.size() ? begin + symbols[i + 1].begin : end);
        }
        begin = end;
    }
}

MESHWISE_BODY void byte_level_bpe::append_text(std::int32_t, std::string_view token, bool,
                                               std::string& out) const {
    out += token;
}

MESHWISE_BODY void byte_level_bpe::merge(std::string_view piece,
                                         std::vector<detail::bpe_symbol>& symbols) const {
    symbols.clear();
    for (char c : piece)
        symbols.push_back(
            {byte_ids_[static_cast<unsigned char>(c)], static_cast<std::uint32_t>(symbols.size())});
    merges_.apply(symbols);
}

}  // namespace meshwise
