// tokenizer_json: one small file of each known kind, and each of their parts replaced by one that is not known.
#include <doctest/doctest.h>

#include <meshwise/text/tokenizer_json.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using ids = std::vector<std::int32_t>;

namespace {

std::string const start = R"({"version":"1.0","truncation":null,"padding":null,)";

/// "Ġw" 256, "Ġwo" 257, "<end>" 258, "<tool>" 259.
std::string byte_level() {
    std::string vocab;
    for (std::size_t b = 0; b < 256; ++b) {
        std::string letter;
        mw::append_utf8(letter, mw::detail::byte_letters()[b]);
        vocab +=
            (letter == "\"" || letter == "\\" ? "\"\\" : "\"") + letter + "\":" + std::to_string(b) + ",";
    }
    return start + R"("added_tokens":[
{"id":258,"content":"<end>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
{"id":259,"content":"<tool>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":false}],
"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<end>","type_id":0}},
{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}},
"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
"model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":"","end_of_word_suffix":null,
"fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":{)" +
           vocab + R"("\u0120w":256,"\u0120wo":257,"<end>":258},"merges":["Ġ w",["Ġw","o"]]}})";
}

std::string const sentencepiece = start + R"("added_tokens":[
{"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
"normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
"pre_tokenizer":null,"post_processor":null,
"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
"model":{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,
"fuse_unk":true,"byte_fallback":false,"vocab":{"<unk>":0,"▁":1,"a":2,"▁a":3,"▁▁a":4},"merges":["▁ a","▁ ▁a"]}})";

std::string const bert = start + R"("added_tokens":[],
"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,
"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},
"post_processor":{"type":"BertProcessing","sep":["[S]",2],"cls":["[C]",1]},
"decoder":{"type":"WordPiece","prefix":"@","cleanup":true},
"model":{"type":"WordPiece","unk_token":"[U]","continuing_subword_prefix":"@","max_input_chars_per_word":3,
"vocab":{"[U]":0,"[C]":1,"[S]":2,"a":3,"@a":4,",":5}}})";

std::string replaced(std::string text, std::string const& from, std::string const& to) {
    auto const at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

struct loader {
    text_test::workplace here{"tokenizer-json"};
    auto operator()(std::string const& bytes, mw::special_names const& roles = {}) const {
        return mw::tokenizer_from_json(here.file("t.json", bytes), roles);
    }
    std::string refused(std::string const& bytes) const {
        auto const words = refusal([&] { (*this)(bytes); });
        auto const at = words.find(": ");
        return words.find("t.json'") == words.npos || at == words.npos ? "no file is named: " + words
                                                                       : words.substr(at + 2);
    }
};

}  // namespace

TEST_CASE("tokenizer_json: byte-level BPE") {
    loader const load;
    auto const t = load(byte_level(), {.eos = "<end>"});
    CHECK(t->encode("x wow").ids == ids{'x', 257, 'w'});
    CHECK(t->encode("a", {.add_special_tokens = true}).ids == ids{258, 'a'});
    CHECK(t->encode("<tool><end>").ids == ids{259, '<', 'e', 'n', 'd', '>'});
    CHECK(t->encode("<end>", {.special_text = true}).ids == ids{258});
    CHECK(t->special() == mw::special_tokens{.eos = 258});
    CHECK(t->decode(ids{258, 'x', 257, 259}) == "x wo<tool>");
    std::string const split =
        R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"PATTERN"},
