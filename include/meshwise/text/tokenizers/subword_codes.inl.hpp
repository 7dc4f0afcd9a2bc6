// Bodies of subword_codes.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <limits>

#include <meshwise/text/tokenizers/subword_codes.hpp>

namespace meshwise {

MESHWISE_BODY subword_codes::subword_codes(std::vector<learned_merge> merges) : learned_(std::move(merges)) {
    std::vector<bpe_merge> table;
    for (auto const& one : learned_)
        table.push_back({id_of(one.left), id_of(one.right), id_of(one.left + one.right),
                         static_cast<std::uint32_t>(table.size())});
    merges_ = detail::bpe_merges(table);
}

MESHWISE_BODY subword_codes subword_codes::from_file(std::filesystem::path const& path) {
    std::string const source = "codes " + path_in_quotes(path);
    std::vector<learned_merge> merges;
    bool version = false;
    detail::for_each_line(
        detail::read_input(path, "codes file"), [&](std::string_view line, std::size_t number) {
            if (number == 1 && line == "#version: 0.2") {
                version = true;
                return;
            }
            auto const pair = detail::both_of(line);
            if (!version || !pair)
                throw input_error(
                    source + ", line " + std::to_string(number) + ": " + in_quotes(line) +
                    (version ? " is not two tokens with a space between them" : " is not '#version: 0.2'"));
            merges.push_back({std::string((*pair)[0]), std::string((*pair)[1])});
        });
    return subword_codes(std::move(merges));
}

MESHWISE_BODY std::string subword_codes::text() const {
    std::string out = "#version: 0.2\n";
    for (auto const& one : learned_) out += one.left + ' ' + one.right + '\n';
    return out;
}

MESHWISE_BODY std::string subword_codes::segment(std::string_view line) const {
    std::string out;
    for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != line.npos;) {
        std::size_t const end = std::min(line.find(' ', at), line.size());
        segment_word(line.substr(at, end - at), out);
        at = end;
    }
    return out;
}

MESHWISE_BODY std::string subword_codes::join(std::string_view line) {
    std::string out;
    for (std::size_t at = 0; at < line.size();) {
        auto const end = std::min(line.find(' ', at), line.size());
        auto part = line.substr(at, end - at);
        bool const goes_on = part.ends_with(joiner) && end < line.size();
        if (goes_on) part.remove_suffix(joiner.size());
        out += part;
        if (!goes_on && end < line.size()) out += ' ';
        at = end + 1;
    }
    return out;
}

MESHWISE_BODY std::vector<std::string> subword_codes::characters(std::string_view word) {
    std::vector<std::string> made;
    for (std::size_t at = 0; at < word.size(); at += made.back().size())
        made.emplace_back(word.substr(at, utf8_at(word, at).length));
    if (!made.empty()) made.back() += word_end;
    return made;
}

MESHWISE_BODY std::int32_t subword_codes::id_of(std::string const& symbol) {
    return ids_.emplace(symbol, static_cast<std::int32_t>(ids_.size())).first->second;
}

MESHWISE_BODY void subword_codes::segment_word(std::string_view word, std::string& out) const {
    std::vector<detail::bpe_symbol> symbols;
    std::uint32_t begin = 0;
    auto unknown = std::numeric_limits<std::int32_t>::max();
    for (auto const& character : characters(word)) {
        auto const found = ids_.find(character);
        symbols.push_back({found != ids_.end() ? found->second : unknown--, begin});
        begin += static_cast<std::uint32_t>(character.size());
    }
    merges_.apply(symbols);
    for (std::size_t i = 0; i < symbols.size(); ++i) {
        bool const last = i + 1 == symbols.size();
        if (!out.empty()) out += ' ';
        out += word.substr(symbols[i].begin, last ? word.npos : symbols[i + 1].begin - symbols[i].begin);
        if (!last) out += joiner;
    }
}

MESHWISE_BODY std::vector<learned_merge> learn_subword_merges(std::string_view text, std::size_t merges,
                                                              std::size_t at_least) {
    std::map<std::string_view, std::size_t> words;
    constexpr std::string_view ends = " \r\n";
    for (std::size_t at = 0, end = 0; (at = text.find_first_not_of(ends, at)) != text.npos; at = end) {
        end = std::min(text.find_first_of(ends, at), text.size());
        ++words[text.substr(at, end - at)];
    }
    detail::merge_learner learner;
    for (auto const& [word, count] : words) learner.add_word(subword_codes::characters(word), count);
    std::vector<learned_merge> made;
    while (made.size() < merges) {
        auto next = learner.next(at_least, [](std::string const&) { return true; });
        if (!next) break;
        made.push_back(std::move(*next));
    }
    return made;
}

}  // namespace meshwise
