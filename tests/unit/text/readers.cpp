// readers: every format as it should be, line ends and all, and what is refused with its line.
#include <doctest/doctest.h>

#include <meshwise/text/readers/readers.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using strings = std::vector<std::string>;

namespace {

struct files {
    text_test::workplace here{"readers"};
    auto operator()(std::string const& bytes, std::string const& name = "f") const {
        return here.file(name, bytes);
    }
    /// The words of the refusal without the folder.
    std::string refused(auto&& f) const {
        auto words = refusal(f);
        auto const folder = here.at.string() + "/";
        for (auto at = words.find(folder); at != words.npos; at = words.find(folder))
            words.erase(at, folder.size());
        return words;
    }
};

strings lines_of(mw::line_reader reader) { return mw::read_all(reader); }

}  // namespace

TEST_CASE("line_reader: ends of lines, of files, of buffers") {
    files const file;
    CHECK(lines_of(mw::line_reader(file(""))).empty());
    CHECK(lines_of(mw::line_reader(file("a\r\n\nb"))) == strings{"a", "", "b"});
    CHECK(lines_of(mw::line_reader(file("\xef\xbb\xbf"
                                        "a\n\xef\xbb\xbf\n"))) == strings{"a", "\xef\xbb\xbf"});
    strings expected;
    std::string bytes;
    for (std::size_t n : {65535U, 0U, 65536U, 1U, 200000U, 65534U}) {
        expected.push_back(std::string(n, 'x'));
        bytes += expected.back() + "\n";
    }
    CHECK(lines_of(mw::line_reader(file(bytes))) == expected);
    mw::line_reader short_lines(file("ab\nabc\n"), mw::invalid_bytes::refuse, 2);
    std::string line;
    CHECK(short_lines.next(line));
    CHECK(file.refused([&] { short_lines.next(line); }) ==
          "text file 'f', line 2: the line has more than 2 bytes");
    CHECK(file.refused([&] { mw::line_reader(file.here.at / "none"); }) ==
          "text file 'none' does not exist; give the path of a text file");
}

TEST_CASE(
    "read_all takes what a reader has still to give: a reader with a name, a temporary, a type of one's own") {
    files const file;
    mw::line_reader named(file("a\nb\nc\n"));
    std::string line;
    CHECK(named.next(line));
    CHECK(mw::read_all(named) == strings{"b", "c"});
    CHECK(mw::read_all(named).empty());
    struct counting {
        int left = 3;
        bool next(int& out) { return out = left, left-- > 0; }
    };
    CHECK(mw::read_all<int>(counting{}) == std::vector{3, 2, 1});
}

TEST_CASE("line_reader: invalid UTF-8 is refused with its place, or replaced and counted") {
    files const file;
    auto const path = file("ok\na\xffz\xe2\x82z\n");
    CHECK(file.refused([&] { lines_of(mw::line_reader(path)); }) ==
          "text file 'f', line 2: byte 1 of the line is not UTF-8; repair the file, or let such bytes be "
          "replaced by U+FFFD (mw::invalid_bytes::replace)");
    mw::line_reader in(path, mw::invalid_bytes::replace);
    std::string line;
    CHECK(in.next(line));
    CHECK(in.next(line));
    CHECK(line == "a\xef\xbf\xbdz\xef\xbf\xbdz");
    CHECK(in.replaced() == 2);
    CHECK_FALSE(in.next(line));
    CHECK(in.lines() == 2);
}

TEST_CASE("line_reader: a file whose only line ends are CR is no file of one line") {
    files const file;
    CHECK(file.refused([&] { lines_of(mw::line_reader(file("a\rb\rc\r"))); }).find("would be one line") !=
          std::string::npos);
    CHECK(lines_of(mw::line_reader(file("a\r"))) == strings{"a"});
    CHECK(lines_of(mw::line_reader(file("a\rb\nc"))) == strings{"a\rb", "c"});
}

