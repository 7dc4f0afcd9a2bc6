// Bodies of readers.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/readers/readers.hpp>

namespace meshwise {

MESHWISE_BODY bool parallel_reader::next(text_pair& out) {
    bool const a = source_.next(out.source), b = target_.next(out.target);
    if (a == b) return a;
    // counted to the end, so that the message can contain both numbers
    std::string rest;
    while (source_.next(rest) || target_.next(rest)) {}
    throw input_error(source_.source() + " has " + std::to_string(source_.lines()) + " lines and " +
                      target_.source() + " has " + std::to_string(target_.lines()) +
                      "; lines of parallel files belong together, so give files of equal length");
}

MESHWISE_BODY bool table_reader::next(std::vector<std::string>& row) {
    row.clear();
    if (!next_line_of_row()) return false;
    std::size_t const first_line = in_.lines();
    format_ == tab ? split_at_tabs(row) : split_csv(row);
    if (fields_ == 0) fields_ = row.size();
    if (row.size() != fields_)
        throw input_error(in_.source() + ", line " + std::to_string(first_line) + ": " +
                          std::to_string(row.size()) + (row.size() == 1 ? " field" : " fields") +
                          ", where the first row has " + std::to_string(fields_));
    return true;
}

MESHWISE_BODY bool table_reader::next_line_of_row() {
    while (in_.next(line_)) {
        if (fields_ == 1 || line_.find_first_not_of(' ') != line_.npos) return true;
        if (fields_ == 0)
            throw in_.fault(
                "the line is blank, so that it does not tell how many fields a row has; remove it");
    }
    return false;
}

MESHWISE_BODY void table_reader::split_at_tabs(std::vector<std::string>& row) const {
    for (std::size_t at = 0;;) {
        std::size_t const end = std::min(line_.find('\t', at), line_.size());
        row.push_back(line_.substr(at, end - at));
        if (end == line_.size()) return;
        at = end + 1;
    }
}

MESHWISE_BODY void table_reader::split_csv(std::vector<std::string>& row) {
    std::size_t at = 0;
    for (;;) {
        auto& field = row.emplace_back();
        if (at < line_.size() && line_[at] == '"') {
            quoted_field(at, field);
            if (at < line_.size() && line_[at] != ',') throw in_.fault("there is text after a closing quote");
        } else {
            std::size_t const end = std::min(line_.find(',', at), line_.size());
            field = line_.substr(at, end - at);
            if (field.find('"') != field.npos)
                throw in_.fault("a quote is inside a field that does not begin with one");
            at = end;
        }
        if (at == line_.size()) return;
        ++at;
    }
}

MESHWISE_BODY void table_reader::quoted_field(std::size_t& at, std::string& field) {
    std::size_t const first_line = in_.lines();
    for (++at;;) {
        std::size_t const quote = line_.find('"', at);
        field.append(line_, at, std::min(quote, line_.size()) - at);
        if (quote == line_.npos) {  // the field goes on in the next line
            auto const unclosed = [&](std::string const& why) {
                return input_error(in_.source() + ", line " + std::to_string(first_line) + ": " + why);
            };
            if (field.size() > longest_field)
                throw unclosed("a quote is not closed within " + std::to_string(longest_field) + " bytes");
            field += in_.line_end();
            if (!in_.next(line_)) throw unclosed("a quote is never closed");
            at = 0;
        } else if (quote + 1 < line_.size() && line_[quote + 1] == '"') {
            field += '"';
            at = quote + 2;
        } else {
            at = quote + 1;
            return;
        }
    }
}

MESHWISE_BODY bool jsonl_reader::next(json& out) {
    do
        if (!in_.next(line_)) return false;
    while (line_.find_first_not_of(" \t") == line_.npos);
    out = json::parse(line_, in_.source() + ", line " + std::to_string(in_.lines()), invalid_, &halves_);
    return true;
}

MESHWISE_BODY bool conllu_reader::next(tagged_sentence& out) {
    out = {};
    for (std::string line; in_.next(line);) {
        if (line.empty()) {
            if (!out.words.empty()) return true;
            continue;
        }
        if (line[0] == '#') continue;
        std::vector<std::string_view> fields;
        for (std::string_view rest = line;;) {
            std::size_t const tab = rest.find('\t');
            fields.push_back(rest.substr(0, tab));
            if (tab == rest.npos) break;
            rest.remove_prefix(tab + 1);
        }
        if (fields.size() != 10)
            throw in_.fault(std::to_string(fields.size()) +
                            " fields; a line of CoNLL-U has ten with tabs between them");
        if (fields[0].find_first_of("-.") != fields[0].npos) continue;
        if (fields[0] != std::to_string(out.words.size() + 1))
            throw in_.fault("the word number " + in_quotes(fields[0]) + ", where " +
                            std::to_string(out.words.size() + 1) + " should be");
        out.words.emplace_back(fields[1]);
        out.tags.emplace_back(fields[tag_]);
    }
    return !out.words.empty();
}

MESHWISE_BODY bool iob2_reader::next(tagged_sentence& out) {
    out = {};
    for (std::string line; in_.next(line);) {
        std::size_t const last = line.find_last_not_of(" \t");
        if (last == line.npos) {
            if (!out.words.empty()) return true;
            continue;
        }
        line.resize(last + 1);
        if (line.starts_with("-DOCSTART-")) continue;
        std::size_t const word = line.find_first_of(" \t"), tag = line.find_last_of(" \t");
        if (word == line.npos || word == 0)
            throw in_.fault(in_quotes(line) + " is not a word, a space or tab, and its tag");
        out.words.push_back(line.substr(0, word));
        out.tags.push_back(line.substr(tag + 1));
        check(out.tags);
    }
    return !out.words.empty();
}

MESHWISE_BODY void iob2_reader::check(std::vector<std::string> const& tags) const {
    std::string_view const now = tags.back();
    if (now == "O") return;
    bool const begins = now.starts_with("B-"), goes_on = now.starts_with("I-");
    if ((!begins && !goes_on) || now.size() == 2)
        throw in_.fault("the tag " + in_quotes(now) + " is not one of IOB2: O, or B- or I- and a type");
    std::string_view const before = tags.size() > 1 ? std::string_view(tags[tags.size() - 2]) : "O";
    if (goes_on && (before == "O" || before.substr(2) != now.substr(2)))
        throw in_.fault("the tag " + in_quotes(now) +
                        " continues an entity that has not begun; IOB2 begins each with B-");
}

}  // namespace meshwise
