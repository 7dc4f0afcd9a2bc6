// safetensors: what is taken, what is refused and why; the header written is the header read; digests; conversions.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <cmath>
#include <limits>

#include "../../shared_data.hpp"
#include "scratch.hpp"

#include <sys/stat.h>

#include <meshwise/io/digest.hpp>
#include <meshwise/io/safetensors.hpp>

namespace {

namespace mw = meshwise;

std::string with_length(std::string const& header, std::string const& data) {
    std::string out(8, '\0');
    std::uint64_t const length = header.size();
    std::memcpy(out.data(), &length, 8);
    return out + header + data;
}
std::string tensor(std::string const& type, std::string const& shape, std::string const& offsets) {
    return R"({"dtype":")" + type + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}
std::string refused(scratch const& folder, std::string const& bytes) {
    return refusal<mw::input_error>(
        [&] { mw::detail::safetensors_file(folder.file("x.safetensors", bytes)); });
}
std::string refused(scratch const& folder, std::string const& header, std::size_t data) {
    return refused(folder, with_length(header, std::string(data, 'x')));
}

TEST_CASE("a file of tensors") {
    scratch const folder;
    std::string const header =
        " {\"__metadata__\":{\"made\":\"by hand\"},\"b\":" + tensor("BF16", "2", "4,8") +
        ",\"a\":" + tensor("F32", "", "0,4") + ",\"none\":" + tensor("I64", "3,0", "8,8") + "} ";
    mw::detail::safetensors_file const file(folder.file("x.safetensors", with_length(header, "abcdefgh")));
    REQUIRE(file.tensors().size() == 3);
    CHECK(file.metadata().at("made") == "by hand");
    CHECK(file.tensors()[0].name == "a");
    CHECK(file.tensors()[0].shape.empty());
    auto const* b = file.find("b");
    REQUIRE(b != nullptr);
    CHECK(b->type == mw::detail::stored_type::BF16);
    CHECK(b->shape == std::vector<std::uint64_t>{2});
    CHECK(b->begin == 8 + header.size() + 4);
    std::string bytes(4, '\0');
    file.file().read(bytes.data(), 4, b->begin);
    CHECK(bytes == "efgh");
    CHECK(file.find("c") == nullptr);
}

TEST_CASE("every rule of the format is refused where it is broken") {
    scratch const folder;
    has(refused(folder, ""), "byte 0: the file has 0 bytes");
    has(refused(folder, std::string(7, ' ')), "has 7 bytes");
    has(refused(folder, with_length("{}", "").substr(0, 9)), "would have 2 bytes, but only 1 follow");
    has(refused(folder, std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)),
        "more than the largest allowed, 100000000");
    has(refused(folder, std::string(8, '\xff') + "{}"), "more than the largest allowed");
    has(refused(folder, "[]", 0), "byte 8: an object is needed");
    has(refused(folder, "{}", 1), "byte 10: bytes are left over");
    has(refused(folder, "{}x", 0), "byte 10: there is more text after the value");
    has(refused(folder, "{\"a\":" + tensor("F32", "1", "0,4") + "}", 3), "ends after the file");
    has(refused(folder, "{\"a\":" + tensor("F32", "2", "0,4") + "}", 4),
        "takes 8 bytes, but data_offsets give it 4");
    has(refused(folder, "{\"a\":" + tensor("F33", "1", "0,4") + "}", 4), "unknown type 'F33'");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "2,0") + "}", 2), "end before they begin");
    has(refused(folder, "{\"a\":" + tensor("U8", "-2", "0,2") + "}", 2), "0 or more is needed, not -2");
    has(refused(folder, "{\"a\":" + tensor("U8", "2.0", "0,2") + "}", 2), "0 or more is needed");
    has(refused(folder, "{\"a\":" + tensor("U8", "2,18446744073709551615", "0,2") + "}", 2),
        "overflows 64 bits");
    has(refused(folder, "{\"a\":" + tensor("F64", "2305843009213693952", "0,0") + "}", 0),
        "overflows 64 bits");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "0,2,2") + "}", 2), "are not two numbers");
    has(refused(folder, "{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 1), "lacks its dtype");
    has(refused(folder, "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1}}", 1),
        "unknown key 'x'");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "0,2") + ",\"a\":" + tensor("U8", "2", "2,4") + "}", 4),
        "twice");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "0,2") + ",\"b\":" + tensor("U8", "2", "3,5") + "}", 5),
        "a gap");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "1,3") + "}", 3), "a gap");
    has(refused(folder, "{\"a\":" + tensor("U8", "2", "0,2") + ",\"b\":" + tensor("U8", "2", "1,3") + "}", 3),
        "overlaps");
    has(refused(folder, "{\"__metadata__\":{\"n\":1}}", 0), "a string is needed");
    has(refused(folder, "{\"a\":{\"dtype\":\"U8\",\"shape\":[[]],\"data_offsets\":[0,1]}}", 1),
        "a value is needed");
    has(refused(folder, "{\"\xff\":1}", 0), "byte 10: the text is not valid UTF-8");
}