TEST_CASE("parallel_reader: lines by number, and both counts where they differ") {
    files const file;
    auto const pairs = [&](std::string const& a, std::string const& b) {
        return mw::read_all(mw::parallel_reader(file(a, "a"), file(b, "b")));
    };
    CHECK(pairs("a\nb\n", "c\r\nd") == std::vector<mw::text_pair>{{"a", "c"}, {"b", "d"}});
    CHECK(file.refused([&] { pairs("a\nb\n", "c\nd\ne\nf\n"); }) ==
          "text file 'a' has 2 lines and text file 'b' has 4; lines of parallel files belong together, so "
          "give files of "
          "equal length");
    CHECK(file.refused([&] { pairs("a\nb\nc", "d"); })
              .starts_with("text file 'a' has 3 lines and text file 'b' has 1;"));
}

TEST_CASE("table_reader: TSV and CSV") {
    files const file;
    auto const rows = [&](std::string const& bytes, mw::table_reader::format format) {
        return mw::read_all<strings>(mw::table_reader(file(bytes), format));
    };
    using table = std::vector<strings>;
    CHECK(rows("a\t\"b\"\tc,d\n\t\t\n", mw::table_reader::tab) == table{{"a", "\"b\"", "c,d"}, {"", "", ""}});
    CHECK(rows("a,b c,\r\n\"x,y\",\"say \"\"hi\"\"\",\"two\r\nlines\"\n", mw::table_reader::comma) ==
          table{{"a", "b c", ""}, {"x,y", "say \"hi\"", "two\r\nlines"}});
    CHECK(rows("\"\",\"\n\"\n", mw::table_reader::comma) == table{{"", "\n"}});
    CHECK(rows("\"\"\"\"\n", mw::table_reader::comma) == table{{"\""}});
    auto const refused = [&](std::string const& bytes, mw::table_reader::format format) {
        return file.refused([&] { rows(bytes, format); });
    };
    CHECK(refused("a\tb\nc\n", mw::table_reader::tab) ==
          "text file 'f', line 2: 1 field, where the first row has 2");
    CHECK(refused("a,b\n\"x\ny\",c,d\n", mw::table_reader::comma) ==
          "text file 'f', line 2: 3 fields, where the first row has 2");
    CHECK(refused("a\n\"b\nc\n", mw::table_reader::comma) ==
          "text file 'f', line 2: a quote is never closed");
    CHECK(refused("\"a\"b\n", mw::table_reader::comma) ==
          "text file 'f', line 1: there is text after a closing quote");
    CHECK(refused("a\"b\n", mw::table_reader::comma) ==
          "text file 'f', line 1: a quote is inside a field that does not begin with one");
}

TEST_CASE("table_reader: a field in quotes keeps its line ends") {
    files const file;
    auto const field = [&](std::string const& bytes) {
        auto const rows = mw::read_all(mw::table_reader(file("a," + bytes + "\n"), mw::table_reader::comma));
        return rows.size() == 1 && rows[0].size() == 2 ? rows[0][1] : "another table";
    };
    CHECK(field("\"x\r\ny\"") == "x\r\ny");
    CHECK(field("\"x\ny\"") == "x\ny");
    CHECK(field("\"x\r\ry\"") == "x\r\ry");
    CHECK(field("\"x\r\r\n\n\r\n\"") == "x\r\r\n\n\r\n");
    CHECK(field("\"\r\n,\"\"\r\n\"") == "\r\n,\"\r\n");
    mw::line_reader in(file("a\r\nb\nc"));
    std::string line;
    for (auto const* end : {"\r\n", "\n", ""}) {
        CHECK(in.next(line));
        CHECK(in.line_end() == end);
    }
}

TEST_CASE("table_reader: blank lines are no rows where rows have several fields") {
    files const file;
    using table = std::vector<strings>;
    for (auto const& [format, separator] :
         {std::pair(mw::table_reader::comma, ","), std::pair(mw::table_reader::tab, "\t")}) {
        auto const rows = [&](std::string const& bytes) {
            return mw::read_all(mw::table_reader(file(bytes), format));
        };
        std::string const row = std::string("a") + separator + "b";
        CHECK(rows(row + "\n\n\r\n  \n" + row + "\n\n") == table{{"a", "b"}, {"a", "b"}});
        CHECK(rows("a\n\n \nb\n") == table{{"a"}, {""}, {" "}, {"b"}});
        CHECK(file.refused([&] { rows("\n" + row + "\n"); }) ==
              "text file 'f', line 1: the line is blank, so that it does not tell how many fields a row has; "
              "remove it");
    }
}

