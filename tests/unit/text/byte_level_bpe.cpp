// byte_level_bpe: GPT-2's public vectors, any bytes there and back, merges against the plain definition, files refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>

#include <meshwise/text/tokenizers/byte_level_bpe.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::dice;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

namespace {

std::vector<std::string> byte_tokens() {
    std::vector<std::string> tokens;
    for (int b = 0; b < 256; ++b) tokens.push_back(std::string(1, static_cast<char>(b)));
    return tokens;
}

/// The bytes, "he" 256, "ll" 257, "llo" 258, "hello" 259, " w" 260, "</s>" 261.
mw::vocabulary tiny_vocabulary() {
    auto tokens = byte_tokens();
    for (auto const* more : {"he", "ll", "llo", "hello", " w", "</s>"}) tokens.push_back(more);
    return mw::vocabulary(tokens, {.eos = "</s>"});
}
mw::byte_level_bpe tiny(mw::byte_level_options options = {}) {
    std::vector<mw::bpe_merge> const merges{
        {'h', 'e', 256, 0}, {'l', 'l', 257, 1}, {257, 'o', 258, 2}, {256, 258, 259, 3}, {' ', 'w', 260, 4}};
    return mw::byte_level_bpe(tiny_vocabulary(), merges, options);
}

/// The definition: of all pairs of neighbours the one of the lowest rank, the leftmost, joins; again.
std::vector<std::int32_t> joined_naively(std::vector<std::int32_t> symbols,
                                         std::vector<mw::bpe_merge> const& merges) {
    std::map<std::pair<std::int32_t, std::int32_t>, mw::bpe_merge> table;
    for (auto const& one : merges) table.emplace(std::pair(one.left, one.right), one);
    for (;;) {
        mw::bpe_merge const* best = nullptr;
        std::size_t at = 0;
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            auto const found = table.find({symbols[i], symbols[i + 1]});
            if (found == table.end() || (best && best->rank <= found->second.rank)) continue;
            best = &found->second;
            at = i;
        }
        if (!best) return symbols;
        symbols[at] = best->joined;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
}

}  // namespace

TEST_CASE("bpe_merges: short and long pieces against the definition, in any order of ranks") {
    dice roll{11};
    for (int round = 0; round < 400; ++round) {
        std::uint32_t const letters = 2 + roll(3);
        std::vector<mw::bpe_merge> merges;
        std::map<std::pair<std::int32_t, std::int32_t>, bool> known;
        for (std::uint32_t n = 1 + roll(30), tokens = letters; n > 0; --n, ++tokens) {
            auto const left = static_cast<std::int32_t>(roll(tokens)),
                       right = static_cast<std::int32_t>(roll(tokens));
            if (known.emplace(std::pair(left, right), true).second)
                merges.push_back({left, right, static_cast<std::int32_t>(tokens), roll(40)});
        }
        mw::detail::bpe_merges const table(merges);
        CHECK_FALSE(table.repeated());
        for (std::uint32_t length : {roll(8), 10 + roll(54), 64U, 65U, 100 + roll(200)}) {
            std::vector<std::int32_t> plain;
            std::vector<mw::detail::bpe_symbol> symbols;
            for (std::uint32_t i = 0; i < length; ++i) {
                plain.push_back(static_cast<std::int32_t>(roll(letters)));
                symbols.push_back({plain.back(), i});
            }
            table.apply(symbols);
            std::vector<std::int32_t> fast;
            for (std::size_t i = 0; i < symbols.size(); ++i) {
                fast.push_back(symbols[i].id);
                CHECK((i == 0 ? symbols[i].begin == 0 : symbols[i].begin > symbols[i - 1].begin));
            }
            CHECK(fast == joined_naively(plain, merges));
        }
    }
}

