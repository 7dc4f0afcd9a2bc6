#pragma once
// readers: files of examples, one example at a time: parallel text, tables, JSON lines, CoNLL-U, IOB2.
// Guarantees: nothing is guessed: a line that does not fit is an error naming file and line.
// Costs: the memory of one example, so that files may be larger than memory.
#include <meshwise/parse/json.hpp>
#include <meshwise/text/line_reader.hpp>

namespace meshwise {

/// A line and its translation.
struct text_pair {
    std::string source, target;
    bool operator==(text_pair const&) const = default;
};

/// Two files, whose lines belong together by their numbers.
/// Errors: input_error for unequal numbers of lines, naming both.
class parallel_reader {
public:
    parallel_reader(std::filesystem::path const& source, std::filesystem::path const& target,
                    invalid_bytes invalid = invalid_bytes::refuse)
        : source_(source, invalid),
          target_(target, invalid) {}

    bool next(text_pair& out) {
        bool const a = source_.next(out.source), b = target_.next(out.target);
        if (a == b) return a;
        // counted to the ends, so that the message can say both numbers
        std::string rest;
        while (source_.next(rest) || target_.next(rest)) {}
        throw input_error(source_.source() + " has " + std::to_string(source_.lines()) + " lines and " +
                          target_.source() + " has " + std::to_string(target_.lines()) +
                          "; lines of parallel files belong together, so give files of equal length");
    }
    std::size_t replaced() const { return source_.replaced() + target_.replaced(); }

private:
    line_reader source_, target_;
};

/// Rows of a table: `tab` is TSV, where each tab parts two fields; `comma` is CSV (RFC 4180), where a field in
/// quotes may have commas, line ends and doubled quotes. All rows have as many fields as the first.
/// Errors: input_error for a row with another number of fields, or quotes that do not match, naming the line.
class table_reader {
public:
    enum format { tab, comma };

    table_reader(std::filesystem::path const& path, format f, invalid_bytes invalid = invalid_bytes::refuse)
        : in_(path, invalid),
          format_(f) {}

    bool next(std::vector<std::string>& row) {
        row.clear();
        if (!in_.next(line_)) return false;
        std::size_t const first_line = in_.lines();
        format_ == tab ? split_at_tabs(row) : split_csv(row);
        if (fields_ == 0) fields_ = row.size();
        if (row.size() != fields_)
            throw input_error(in_.source() + ", line " + std::to_string(first_line) + ": " +
                              std::to_string(row.size()) + " fields, where the first row has " +
                              std::to_string(fields_));
        return true;
    }
    std::size_t replaced() const { return in_.replaced(); }

private:
    void split_at_tabs(std::vector<std::string>& row) const {
        for (std::size_t at = 0;;) {
            std::size_t const end = std::min(line_.find('\t', at), line_.size());
            row.push_back(line_.substr(at, end - at));
            if (end == line_.size()) return;
            at = end + 1;
        }
    }
    void split_csv(std::vector<std::string>& row) {
        std::size_t at = 0;
        for (;;) {
            auto& field = row.emplace_back();
            if (at < line_.size() && line_[at] == '"') {
                quoted_field(at, field);
                if (at < line_.size() && line_[at] != ',')
                    throw in_.fault("something follows a closing quote");
            } else {
                std::size_t const end = std::min(line_.find(',', at), line_.size());
                field = line_.substr(at, end - at);
                if (field.find('"') != field.npos)
                    throw in_.fault("a quote stands inside a field that does not begin with one");
                at = end;
            }
            if (at == line_.size()) return;
            ++at;
        }
    }
    void quoted_field(std::size_t& at, std::string& field) {
        std::size_t const first_line = in_.lines();
        for (++at;;) {
            std::size_t const quote = line_.find('"', at);
            field.append(line_, at, std::min(quote, line_.size()) - at);
            if (quote == line_.npos) {  // the field goes on in the next line
                if (field.size() > longest_field || !in_.next(line_))
                    throw input_error(in_.source() + ", line " + std::to_string(first_line) +
                                      ": a quote is never closed");
                field += '\n';
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

    static constexpr std::size_t longest_field = std::size_t{1} << 26U;
    line_reader in_;
    format format_;
    std::string line_;
    std::size_t fields_ = 0;
};

/// A JSON value a line; empty lines are passed over.
/// Errors: input_error naming file, line and byte.
class jsonl_reader {
public:
    explicit jsonl_reader(std::filesystem::path const& path) : in_(path) {}

    bool next(json& out) {
        do
            if (!in_.next(line_)) return false;
        while (line_.find_first_not_of(" \t") == line_.npos);
        out = json::parse(line_, in_.source() + ", line " + std::to_string(in_.lines()));
        return true;
    }

private:
    line_reader in_;
    std::string line_;
};

/// A sentence of words, each with a tag.
struct tagged_sentence {
    std::vector<std::string> words, tags;
    bool operator==(tagged_sentence const&) const = default;
};

/// Universal Dependencies: the words of a sentence with their universal tags, or those of another column. Ranges
/// ("1-2") and empty nodes ("1.1") are passed over, comments too.
/// Errors: input_error for a line without ten fields, or a word out of its order, naming the line.
class conllu_reader {
public:
    enum column { lemma = 2, universal = 3, own = 4, relation = 7 };

    explicit conllu_reader(std::filesystem::path const& path, column tag = universal)
        : in_(path),
          tag_(tag) {}

    bool next(tagged_sentence& out) {
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

private:
    line_reader in_;
    column tag_;
};

/// Entities: a word and its tag a line, the word first, the tag last, other columns between them; an empty line ends
/// a sentence. Tags are "O", or "B-" or "I-" and a type; "I-" goes on with an entity of its own type.
/// Errors: input_error for a tag that is none, or an "I-" that nothing goes before, naming the line.
class iob2_reader {
public:
    explicit iob2_reader(std::filesystem::path const& path) : in_(path) {}

    bool next(tagged_sentence& out) {
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

private:
    void check(std::vector<std::string> const& tags) const {
        std::string_view const now = tags.back();
        if (now == "O") return;
        bool const begins = now.starts_with("B-"), goes_on = now.starts_with("I-");
        if ((!begins && !goes_on) || now.size() == 2)
            throw in_.fault("the tag " + in_quotes(now) + " is none of IOB2: O, or B- or I- and a type");
        std::string_view const before = tags.size() > 1 ? std::string_view(tags[tags.size() - 2]) : "O";
        if (goes_on && (before == "O" || before.substr(2) != now.substr(2)))
            throw in_.fault("the tag " + in_quotes(now) +
                            " goes on with an entity that did not begin; IOB2 begins each with B-");
    }
    line_reader in_;
};

/// All examples of a reader, for files that fit into memory.
/// Example: auto pairs = mw::read_all<mw::text_pair>(mw::parallel_reader("train.en", "train.de"));
template <class Example, class Reader>
std::vector<Example> read_all(Reader reader) {
    std::vector<Example> all;
    for (Example one; reader.next(one);) all.push_back(one);
    return all;
}

}  // namespace meshwise
