#pragma once
// wordpiece: BERT's tokenizer: each word is cut into the longest tokens that the vocabulary has, from the left.
// Guarantees: a word that cannot be cut so, or is longer than a hundred characters, is one unknown token.
// Costs: for a character at most as many look-ups as the longest token has bytes.
#include <meshwise/text/bert_normalizer.hpp>
#include <meshwise/text/lines.hpp>
#include <meshwise/text/tokenizer.hpp>

namespace meshwise {

struct wordpiece_options {
    bert_normalization normalization = {};
    std::string continuation = "##";  // begins a token that is not the first of its word
    std::size_t longest_word = 100;   // in characters
    bool clean_up = false;            // decoding puts no space before . ? ! and ,
    text_frame frame = {};
};

/// Example: auto const tokens = mw::wordpiece::from_vocab_txt("vocab.txt");
class wordpiece final : public tokenizer {
public:
    /// Errors: a vocabulary without an unk token.
    explicit wordpiece(vocabulary v, wordpiece_options options = {})
        : tokenizer(std::move(v), options.frame),
          options_(std::move(options)),
          unk_(vocab().required("unk", "WordPiece")) {
        for (std::size_t i = 0; i < vocab_size(); ++i)
            if (auto const id = static_cast<std::int32_t>(i); vocab().has(id))
                longest_token_ = std::max(longest_token_, id_to_token(id).size());
    }

    /// A token a line, the first with id 0. Where cls and sep are named, they are put around a text if asked for.
    /// Errors: input_error naming file and line.
    static wordpiece from_vocab_txt(
        std::filesystem::path const& path, wordpiece_options options = {},
        special_names const& roles = {
            .pad = "[PAD]", .unk = "[UNK]", .cls = "[CLS]", .sep = "[SEP]", .mask = "[MASK]"}) {
        std::string const source = "vocabulary " + path_in_quotes(path);
        std::vector<std::string> tokens;
        for_each_line(read_input(path, "vocabulary"), [&](std::string_view line, std::size_t number) {
            if (line.empty() || invalid_utf8(line) != line.npos)
                throw input_error(source + ", line " + std::to_string(number) +
                                  (line.empty() ? ": is empty" : ": is not UTF-8") +
                                  "; a line has one token");
            tokens.emplace_back(line);
        });
        vocabulary v(std::move(tokens), roles, {}, source);
        if (v.special().cls && v.special().sep && options.frame.before.empty())
            options.frame = {{*v.special().cls}, {*v.special().sep}};
        return wordpiece(std::move(v), std::move(options));
    }

private:
    void encode_text(std::string_view text, std::size_t from, encoding& out) const override {
        detail::for_each_bert_word(text.substr(from), options_.normalization,
                                   [&](auto const& word) { encode_word(word, from, out); });
    }
    void append_text(std::int32_t, std::string_view token, bool first, std::string& out) const override {
        if (!first && token.starts_with(options_.continuation)) {
            out += token.substr(options_.continuation.size());
        } else {
            bool const closes = token.size() == 1 && std::string_view(".?!,").find(token[0]) != token.npos;
            if (!first && !(closes && options_.clean_up)) out += ' ';
            out += token;
        }
    }

    void encode_word(std::vector<detail::normal_character> const& word, std::size_t from,
                     encoding& out) const {
        std::size_t const before = out.size();
        auto const unknown = [&] {
            out.ids.resize(before);
            out.offsets.resize(before);
            out.add(unk_, from + word.front().begin, from + word.back().end);
        };
        if (word.size() > options_.longest_word) return unknown();
        std::string candidate;
        std::vector<std::size_t> ends(word.size());  // of each character in the candidate
        for (std::size_t begin = 0; begin < word.size();) {
            candidate = begin > 0 ? options_.continuation : "";
            std::size_t end = begin;
            for (; end < word.size() && candidate.size() < longest_token_; ++end) {
                append_utf8(candidate, word[end].code);
                ends[end] = candidate.size();
            }
            std::optional<std::int32_t> id;
            for (; end > begin && !id; --end)
                id = token_to_id(std::string_view(candidate).substr(0, ends[end - 1]));
            if (!id) return unknown();
            ++end;  // the loop went one beyond
            out.add(*id, from + word[begin].begin, from + word[end - 1].end);
            begin = end;
        }
    }

    wordpiece_options options_;
    std::int32_t unk_;
    std::size_t longest_token_ = 0;
};

}  // namespace meshwise