TEST_CASE("byte_level_bpe: the merges of a .tiktoken are those that all cuts of all tokens would give") {
    dice roll{3};
    for (int round = 0; round < 300; ++round) {
        auto tokens = byte_tokens();
        std::uint32_t const letters = 1 + roll(3);
        std::map<std::string, bool> known;
        for (std::uint32_t n = roll(40); n > 0; --n) {  // joined from others, or any letters
            std::string token;
            if (roll(3) > 0 && tokens.size() > 256)
                token = tokens[256 + roll(static_cast<std::uint32_t>(tokens.size() - 256))];
            for (std::uint32_t m = 1 + roll(3); m > 0; --m) token += static_cast<char>('a' + roll(letters));
            if (token.size() > 1 && known.emplace(token, true).second)
                tokens.insert(tokens.begin() + 256 + roll(static_cast<std::uint32_t>(tokens.size() - 255)),
                              token);
        }
        mw::vocabulary const v(tokens);
        std::vector<mw::bpe_merge> cuts;
        for (std::size_t i = 0; i < tokens.size(); ++i)
            for (std::size_t cut = 1; cut < tokens[i].size(); ++cut) {
                auto const left = v.token_to_id(tokens[i].substr(0, cut)),
                           right = v.token_to_id(tokens[i].substr(cut));
                if (left && right)
                    cuts.push_back(
                        {*left, *right, static_cast<std::int32_t>(i), static_cast<std::uint32_t>(i)});
            }
        auto const few = mw::detail::merges_from_tokens(
            v, [](std::int32_t id) { return static_cast<std::uint32_t>(id); },
            [&](std::string_view token, auto& symbols) {
                return mw::detail::bytes_of_token(v, token, symbols);
            });
        CHECK(few.size() <= tokens.size() - 256);
        mw::detail::bpe_merges const all_table(cuts), few_table(few);
        for (int text = 0; text < 20; ++text) {
            std::vector<mw::detail::bpe_symbol> one, other;
            for (std::uint32_t n = roll(text < 15 ? 40U : 200U), i = 0; i < n; ++i)
                one.push_back({static_cast<std::int32_t>('a' + roll(letters)), i});
            other = one;
            all_table.apply(one);
            few_table.apply(other);
            bool same = one.size() == other.size();
            for (std::size_t i = 0; same && i < one.size(); ++i) same = one[i].id == other[i].id;
            if (!same) FAIL(round);
        }
    }
}

TEST_CASE("byte_level_bpe: a .tiktoken of long tokens takes neither quadratic time nor quadratic memory") {
    // with all cuts of 3,000 tokens of one letter, 4.5 million merges of 16 bytes in a table twice as large
    auto tokens = byte_tokens();
    for (std::size_t n = 2; n <= 3000; ++n) tokens.push_back(std::string(n, 'a'));
    mw::vocabulary const v(tokens);
    auto const merges = mw::detail::merges_from_tokens(
        v, [](std::int32_t id) { return static_cast<std::uint32_t>(id); },
        [&](std::string_view token, auto& symbols) { return mw::detail::bytes_of_token(v, token, symbols); });
    CHECK(merges.size() <= 2999);
    mw::byte_level_bpe const t(v, merges, {.ignore_merges = true});
    CHECK(t.encode(std::string(3000, 'a')).ids == ids{256 + 2998});
    std::string const text(100'000, 'a');
    CHECK(t.decode(t.encode(text).ids) == text);
}

TEST_CASE("byte_level_bpe: ids, offsets and text of a tiny vocabulary") {
    auto const t = tiny();
    auto const made = t.encode("hello we llo");
    CHECK(made.ids == ids{259, 260, 'e', ' ', 258});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 5}, {5, 7}, {7, 8}, {8, 9}, {9, 12}});
    CHECK(t.decode(made.ids) == "hello we llo");
    CHECK(t.encode("").ids.empty());
    CHECK(t.decode({}).empty());
    CHECK(t.vocab_size() == 262);
    CHECK(t.token_to_id("llo") == 258);
    CHECK(t.id_to_token(260) == " w");
    CHECK(t.special().eos == 261);
    std::vector<std::string> const texts{"he", "", "llo"};
    auto const batch = t.encode_batch(texts);
    REQUIRE(batch.size() == 3);
    CHECK(batch[0].ids == ids{256});
    CHECK(batch[1].ids.empty());
    CHECK(batch[2].ids == ids{258});
}

