// Damaged and hostile files by the ten thousands: each is taken or refused with an input_error, and what is taken keeps
// its promises. Under the sanitizers this is a search for undefined behaviour; the seeds are fixed.
#include <doctest/doctest.h>

#include <random>

#include "one_file.hpp"
#include "scratch.hpp"

#include <meshwise/io/manifest.hpp>

namespace {

namespace mw = meshwise;

class mutator {
public:
    explicit mutator(std::uint64_t seed) : random_(seed) {}
    std::string operator()(std::string text) {
        for (std::size_t times = 1 + random_() % 3; times > 0 && !text.empty(); --times) {
            std::size_t const at = random_() % text.size(),
                              n = 1 + random_() % std::min<std::size_t>(8, text.size() - at);
            switch (random_() % 6) {
            case 0: text[at] = static_cast<char>(random_()); break;
            case 1: text.erase(at, n); break;
            case 2: text.insert(at, text.substr(random_() % text.size(), n)); break;
            case 3: text.insert(at, words_[random_() % words_.size()]); break;
            case 4: {  // another number
                auto const digit = text.find_first_of("0123456789", at);
                if (digit != text.npos) {
                    auto const end = text.find_first_not_of("0123456789", digit);
                    text.replace(digit, end - digit, numbers_[random_() % numbers_.size()]);
                }
                break;
            }
            default: text.resize(at);
            }
        }
        return text;
    }

private:
    std::mt19937_64 random_;
    std::vector<std::string> words_{"\"",
                                    "{",
                                    "}",
                                    "[",
                                    "]",
                                    ",",
                                    ":",
                                    "\\u0061",
                                    "\\ud800",
                                    "\"a\":",
                                    "null",
                                    "-",
                                    "e9",
                                    "\xff",
                                    "\xed\xa0\x80",
                                    std::string(1, '\0'),
                                    " ",
                                    "__metadata__",
                                    "[[[[[[",
                                    "1.5"};
    std::vector<std::string> numbers_{"0",
                                      "1",
                                      "2",
                                      "3",
                                      "4",
                                      "8",
                                      "16",
                                      "18446744073709551615",
                                      "18446744073709551616",
                                      "9223372036854775808",
                                      "4294967296",
                                      "00",
                                      "99999999999999999999999999"};
};

TEST_CASE("JSON: taken or refused, never more") {
    std::string const seed =
        R"({"a":[1,2,{"b":null,"c":true}],"text":"\u00e9\ud83d\ude00 \"x\"","n":-1.5e3,"deep":[[[[0]]]],"o":{}})";
    mutator mutate(1);
    std::size_t taken = 0, refused = 0;
    for (int i = 0; i < 30000; ++i) {
        std::string const text = mutate(seed);
        try {
            mw::detail::json_cursor at(text, "x", 6);
            at.skip();
            at.end();
            ++taken;
        } catch (mw::input_error const& e) {
            ++refused;
            if (std::string(e.what()).find("x, byte ") != 0) FAIL(e.what());
        }
    }
    CHECK(taken > 1000);
    CHECK(refused > 10000);
}

TEST_CASE("safetensors: what is taken fills the file, element by element") {
    std::vector<mw::detail::stored_tensor> tensors{{"a", mw::detail::stored_type::F32, {2, 3}},
                                                   {"b", mw::detail::stored_type::U8, {4}},
                                                   {"c", mw::detail::stored_type::BF16, {}}};
    std::string const header = mw::detail::safetensors_header(tensors, {{"k", "v"}}).substr(8);
    mutator mutate(2);
    std::mt19937_64 random(3);
    std::size_t taken = 0, refused = 0;
    one_file file;
    for (int i = 0; i < 30000; ++i) {
        std::string const json = i % 4 == 0 ? header : mutate(header);
        std::uint64_t length = json.size();
        if (random() % 16 == 0) length += random() % 5 - 2;
        if (random() % 64 == 0) length = random();
        file.bytes.assign(8, '\0');
        std::memcpy(file.bytes.data(), &length, 8);
        file.bytes += json + std::string(random() % 16 == 0 ? random() % 40 : 30, 'x');
        try {
            mw::detail::safetensors_file const read("x", file);
            ++taken;
            std::uint64_t at = read.data_begin();
            for (auto const& t : read.tensors()) {
                REQUIRE(t.begin == at);
                REQUIRE(t.end - t.begin == mw::detail::checked_bytes(t.shape, t.type));
                REQUIRE(read.find(t.name) == &t);
                at = t.end;
            }
            REQUIRE(at == file.bytes.size());
        } catch (mw::input_error const& e) {
            ++refused;
            if (std::string(e.what()).find("'x', byte ") != 0) FAIL(e.what());
        }
    }
    CHECK(taken > 1000);
    CHECK(refused > 10000);
}

TEST_CASE("manifests with a right checksum: what is taken lies inside its files, each element once") {
    std::vector<std::string> lines;
    for (std::size_t rank = 0; rank < 2; ++rank) {
        mw::detail::saved_file const file{.bytes = 200, .digest = 7, .checksums = {9}};
        lines.push_back(mw::detail::file_line(
            rank, file, {{{"a", mw::detail::stored_type::F32, {2, 3}, 100, 124}, {4, 3}, {2 * rank, 0}}}));
    }
    std::string const text = mw::detail::manifest_text(5, "dp 2", {{"n", "3"}}, lines);
    std::string const body = text.substr(0, text.rfind('\n', text.size() - 2) + 1);
    REQUIRE(text == body + mw::detail::checksum_line(body));
    mutator mutate(4);
    std::size_t taken = 0, refused = 0;
    std::string const path = "x";
    for (int i = 0; i < 30000; ++i) {
        std::string const changed = i == 0 ? body : mutate(body),
                          whole = changed + mw::detail::checksum_line(changed);
        try {
            auto const read = mw::detail::manifest_reader(path, whole).read();
            ++taken;
            for (auto const& [name, tensor] : read.tensors) {
                std::uint64_t elements = 0;
                for (auto const& part : tensor.boxes) {
                    elements += part.where.size();
                    REQUIRE(part.file < read.files.size());
                    REQUIRE(part.begin + part.where.size() * mw::detail::stored_bytes(tensor.type) <=
                            read.files[part.file].bytes);
                }
                REQUIRE(elements == mw::detail::checked_bytes(tensor.shape, mw::detail::stored_type::U8));
            }
        } catch (mw::input_error const& e) {
            ++refused;
            if (std::string(e.what()).find("'x'") != 0) FAIL(e.what());
        }
    }
    CHECK(taken > 500);
    CHECK(refused > 10000);
}

}  // namespace