"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]})";
    std::string const plain =
        R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})";
    auto const with = [&](std::string_view pattern) {
        std::string escaped;
        for (char c : pattern) escaped += c == '\\' ? "\\\\" : std::string(1, c);
        return replaced(byte_level(), plain, replaced(split, "PATTERN", escaped));
    };
    CHECK(load(with(mw::gpt2_pattern))->encode(" wo").ids == ids{257});
    // GPT-2 parts "$" from "w", and only Qwen2 "1" from "2"
    auto const edited = [&](std::string_view pattern) {
        auto const text =
            replaced(with(pattern), "\"\\u0120w\":256", "\"\\u0120w\":256,\"$w\":260,\"12\":261");
        return load(replaced(text, "[\"Ġ w\"", "[\"$ w\",\"1 2\",\"Ġ w\""))->encode("$w12").ids;
    };
    CHECK(edited(mw::gpt2_pattern) == ids{'$', 'w', 261});
    CHECK(edited(mw::llama3_pattern) == ids{260, 261});
    CHECK(edited(mw::qwen2_pattern) == ids{260, '1', '2'});
    CHECK(load.refused(with("\\\\d+")) == "the pattern '\\\\d+' is not known here");
    CHECK(load.refused(replaced(with(mw::gpt2_pattern), "Isolated", "Removed")) ==
          "the behavior of a split 'Removed' is not known here");
    CHECK(load.refused(replaced(with(mw::gpt2_pattern), "\"invert\":false", "\"invert\":true")) ==
          "invert is known here only as false");
    CHECK(load.refused(replaced(with(mw::gpt2_pattern), "\"use_regex\":false", "\"use_regex\":true")) ==
          "this split is one too many");
    CHECK(load.refused(replaced(byte_level(), plain, R"({"type":"Sequence","pretokenizers":[]})")) ==
          "there is no ByteLevel in it; BPE over words is not known here");
    CHECK(load.refused(replaced(byte_level(), plain, R"({"type":"Whitespace"})")) ==
          "the pre_tokenizer 'Whitespace' is not known here");
}

TEST_CASE("tokenizer_json: ignored merges, merges by pairs, a file without types and templates") {
    loader const load;
    auto const no_merges = replaced(byte_level(), R"(["Ġ w",["Ġw","o"]])", "[]");
    CHECK(load(no_merges)->encode(" wo").ids == ids{' ', 'w', 'o'});
    CHECK(
        load(replaced(no_merges, R"("ignore_merges":false)", R"("ignore_merges":true)"))->encode(" wo").ids ==
        ids{257});
    auto const old = replaced(byte_level(), R"("type":"BPE",)", "");
    CHECK(load(old)->encode(" wo").ids == ids{257});
    auto const llama3 =
        replaced(replaced(byte_level(), R"("post_processor":{)",
                          R"("post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},{)"),
                 R"("special_tokens":{}})", R"("special_tokens":{}}]})");
    CHECK(load(llama3)->encode("a", {.add_special_tokens = true}).ids == ids{258, 'a'});
    auto const twice = replaced(llama3, R"({"type":"ByteLevel"},)",
                                R"({"type":"BertProcessing","cls":["<end>",258],"sep":["<end>",258]},)");
    CHECK(load.refused(twice) == "this template is one too many");
}

TEST_CASE("tokenizer_json: BPE over characters") {
    loader const load;
    auto const t = load(sentencepiece);
    CHECK(t->special() == mw::special_tokens{.unk = 0});
    CHECK(t->encode("a  axy").ids == ids{3, 4, 0});
    CHECK(t->decode(ids{3, 4}) == "a  a");
    auto const bare = load(replaced(replaced(sentencepiece, R"({"type":"Prepend","prepend":"▁"},)", ""),
                                    R"(,{"type":"Strip","content":" ","start":1,"stop":0})", ""));
    CHECK(bare->encode("a a").ids == ids{2, 3});
    CHECK(bare->decode(ids{3}) == " a");
}

TEST_CASE("tokenizer_json: WordPiece") {
    loader const load;
    auto const t = load(bert);
    CHECK(t->special() == mw::special_tokens{.unk = 0});
    CHECK(t->encode("\xc3\x84"
                    "a,aaaa",
                    {.add_special_tokens = true})
              .ids == ids{1, 3, 4, 5, 0, 2});
    CHECK(t->decode(ids{3, 4, 5, 3}) == "aa, a");
    auto const no_accents = replaced(bert, R"("strip_accents":null)", R"("strip_accents":false)");
    CHECK(load(no_accents)->encode("\xc3\x84").ids == ids{0});
    CHECK(load(replaced(bert, R"("lowercase":true)", R"("lowercase":false)"))->encode("A").ids == ids{0});
    CHECK(load(replaced(bert, R"("cleanup":true)", R"("cleanup":false)"))->decode(ids{3, 5}) == "a ,");
}