TEST_CASE("byte_level_bpe: names of special tokens are text unless asked otherwise") {
    auto const t = tiny({.frame = {.before = {}, .after = {261}}});
    CHECK(t.encode("he</s>").ids == ids{256, '<', '/', 's', '>'});
    auto const asked = t.encode("he</s>llo", {.special_text = true});
    CHECK(asked.ids == ids{256, 261, 258});
    CHECK(asked.offsets == std::vector<mw::text_range>{{0, 2}, {2, 6}, {6, 9}});
    auto const framed = t.encode("he", {.add_special_tokens = true});
    CHECK(framed.ids == ids{256, 261});
    CHECK(framed.offsets.back() == mw::text_range{2, 2});
    CHECK(t.decode(asked.ids) == "hello");
    CHECK(t.decode(asked.ids, false) == "he</s>llo");
}

TEST_CASE("byte_level_bpe: a token that no merges make is used only if merges are ignored") {
    auto tokens = byte_tokens();
    tokens.push_back("ab");
    CHECK(mw::byte_level_bpe(mw::vocabulary(tokens), {}).encode("ab").ids == ids{'a', 'b'});
    CHECK(mw::byte_level_bpe(mw::vocabulary(tokens), {}, {.ignore_merges = true}).encode("ab").ids ==
          ids{256});
}

TEST_CASE("byte_level_bpe: decoding undoes encoding for any bytes") {
    std::vector<mw::byte_level_bpe> all;
    for (auto how : {mw::splitting::gpt2, mw::splitting::llama3, mw::splitting::qwen2, mw::splitting::none})
        all.push_back(tiny({.split = how, .nfc = false}));
    auto const qwen2 = tiny({.split = mw::splitting::qwen2});  // gives back the text in NFC
    dice roll{5};
    for (int round = 0; round < 100000; ++round) {
        std::string bytes;
        for (std::uint32_t n = roll(24), i = 0; i < n; ++i) {
            auto const kind = roll(4);
            bytes += kind == 0 ? static_cast<char>(roll(256)) : "hello w\n'1\xc3\xa9\xe3\x80\x80"[roll(15)];
        }
        auto const& t = all[static_cast<std::size_t>(round) % all.size()];
        auto const made = t.encode(bytes);
        std::size_t at = 0;
        bool in_order = true;
        for (std::size_t i = 0; i < made.size(); ++i) {
            in_order =
                in_order && made.offsets[i].begin == at &&
                t.id_to_token(made.ids[i]) == std::string_view(bytes).substr(at, made.offsets[i].end - at);
            at = made.offsets[i].end;
        }
        if (!in_order || at != bytes.size() || t.decode(made.ids) != bytes) FAIL(round);
        auto const normal = mw::detail::nfc(bytes);
        if (qwen2.decode(qwen2.encode(bytes).ids) != (normal ? normal->text : bytes)) FAIL(round);
    }
}

TEST_CASE("byte_level_bpe: a stream gives the text of the whole, characters only when they are complete") {
    auto const t = tiny();
    mw::decode_stream out(t);
    CHECK(out.push(259) == "hello");
    CHECK(out.push(261) == "");
    CHECK(out.push(0xe2) == "");
    CHECK(out.push(0x82) == "");
    CHECK(out.push(0xac) == "\xe2\x82\xac");
    CHECK(out.push(0xc3) == "");
    CHECK(out.finish() == "\xef\xbf\xbd");
    CHECK(mw::decode_stream(t, false).push(261) == "</s>");
    CHECK(refusal<mw::error>([&] { out.push(262); }) ==
          "token id 262 is not in the vocabulary, which has the ids 0 to 262 without the last; check "
          "that the ids come from this tokenizer");
}

TEST_CASE("byte_level_bpe: a stream keeps control characters, or replaces them for a terminal") {
    auto const t = tiny();
    std::string text;
    for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
    text += "\r\n\xc2\x85\xc2\x9b\xe2\x82\xac";
    auto const found = t.encode(text).ids;
    auto const streamed = [&](auto... options) {
        mw::decode_stream out(t, options...);
        std::string all;
        for (auto id : found) all += out.push(id);
        return all + out.finish();
    };
    CHECK(streamed() == text);
    CHECK(streamed() == t.decode(found));
    auto const safe = streamed(true, mw::control_characters::replace);
    CHECK(safe.find('\r') == safe.npos);
    CHECK(safe.find('\x1b') == safe.npos);
    CHECK(safe.find("\xc2\x9b") == safe.npos);
    CHECK(safe.find("ABC") != safe.npos);
}

