// unicode and utf8: the unpacked tables against numbers that Python's unicodedata gave by itself.
#include <doctest/doctest.h>

#include <meshwise/parse/text_decoder.hpp>
#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizers/normal_form.hpp>
#include <meshwise/text/tokenizers/unicode.hpp>

#include "files.hpp"

namespace mw = meshwise;
using kind = mw::detail::character_class;

TEST_CASE("unicode: all code points, by counts and digests of another program") {
    REQUIRE(mw::detail::unicode_version == "14.0.0");  // the numbers below are those of this version
    std::size_t counts[8] = {}, lowered = 0, bases = 0;
    std::uint64_t lower_digest = 0, base_digest = 0;
    for (char32_t c = 0; c < 0x110000; ++c) {
        ++counts[static_cast<std::size_t>(mw::detail::class_of(c))];
        if (auto const lower = mw::lower_case(c); lower != c) {
            ++lowered;
            lower_digest = lower_digest * 31 + lower;
        }
        if (c >= 0xd800 && c < 0xe000) continue;
        std::u32string left;
        mw::detail::append_without_marks(c, left);
        for (char32_t base : left) base_digest = base_digest * 31 + base;
        bases += left.size();
    }
    std::vector<std::size_t> const expected{8199, 131756, 1791, 25, 819, 1950, 139738, 829834};
    CHECK(std::vector<std::size_t>(counts, counts + 8) == expected);
    CHECK(lowered == 1432);
    CHECK(lower_digest == 12338734149853502472U);
    CHECK(bases == 1132111);
    CHECK(base_digest == 21886468311773231U);
}

TEST_CASE("unicode: ASCII has a table of its own, which agrees") {
    for (char32_t c = 0; c < 128; ++c)
        CHECK(mw::detail::class_of(c) == mw::detail::unicode_data::get().class_of(c));
    CHECK(mw::detail::class_of('~') == kind::other);
    CHECK(mw::detail::class_of('!') == kind::punctuation);
    CHECK(mw::detail::class_of('\t') == kind::space);
    CHECK(mw::detail::class_of(1) == kind::control);
    CHECK(mw::detail::class_of(0x110000) == kind::unassigned);
    CHECK(mw::detail::class_of(0x1fae8) == kind::unassigned);  // an emoji of Unicode 15
    CHECK(mw::detail::class_of(0xe000) == kind::control);      // private use
}

TEST_CASE("normal_form: every code point alone and between marks, by a digest of another program") {
    std::uint64_t digest = 0;
    std::size_t without_a_place = 0;
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xd800 && c < 0xe000) continue;
        std::string alone, among = "e\xcc\xa7";
        mw::append_utf8(alone, c);
        among += alone;
        for (char32_t mark : {0x301U, 0x316U, 0x9beU, 0x11a8U}) mw::append_utf8(among, mark);
        for (auto const& text : {alone, among}) {
            auto const made = mw::detail::nfc(text);
            for (char byte : made ? made->text : text)
                digest = digest * 31 + static_cast<unsigned char>(byte);
            if (!made) continue;
            auto const again = mw::detail::nfc(made->text);
            without_a_place += again.has_value();
            for (std::size_t i = 0; i < made->text.size(); ++i)
                without_a_place += made->begin[i] >= made->end[i] || made->end[i] > text.size() ||
                                   (i > 0 && made->begin[i] < made->begin[i - 1]);
        }
    }
    CHECK(digest == 4756988993721340797U);
    CHECK(without_a_place == 0);
    auto const made = mw::detail::nfc("a\xff"
                                      "e\xcc\x81z");
    REQUIRE(made);
    CHECK(made->text == "a\xff\xc3\xa9z");
    CHECK(made->begin == std::vector<std::size_t>{0, 1, 2, 2, 5});
    CHECK(made->end == std::vector<std::size_t>{1, 2, 5, 5, 6});
    CHECK_FALSE(mw::detail::nfc("\xc3\xa9"));
}

TEST_CASE("utf8: every code point there and back") {
    for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xd800 && c < 0xe000) continue;
        std::string bytes;
        mw::append_utf8(bytes, c);
        auto const [code, length, valid] = mw::utf8_at(bytes, 0);
        if (code != c || length != bytes.size() || !valid) FAIL(c);
    }
}

TEST_CASE("utf8: what is no character, as the text decoder sees it") {
    text_test::dice roll{3};
    for (int round = 0; round < 20000; ++round) {
        std::string bytes, decoded, streamed;
        for (std::uint32_t n = roll(12); n > 0; --n)
            bytes += static_cast<char>(roll(4) == 0 ? roll(96) + 32 : roll(128) + 128);
        bool valid = true;
        for (std::size_t at = 0; at < bytes.size();) {
            auto const one = mw::utf8_at(bytes, at);
            CHECK(valid == (mw::detail::invalid_utf8(bytes.substr(0, at)) == std::string::npos));
            valid = valid && one.valid;
            bool const control = one.code == 127 || (one.code >= 0x80 && one.code < 0xa0);
            mw::append_utf8(decoded, control ? 0xfffd : one.code);
            at += one.length;
        }
        CHECK(valid == (mw::detail::invalid_utf8(bytes) == std::string::npos));
        mw::text_decoder decoder;
        for (char c : bytes) decoder.push(static_cast<unsigned char>(c), streamed);
        decoder.finish(streamed);
        CHECK(decoded == streamed);
    }
    CHECK(mw::detail::invalid_utf8("ab\xc3\xa9\xff") == 4);
}
