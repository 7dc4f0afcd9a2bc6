// at_line: which lines are the library's, however a compiler spells its folder.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace {
using meshwise::detail::at_line;
using meshwise::detail::is_in_library;

TEST_CASE("a line of the library is known, however its folder is spelled") {
    char const* const absolute = "/home/a/project/include/meshwise/tensor/at_line.hpp";
    char const* const relative = "../../include/meshwise/tensor/at_line.hpp";
    char const* const through_build = "/home/a/project/build/x/../../include/meshwise/tensor/at_line.hpp";
    for (char const* own : {absolute, relative, through_build, "include/meshwise/tensor/at_line.hpp"}) {
        CHECK(is_in_library("/home/a/project/include/meshwise/ops/add.hpp", own));
        CHECK(is_in_library("../../include/meshwise/ops/add.hpp", own));
        CHECK(is_in_library("/home/a/project/build/x/../../include/meshwise/ops/add.hpp", own));
        CHECK(!is_in_library("/home/a/project/examples/train.cpp", own));
        CHECK(!is_in_library("/home/a/meshwise/train.cpp", own));
        CHECK(!is_in_library("train.cpp", own));
    }
    CHECK(is_in_library("/home/a/single_include/meshwise.hpp", "single_include/meshwise.hpp"));
    CHECK(!is_in_library("/home/a/train.cpp", "single_include/meshwise.hpp"));
}

TEST_CASE("a message names a line of the program") {
    std::string const text = at_line(std::source_location::current());
    CHECK(text.ends_with("at_line.cpp:" + std::to_string(__LINE__ - 1) + " "));
    CHECK(text.starts_with("at "));
}
}  // namespace

TEST_CASE("A sentence is its parts: texts of any kind and whole numbers of any size") {
    using meshwise::detail::sentence;
    std::string const own = "one";
    CHECK(sentence({}) == "");
    CHECK(sentence({own, " ", std::string_view("two three").substr(0, 3), own.empty() ? "" : " and ",
                    "four"}) == "one two and four");
    CHECK(sentence({0, ",", -7, ",", 10U}) == "0,-7,10");
    CHECK(sentence(
              {std::numeric_limits<std::int64_t>::min(), " ", std::numeric_limits<std::uint64_t>::max()}) ==
          "-9223372036854775808 18446744073709551615");
    std::string text = "a";
    meshwise::detail::append(text, {"b", std::size_t{12}});
    CHECK(text == "ab12");
    CHECK_THROWS_WITH_AS(meshwise::detail::throw_error({"axis ", 3, " is missing"}), "axis 3 is missing",
                         meshwise::error);
}