TEST_CASE(
    "jsonl_reader: half a surrogate pair is refused by the name of the option, or replaced and counted") {
    files const file;
    auto const path = file("{\"t\": \"\\ud83d\"}\n[\"\\ude00\\ud83d\\ude00\", \"\\ud83d\\u0041\", "
                           "\"\\ud83d\\ud83d\\ude00\\ud83dx\"]\n\"\xff\"\n");
    CHECK(file.refused([&] { mw::read_all(mw::jsonl_reader(path)); }) ==
          "text file 'f', line 1, byte 13: the first half of a surrogate pair has no second half; repair the "
          "file, or let such halves be replaced by U+FFFD (mw::invalid_bytes::replace)");
    mw::jsonl_reader in(path, mw::invalid_bytes::replace);
    std::string const mark = "\xef\xbf\xbd", face = "\xf0\x9f\x98\x80";
    mw::json one;
    REQUIRE(in.next(one));
    CHECK(one.at("t", "it").string("t") == mark);
    CHECK(in.replaced() == 1);
    REQUIRE(in.next(one));
    auto const& parts = one.array("it");
    REQUIRE(parts.size() == 3);
    CHECK(parts[0].string("0") == mark + face);
    CHECK(parts[1].string("1") == mark + "A");
    CHECK(parts[2].string("2") == mark + face + mark + "x");
    CHECK(in.replaced() == 5);
    REQUIRE(in.next(one));
    CHECK(one.string("it") == mark);
    CHECK(in.replaced() == 6);
    CHECK_FALSE(in.next(one));
}

TEST_CASE("conllu_reader and iob2_reader: invalid bytes are replaced and counted where that is asked for") {
    files const file;
    auto const iob2 = file("a\xff O\n");
    CHECK(file.refused([&] { mw::read_all(mw::iob2_reader(iob2)); }).find("mw::invalid_bytes::replace") !=
          std::string::npos);
    mw::iob2_reader words(iob2, mw::invalid_bytes::replace);
    mw::tagged_sentence one;
    REQUIRE(words.next(one));
    CHECK(one.words == strings{"a\xef\xbf\xbd"});
    CHECK(words.replaced() == 1);
    mw::conllu_reader rows(file("1\t\xff\tl\tX\t_\t_\t0\troot\t_\t_\n"), mw::conllu_reader::universal,
                           mw::invalid_bytes::replace);
    REQUIRE(rows.next(one));
    CHECK(one.words == strings{"\xef\xbf\xbd"});
    CHECK(rows.replaced() == 1);
}

TEST_CASE("line_reader: a long line of invalid bytes takes no quadratic time") {
    // in a quadratic method the tail of the line is moved for each byte: hours
    files const file;
    std::size_t const count = 8'000'000;
    mw::line_reader in(file(std::string(count, '\xff')), mw::invalid_bytes::replace);
    std::string line;
    REQUIRE(in.next(line));
    CHECK(in.replaced() == count);
    CHECK(line.size() == 3 * count);
}

TEST_CASE("jsonl_reader: a value a line") {
    files const file;
    auto const values = mw::read_all(mw::jsonl_reader(file("{\"text\": \"a\"}\n \n[1]\n")));
    REQUIRE(values.size() == 2);
    CHECK(values[0].at("text", "it").string("text") == "a");
    CHECK(values[1].array("it")[0].integer("n") == 1);
    CHECK(file.refused([&] { mw::read_all(mw::jsonl_reader(file("1\n\n{1}\n"))); }) ==
          "text file 'f', line 3, byte 1: a string is needed");
    CHECK(file.refused([&] {
        auto const all = mw::read_all(mw::jsonl_reader(file("1\n{\"a\": 2}\n")));
        all[1].at("a", "it").string("the text");
    }) == "text file 'f', line 2, byte 6: the text must be a string");
}

