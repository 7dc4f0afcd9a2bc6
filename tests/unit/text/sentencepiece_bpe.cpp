// sentencepiece_bpe: a tiny tokenizer.bin, the one of stories260K, any bytes there and back.
#include <doctest/doctest.h>

#include <bit>
#include <map>

#include <meshwise/parse/json.hpp>
#include <meshwise/text/tokenizers/sentencepiece_bpe.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::dice;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

namespace {

std::string number(std::uint32_t n) {
    std::string bytes;
    for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(n >> (8 * i) & 255U);
    return bytes;
}
std::string entry(std::string const& token, float score) {
    return number(std::bit_cast<std::uint32_t>(score)) + number(static_cast<std::uint32_t>(token.size())) +
           token;
}
/// unk, bos, eos, 256 bytes, then these with falling scores: ids from 259.
std::string file_of(std::vector<std::string> const& tokens) {
    std::string bytes = number(20) + entry("<unk>", 0) + entry("\n<s>\n", 0) + entry("\n</s>\n", 0);
    for (std::size_t b = 0; b < 256; ++b) bytes += entry(mw::sentencepiece_bpe::byte_name(b), 0);
    for (std::size_t i = 0; i < tokens.size(); ++i) bytes += entry(tokens[i], -static_cast<float>(i));
    return bytes;
}
mw::sentencepiece_bpe tiny(bool space_before = true) {
    return mw::sentencepiece_bpe::from_llama2c_bytes(
        file_of({"he", " he", "ll", "llo", " ", "h", "e", "l", "o", "<", "s", ">", "<s", "\xc3\xa9"}), "f",
        space_before);
}

/// llama2.c's way: of all neighbours whose joined bytes are a token the best score, the first, joins; again.
ids naive(std::vector<std::string> const& tokens, std::vector<float> const& scores, std::string const& text) {
    std::map<std::string, std::int32_t> known;
    for (std::size_t i = 0; i < tokens.size(); ++i) known.emplace(tokens[i], static_cast<std::int32_t>(i));
    ids made;
    std::string const spaced = " " + text;
    for (std::size_t at = 0, n = 0; at < spaced.size(); at += n) {
        n = mw::utf8_at(spaced, at).length;
        if (auto const found = known.find(spaced.substr(at, n)); found != known.end())
            made.push_back(found->second);
        else
            for (std::size_t i = 0; i < n; ++i)
                made.push_back(static_cast<unsigned char>(spaced[at + i]) + 3);
    }
    for (;;) {
        float best = -1e10F;
        std::size_t where = made.size();
        std::int32_t id = 0;
        for (std::size_t i = 0; i + 1 < made.size(); ++i) {
            auto const found = known.find(tokens[static_cast<std::size_t>(made[i])] +
                                          tokens[static_cast<std::size_t>(made[i + 1])]);
            if (found == known.end() || scores[static_cast<std::size_t>(found->second)] <= best) continue;
            best = scores[static_cast<std::size_t>(found->second)];
            where = i;
            id = found->second;
        }
        if (where == made.size()) return made;
        made[where] = id;
        made.erase(made.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
}

}  // namespace

TEST_CASE("sentencepiece_bpe: ids, offsets and text of a tiny vocabulary") {
    auto const t = tiny();
    CHECK(t.vocab_size() == 273);
    CHECK(t.special() == mw::special_tokens{.bos = 1, .eos = 2, .unk = 0});
    auto const made = t.encode("hello  h\xc3\xa9\xc3\xbf");
    // "he" joins before " he" could, and " " + "he" follows
    CHECK(made.ids == ids{260, 262, 263, 263, 264, 272, 0xc3 + 3, 0xbf + 3});
    CHECK(made.offsets ==
          std::vector<mw::text_range>{{0, 2}, {2, 5}, {5, 6}, {6, 7}, {7, 8}, {8, 10}, {10, 11}, {11, 12}});
    CHECK(t.decode(made.ids) == "hello  h\xc3\xa9\xc3\xbf");
    CHECK(t.encode("").ids.empty());
    CHECK(t.encode("h", {.add_special_tokens = true}).ids == ids{1, 263, 264});
    CHECK(t.decode(ids{1, 263, 264}) == "h");
    CHECK(t.decode(ids{1, 263, 264}, false) == "<s> h");
    CHECK(t.encode("h\xe2\x96\x81h").ids == t.encode("h h").ids);  // U+2581
    auto const bare = tiny(false);
    CHECK(bare.encode("he").ids == ids{259});
    CHECK(bare.decode(ids{260}) == " he");
}

TEST_CASE("sentencepiece_bpe: the highest score joins first, wherever it is") {
    auto const t =
        mw::sentencepiece_bpe::from_llama2c_bytes(file_of({"bc", "ab", "a", "b", "c"}), "f", false);
    CHECK(t.encode("abc").ids == ids{261, 259});
    CHECK(t.encode("abab").ids == ids{260, 260});
    auto const over =
        mw::sentencepiece_bpe::from_llama2c_bytes(file_of({"a b", "a ", " ", "a", "b"}), "f", false);
    CHECK(over.encode("ba ba b").ids == ids{263, 259, 259});
}

TEST_CASE("sentencepiece_bpe: no text becomes a special token or a byte token by joining") {
    CHECK(tiny().encode("<s>").ids == ids{263, 271, 270});
    CHECK(tiny().encode("<s>", {.special_text = true}).ids == ids{1});
    std::string const file = number(20) + entry("<unk>", 0) + entry("<s>", 0) + entry("</s>", 0);
    std::string bytes = file;
    for (std::size_t b = 0; b < 256; ++b) bytes += entry(mw::sentencepiece_bpe::byte_name(b), 0);
    auto const t = mw::sentencepiece_bpe::from_llama2c_bytes(
        bytes + entry("<0x0", -1) + entry("A>", -2) + entry("<0x", -3) + entry("0", -4) + entry("<0", -5) +
            entry("x", -6) + entry("<", -7) + entry("A", -8) + entry(">", -9) + entry("x0", -9),
        "f", false);
    CHECK(t.encode("<0x0A>").ids == ids{259, 260});
}

TEST_CASE("sentencepiece_bpe: a stream, and the first space") {
    auto const t = tiny();
    mw::decode_stream out(t);
    CHECK(out.push(1) == "");
    CHECK(out.push(260) == "he");
    CHECK(out.push(260) == " he");
    CHECK(out.push(0xc3 + 3) == "");
    CHECK(out.push(0xa9 + 3) == "\xc3\xa9");
}

TEST_CASE("sentencepiece_bpe: decoding undoes encoding for any bytes, a long line too") {
    auto const t = tiny();
    dice roll{17};
    for (int round = 0; round < 20000; ++round) {
        std::string bytes;
        for (std::uint32_t n = roll(20); n > 0; --n)
            bytes += roll(3) == 0 ? static_cast<char>(roll(256)) : "hello <s>\xc3\xa9"[roll(11)];
        if (bytes.find("\xe2\x96\x81") != bytes.npos) continue;
        if (t.decode(t.encode(bytes).ids) != bytes) FAIL(round);
    }
    CHECK(t.encode(std::string(300000, 'l')).size() == 150001);
}

TEST_CASE("sentencepiece_bpe: without byte fallback a run of unknown characters is one unk") {
    mw::vocabulary const v({"<unk>", " ", "a"}, {.unk = "<unk>"});
    mw::sentencepiece_bpe const t(v, {}, {.byte_fallback = false});
    auto const made = t.encode("a\xc3\xa9xa");
    CHECK(made.ids == ids{1, 2, 0, 2});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 0}, {0, 1}, {1, 4}, {4, 5}});
    mw::sentencepiece_bpe const no_space(mw::vocabulary({"<unk>", "a"}, {.unk = "<unk>"}), {},
                                         {.byte_fallback = false});
    CHECK(no_space.encode("x y").ids == ids{0});
    // what is special is not text, even if it is one character
    mw::sentencepiece_bpe const u(mw::vocabulary({"<unk>", " ", "$"}, {.bos = "$", .unk = "<unk>"}), {},
                                  {.byte_fallback = false});
    CHECK(u.encode("$").ids == ids{1, 0});
    CHECK(refusal([&] { mw::sentencepiece_bpe x(v, {}); }) ==
          "the vocabulary has no token <0x00>; byte fallback takes one for each of the 256 bytes");
    CHECK(refusal<mw::error>([] {
              mw::sentencepiece_bpe x(mw::vocabulary({"a"}), {}, {.byte_fallback = false});
          }).find("has no unk token") != std::string::npos);
}

