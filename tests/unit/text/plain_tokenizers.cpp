// character_tokenizer and word_tokenizer: vocabularies of a text, what is unknown, and back.
#include <doctest/doctest.h>

#include <meshwise/text/tokenizers/plain_tokenizers.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

TEST_CASE("character_tokenizer: special tokens, then characters by their codes") {
    auto const t =
        mw::character_tokenizer::from_text("ba\n\xc3\xa9", {.bos = "<s>", .eos = "<s>", .pad = "<pad>"});
    CHECK(t.vocab_size() == 6);
    CHECK(t.special() == mw::special_tokens{.bos = 0, .eos = 0, .pad = 1});
    auto const made = t.encode("a\xc3\xa9"
                               "b");
    CHECK(made.ids == ids{3, 5, 4});
    CHECK(made.offsets == std::vector<mw::text_range>{{0, 1}, {1, 3}, {3, 4}});
    CHECK(t.decode(made.ids) == "a\xc3\xa9"
                                "b");
    CHECK(t.encode("a<s>", {.special_text = true}).ids == ids{3, 0});
    CHECK(refusal<mw::error>([&] { t.encode("abc"); }) ==
          "the character 'c' at byte 2 of a text is not in the vocabulary, which has no unk token; name one, "
          "or make "
          "the vocabulary of a text that has it");
    auto const u = mw::character_tokenizer::from_text("ab", {.unk = "?"});
    CHECK(u.encode("a\xff?\xc3\xa9").ids == ids{1, 0, 0, 0});  // "?" is text, not the token
    auto const w = mw::character_tokenizer::from_text("ab", {.bos = "$", .unk = "?"});
    CHECK(w.encode("$").ids == ids{1});
    CHECK(refusal([] { mw::character_tokenizer::from_text("ab\xff"); }) ==
          "the text is not UTF-8 at byte 2; repair it, or use a byte-level tokenizer");
}

TEST_CASE("word_tokenizer: words by frequency") {
    std::string const text = "the cat  the\ndog a the\tcat <unk> ";
    auto const t = mw::word_tokenizer::from_text(text);
    CHECK(t.vocab_size() == 5);
    auto const made = t.encode(" the bird\ta dog");
    CHECK(made.ids == ids{1, 0, 3, 4});
    CHECK(made.offsets == std::vector<mw::text_range>{{1, 4}, {5, 9}, {10, 11}, {12, 15}});
    CHECK(t.decode(made.ids) == "the a dog");
    CHECK(t.decode(made.ids, false) == "the <unk> a dog");
    CHECK(mw::word_tokenizer::from_text(text, {}, 2).vocab_size() == 2);
    CHECK(mw::word_tokenizer::from_text(text, {}, 1, 3).vocab_size() == 3);
    CHECK(mw::word_tokenizer::from_text(text, {}, 1, 3).token_to_id("<unk>") == 2);
    CHECK(refusal<mw::error>([&] {
              mw::word_tokenizer::from_text(text, {}).encode("a bird");
          }).starts_with("the word 'bird' at byte 2 of a text is not in the vocabulary"));
    CHECK(t.encode("").ids.empty());
    CHECK(t.encode(" \n").ids.empty());
}
