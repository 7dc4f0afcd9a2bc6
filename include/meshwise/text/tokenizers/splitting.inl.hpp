// Bodies of splitting.hpp: see core/compiled.hpp.
#pragma once

#include <array>

#include <meshwise/text/tokenizers/splitting.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::size_t piece_scanner::gpt2() const {
    if (std::size_t const n = contraction(false)) return begin_ + n;
    std::size_t const word = starts_with_space() ? begin_ + 1 : begin_;
    auto const kind = kind_at(word);
    if (kind != character_class::space) return run_end(word, kind);
    return spaces(false);
}

MESHWISE_BODY std::size_t piece_scanner::llama3(std::size_t most_digits) const {
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

MESHWISE_BODY bool piece_scanner::is_line_end(std::size_t at) const {
    return at < text_.size() && (text_[at] == '\n' || text_[at] == '\r');
}

MESHWISE_BODY character_class piece_scanner::kind_at(std::size_t at) const {
    if (at >= text_.size()) return character_class::space;
    auto const kind = class_of(utf8_at(text_, at).code);
    return kind <= character_class::space ? kind : character_class::other;
}

MESHWISE_BODY std::size_t piece_scanner::run_end(std::size_t at, character_class kind) const {
    while (at < text_.size() && kind_at(at) == kind) at += utf8_at(text_, at).length;
    return at;
}

MESHWISE_BODY std::size_t piece_scanner::spaces(bool end_with_line) const {
    std::size_t end = begin_, last = begin_, line = begin_;
    while (end < text_.size() && kind_at(end) == character_class::space) {
        last = end;
        end += utf8_at(text_, end).length;
        if (is_line_end(last)) line = end;
    }
    if (end_with_line && line > begin_) return line;
    return end < text_.size() && last > begin_ ? last : end;
}

MESHWISE_BODY std::size_t piece_scanner::contraction(bool any_case) const {
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

MESHWISE_BODY std::size_t piece_end(std::string_view text, std::size_t at, splitting how) {
    piece_scanner const scanner(text, at);
    switch (how) {
    case splitting::gpt2: return scanner.gpt2();
    case splitting::llama3: return scanner.llama3(3);
    case splitting::qwen2: return scanner.llama3(1);
    case splitting::none: break;
    }
    return text.size();
}

}  // namespace meshwise::detail
