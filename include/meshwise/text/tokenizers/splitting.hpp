// splitting: divides a text into the pieces across which byte-level BPE never merges.
// Guarantees: the pieces together are the text, for any bytes; a byte that is not UTF-8 counts as a symbol.
// Costs: each byte is read about twice.
#pragma once

#include <string_view>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizers/unicode.hpp>

namespace meshwise {

/// The pattern that divides a text. `gpt2` is also that of r50k_base and p50k_base, `llama3` that of cl100k_base,
/// `qwen2` is llama3 with single digits, and `none` does not divide.
/// Example: mw::byte_level_options const options{.split = mw::splitting::qwen2};
enum class splitting { gpt2, llama3, qwen2, none };

namespace detail {

/// The patterns in the spelling of their authors, to recognise them in files.
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

class piece_scanner {
public:
    piece_scanner(std::string_view text, std::size_t at) : text_(text), begin_(at) {}

    std::size_t gpt2() const;
    std::size_t llama3(std::size_t most_digits) const;

private:
    bool is_line_end(std::size_t at) const;
    /// A space with a character after it, to which it may belong.
    bool starts_with_space() const { return text_[begin_] == ' ' && begin_ + 1 < text_.size(); }

    /// letter, number, space, or other for all the rest; space at the end of the text.
    character_class kind_at(std::size_t at) const;
    std::size_t run_end(std::size_t at, character_class kind) const;
    /// `\s*[\r\n]+` if asked for, else `\s+(?!\S)`, else `\s+`: the last space before a word belongs to the word.
    std::size_t spaces(bool end_with_line) const;
    /// Length of 's 't 're 've 'm 'll 'd, or 0. Without regard to case, U+017F is an s, too.
    std::size_t contraction(bool any_case) const;

    std::string_view text_;
    std::size_t begin_;
};

/// The end of the piece that begins at byte `at`, which is less than the size.
std::size_t piece_end(std::string_view text, std::size_t at, splitting how);

}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/splitting.inl.hpp>
#endif
