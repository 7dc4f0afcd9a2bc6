// wordpiece: BERT's public vectors; a tiny vocabulary for every path; files refused.
#include <algorithm>

#include <doctest/doctest.h>

#include <meshwise/text/tokenizers/wordpiece.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

namespace {

mw::vocabulary tiny_vocabulary() {
    return mw::vocabulary({"[UNK]", "un", "##aff", "##able", "a", "##b", "b", ",", "\xe4\xb8\xad", "i",
                           "\xc3\x89", "i\xcc\x87", "[CLS]"},
                          {.unk = "[UNK]", .cls = "[CLS]"});
}
ids cut(std::string_view text, mw::wordpiece_options options = {}) {
    return mw::wordpiece(tiny_vocabulary(), options).encode(text).ids;
}

}  // namespace

TEST_CASE("wordpiece: the longest token from the left, or unknown") {
    CHECK(cut("unaffable") == ids{1, 2, 3});
    CHECK(cut("unaffables") == ids{0});
    CHECK(cut("ab ba b") == ids{4, 5, 0, 6});
    CHECK(cut("") == ids{});
    CHECK(cut(" \t\n") == ids{});
    CHECK(cut(std::string(100, 'b')).size() == 100);
    CHECK(cut(std::string(101, 'b')) == ids{0});
    CHECK(cut("abb", {.longest_word = 2}) == ids{0});
    CHECK(cut("a[CLS]") == ids{4, 0, 0, 0});
}

TEST_CASE("wordpiece: normalisation") {
    CHECK(cut("A,b,,B") == ids{4, 7, 6, 7, 7, 6});
    CHECK(cut("a\xe4\xb8\xad"
              "b") == ids{4, 8, 6});  // a Chinese character is a word
    CHECK(cut("a\xe4\xb8\xad"
              "b",
              {.normalization = {.split_chinese = false}}) == ids{0});
    CHECK(cut("\xc3\x84") == ids{4});   // A with two dots
    CHECK(cut("A\xcc\x88") == ids{4});  // the same, decomposed
    CHECK(cut("A", {.normalization = {.lower_case = false}}) == ids{0});
    CHECK(cut("\xc3\x89", {.normalization = {.lower_case = false, .strip_accents = false}}) == ids{10});
    CHECK(cut("\xc4\xb0") == ids{9});  // I with a dot above
    CHECK(cut("\xc4\xb0", {.normalization = {.strip_accents = false}}) == ids{11});
    CHECK(cut("a\xe2\x80\x8b\x01"
              "b") == ids{4, 5});  // no width, control: vanish
    CHECK(cut("a\xc2\xa0"
              "b\xe2\x80\xa8"
              "b") == ids{4, 6, 6});  // spaces beyond ASCII
    CHECK(cut("a\x0b\xc2\x85"
              "b") == ids{4, 5});  // no spaces to BERT
    CHECK(cut("a\xff\xef\xbf\xbd"
              "b") == ids{4, 5});  // no UTF-8, and U+FFFD: vanish
}

TEST_CASE("wordpiece: a character that this Unicode does not know is none of those that BERT deletes") {
    mw::vocabulary const v({"[UNK]", "a", "b", "\xf0\x9f\xab\xa8", "##\xf0\x9f\xab\xa8"}, {.unk = "[UNK]"});
    mw::wordpiece const t(v);
    CHECK(t.encode("\xf0\x9f\xab\xa8").ids == std::vector<std::int32_t>{3});  // U+1FAE8, of Unicode 15
    CHECK(t.encode("a\xf0\x9f\xab\xa8").ids == std::vector<std::int32_t>{1, 4});
    CHECK(t.encode("a\xee\x80\x80 b\xe2\x80\x8b").ids == std::vector<std::int32_t>{1, 2});  // private, format
}

TEST_CASE(
    "wordpiece: added tokens that are normalised are found in the normalised text, the others as they are") {
    auto const with = [](bool normalized) {
        return mw::wordpiece(mw::vocabulary({"[UNK]", "a", "b"}, {.unk = "[UNK]"},
                                            {{"New\xc3\x89", 3, false, normalized}, {"<X>", 4, false}}));
    };
    std::string const text = "a NEW\xc3\x89 <X>new\x65\xcc\x81"
                             "b";
    auto const made = with(true).encode(text);
    CHECK(made.ids == std::vector<std::int32_t>{1, 3, 4, 3, 2});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 1}, {2, 7}, {8, 11}, {11, 15}, {17, 18}});
    CHECK(with(false).encode("a New\xc3\x89").ids == std::vector<std::int32_t>{1, 3});
    CHECK(with(false).encode("a new\xc3\x89").ids == std::vector<std::int32_t>{1, 0});
}

