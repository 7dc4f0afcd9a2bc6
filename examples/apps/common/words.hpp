// words: which words of a text another text has, and a text in lines that fit a terminal.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace examples {

/// The words of a text in lower case: letters, with apostrophes between them ("don't"). Bytes beyond ASCII are letters.
inline std::vector<std::string> words_of(std::string_view text) {
    auto const is_letter = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    };
    std::vector<std::string> words;
    bool inside = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        bool const joins =
            c == '\'' && inside && i + 1 < text.size() && is_letter(static_cast<unsigned char>(text[i + 1]));
        bool const belongs = is_letter(c) || joins;
        if (belongs && !inside) words.emplace_back();
        if (belongs) words.back() += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        inside = belongs;
    }
    return words;
}

/// How many of the words of a text occur in another; each occurrence counts.
struct word_share {
    std::size_t found = 0, words = 0;
    double percent() const {
        return words == 0 ? 0 : 100 * static_cast<double>(found) / static_cast<double>(words);
    }
};
/// Example: auto const share = examples::words_found("the cat sat", "a cat, the dog");  // 2 of 3
inline word_share words_found(std::string_view text, std::string_view in) {
    auto const known = words_of(in);
    std::set<std::string> const all(known.begin(), known.end());
    word_share share;
    for (auto const& word : words_of(text)) ++share.words, share.found += all.contains(word);
    return share;
}

/// Breaks lines that are longer than a terminal is wide, between words; line ends of the text stay. The text comes in
/// pieces of any length; a word comes out once it has ended. A word longer than a line stays whole.
class line_wrap {
public:
    explicit line_wrap(std::size_t columns) : columns_(columns) {}

    std::string push(std::string_view text) {
        std::string out;
        for (char c : text)
            if (c == ' ' || c == '\n') {
                end_word(out);
                c == ' ' ? void(spaces_ += ' ') : void((out += c, spaces_.clear(), used_ = 0));
            } else
                word_ += c;
        return out;
    }
    /// The word that has not ended yet.
    std::string finish() {
        std::string out;
        end_word(out);
        return out;
    }

private:
    static std::size_t width_of(std::string_view utf8) {
        std::size_t n = 0;
        for (char c : utf8) n += (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
        return n;
    }
    void end_word(std::string& out) {
        if (word_.empty()) return;
        if (used_ > 0 && used_ + spaces_.size() + width_of(word_) > columns_)
            out += '\n', used_ = 0;
        else
            out += spaces_, used_ += spaces_.size();
        out += word_;
        used_ += width_of(word_);
        word_.clear(), spaces_.clear();
    }

    std::size_t columns_, used_ = 0;
    std::string word_, spaces_;
};

}  // namespace examples
