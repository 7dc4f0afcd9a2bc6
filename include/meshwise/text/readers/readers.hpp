// readers: files of examples, one example at a time: parallel text, tables, JSON lines, CoNLL-U, IOB2.
// Guarantees: a line that does not fit the format is an error that names file and line.
// Costs: memory for one example, so files may be larger than memory.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/json.hpp>
#include <meshwise/text/readers/line_reader.hpp>

namespace meshwise {

/// A line and its translation.
/// Example: mw::text_pair const one{"a house", "ein Haus"};
struct text_pair {
    std::string source, target;
    bool operator==(text_pair const&) const = default;
};

/// Two files; lines with the same number belong together.
/// Errors: input_error for unequal numbers of lines, naming both.
/// Example:
/// mw::parallel_reader in("train.en", "train.de");
/// for (mw::text_pair one; in.next(one);) std::cout << one.source << '\n';
class parallel_reader {
public:
    using example = text_pair;

    parallel_reader(std::filesystem::path const& source, std::filesystem::path const& target,
                    invalid_bytes invalid = invalid_bytes::refuse)
        : source_(source, invalid),
          target_(target, invalid) {}

    bool next(text_pair& out);
    std::size_t replaced() const { return source_.replaced() + target_.replaced(); }

private:
    line_reader source_, target_;
};

/// Rows of a table: `tab` is TSV with a tab between fields; `comma` is CSV (RFC 4180), where a field in quotes may
/// contain commas, line ends (which stay as they are, "\r\n" too) and doubled quotes. All rows have as many fields as
/// the first. A blank line is skipped where rows have several fields; where they have one, it is an empty field.
/// Errors: input_error for a row with another number of fields, a blank first line, or quotes that do not match, naming
/// the line.
/// Example:
/// mw::table_reader in("train.tsv", mw::table_reader::tab);
/// for (std::vector<std::string> row; in.next(row);) std::cout << row[0] << '\n';
class table_reader {
public:
    using example = std::vector<std::string>;

    enum format { tab, comma };

    table_reader(std::filesystem::path const& path, format f, invalid_bytes invalid = invalid_bytes::refuse)
        : in_(path, invalid),
          format_(f) {}

    bool next(std::vector<std::string>& row);
    std::size_t replaced() const { return in_.replaced(); }

private:
    bool next_line_of_row();
    void split_at_tabs(std::vector<std::string>& row) const;
    void split_csv(std::vector<std::string>& row);
    void quoted_field(std::size_t& at, std::string& field);

    static constexpr std::size_t longest_field = std::size_t{1} << 26U;
    line_reader in_;
    format format_;
    std::string line_;
    std::size_t fields_ = 0;
};

/// One JSON value per line; empty lines are skipped. With `invalid_bytes::replace`, one half of a surrogate pair
/// ("\ud800" alone) becomes U+FFFD, too.
/// Errors: input_error naming file, line and byte.
/// Example:
/// mw::jsonl_reader in("train.jsonl");
/// for (mw::json one; in.next(one);) std::cout << one.byte() << '\n';
class jsonl_reader {
public:
    using example = json;

    explicit jsonl_reader(std::filesystem::path const& path, invalid_bytes invalid = invalid_bytes::refuse)
        : in_(path, invalid),
          invalid_(invalid) {}

    bool next(json& out);
    std::size_t replaced() const { return in_.replaced() + halves_; }

private:
    line_reader in_;
    invalid_bytes invalid_;
    std::size_t halves_ = 0;
    std::string line_;
};

/// A sentence of words, each with a tag.
/// Example: mw::tagged_sentence const one{{"Ada", "sleeps"}, {"B-PER", "O"}};
struct tagged_sentence {
    std::vector<std::string> words, tags;
    bool operator==(tagged_sentence const&) const = default;
};

/// Universal Dependencies: the words of a sentence with their universal tags, or those of another column. Ranges
/// ("1-2") and empty nodes ("1.1") are skipped, and so are comments.
/// Errors: input_error for a line without ten fields, or a word with the wrong number, naming the line.
/// Example:
/// mw::conllu_reader in("train.conllu");
/// for (mw::tagged_sentence one; in.next(one);) std::cout << one.words.size() << '\n';
class conllu_reader {
public:
    using example = tagged_sentence;

    enum column { lemma = 2, universal = 3, own = 4, relation = 7 };

    explicit conllu_reader(std::filesystem::path const& path, column tag = universal,
                           invalid_bytes invalid = invalid_bytes::refuse)
        : in_(path, invalid),
          tag_(tag) {}

    bool next(tagged_sentence& out);
    std::size_t replaced() const { return in_.replaced(); }

private:
    line_reader in_;
    column tag_;
};

/// Entities: one word and its tag per line, the word first, the tag last, other columns between them; an empty line
/// ends a sentence. Tags are "O", or "B-" or "I-" and a type; "I-" continues an entity of the same type.
/// Errors: input_error for an unknown tag, or an "I-" that does not continue an entity, naming the line.
/// Example:
/// mw::iob2_reader in("train.iob2");
/// for (mw::tagged_sentence one; in.next(one);) std::cout << one.words.size() << '\n';
class iob2_reader {
public:
    using example = tagged_sentence;

    explicit iob2_reader(std::filesystem::path const& path, invalid_bytes invalid = invalid_bytes::refuse)
        : in_(path, invalid) {}

    bool next(tagged_sentence& out);
    std::size_t replaced() const { return in_.replaced(); }

private:
    void check(std::vector<std::string> const& tags) const;
    line_reader in_;
};

/// All examples that a reader has not returned yet, for files that fit into memory.
/// Errors: those of the reader.
/// Example: mw::parallel_reader reader("train.en", "train.de");
///          auto const pairs = mw::read_all(reader);
template <class Example, class Reader>
std::vector<Example> read_all(Reader&& reader) {
    constexpr bool is_const = std::is_const_v<std::remove_reference_t<Reader>>;
    static_assert(!is_const, "meshwise: read_all moves a reader to its end, so the reader must not be const");
    std::vector<Example> all;
    if constexpr (!is_const)
        for (Example one; reader.next(one);) all.push_back(one);
    return all;
}
template <class Reader>
auto read_all(Reader&& reader) {
    constexpr bool is_named = requires { typename std::remove_cvref_t<Reader>::example; };
    static_assert(is_named, "meshwise: this reader does not name the type of its examples; call "
                            "mw::read_all<Example>(reader), or give the reader a member type `example`");
    if constexpr (is_named) return read_all<typename std::remove_cvref_t<Reader>::example>(reader);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/readers/readers.inl.hpp>
#endif
