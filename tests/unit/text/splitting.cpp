// splitting: pieces as Python's `regex` module finds them with the patterns that splitting.hpp quotes.
#include <doctest/doctest.h>

#include <string>

#include <meshwise/text/tokenizers/splitting.hpp>

namespace mw = meshwise;

namespace {

std::string pieces(std::string_view text, mw::splitting how) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t const end = mw::detail::piece_end(text, at, how);
        out += (at > 0 ? "|" : "") + std::string(text.substr(at, end - at));
        at = end;
    }
    return out;
}

struct expected {
    std::string_view text, gpt2, llama3, qwen2;
};
constexpr expected cases[] = {
    {"Hello world", "Hello| world", "Hello| world", "Hello| world"},
    {"  two  spaces ", " | two| | spaces| ", " | two| | spaces| ", " | two| | spaces| "},
    {"it's I'LL we'Ve 'tis", "it|'s| I|'|LL| we|'|Ve| '|tis", "it|'s| I|'LL| we|'Ve| '|tis",
     "it|'s| I|'LL| we|'Ve| '|tis"},
    {"12345 67", "12345| 67", "123|45| |67", "1|2|3|4|5| |6|7"},
    {"a\n\n  b \r\n\tc", "a|\n\n | b| \r\n|\t|c", "a|\n\n| | b| \r\n|\tc", "a|\n\n| | b| \r\n|\tc"},
    {"!!\n\n?? x", "!!|\n|\n|??| x", "!!\n\n|??| x", "!!\n\n|??| x"},
    {"\n \n ", "\n \n ", "\n \n| ", "\n \n| "},
    {"$100.00", "$|100|.|00", "$|100|.|00", "$|1|0|0|.|0|0"},
    {"'\xc5\xbf"
     "a 'x' ''s",
     "'|\xc5\xbf"
     "a| '|x|'| ''|s",
     "'\xc5\xbf|a| '|x|'| ''|s", "'\xc5\xbf|a| '|x|'| ''|s"},
    {"\xc3\xa9\xcc\x81 \xe3\x80\x80\xe4\xb8\xad\xe6\x96\x87 \xe3\x81\xae",
     "\xc3\xa9|\xcc\x81| |\xe3\x80\x80|\xe4\xb8\xad\xe6\x96\x87| \xe3\x81\xae",
     "\xc3\xa9|\xcc\x81| |\xe3\x80\x80\xe4\xb8\xad\xe6\x96\x87| \xe3\x81\xae",
     "\xc3\xa9|\xcc\x81| |\xe3\x80\x80\xe4\xb8\xad\xe6\x96\x87| \xe3\x81\xae"},
    {"x\xc2\xa0y\xe2\x80\x83 z", "x|\xc2\xa0|y|\xe2\x80\x83| z", "x|\xc2\xa0y|\xe2\x80\x83| z",
     "x|\xc2\xa0y|\xe2\x80\x83| z"},
    {"\xc2\xbd\xe2\x85\xa7\xef\xbc\x92", "\xc2\xbd\xe2\x85\xa7\xef\xbc\x92",
     "\xc2\xbd\xe2\x85\xa7\xef\xbc\x92", "\xc2\xbd|\xe2\x85\xa7|\xef\xbc\x92"},
    {"\xf0\x9f\x9a\x80 go\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80| go|\xf0\x9f\x9a\x80",
     "\xf0\x9f\x9a\x80| go|\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\x80| go|\xf0\x9f\x9a\x80"},
    {"(foo)bar _a", "(|foo|)|bar| _|a", "(foo|)bar| _|a", "(foo|)bar| _|a"},
    {" \t ", " \t ", " \t ", " \t "},
    {"don't", "don|'t", "don|'t", "don|'t"},
};

}  // namespace

TEST_CASE("splitting: the three patterns") {
    for (auto const& one : cases) {
        CHECK(pieces(one.text, mw::splitting::gpt2) == one.gpt2);
        CHECK(pieces(one.text, mw::splitting::llama3) == one.llama3);
        CHECK(pieces(one.text, mw::splitting::qwen2) == one.qwen2);
        CHECK(pieces(one.text, mw::splitting::none) == one.text);
    }
}

TEST_CASE("splitting: a byte that is no UTF-8 counts as a symbol") {
    CHECK(pieces("ab\xff"
                 "c \xc3 1",
                 mw::splitting::gpt2) == "ab|\xff|c| \xc3| 1");
    CHECK(pieces("ab\xff"
                 "c \xc3\n1",
                 mw::splitting::llama3) == "ab|\xff"
                                           "c| \xc3\n|1");
}
