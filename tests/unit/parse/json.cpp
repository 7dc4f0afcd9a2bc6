// json: what RFC 8259 allows is read as it says, everything else is refused with its byte.
#include <doctest/doctest.h>

#include <meshwise/parse/json.hpp>

#include "../text/files.hpp"

namespace mw = meshwise;
using text_test::refusal;

namespace {
mw::json parsed(std::string_view text) { return mw::json::parse(text, "f"); }
std::string refused(std::string_view text) {
    return refusal([&] { parsed(text); });
}
}  // namespace

TEST_CASE("json: values of every kind") {
    auto const file =
        parsed(" {\"a\": [1, -2.5e2, true, false, null], \"b\":{}, \"\":\"x\" , \"c\": []}\r\n\t");
    CHECK(file.keys("it") == std::vector<std::string>{"a", "b", "", "c"});
    auto const& a = file.at("a", "it").array("a");
    REQUIRE(a.size() == 5);
    CHECK(a[0].integer("n") == 1);
    CHECK(a[1].number("n") == -250);
    CHECK(a[2].boolean("b"));
    CHECK_FALSE(a[3].boolean("b"));
    CHECK(a[4].is_null());
    CHECK(file.at("b", "it").keys("b").empty());
    CHECK(file.at("", "it").string("s") == "x");
    CHECK(file.find("d") == nullptr);
    CHECK(parsed("0").integer("n") == 0);
    CHECK(parsed("-9223372036854775808").integer("n") == INT64_MIN);
}

TEST_CASE("json: strings with escapes and beyond ASCII") {
    CHECK(parsed(R"("\"\\\/\b\f\n\r\t")").string("s") == "\"\\/\b\f\n\r\t");
    CHECK(parsed(R"("\u0041\u00e9\u20AC\ud83d\ude80")").string("s") ==
          "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80");
    CHECK(parsed("\"\xf0\x9f\x9a\x80\"").string("s") == "\xf0\x9f\x9a\x80");
    CHECK(parsed(R"("\u0000")").string("s") == std::string(1, '\0'));
}

// every rule of the grammar: json_cursor.cpp
TEST_CASE("json: what is malformed is refused with its byte") {
    CHECK(refused("") == "f, byte 0: a value is needed; the text ends here");
    CHECK(refused("{} x") == "f, byte 3: there is more text after the value, which must be the only one");
    CHECK(refused(R"({"a":1,"b":2,"a":3})") == "f, byte 13: the key \"a\" occurs twice");
    CHECK(refused("[nul]") == "f, byte 1: null is needed");
    CHECK(refused("[truth]") == "f, byte 1: true or false is needed");
}

TEST_CASE("json: nesting has an end, far from that of the stack") {
    CHECK(parsed(std::string(64, '[') + std::string(64, ']')).array("a").size() == 1);
    std::string const deep = "f, byte 64: values are nested deeper than 64 levels";
    CHECK(refused(std::string(65, '[') + std::string(65, ']')) == deep);
    CHECK(refused(std::string(1000000, '[')) == deep);
}

TEST_CASE("json: a value of another kind says what it should have been") {
    auto const file = parsed(R"({"a": 1.5, "b": 99999999999999999999, "c": 1e999})");
    CHECK(refusal([&] { file.at("a", "it").string("the name"); }) == "f, byte 6: the name must be a string");
    CHECK(refusal([&] { file.at("a", "it").integer("the id"); }) ==
          "f, byte 6: the id is '1.5', not a whole number of 64 bits");
    CHECK(refusal([&] { file.at("b", "it").integer("the id"); }) ==
          "f, byte 16: the id is '99999999999999999999', not a whole number of 64 bits");
    CHECK(refusal([&] { file.at("c", "it").number("the size"); }) ==
          "f, byte 43: the size is '1e999', too large or too small");
    CHECK(refusal([&] { file.at("d", "the file"); }) == "f, byte 0: the file lacks 'd'");
    CHECK(refusal([&] { file.at("a", "it").at("x", "the model"); }) ==
          "f, byte 6: the model must be an object");
}