TEST_CASE("byte_level_bpe: Qwen2 brings a text to NFC, with offsets in the text as it was given") {
    text_test::workplace here("qwen2");
    auto const plain = tiny();
    auto const vocab = here.file("vocab.json", plain.vocab_json()),
               merges = here.file("merges.txt", plain.merges_txt());
    auto const load = [&](mw::byte_level_options const& options) {
        return mw::byte_level_bpe::from_vocab_and_merges(vocab, merges, {.eos = "</s>"}, options);
    };
    std::string const apart = "he e\xcc\x81 he", composed = "he \xc3\xa9 he";
    auto const qwen = load({.split = mw::splitting::qwen2});
    auto const made = qwen.encode(apart);
    CHECK(made.ids == ids{256, ' ', 0xc3, 0xa9, ' ', 256});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 2}, {2, 3}, {3, 6}, {3, 6}, {6, 7}, {7, 9}});
    CHECK(qwen.decode(made.ids) == composed);
    CHECK(load({.split = mw::splitting::llama3}).encode(apart).ids.size() == 7);
    CHECK(load({.split = mw::splitting::qwen2, .nfc = false}).encode(apart).ids.size() == 7);
    CHECK(load({.split = mw::splitting::gpt2, .nfc = true}).encode(apart).ids == made.ids);
    CHECK(qwen.encode("e</s>\xcc\x81", {.special_text = true}).ids == ids{'e', 261, 0xcc, 0x81});
}

TEST_CASE("byte_level_bpe: trimmed offsets do not include spaces") {
    auto const t = tiny({.trim_offsets = true});
    auto const made = t.encode("he we  ");
    CHECK(made.ids == ids{256, 260, 'e', ' ', ' '});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 2}, {3, 4}, {4, 5}, {6, 6}, {7, 7}});
}

TEST_CASE("byte_level_bpe: added tokens that are normalised come after those that are not") {
    auto tokens = byte_tokens();
    auto const cut = [&](bool normalized) {
        return mw::byte_level_bpe(
                   mw::vocabulary(tokens, {}, {{"ab", 256, false, normalized}, {"bc", 257, false, false}}),
                   {})
            .encode("abc ab")
            .ids;
    };
    CHECK(cut(false) == ids{256, 'c', ' ', 256});
    CHECK(cut(true) == ids{'a', 257, ' ', 256});
    mw::byte_level_bpe const composed(
        mw::vocabulary(tokens, {}, {{"e\xcc\x81", 256, false, true}, {"o\xcc\x81", 257, false, false}}), {},
        {.nfc = true});
    CHECK(composed
              .encode("\xc3\xa9"
                      "e\xcc\x81\xc3\xb3"
                      "o\xcc\x81")
              .ids == ids{256, 256, 0xc3, 0xb3, 257});
}

TEST_CASE("byte_level_bpe: long lines without a place to split take no quadratic time") {
    // at 1 microsecond a step, a quadratic method would take a day for the first of them
    auto const t = tiny();
    CHECK(t.encode(std::string(300000, 'l')).size() == 150000);
    CHECK(t.encode(std::string(300000, ' ')).size() == 300000);
    std::string marks;
    while (marks.size() < 300000) marks += "\xcc\x81";
    CHECK(t.encode(marks).size() == 300000);
}