TEST_CASE("types that the library does not compute with: their sizes are checked as those of the others") {
    scratch const folder;
    struct one {
        char const *type, *shape;
        std::size_t bytes;
    };
    for (auto const& t : {one{"F4", "3,2", 3},
                          {"F6_E2M3", "4", 3},
                          {"F6_E3M2", "2,4", 6},
                          {"F8_E5M2", "5", 5},
                          {"F8_E4M3", "5", 5},
                          {"F8_E8M0", "5", 5},
                          {"F8_E4M3FNUZ", "5", 5},
                          {"F8_E5M2FNUZ", "5", 5},
                          {"C64", "2", 16},
                          {"F4", "0,3", 0}}) {
        CAPTURE(t.type);
        auto const why = [&](std::string const& shape, std::size_t bytes) {
            return refused(folder, "{\"a\":" + tensor(t.type, shape, "0," + std::to_string(bytes)) + "}",
                           bytes);
        };
        CHECK(why(t.shape, t.bytes) == "");
        has(why(t.shape, t.bytes + 1),
            "takes " + std::to_string(t.bytes) + " bytes, but data_offsets give it");
        has(why("18446744073709551615,3", t.bytes), "overflows 64 bits");
    }
    has(refused(folder, "{\"a\":" + tensor("F4", "3", "0,1") + "}", 1), "ends within a byte");
    has(refused(folder, "{\"a\":" + tensor("F4", "3", "0,2") + "}", 2), "ends within a byte");
    has(refused(folder, "{\"a\":" + tensor("F6_E2M3", "2", "0,2") + "}", 2), "ends within a byte");
    has(refused(folder, "{\"a\":" + tensor("F12", "2", "0,2") + "}", 2), "newer than this version");
}

TEST_CASE("only regular files are opened, and nothing waits") {
    scratch const folder;
    auto const why = [](std::string const& path) {
        return refusal<mw::input_error>([&] { mw::detail::safetensors_file file(path); });
    };
    has(why(folder.path()), "regular file");
    has(why(folder / "none"), "cannot be opened");
    REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
    has(why(folder / "pipe"), "regular file");
}

TEST_CASE("the header that is written is read again, in names of any letters") {
    scratch const folder;
    std::vector<mw::detail::stored_tensor> tensors{
        {"a \"quoted\"\n\xc3\xa9", mw::detail::stored_type::F64, {1, 2}},
        {"b", mw::detail::stored_type::F32, {}},
        {"empty", mw::detail::stored_type::U8, {0, 7}},
        {"c", mw::detail::stored_type::U8, {3}}};
    std::string const header = mw::detail::safetensors_header(tensors, {{"key", "value"}});
    CHECK(header.size() % 8 == 0);
    mw::detail::safetensors_file const file(folder.file("x", header + std::string(16 + 4 + 3, 'x')));
    REQUIRE(file.tensors().size() == 4);
    for (auto const& t : tensors) {
        auto const* found = file.find(t.name);
        REQUIRE(found != nullptr);
        CHECK(found->type == t.type);
        CHECK(found->shape == t.shape);
        CHECK(found->begin == t.begin);
        CHECK(found->end == t.end);
    }
    CHECK(file.metadata().at("key") == "value");
    tensors[1].name = "c";
    has(refusal<mw::error>([&] { mw::detail::safetensors_header(tensors); }),
        "two tensors with the name 'c'");
    tensors[1] = {"b", mw::detail::stored_type::F32, {UINT64_MAX}};
    has(refusal<mw::error>([&] { mw::detail::safetensors_header(tensors); }), "too large");
}

TEST_CASE("the shared collection of good and bad files: each outcome as it is named") {
    auto const there = shared_data("fixtures/safetensors");
    if (!there) return;
    std::filesystem::path const& folder = *there;
    std::pair<std::string_view, std::string_view> const reasons[] = {
        {"InvalidOffset (end < begin)", "end before they begin"},
        {"InvalidOffset (hole", "a gap"},
        {"InvalidOffset", "overlaps"},
        {"MetadataIncompleteBuffer", "buffer is incomplete"},
        {"HeaderTooLarge", "more than the largest allowed"},
        {"HeaderTooSmall", "has 0 bytes"},
        {"InvalidHeaderLength", "but only"},
        {"InvalidHeaderDeserialization", "needed"},
        {"InvalidHeader", "UTF-8"},
        {"TensorInvalidInfo", "but data_offsets give it"},
        {"ValidationOverflow", "overflows"},
        {"duplicate keys", "twice"},
    };
    std::string const text = bytes_of((folder / "inline/expected.json").string());
    std::size_t files = 0;
    mw::detail::json_cursor at(text, "expected.json");
    at.object([&](std::string const& name) {
        std::string const expected = at.string();
        CAPTURE(name);
        CAPTURE(expected);
        ++files;
        std::string const why = refusal<mw::input_error>(
            [&] { mw::detail::safetensors_file((folder / "inline" / (name + ".safetensors")).string()); });
        if (expected.rfind("ok", 0) == 0) {
            CHECK(why.empty());
            return;
        }
        CHECK(why.find(", byte ") != why.npos);
        if (name == "extra_bad_unknown_dtype") return (void)has(why, "unknown type 'F12'");
        for (auto const& [kind, reason] : reasons)
            if (expected.rfind(kind, 0) == 0) return (void)has(why, reason);
        FAIL("an outcome without a reason");
    });
    CHECK(files == 29);
    for (auto const* name : {"burn_mnist", "burn_multi_layer", "candle_jfk-codes", "syoyo_model"})
        CHECK_NOTHROW(mw::detail::safetensors_file((folder / (std::string(name) + ".safetensors")).string()));
    has(refusal<mw::input_error>(
            [&] { mw::detail::safetensors_file((folder / "syoyo_abuse_attempt_1.safetensors").string()); }),
        "would have 1000 bytes");
}

