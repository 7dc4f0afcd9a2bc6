// What the examples say about a text that a model wrote: its words, how many are known, and its lines.
#include <doctest/doctest.h>

#include "../examples/apps/common/words.hpp"

namespace {

using examples::words_found;
using examples::words_of;
using words = std::vector<std::string>;

TEST_CASE("words are letters, with apostrophes between them, in lower case") {
    CHECK(words_of("") == words{});
    CHECK(words_of(" .,;!\n'' 42 ") == words{});
    CHECK(words_of("Good night, good night!") == words{"good", "night", "good", "night"});
    CHECK(words_of("learn'd in 'tis, lords' o'er") == words{"learn'd", "in", "tis", "lords", "o'er"});
    CHECK(words_of("a'") == words{"a"});
    CHECK(words_of("x''y") == words{"x", "y"});
    CHECK(words_of("KING RICHARD III:\nI come-not") == words{"king", "richard", "iii", "i", "come", "not"});
    CHECK(words_of("caf\xc3\xa9 noir") == words{"caf\xc3\xa9", "noir"});
}

TEST_CASE("the share counts each occurrence, whatever its case") {
    auto const share = words_found("The king, the KING and the awino", "A king and the queen");
    CHECK(share.words == 7);
    CHECK(share.found == 6);
    CHECK(share.percent() == doctest::Approx(600.0 / 7));
    CHECK(words_found("kin", "king").found == 0);
    CHECK(words_found("king's", "king s").found == 0);
    CHECK(words_found("", "king").percent() == 0);
    CHECK(words_found("king", "").percent() == 0);
}

TEST_CASE("long lines are broken between words, wherever the text is cut into pieces") {
    std::string const text = "one two three\nfour  five sixsixsixsix seven\n\n eight ";
    std::string const expected = "one two\nthree\nfour  five\nsixsixsixsix\nseven\n\n eight";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        examples::line_wrap wrap(10);
        std::string out;
        for (std::size_t at = 0; at < text.size(); at += piece) out += wrap.push(text.substr(at, piece));
        CHECK(out + wrap.finish() == expected);
    }
}

TEST_CASE("a line may be as long as the terminal is wide, counted in characters") {
    examples::line_wrap exactly(7), less(6), accents(4);
    CHECK(exactly.push("one two\n") == "one two\n");
    CHECK(less.push("one two\n") == "one\ntwo\n");
    CHECK(accents.push("\xc3\xa9t\xc3\xa9 x\n") == "\xc3\xa9t\xc3\xa9\nx\n");
}

}  // namespace