TEST_CASE("byte_level_bpe: vocab.json and merges.txt, and what is refused in them") {
    text_test::workplace const here("byte-level");
    std::string vocab = "{";
    for (std::size_t b = 0; b < 256; ++b) {
        std::string letter;
        mw::append_utf8(letter, mw::detail::byte_letters()[b]);
        vocab +=
            (letter == "\"" || letter == "\\" ? "\"\\" : "\"") + letter + "\":" + std::to_string(b) + ",";
    }
    auto const load = [&](std::string const& more, std::string const& merges) {
        return mw::byte_level_bpe::from_vocab_and_merges(here.file("vocab.json", vocab + more + "}"),
                                                         here.file("merges.txt", merges),
                                                         {.eos = "<\xe2\x82\xac>"});
    };
    std::string const eos = R"("<)"
                            "\xe2\x82\xac"
                            R"(>": 258)";
    std::string const more = R"("\u0120w":256,"\u0120wo":257,)" + eos;
    auto const t = load(more, "#version: 0.2\n\xc4\xa0 w\r\n\xc4\xa0w o\n");
    CHECK(t.encode("x wow").ids == ids{'x', 257, 'w'});
    CHECK(t.id_to_token(257) == " wo");
    CHECK(t.special().eos == 258);
    CHECK(t.decode(t.encode(" wo<\xe2\x82\xac>", {.special_text = true}).ids, false) == " wo<\xe2\x82\xac>");

    auto const again = mw::byte_level_bpe::from_vocab_and_merges(here.file("vocab.json", t.vocab_json()),
                                                                 here.file("merges.txt", t.merges_txt()),
                                                                 {.eos = "<\xe2\x82\xac>"});
    CHECK(again.special().eos == 258);
    CHECK(t.vocab_json().find("\"<\xe2\x82\xac>\": 258") != std::string::npos);  // in no byte letters
    CHECK(again.encode("x wow").ids == ids{'x', 257, 'w'});

    auto const refused = [&](std::string const& m, std::string const& merges) {
        auto words = refusal([&] { load(m, merges); });
        auto const folder = here.at.string() + "/";
        for (auto at = words.find(folder); at != words.npos; at = words.find(folder))
            words.erase(at, folder.size());
        return words;
    };
    CHECK(refused(eos + R"(,"a b":256)", "") ==
          "JSON file 'vocab.json', byte 2122: the token 'a b' is not in GPT-2's spelling of bytes; if it "
          "is a special token, name it as one");
    CHECK(refused(eos + R"(,"x":-1)", "").find("the key \"x\" occurs twice") != std::string::npos);
    CHECK(
        refused(eos + R"(,"xx":-1)", "") ==
        "vocabulary 'vocab.json': the token 'xx' has the id -1; ids are int32, begin at 0 and have few gaps");
    CHECK(refused(eos + R"(,"xx":5.5)", "") ==
          "JSON file 'vocab.json', byte 2121: the id of 'xx' is '5.5', not a whole number of 64 bits");
    CHECK(refused(eos + R"(,"xx":5)", "").find("id 5 has two tokens") != std::string::npos);
    CHECK(refused(R"("xx":256)", "") == "vocabulary 'vocab.json' has no token '<\xe2\x82\xac>', which was "
                                        "named as eos; name one that it has, or "
                                        "none");
    CHECK(refused(more, "\xc4\xa0 w\nab\n") ==
          "merges file 'merges.txt', line 2: 'ab' is not two tokens with a space between them");
    CHECK(refused(more, "\n") ==
          "merges file 'merges.txt', line 1: '' is not two tokens with a space between them");
    CHECK(refused(more, "a b c\n") ==
          "merges file 'merges.txt', line 1: 'a b c' is not two tokens with a space between them");
    CHECK(refused(more, "ab c\n") ==
          "merges file 'merges.txt', line 1: the merge of 'ab' and 'c' needs the token "
          "'ab', which is not in the vocabulary");
    CHECK(refused(more, "a b\n") ==
          "merges file 'merges.txt', line 1: the merge of 'a' and 'b' makes the token 'ab', which is not "
          "in the vocabulary");
    CHECK(refused(more, "\xc4\xa0 w\n\xc4\xa0 w\n") ==
          "vocabulary 'vocab.json': a pair of tokens has two merges; give each pair once");
    CHECK(refusal([&] {
              mw::byte_level_bpe::from_vocab_and_merges(here.file("v.json", R"({"<|endoftext|>":0})"),
                                                        here.file("m.txt", ""));
          }).find("has no token for the byte 0; a byte-level vocabulary has one for each of the 256") !=
          std::string::npos);
    CHECK(refusal([&] {
              mw::byte_level_bpe::from_vocab_and_merges(here.at / "none.json", here.at);
          }).find("none.json' does not exist; give the path of a JSON file") != std::string::npos);
}

