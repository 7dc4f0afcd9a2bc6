// json: every rule of the grammar, its refusal, and the byte it names.
#include <doctest/doctest.h>

#include <vector>

#include "../io/scratch.hpp"

#include <meshwise/parse/json_cursor.hpp>

namespace {

namespace mw = meshwise;

void skip_all(std::string_view text, std::size_t deepest = 16) {
    mw::detail::json_cursor at(text, "a.json", deepest);
    at.skip();
    at.end();
}
std::string refused(std::string_view text, std::size_t deepest = 16) {
    return refusal<mw::input_error>([&] { skip_all(text, deepest); });
}

TEST_CASE("accepted JSON") {
    for (std::string_view text :
         {"{}", " [ ] ", "null", "true", "false", "0", "-0", "12", "-1.5e+3", "1E9", "\"\"",
          "[1,[2,{\"a\":[]}]]", "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}", "\t\r\n1 ",
          "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""}) {
        CAPTURE(text);
        CHECK_NOTHROW(skip_all(text));
    }
}

TEST_CASE("refused JSON, with the byte") {
    struct {
        std::string_view text, byte, why;
    } const cases[] = {
        {"", "byte 0", "ends here"},
        {"{", "byte 1", "a string is needed"},
        {"{\"a\"}", "byte 4", "':' after a key"},
        {"{\"a\":1,}", "byte 7", "a string is needed"},
        {"{\"a\":1 \"b\":2}", "byte 7", "',' or '}'"},
        {"[1,]", "byte 3", "a value is needed"},
        {"[1 2]", "byte 3", "',' or ']'"},
        {"[", "byte 1", "ends here"},
        {"01", "byte 1", "must not begin with 0"},
        {"-", "byte 0", "a value is needed"},
        {"+1", "byte 0", "a value is needed"},
        {"1.", "byte 2", "a digit is needed"},
        {".5", "byte 0", "a value is needed"},
        {"1e", "byte 2", "a digit is needed"},
        {"NaN", "byte 0", "a value is needed"},
        {"nul", "byte 0", "null is needed"},
        {"True", "byte 0", "a value is needed"},
        {"1 1", "byte 2", "more text after the value"},
        {"{}\0x", "byte 2", "more text after the value"},
        {"\xef\xbb\xbf{}", "byte 0", "a value is needed"},
        {"\"a", "byte 2", "no end"},
        {"\"a\nb\"", "byte 2", "control character"},
        {"\"\\x\"", "byte 2", "backslash"},
        {"\"\\", "byte 2", "backslash"},
        {"\"\\u12g4\"", "byte 3", "four hexadecimal"},
        {"\"\\u12", "byte 3", "four hexadecimal"},
        {"\"\\u+123\"", "byte 3", "four hexadecimal"},
        {"\"\\ud83d\"", "byte 7", "has no second half"},
        {"\"\\ud83d\\u0041\"", "byte 13", "has no second half"},
        {"\"\\ude00\"", "byte 7", "has no first half"},
        {"{\"a\":1,\"b\":2,\"\\u0061\":3}", "byte 13", "\"a\" occurs twice"},
        {"\"\xff\"", "byte 1", "UTF-8"},
        {"\"\xc0\x80\"", "byte 1", "UTF-8"},
        {"\"\xe0\x9f\xbf\"", "byte 1", "UTF-8"},
        {"\"\xed\xa0\x80\"", "byte 1", "UTF-8"},
        {"\"\xf0\x8f\xbf\xbf\"", "byte 1", "UTF-8"},
        {"\"\xf4\x90\x80\x80\"", "byte 1", "UTF-8"},
        {"\"\xe2\x82\"", "byte 1", "UTF-8"},
        {"\"\xe2\x82", "byte 1", "UTF-8"},
    };
    for (auto const& c : cases) {
        // the literal with a zero in it is longer than its C string
        std::string const text = c.text == "{}" ? std::string("{}\0x", 4) : std::string(c.text);
        CAPTURE(text);
        std::string const why = refused(text);
        CHECK(why.find("a.json, " + std::string(c.byte) + ":") != why.npos);
        has(why, c.why);
    }
}

TEST_CASE("nesting ends where the caller says") {
    CHECK_NOTHROW(skip_all("[[[1]]]", 3));
    has(refused("[[[[1]]]]", 3), "deeper");
    CHECK_NOTHROW(skip_all("[[],[],[[]]]", 3));  // depth, not number
    has(refused(std::string(1'000'000, '['), 16), "byte 16: values are nested deeper");
}

TEST_CASE("values") {
    mw::detail::json_cursor at(
        R"( {"text":"\"\\\/\b\f\n\r\t\u0000\u00e9\u20ac\ud83d\ude00", "n":[0,18446744073709551615],
                           "x":-2.5e-1, "yes":true, "no":false} )",
        "a.json");
    std::vector<std::uint64_t> numbers;
    std::string text;
    double x = 0;
    bool yes = false, no = true;
    at.object([&](std::string const& key) {
        if (key == "text") text = at.string();
        if (key == "n") at.array([&] { numbers.push_back(at.natural()); });
        if (key == "x") x = at.number();
        if (key == "yes") yes = at.boolean();
        if (key == "no") no = at.boolean();
    });
    at.end();
    CHECK(text == std::string("\"\\/\b\f\n\r\t\0", 9) + "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(numbers == std::vector<std::uint64_t>{0, UINT64_MAX});
    CHECK(x == -0.25);
    CHECK(yes);
    CHECK_FALSE(no);
}

TEST_CASE("a whole number is one or is refused") {
    auto const natural = [](std::string_view text) {
        return refusal<mw::input_error>([&] { mw::detail::json_cursor(text, "a.json").natural(); });
    };
    CHECK(natural("7").empty());
    for (std::string_view text : {"-1", "-0", "1.0", "1e3"}) has(natural(text), "0 or more");
    has(natural("18446744073709551616"), "larger than 2^64 - 1");
    has(natural("\"1\""), "a value is needed");
    has(refusal<mw::input_error>([] { mw::detail::json_cursor("1e999", "a.json").number(); }),
        "does not fit");
    has(refusal<mw::input_error>([] { mw::detail::json_cursor("1", "a.json").string(); }),
        "a string is needed");
    has(refusal<mw::input_error>([] { mw::detail::json_cursor("1", "a.json").boolean(); }), "true or false");
}

TEST_CASE("what is written can be read again") {
    std::string all;
    for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
    all += "\xc3\xa9";
    std::string const text = mw::json_text(all);
    mw::detail::json_cursor again(text, "a.json");
    CHECK(again.string() == all);
}

TEST_CASE("bytes are counted from where the text begins in its file") {
    mw::detail::json_cursor at("{\"a\":x}", "a.json", 3, 8);
    has(refusal<mw::input_error>([&] { at.skip(); }), "byte 13");
}

}  // namespace
