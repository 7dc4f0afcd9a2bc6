#pragma once
// splitting: the pieces of a text that byte-level BPE never merges across.
// Guarantees: the pieces in order are the text, whatever its bytes; a byte that is no UTF-8 counts as a symbol.
// Costs: each byte is looked at about twice.
#include <array>
#include <string_view>

#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/unicode.hpp>

namespace meshwise {

/// Whose pattern: `gpt2` is also that of r50k_base and p50k_base, `llama3` that of cl100k_base, `qwen2` is llama3
/// with digits one by one, and `none` takes a text whole.
enum class splitting { gpt2, llama3, qwen2, none };

/// The patterns as their authors write them, for comparison with files.
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

namespace detail {

class piece_scanner {
public:
    piece_scanner(std::string_view text, std::size_t at) : text_(text), begin_(at) {}

    std::size_t gpt2() const {
        if (std::size_t const n = contraction(false)) return begin_ + n;
        std::size_t const word = starts_with_space() ? begin_ + 1 : begin_;
        auto const kind = kind_at(word);
        if (kind != character_class::space) return run_end(word, kind);
        return spaces(false);
    }
    std::size_t llama3(std::size_t most_digits) const {
        if (std::size_t const n = contraction(true)) return begin_ + n;
        auto const first = kind_at(begin_);
        if (first == character_class::letter) return run_end(begin_, first);
        std::size_t const second = begin_ + utf8_at(text_, begin_).length;
        bool const line_end = is_line_end(begin_);
        if (!line_end && first != character_class::number && kind_at(second) == character_class::letter)
            return run_end(second, character_class::letter);
        if (first == character_class::number) {
            std::size_t end = second;
            for (std::size_t n = 1; n < most_digits && kind_at(end) == character_class::number; ++n)
                end += utf8_at(text_, end).length;
            return end;
        }
        std::size_t const symbols = starts_with_space() ? begin_ + 1 : begin_;
        if (kind_at(symbols) == character_class::other) {
            std::size_t end = run_end(symbols, character_class::other);
            while (is_line_end(end)) ++end;
            return end;
        }
        return spaces(true);
    }

private:
    bool is_line_end(std::size_t at) const {
        return at < text_.size() && (text_[at] == '\n' || text_[at] == '\r');
    }
    /// A space with something after it, which may belong to it.
    bool starts_with_space() const { return text_[begin_] == ' ' && begin_ + 1 < text_.size(); }

    /// letter, number, space, or other for all the rest; space at the end of the text.
    character_class kind_at(std::size_t at) const {
        if (at >= text_.size()) return character_class::space;
        auto const kind = class_of(utf8_at(text_, at).code);
        return kind <= character_class::space ? kind : character_class::other;
    }
    std::size_t run_end(std::size_t at, character_class kind) const {
        while (at < text_.size() && kind_at(at) == kind) at += utf8_at(text_, at).length;
        return at;
    }
    /// `\s*[\r\n]+` if asked for, else `\s+(?!\S)`, else `\s+`: a space before a word is left to the word.
    std::size_t spaces(bool end_with_line) const {
        std::size_t end = begin_, last = begin_, line = begin_;
        while (end < text_.size() && kind_at(end) == character_class::space) {
            last = end;
            end += utf8_at(text_, end).length;
            if (is_line_end(last)) line = end;
        }
        if (end_with_line && line > begin_) return line;
        return end < text_.size() && last > begin_ ? last : end;
    }
    /// Length of 's 't 're 've 'm 'll 'd, or 0. Without regard to case, U+017F is an s, too.
    std::size_t contraction(bool any_case) const {
        if (text_[begin_] != '\'') return 0;
        auto const at = [&](std::size_t i) {
            char const c = begin_ + i < text_.size() ? text_[begin_ + i] : '\0';
            return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        };
        char const a = at(1), b = at(2);
        if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
        if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
        return any_case && a == '\xc5' && b == '\xbf' ? 3 : 0;
    }

    std::string_view text_;
    std::size_t begin_;
};

}  // namespace detail

/// Where the piece that begins at byte `at`, which is less than the size, ends.
inline std::size_t piece_end(std::string_view text, std::size_t at, splitting how) {
    detail::piece_scanner const scanner(text, at);
    switch (how) {
    case splitting::gpt2: return scanner.gpt2();
    case splitting::llama3: return scanner.llama3(3);
    case splitting::qwen2: return scanner.llama3(1);
    case splitting::none: break;
    }
    return text.size();
}

}  // namespace meshwise