TEST_CASE("sentencepiece_bpe: what is refused in a tokenizer.bin") {
    auto const refused = [](std::string const& bytes) {
        return refusal([&] { mw::sentencepiece_bpe::from_llama2c_bytes(bytes, "f"); });
    };
    auto const good = file_of({"a"});
    CHECK(refused("") == "f, byte 0: the file ends inside a number");
    CHECK(refused(number(7)) == "f, byte 4: the file has no tokens for unk, bos and eos");
    CHECK(refused(good.substr(0, 6)) == "f, byte 4: the file ends inside a number");
    CHECK(refused(good.substr(0, good.size() - 1))
              .ends_with("a token of 1 bytes, where 0 follow and the longest has 20"));
    CHECK(refused(number(7) + number(0) + number(0xffffffffU) + "abc") ==
          "f, byte 12: a token of 4294967295 bytes, where 3 follow and the longest has 7");
    CHECK(refused(number(7) + number(0) + number(0)) ==
          "f, byte 12: a token of 0 bytes, where 0 follow and the longest has 7");
    CHECK(refused(number(7) + number(0x7fc00000U) + number(1) + "a") ==
          "f, byte 8: the score of token 0 is not a number");
    CHECK(refused(number(7) + entry("a", 0) + entry("b", 0) + entry("c", 0))
              .starts_with("f has no token <0x00>"));
    CHECK(refused(good + entry("a", 0)) == "f: the token 'a' has the ids 259 and 260; a token has one id");
}