TEST_CASE("wordpiece: the normal form has the words of the text") {
    text_test::dice roll{8};
    std::vector<char32_t> const some{'a',   'B',   ' ',    '\t',   ',',    0xc9,
                                     0x130, 0x301, 0x4e2d, 0x200b, 0x1e9e, 0x212b};
    for (int round = 0; round < 4000; ++round) {
        std::string text;
        for (std::uint32_t n = roll(12); n > 0; --n)
            if (auto const c =
                    roll(4) == 0 ? roll(0xd800) : some[roll(static_cast<std::uint32_t>(some.size()))];
                c != 0)
                mw::append_utf8(text, c);
        mw::bert_normalization const how{roll(2) == 0, roll(2) == 0, roll(2) == 0};
        auto const words = [&](std::string_view of) {
            std::vector<std::u32string> all;
            mw::detail::for_each_bert_word(of, how, [&](auto const& word) {
                auto& one = all.emplace_back();
                for (auto const& letter : word) one += letter.code;
            });
            return all;
        };
        if (words(text) != words(mw::detail::bert_normal_text(text, how).text)) FAIL(text);
    }
}

TEST_CASE("wordpiece: decoding removes the spaces that Hugging Face's decoder removes") {
    mw::vocabulary const v({"[UNK]", "do", "n't", "'s", "...", "it", "##.", "do not"}, {.unk = "[UNK]"});
    mw::wordpiece const t(v, {.clean_up = true});
    CHECK(t.decode(std::vector<std::int32_t>{1, 2, 5, 3, 4, 6, 7}) == "don't it's.... don't");
    CHECK(mw::wordpiece(v).decode(std::vector<std::int32_t>{1, 2, 5, 3}) == "do n't it 's");
}

TEST_CASE("wordpiece: offsets are bytes of the text as it was given") {
    mw::wordpiece const t(tiny_vocabulary(), {.frame = {{12}, {}}});
    auto const made = t.encode("\xc3\x84"
                               "b  unaffable,\xff"
                               "ba",
                               {.add_special_tokens = true});
    CHECK(made.ids == ids{12, 4, 5, 1, 2, 3, 7, 0});
    CHECK(made.offsets ==
          std::vector<mw::text_range>{{0, 0}, {0, 2}, {2, 3}, {5, 7}, {7, 10}, {10, 14}, {14, 15}, {16, 18}});
    auto const asked = t.encode("b[CLS]b", {.special_text = true});
    CHECK(asked.ids == ids{6, 12, 6});
    CHECK(asked.offsets == std::vector<mw::text_range>{{0, 1}, {1, 6}, {6, 7}});
}

TEST_CASE("wordpiece: decoding joins what belongs to one word") {
    mw::wordpiece const t(tiny_vocabulary());
    CHECK(t.decode(ids{12, 1, 2, 3, 7, 4, 5}) == "unaffable , ab");
    CHECK(mw::wordpiece(tiny_vocabulary(), {.clean_up = true}).decode(ids{1, 7, 4}) == "un, a");
    CHECK(t.decode(ids{12, 4}, false) == "[CLS] a");
    mw::decode_stream out(t);
    CHECK(out.push(12) == "");
    CHECK(out.push(1) == "un");
    CHECK(out.push(2) == "aff");
    CHECK(out.push(4) == " a");
}

TEST_CASE("wordpiece: vocab.txt, and what is refused in it") {
    text_test::workplace const here("wordpiece");
    auto const t =
        mw::wordpiece::from_vocab_txt(here.file("vocab.txt", "[PAD]\r\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a"));
    CHECK(t.vocab_size() == 7);
    CHECK(t.special() == mw::special_tokens{.pad = 0, .unk = 1, .cls = 2, .sep = 3, .mask = 4});
    CHECK(t.encode("aa", {.add_special_tokens = true}).ids == ids{2, 5, 6, 3});
    auto const refused = [&](std::string const& bytes, mw::special_names const& roles) {
        auto const words =
            refusal([&] { mw::wordpiece::from_vocab_txt(here.file("vocab.txt", bytes), {}, roles); });
        return words.substr(std::min(words.find("vocab.txt'"), words.size()));
    };
    CHECK(refused("a\n\nb\n", {}) == "vocab.txt', line 2: is empty; a line has one token");
    CHECK(refused("a\nb\xff\n", {}) == "vocab.txt', line 2: is not UTF-8; a line has one token");
    CHECK(refused("a\nb\na\n", {}) == "vocab.txt': the token 'a' has the ids 0 and 2; a token has one id");
    CHECK(refused("a\n", {.unk = "[UNK]"}).find("has no token '[UNK]', which was named as unk") !=
          std::string::npos);
    CHECK(refusal<mw::error>([&] {
              mw::wordpiece::from_vocab_txt(here.file("vocab.txt", "a\n"), {}, {});
          }).find("has no unk token, and WordPiece needs one") != std::string::npos);
}

TEST_CASE("wordpiece: the public vectors of BERT") {
    auto const data = shared_data("tokenizers");
    if (!data) return;
    auto const t = mw::wordpiece::from_vocab_txt(*data / "bert-base-uncased" / "vocab.txt");
    CHECK(t.special() == mw::special_tokens{.pad = 0, .unk = 100, .cls = 101, .sep = 102, .mask = 103});
    auto const vectors = text_test::vectors(*data / "vectors" / "bert-bge");
    CHECK(vectors.size() == 46);
    for (auto const& [text, expected] : vectors) CHECK(t.encode(text).ids == expected);
}