TEST_CASE("conllu_reader: words and tags, without ranges and empty nodes") {
    files const file;
    auto const word = [](std::string const& number, std::string const& form, std::string const& tag) {
        return number + "\t" + form + "\tlemma\t" + tag + "\tOWN\t_\t0\troot\t_\t_\n";
    };
    auto const text = "# text = a\n" + word("1-2", "can't", "_") + word("1", "ca", "AUX") +
                      word("2", "n't", "PART") + word("2.1", "go", "VERB") + "\n\n" + word("1", "ab c", "X");
    using sentences = std::vector<mw::tagged_sentence>;
    CHECK(mw::read_all<mw::tagged_sentence>(mw::conllu_reader(file(text))) ==
          sentences{{{"ca", "n't"}, {"AUX", "PART"}}, {{"ab c"}, {"X"}}});
    CHECK(mw::read_all<mw::tagged_sentence>(mw::conllu_reader(file(text), mw::conllu_reader::own)) ==
          sentences{{{"ca", "n't"}, {"OWN", "OWN"}}, {{"ab c"}, {"OWN"}}});
    auto const refused = [&](std::string const& bytes) {
        return file.refused([&] { mw::read_all<mw::tagged_sentence>(mw::conllu_reader(file(bytes))); });
    };
    CHECK(refused("1\ta\n") ==
          "text file 'f', line 1: 2 fields; a line of CoNLL-U has ten with tabs between them");
    CHECK(refused(word("1", "a", "X") + word("3", "a", "X")) ==
          "text file 'f', line 2: the word number '3', where 2 should be");
    CHECK(refused(word("x", "a", "X")) == "text file 'f', line 1: the word number 'x', where 1 should be");
}

TEST_CASE("iob2_reader: words and entities") {
    files const file;
    auto const read = [&](std::string const& bytes) { return mw::read_all(mw::iob2_reader(file(bytes))); };
    using sentences = std::vector<mw::tagged_sentence>;
    CHECK(read("-DOCSTART- -X- O\n\nEU NNP B-ORG\nof\tIN\tO \n\n\nA B-PER\nB I-PER\nC B-PER\n") ==
          sentences{{{"EU", "of"}, {"B-ORG", "O"}}, {{"A", "B", "C"}, {"B-PER", "I-PER", "B-PER"}}});
    auto const refused = [&](std::string const& bytes) { return file.refused([&] { read(bytes); }); };
    CHECK(refused("a O\nb\n") == "text file 'f', line 2: 'b' is not a word, a space or tab, and its tag");
    CHECK(refused("a X\n") ==
          "text file 'f', line 1: the tag 'X' is not one of IOB2: O, or B- or I- and a type");
    CHECK(refused("a B-\n") ==
          "text file 'f', line 1: the tag 'B-' is not one of IOB2: O, or B- or I- and a type");
    auto const apart = "continues an entity that has not begun; IOB2 begins each with B-";
    CHECK(refused("a I-X\n").ends_with(apart));
    CHECK(refused("a B-X\nb I-Y\n").ends_with(apart));
    CHECK(refused("a B-X\n\nb I-X\n").ends_with(apart));
}

TEST_CASE("readers: the public data") {
    auto const data = shared_data("tagging");
    auto const pairs = shared_data("translation/multi30k");
    if (!data || !pairs) return;
    auto const sentences =
        mw::read_all<mw::tagged_sentence>(mw::conllu_reader(*data / "ud_en_ewt" / "dev.conllu"));
    std::size_t words = 0;
    for (auto const& one : sentences) words += one.words.size();
    CHECK(sentences.size() == 2001);
    CHECK(words == 25147);
    CHECK(mw::read_all(mw::parallel_reader(*pairs / "val.en", *pairs / "val.de")).size() == 1014);
}