TEST_CASE("sentencepiece_bpe: tok512 gives the golden text of stories260K, and encodes as llama2.c does") {
    auto const tokenizers = shared_data("tokenizers");
    auto const models = shared_data("models");
    if (!tokenizers || !models) return;
    auto const path = *tokenizers / "tok512" / "tok512.bin";
    auto const t = mw::sentencepiece_bpe::from_llama2c(path);
    CHECK(t.vocab_size() == 512);
    auto const golden = mw::json::from_file(*models / "stories260K" / "golden.json");
    ids expected;
    for (auto const& id : golden.at("ids", "golden").array("ids"))
        expected.push_back(static_cast<std::int32_t>(id.integer("id")));
    auto const& text = golden.at("text", "golden").string("text");
    CHECK(t.decode(expected) == text);

    std::string const bytes = mw::detail::read_input(path);
    std::vector<std::string> tokens;
    std::vector<float> scores;
    auto const at_byte = [&](std::size_t at) {
        std::uint32_t n = 0;
        for (unsigned i = 0; i < 4; ++i)
            n |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
        return n;
    };
    for (std::size_t at = 4; at < bytes.size(); at += 8 + tokens.back().size()) {
        scores.push_back(std::bit_cast<float>(at_byte(at)));
        tokens.push_back(bytes.substr(at + 8, at_byte(at + 4)));
    }
    for (std::string const& one :
         {text, std::string("Zo\xc3\xab saw  a \xf0\x9f\x90\xb6!\n\tHe"), std::string("\xff")})
        CHECK(t.encode(one).ids == naive(tokens, scores, one));
}
