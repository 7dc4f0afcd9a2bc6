// Bodies of wordpiece.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/wordpiece.hpp>

namespace meshwise {

MESHWISE_BODY wordpiece::wordpiece(vocabulary v, wordpiece_options options)
    : tokenizer(v, options.frame, normalizer_of(v, options.normalization)),
      options_(std::move(options)),
      unk_(vocab().required("unk", "WordPiece")) {
    for (std::size_t i = 0; i < vocab_size(); ++i)
        if (auto const id = static_cast<std::int32_t>(i); vocab().has(id))
            longest_token_ = std::max(longest_token_, id_to_token(id).size());
}

MESHWISE_BODY detail::text_normalizer wordpiece::normalizer_of(vocabulary const& v,
                                                               bert_normalization const& how) {
    for (auto const& one : v.added_tokens())
        if (one.normalized)
            return
                [how](std::string_view text) { return std::optional(detail::bert_normal_text(text, how)); };
    return {};  // words are normalised one by one
}

MESHWISE_BODY wordpiece wordpiece::from_vocab_txt(std::filesystem::path const& path,
                                                  wordpiece_options options, special_names const& roles) {
    std::string const source = "vocabulary " + path_in_quotes(path);
    std::vector<std::string> tokens;
    detail::for_each_line(detail::read_input(path, "vocabulary"), [&](std::string_view line,
                                                                      std::size_t number) {
        if (line.empty() || detail::invalid_utf8(line) != line.npos)
            throw input_error(source + ", line " + std::to_string(number) +
                              (line.empty() ? ": is empty" : ": is not UTF-8") + "; a line has one token");
        tokens.emplace_back(line);
    });
    vocabulary v(std::move(tokens), roles, {}, source);
    if (v.special().cls && v.special().sep && options.frame.before.empty())
        options.frame = {{*v.special().cls}, {*v.special().sep}};
    return wordpiece(std::move(v), std::move(options));
}

MESHWISE_BODY void wordpiece::encode_text(std::string_view text, std::size_t from, encoding& out) const {
    detail::for_each_bert_word(text.substr(from), options_.normalization,
                               [&](auto const& word) { encode_word(word, from, out); });
}

MESHWISE_BODY std::string wordpiece::cleaned_up(std::string text) {
    using change = std::pair<std::string_view, std::string_view>;
    for (auto const& [from, to] : {change{" .", "."},
                                   {" ?", "?"},
                                   {" !", "!"},
                                   {" ,", ","},
                                   {" ' ", "'"},
                                   {" n't", "n't"},
                                   {" 'm", "'m"},
                                   {" do not", " don't"},
                                   {" 's", "'s"},
                                   {" 've", "'ve"},
                                   {" 're", "'re"}})
        for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
            text.replace(at, from.size(), to);
    return text;
}

MESHWISE_BODY void wordpiece::append_text(std::int32_t, std::string_view token, bool first,
                                          std::string& out) const {
    if (!first && token.starts_with(options_.continuation)) {
        out += token.substr(options_.continuation.size());
    } else {
        std::string const spaced = (first ? "" : " ") + std::string(token);
        out += options_.clean_up ? cleaned_up(spaced) : spaced;
    }
}

MESHWISE_BODY void wordpiece::encode_word(std::vector<detail::normal_character> const& word, std::size_t from,
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
        ++end;  // the loop ended one beyond the token
        out.add(*id, from + word[begin].begin, from + word[end - 1].end);
        begin = end;
    }
}

}  // namespace meshwise
