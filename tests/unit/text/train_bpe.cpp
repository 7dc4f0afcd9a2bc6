// train_bpe: merges against the plain definition and against subword-nmt's own files; what is trained can be saved.
#include <algorithm>

#include <doctest/doctest.h>

#include <meshwise/text/tokenizers/plain_tokenizers.hpp>
#include <meshwise/text/tokenizers/subword_codes.hpp>
#include <meshwise/text/tokenizers/train_bpe.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::dice;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

namespace {

/// The definition: count all pairs of all words anew for each merge.
std::vector<mw::learned_merge> learned_naively(std::string const& text, std::size_t merges,
                                               std::size_t at_least) {
    std::vector<std::vector<std::string>> words;
    std::istringstream in(text);
    for (std::string word; in >> word;) words.push_back(mw::subword_codes::characters(word));
    std::vector<mw::learned_merge> made;
    while (made.size() < merges) {
        std::map<std::pair<std::string, std::string>, std::size_t> counts;
        for (auto const& word : words)
            for (std::size_t i = 0; i + 1 < word.size(); ++i) ++counts[{word[i], word[i + 1]}];
        std::pair<std::size_t, std::pair<std::string, std::string>> best;
        for (auto const& [pair, count] : counts) best = std::max(best, {count, pair});
        if (best.first < at_least) break;
        made.push_back({best.second.first, best.second.second});
        for (auto& word : words)
            for (std::size_t i = 0; i + 1 < word.size(); ++i)
                if (word[i] == best.second.first && word[i + 1] == best.second.second) {
                    word[i] += word[i + 1];
                    word.erase(word.begin() + static_cast<std::ptrdiff_t>(i) + 1);
                }
    }
    return made;
}

}  // namespace

TEST_CASE("train_bpe: merges of subwords against the definition") {
    dice roll{23};
    for (int round = 0; round < 60; ++round) {
        std::string text;
        for (std::uint32_t n = 20 + roll(80); n > 0; --n) text += "aab c\xc3\xa9 a\nb"[roll(11)];
        for (std::size_t at_least : {1U, 2U, 3U})
            CHECK(mw::learn_subword_merges(text, 40, at_least) == learned_naively(text, 40, at_least));
    }
    CHECK(mw::learn_subword_merges("", 10).empty());
    CHECK(mw::learn_subword_merges("aaaa aaaa", 1) == std::vector<mw::learned_merge>{{"a", "a"}});
}

TEST_CASE("train_bpe: words cut and joined again") {
    mw::subword_codes const codes({{"l", "o"}, {"lo", "w</w>"}, {"e", "r</w>"}});
    CHECK(codes.segment("low lower  slow o") == "low lo@@ w@@ er s@@ low o");
    CHECK(codes.segment("") == "");
    CHECK(codes.segment("\xc3\xa9r \xff\xfe") == "\xc3\xa9@@ r \xff@@ \xfe");
    CHECK(mw::subword_codes::join("low lo@@ w@@ er s@@ low o") == "low lower slow o");
    CHECK(mw::subword_codes::join("a@@") == "a@@");
    text_test::workplace const here("codes");
    auto const again = mw::subword_codes::from_file(here.file("codes", codes.text()));
    CHECK(again.merges() == codes.merges());
    auto const refused = [&](std::string const& bytes) {
        auto const words = refusal([&] { mw::subword_codes::from_file(here.file("codes", bytes)); });
        return words.substr(std::min(words.find("line"), words.size()));
    };
    CHECK(refused("l o\n") == "line 1: 'l o' is not '#version: 0.2'");
    CHECK(refused("#version: 0.2\nl o\nlo\n") == "line 3: 'lo' is not two tokens with a space between them");
}

TEST_CASE("train_bpe: a byte-level tokenizer, saved and loaded") {
    std::string text;
    for (int i = 0; i < 20; ++i) text += "the cat and the hat <s> \xc3\xa9\xc3\xa9\n";
    auto const t =
        mw::train_byte_level_bpe(text, 275, {.roles = {.bos = "<s>", .eos = "</s>", .pad = "</s>"}});
    CHECK(t.vocab_size() <= 275);
    CHECK(t.special().bos == static_cast<std::int32_t>(t.vocab_size()) - 2);
    CHECK(t.special().eos == t.special().pad);
    CHECK(t.encode(" the").size() == 1);
    // names of special tokens are never learned
    CHECK(mw::train_byte_level_bpe("xyz xyz", 300).encode("xyz").size() == 1);
    CHECK(mw::train_byte_level_bpe("xyz xyz", 300, {.roles = {.bos = "xyz"}}).encode("xyz").size() == 2);
    CHECK(t.decode(t.encode(text).ids) == text);
    text_test::workplace const here("trained");
    auto const again = mw::byte_level_bpe::from_vocab_and_merges(
        here.file("vocab.json", t.vocab_json()), here.file("merges.txt", t.merges_txt()),
        {.bos = "<s>", .eos = "</s>", .pad = "</s>"});
    CHECK(again.vocab_size() == t.vocab_size());
    CHECK(again.special() == t.special());
    CHECK(again.encode(text).ids == t.encode(text).ids);
    CHECK(again.vocab_json() == t.vocab_json());
    CHECK(again.merges_txt() == t.merges_txt());
    CHECK(mw::train_byte_level_bpe("abab", 1000, {.at_least = 3}).vocab_size() == 256);
    CHECK(mw::train_byte_level_bpe("abab", 1000, {.at_least = 2}).vocab_size() == 257);
    CHECK(refusal<mw::error>([] { mw::train_byte_level_bpe("a", 256, {.roles = {.eos = "</s>"}}); }) ==
          "a byte-level vocabulary of 256 tokens has no room for the 256 bytes and 1 special tokens; make it "
          "larger");
}

TEST_CASE("vocabulary_files: characters and words, saved and loaded") {
    text_test::workplace const here("saved");
    auto const t =
        mw::character_tokenizer::from_text("ab\"\\\n\t\x01\xc3\xa9", {.pad = "<pad>", .unk = "<unk>"});
    auto const v = mw::vocabulary_from_json(here.file("v.json", mw::vocabulary_to_json(t.vocab())),
                                            {.pad = "<pad>", .unk = "<unk>"});
    CHECK(v.size() == t.vocab_size());
    for (std::size_t i = 0; i < v.size(); ++i)
        CHECK(v.id_to_token(static_cast<std::int32_t>(i)) == t.id_to_token(static_cast<std::int32_t>(i)));
    CHECK(v.special() == t.special());
    CHECK(refusal<mw::error>([] { mw::vocabulary_to_json(mw::vocabulary({"a\xff"})); })
              .starts_with(
                  "the token 'a\xef\xbf\xbd' of the vocabulary is not UTF-8 and cannot be written as JSON"));
}

TEST_CASE("train_bpe: the merges and the segmented corpus of subword-nmt") {
    auto const data = shared_data("tokenizers/subword-nmt");
    if (!data) return;
    std::string const corpus = mw::detail::read_input(*data / "corpus.en");
    auto const reference = mw::subword_codes::from_file(*data / "bpe.ref");
    CHECK(reference.merges().size() == 1000);
    mw::subword_codes const codes(mw::learn_subword_merges(corpus, 1000));
    CHECK(codes.merges() == reference.merges());
    std::string segmented;
    mw::detail::for_each_line(
        corpus, [&](std::string_view line, std::size_t) { segmented += codes.segment(line) + '\n'; });
    CHECK(segmented == mw::detail::read_input(*data / "corpus.bpe.ref.en"));
}