TEST_CASE("byte_level_bpe: tiktoken files, and what is refused in them") {
    text_test::workplace const here("tiktoken");
    std::string const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    for (std::size_t b = 0; b < 256; ++b)
        bytes += std::string{digits[b >> 2U], digits[(b & 3U) << 4U]} + "== " + std::to_string(b) + "\n";
    auto const load = [&](std::string const& more) {
        return mw::byte_level_bpe::from_tiktoken(here.file("ranks", bytes + more), {}, {{"<|end|>", 300}},
                                                 {.eos = "<|end|>"});
    };
    // "ab" 256, "abc" 257; "bc" 258 joins after "ab"
    auto const t = load("YWI= 256\nYWJj 257\nYmM= 258\n");
    CHECK(t.encode("abc").ids == ids{257});
    CHECK(t.encode("xabcx").ids == ids{'x', 257, 'x'});
    CHECK(t.encode("bcab").ids == ids{258, 256});
    CHECK(t.special().eos == 300);
    CHECK(t.vocab_size() == 301);
    CHECK(t.encode("a<|end|>", {.special_text = true}).ids == ids{'a', 300});
    auto const refused = [&](std::string const& more) {
        auto const words = refusal([&] { load(more); });
        return words.substr(std::min(words.find("line"), words.size()));
    };
    CHECK(refused("YWI 256\n") == "line 257: 'YWI 256' is not a token in base64, a space and its rank");
    CHECK(refused("Y=I= 256\n") == "line 257: 'Y=I= 256' is not a token in base64, a space and its rank");
    CHECK(refused("YWI=\n") == "line 257: 'YWI=' is not a token in base64, a space and its rank");
    CHECK(refused("YWI= x\n") == "line 257: 'YWI= x' is not a token in base64, a space and its rank");
    CHECK(refused(" 256\n") == "line 257: ' 256' is not a token in base64, a space and its rank");
    CHECK(refused("YWI= 255\n") == "line 257: the rank 255 occurs twice");
    CHECK(refused("YWI= 1000000\n") ==
          "line 257: the token 'ab' has the id 1000000; ids are int32, begin at 0 and have few gaps");
    std::string long_token;
    for (int i = 0; i < 1400; ++i) long_token += "YWFh";
    CHECK(refused(long_token + " 256\n") == "line 257: a token of 4200 bytes is no token");
}

TEST_CASE("byte_level_bpe: the public vectors of GPT-2, from both kinds of files") {
    auto const data = shared_data("tokenizers");
    if (!data) return;
    auto const from_merges = mw::byte_level_bpe::from_vocab_and_merges(*data / "gpt2" / "vocab.json",
                                                                       *data / "gpt2" / "merges.txt");
    auto const from_ranks = mw::byte_level_bpe::from_tiktoken(*data / "gpt2" / "r50k_base.tiktoken", {},
                                                              {{"<|endoftext|>", 50256}});
    CHECK(from_merges.vocab_size() == 50257);
    CHECK(from_merges.special().eos == 50256);
    CHECK(from_merges.special().pad == std::nullopt);
    dice roll{29};
    for (int round = 0; round < 100000; ++round) {
        std::string bytes;
        for (std::uint32_t n = roll(20), kind = roll(3); n > 0; --n)
            bytes += static_cast<char>(kind == 0 ? roll(256) : kind == 1 ? 32 + roll(96) : 0x80 | roll(128));
        if (from_ranks.decode(from_ranks.encode(bytes).ids) != bytes) FAIL(round);
        if (from_ranks.encode(bytes).ids != from_merges.encode(bytes).ids) FAIL(round);
    }
    auto const vectors = text_test::vectors(*data / "vectors" / "gpt-2");
    CHECK(vectors.size() == 46);
    for (auto const& [text, expected] : vectors)
        for (auto const* t : {&from_merges, &from_ranks}) {
            CHECK(t->encode(text).ids == expected);
            CHECK(t->decode(expected) == text);
        }
}