TEST_CASE("digests: published values, and pieces as the whole") {
    auto const bytes = [](std::string_view text) { return std::as_bytes(std::span(text)); };
    CHECK(mw::detail::crc32c(bytes("")) == 0);
    CHECK(mw::detail::crc32c(bytes("123456789")) == 0xE3069283U);
    CHECK(mw::detail::crc32c(bytes(std::string_view(std::string(32, '\0')))) ==
          0x8A9136AAU);  // RFC 3720, B.4
    CHECK(mw::detail::crc32c(bytes(std::string_view(std::string(32, '\xff')))) == 0x62A8AB43U);
    auto const whole = [&](std::string_view text) {
        mw::detail::xxh64 h;
        h.add(bytes(text));
        return h.value();
    };
    CHECK(whole("") == 0xEF46DB3751D8E999U);
    CHECK(whole("a") == 0xD24EC4F1A98C6E5BU);
    CHECK(whole("abc") == 0x44BC2CF5AD770999U);
    CHECK(whole("Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1U);
    std::string long_text;
    for (int i = 0; i < 1000; ++i) long_text += static_cast<char>(i * 7);
    std::uint64_t const expected = whole(long_text);
    std::uint32_t const crc = mw::detail::crc32c(bytes(long_text));
    for (std::size_t piece : {1U, 3U, 8U, 31U, 32U, 33U, 100U}) {
        mw::detail::xxh64 h;
        std::uint32_t c = 0;
        for (std::size_t at = 0; at < long_text.size(); at += piece) {
            h.add(bytes(std::string_view(long_text).substr(at, piece)));
            c = mw::detail::crc32c(bytes(std::string_view(long_text).substr(at, piece)), c);
        }
        CHECK(h.value() == expected);
        CHECK(c == crc);
    }
}

TEST_CASE("a half is the number it stands for, all 65,536") {
    for (unsigned bits = 0; bits < 65536; ++bits) {
        int const exponent = static_cast<int>(bits >> 10U & 31U), fraction = static_cast<int>(bits & 1023U);
        double expected =
            exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31) expected = fraction == 0 ? HUGE_VAL : std::nan("");
        if (bits >> 15U) expected = -expected;
        float const got = mw::detail::float_of_half(static_cast<std::uint16_t>(bits));
        if (std::isnan(expected)
                ? !std::isnan(got)
                : got != static_cast<float>(expected) || std::signbit(got) != std::signbit(expected))
            FAIL("half " << bits << " became " << got);
    }
}

TEST_CASE("double to bfloat16 rounds once") {
    auto const convert = [](double value) {
        mw::bfloat16 out;
        mw::detail::convert(mw::detail::stored_type::F64, &value, &out, 1);
        return static_cast<float>(out);
    };
    double const tie = 1 + 1.0 / 256;  // half way between 1 and the next bfloat16, 1 + 1 / 128
    CHECK(convert(tie) == 1.0F);
    CHECK(convert(tie + 1e-12) == 1.0078125F);  // by way of float it would be the tie again
    CHECK(convert(-tie - 1e-12) == -1.0078125F);
    CHECK(convert(3 - 1.0 / 64 - 1.0 / 128 + 1e-12) == 2.984375F);
    CHECK(convert(1 + 3.0 / 256) == 1.015625F);
    CHECK(convert(1 + 3.0 / 256 - 1e-12) == 1.0078125F);
    CHECK(std::isnan(convert(std::nan(""))));
    CHECK(convert(1e300) == HUGE_VALF);
    CHECK(convert(0.0) == 0);
    CHECK(mw::detail::is_convertible(mw::detail::stored_type::F16, mw::detail::stored_type::F32));
    CHECK_FALSE(mw::detail::is_convertible(mw::detail::stored_type::I32, mw::detail::stored_type::F32));
    CHECK_FALSE(mw::detail::is_convertible(mw::detail::stored_type::I64, mw::detail::stored_type::I32));
}

}  // namespace
