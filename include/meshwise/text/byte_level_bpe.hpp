#pragma once
// byte_level_bpe: the tokenizer of GPT-2, Llama-3 and their kin: byte pairs joined within the pieces of a text.
// Guarantees: every byte string has ids, and decodes to itself; there is no unknown token.
// Costs: about 20 MB of text a second; memory for the tokens and 20 bytes for each way to make one.
#include <array>

#include <meshwise/text/bpe_files.hpp>
#include <meshwise/text/splitting.hpp>
#include <meshwise/text/tokenizer.hpp>
#include <meshwise/text/vocabulary_files.hpp>

namespace meshwise {

/// How the pieces of a text become tokens.
struct byte_level_options {
    splitting split = splitting::gpt2;
    bool ignore_merges = false;  // a piece that is a token is that token, even if no merges lead to it
    text_frame frame = {};
};

/// Tokens here are bytes as they are: token_to_id(" the"), not "Ġthe".
/// Example: auto const tokens = mw::byte_level_bpe::from_tiktoken("r50k_base.tiktoken", {},
///                                   {{"<|endoftext|>", 50256}}, {.eos = "<|endoftext|>"});
class byte_level_bpe final : public tokenizer {
public:
    /// Errors: input_error if a byte has no token, or a pair of tokens two merges.
    byte_level_bpe(vocabulary v, std::span<bpe_merge const> merges, byte_level_options options = {})
        : tokenizer(std::move(v), options.frame),
          merges_(merges),
          split_(options.split) {
        if (merges_.repeated())
            throw input_error(vocab().source() + ": a pair of tokens is merged twice; give each pair once");
        for (std::size_t b = 0; b < 256; ++b) {
            char const byte = static_cast<char>(b);
            auto const id = token_to_id({&byte, 1});
            if (!id)
                throw input_error(vocab().source() + " has no token for the byte " + std::to_string(b) +
                                  "; a byte-level vocabulary has one for each of the 256");
            byte_ids_[b] = *id;
        }
        // Most pieces are tokens. For those that the merges would make, too, one look-up replaces the merging.
        is_whole_.resize(vocab_size(), options.ignore_merges);
        std::vector<bpe_symbol> symbols;
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

    /// Two files as GPT-2 has them. The names of special tokens are those of vocab.json.
    /// Errors: input_error naming file and byte or line.
    static byte_level_bpe from_vocab_and_merges(
        std::filesystem::path const& vocab_json, std::filesystem::path const& merges_txt,
        special_names const& roles = {.bos = "<|endoftext|>", .eos = "<|endoftext|>", .unk = "<|endoftext|>"},
        byte_level_options options = {}) {
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
        auto const merges = detail::merges_from_lines(read_input(merges_txt, "merges file"), v,
                                                      detail::spelling::byte_letters,
                                                      "merges file " + path_in_quotes(merges_txt));
        return byte_level_bpe(std::move(v), merges, std::move(options));
    }

    /// A file of base64 tokens and their ranks, which are also their ids. Special tokens are not in such files.
    /// Errors: input_error naming file and line.
    static byte_level_bpe from_tiktoken(std::filesystem::path const& path, byte_level_options options = {},
                                        std::vector<added_token> added = {},
                                        special_names const& roles = {}) {
        std::string const source = "vocabulary " + path_in_quotes(path);
        vocabulary v(detail::tokens_from_base64(read_input(path, "vocabulary"), source), roles,
                     std::move(added), source);
        options.ignore_merges = true;
        auto const merges =
            detail::merges_from_tokens(v, [](std::int32_t id) { return static_cast<std::uint32_t>(id); });
        return byte_level_bpe(std::move(v), merges, std::move(options));
    }

    /// The contents of the two files that from_vocab_and_merges reads.
    std::string vocab_json() const {
        return detail::vocabulary_to_json(vocab(), detail::spelling::byte_letters);
    }
    std::string merges_txt() const {
        std::string out = "#version: 0.2\n";
        for (auto const& one : merges_.in_order())
            out += detail::in_byte_letters(id_to_token(one.left)) + ' ' +
                   detail::in_byte_letters(id_to_token(one.right)) + '\n';
        return out;
    }

private:
    void encode_text(std::string_view text, std::size_t from, encoding& out) const override {
        std::vector<bpe_symbol> symbols;
        text = text.substr(from);
        for (std::size_t begin = 0; begin < text.size();) {
            std::size_t const end = piece_end(text, begin, split_);
            auto const piece = text.substr(begin, end - begin);
            auto const whole = token_to_id(piece);
            if (whole && is_whole_[static_cast<std::size_t>(*whole)]) {
                out.add(*whole, from + begin, from + end);
            } else {
                merge(piece, symbols);
                for (std::size_t i = 0; i < symbols.size(); ++i)
                    out.add(symbols[i].id, from + begin + symbols[i].begin,
                            i + 1 < symbols.size() ? from + begin + symbols[i + 1].begin : from + end);
            }
            begin = end;
        }
    }
    void append_text(std::int32_t, std::string_view token, bool, std::string& out) const override {
        out += token;
    }

    void merge(std::string_view piece, std::vector<bpe_symbol>& symbols) const {
        symbols.clear();
        for (char c : piece)
            symbols.push_back(
                {byte_ids_[static_cast<unsigned char>(c)], static_cast<std::uint32_t>(symbols.size())});
        merges_.apply(symbols);
    }

    bpe_merges merges_;
    splitting split_;
    std::array<std::int32_t, 256> byte_ids_{};
    std::vector<bool> is_whole_;
};

}  // namespace meshwise