TEST_CASE("tokenizer_json: what is not known is refused by name") {
    loader const load;
    struct change {
        std::string from, to, words;
    };
    auto const check = [&](std::string const& file, std::vector<change> const& changes) {
        for (auto const& one : changes) CHECK(load.refused(replaced(file, one.from, one.to)) == one.words);
    };
    check(
        byte_level(),
        {{R"("truncation":null)", R"("truncation":{})", "truncation belongs to batches here; set it to null"},
         {R"("padding":null)", R"("padding":{})", "padding belongs to batches here; set it to null"},
         {R"("version")", R"("vision")", "the key 'vision' of the file is not known here"},
         {R"("lstrip":false)", R"("lstrip":true)", "lstrip is known here only as false"},
         {R"("id":258)", R"("id":-1)", "ids are int32 from 0"},
         {R"("id":258)", R"("id":4000000000)", "ids are int32 from 0"},
         {R"("content":"<end>")", R"("content":7)", "the text of an added token must be a string"},
         {R"("normalizer":null)", R"("normalizer":{"type":"NFC"})",
          "the normalizer before byte-level BPE 'NFC' is not known here"},
         {R"("add_prefix_space":false)", R"("add_prefix_space":true)",
          "add_prefix_space is known here only as false"},
         {R"("type":"TemplateProcessing")", R"("type":"Magic")",
          "the post_processor 'Magic' is not known here"},
         {R"("SpecialToken":{"id":"<end>")", R"("SpecialToken":{"id":"<start>")",
          "the vocabulary lacks the token '<start>'"},
         {R"({"Sequence":{"id":"A","type_id":0}})", R"({"SpecialToken":{"id":"<end>"}})",
          "a template for one text has it once"},
         {R"("decoder":{"type":"ByteLevel")", R"("decoder":{"type":"BPEDecoder")",
          "the decoder of byte-level BPE 'BPEDecoder' is not known here"},
         {R"("type":"BPE")", R"("type":"Unigram")", "the model 'Unigram' is not known here"},
         {R"("dropout":null)", R"("dropout":0.1)", "dropout of a BPE model is not known here"},
         {R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"</w>")",
          "end_of_word_suffix of a BPE model is not known here"},
         {R"("fuse_unk":false)", R"("merge_unk":false)",
          "the key 'merge_unk' of the model is not known here"},
         {R"("byte_fallback":false)", R"("byte_fallback":true)", "byte_fallback is known here only as false"},
         {R"(["Ġw","o"])", R"(["Ġw"])", "a merge has two tokens, not 1"},
         {R"(["Ġw","o"])", R"("Ġwo")", "'\xc4\xa0wo' is not two tokens with a space between them"},
         {R"(["Ġw","o"])", R"(["Ġw","oo"])",
          "the merge of '\xc4\xa0w' and 'oo' needs the token 'oo', which the vocabulary lacks"}});
    check(sentencepiece,
          {{R"("type":"Prepend")", R"("type":"NFKC")",
            "the normalizer of BPE over characters 'NFKC' is not known here"},
           {R"("content":"▁")", R"("content":"_")",
            "the normalizer of BPE over characters 'Replace' is not known here"},
           {R"("type":"Fuse")", R"("type":"CTC")",
            "the decoder of BPE over characters 'CTC' is not known here"},
           {R"("start":1)", R"("start":2)", "the decoder of BPE over characters 'Strip' is not known here"},
           {R"("fuse_unk":true)", R"("fuse_unk":false)", "fuse_unk is known here only as true"},
           {R"(,
{"type":"Replace","pattern":{"String":" "},"content":"▁"})",
            "", "the normalizer of BPE over characters must replace ' ' by U+2581"}});
    check(bert, {{R"("type":"BertNormalizer")", R"("type":"Lowercase")",
                  "the normalizer of WordPiece 'Lowercase' is not known here"},
                 {R"("clean_text":true)", R"("clean_text":false)", "clean_text is known here only as true"},
                 {R"({"type":"BertPreTokenizer"})", "null",
                  "the pre_tokenizer of WordPiece 'null' is not known here"},
                 {R"("prefix":"@")", R"("prefix":"##")", "the decoder has another prefix than the model"},
                 {R"("type":"WordPiece","prefix")", R"("type":"Fuse","prefix")",
                  "the decoder of WordPiece 'Fuse' is not known here"},
                 {R"(["[S]",2])", R"(["[S]"])", "expected a token and its id"}});
    CHECK(refusal([&] {
              load(replaced(bert, R"("unk_token":"[U]")", R"("unk_token":"[X]")"));
          }).ends_with("has no token '[X]', which was named as unk; name one that it has, or none"));
}
