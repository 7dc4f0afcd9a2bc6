// tokenizer_json: one small file of each known kind, and each of their parts replaced by one that is not known.
#include <doctest/doctest.h>

#include <meshwise/text/tokenizers/tokenizer_json.hpp>

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
    CHECK(load(with(mw::detail::gpt2_pattern))->encode(" wo").ids == ids{257});
    // GPT-2 parts "$" from "w", and only Qwen2 "1" from "2"
    auto const edited = [&](std::string_view pattern) {
        auto const text =
            replaced(with(pattern), "\"\\u0120w\":256", "\"\\u0120w\":256,\"$w\":260,\"12\":261");
        return load(replaced(text, "[\"Ġ w\"", "[\"$ w\",\"1 2\",\"Ġ w\""))->encode("$w12").ids;
    };
    CHECK(edited(mw::detail::gpt2_pattern) == ids{'$', 'w', 261});
    CHECK(edited(mw::detail::llama3_pattern) == ids{260, 261});
    CHECK(edited(mw::detail::qwen2_pattern) == ids{260, '1', '2'});
    CHECK(load.refused(with("\\\\d+")) == "the pattern '\\\\d+' is not supported");
    CHECK(load.refused(replaced(with(mw::detail::gpt2_pattern), "Isolated", "Removed")) ==
          "the behavior of a split 'Removed' is not supported");
    CHECK(load.refused(replaced(with(mw::detail::gpt2_pattern), "\"invert\":false", "\"invert\":true")) ==
          "invert is supported only as false");
    CHECK(load.refused(replaced(with(mw::detail::gpt2_pattern), "\"use_regex\":false",
                                "\"use_regex\":true")) == "this is a second split; only one is supported");
    CHECK(load.refused(replaced(byte_level(), plain, R"({"type":"Sequence","pretokenizers":[]})")) ==
          "it contains no ByteLevel; BPE over words is not supported");
    CHECK(load.refused(replaced(byte_level(), plain, R"({"type":"Whitespace"})")) ==
          "the pre_tokenizer 'Whitespace' is not supported");
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
    CHECK(load.refused(twice) == "this is a second template; only one is supported");
}

TEST_CASE("tokenizer_json: a key that no reader knows is refused in every object of the file") {
    loader const load;
    std::string const template_with_table =
        replaced(byte_level(), R"("special_tokens":{})",
                 R"("special_tokens":{"<end>":{"id":"<end>","ids":[258],"tokens":["<end>"]}})");
    std::string const split = replaced(
        byte_level(), R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})",
        R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},
"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]})");
    std::string const processors = replaced(
        byte_level(), R"("post_processor":{)",
        R"("post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":false},{)");
    std::string const nfc = replaced(byte_level(), R"("normalizer":null)", R"("normalizer":{"type":"NFC"})");
    std::string const roberta =
        replaced(bert, R"({"type":"BertProcessing",)",
                 R"({"type":"RobertaProcessing","trim_offsets":false,"add_prefix_space":false,)");
    for (auto const& file : {template_with_table, split, nfc,
                             replaced(processors, R"("special_tokens":{}})", R"("special_tokens":{}}]})"),
                             sentencepiece, bert, roberta}) {
        CHECK(load(file) != nullptr);
        // after each '{' but that of the vocabulary, whose keys are tokens, and the table of special tokens
        for (std::size_t at = 0; (at = file.find('{', at)) != file.npos; ++at) {
            if (file.compare(at - std::min<std::size_t>(at, 8), std::min<std::size_t>(at, 8),
                             R"("vocab":)") == 0)
                break;  // the last object
            if (at > 0 && file.substr(0, at).ends_with(R"("special_tokens":)")) continue;
            if (at + 1 < file.size() && file.compare(at - std::min<std::size_t>(at, 1), 1, "p") == 0)
                continue;
            if (file.substr(0, at).ends_with("\\\\p")) continue;  // of a pattern
            auto const changed = file.substr(0, at + 1) + R"("unheard":1)" +
                                 (file[at + 1] == '}' ? "" : ",") + file.substr(at + 1);
            CHECK(load.refused(changed).starts_with("the key 'unheard' of "));
        }
    }
}

TEST_CASE("tokenizer_json: ids of templates are those of the vocabulary, or refused") {
    loader const load;
    auto const with = [&](std::string const& table) {
        return replaced(byte_level(), R"("special_tokens":{})", R"("special_tokens":)" + table);
    };
    CHECK(load(with(R"({"<end>":{"id":"<end>","ids":[258,65],"tokens":["<end>","A"]}})"))
              ->encode("a", {.add_special_tokens = true})
              .ids == ids{258, 65, 'a'});
    CHECK(load.refused(with(R"({"<end>":{"id":"<end>","ids":[257],"tokens":["<end>"]}})")) ==
          "the template gives the token '<end>' the id 257, which is that of ' wo'");
    CHECK(load.refused(with(R"({"<end>":{"id":"<end>","ids":[999],"tokens":["<end>"]}})")) ==
          "the template gives the token '<end>' the id 999, which is none of the vocabulary");
    CHECK(load.refused(with(R"({"<end>":{"id":"<end>","ids":[258],"tokens":[]}})")) ==
          "ids and tokens must have as many elements");
    CHECK(load.refused(with(R"({"<end>":{"id":"<eos>","ids":[258],"tokens":["<end>"]}})")) ==
          "the special token '<end>' is called '<eos>' inside");
    CHECK(load.refused(replaced(byte_level(), R"({"SpecialToken":{"id":"<end>","type_id":0}})",
                                R"({"SpecialToken":{"id":"<end>","type_id":1}})")) ==
          "type_id is supported only as 0 in the template for one text");
    CHECK(load.refused(replaced(byte_level(), R"({"Sequence":{"id":"A")", R"({"Sequence":{"id":"B")")) ==
          "a template for one text has the sequence A, not 'B'");
    CHECK(load.refused(replaced(bert, R"(["[S]",2])", R"(["[S]",1])")) ==
          "the token '[S]' has the id 2 in the vocabulary, not 1");
}

TEST_CASE("tokenizer_json: normalised added tokens, NFC, trimmed offsets") {
    loader const load;
    auto const tool = [&](std::string const& file, bool normalized) {
        auto const at = file.find(R"("content":"<tool>")");
        auto const key = file.find(R"("normalized":false)", at);
        return file.substr(0, key) + (normalized ? R"("normalized":true)" : R"("normalized":false)") +
               file.substr(key + 18);
    };
    auto const nfc =
        replaced(replaced(byte_level(), R"("normalizer":null)", R"("normalizer":{"type":"NFC"})"),
                 R"("content":"<tool>")", R"("content":"<e\u0301>")");
    std::string const composed = "<\xc3\xa9>";
    auto const nfc_tool = [&](bool normalized) {
        return load(replaced(tool(replaced(nfc, R"(<e\u0301>)", "<tool>"), normalized), "<tool>",
                             R"(<e\u0301>)"))
            ->encode(composed + "<e\xcc\x81>")
            .ids;
    };
    CHECK(nfc_tool(true) == ids{259, 259});
    CHECK(nfc_tool(false) == ids{'<', 0xc3, 0xa9, '>', 259});
    auto const trimmed =
        replaced(replaced(byte_level(), R"("post_processor":{)",
                          R"("post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel",
"add_prefix_space":false,"trim_offsets":true,"use_regex":true},{)"),
                 R"("special_tokens":{}})", R"("special_tokens":{}}]})");
    CHECK(load(trimmed)->encode("x wo").offsets[1] == mw::text_range{2, 4});
    CHECK(load(byte_level())->encode("x wo").offsets[1] == mw::text_range{1, 4});
    CHECK(
        load.refused(replaced(trimmed, R"("add_prefix_space":false,"trim_offsets":true,"use_regex":true},{)",
                              R"("add_prefix_space":true,"trim_offsets":true,"use_regex":true},{)")) ==
        "add_prefix_space together with trim_offsets is not supported; set one to false");
    auto const words =
        refusal([&] { load(replaced(sentencepiece, R"("normalized":false)", R"("normalized":true)")); });
    CHECK(words.ends_with(
        "the added token '<unk>' is normalised, which puts a space before it, so that it is found "
        "only after a space; give it with normalized = false"));
}

TEST_CASE("tokenizer_json: what is refused says what it is") {
    loader const load;
    std::string const byte_part =
        R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})";
    CHECK(
        load.refused(replaced(replaced(sentencepiece, R"("pre_tokenizer":null)",
                                       R"("pre_tokenizer":{"type":"Metaspace","replacement":"▁",
"prepend_scheme":"first","split":false})"),
                              R"("byte_fallback":false)", R"("byte_fallback":true)")) ==
        "the pre_tokenizer 'Metaspace' is not supported; BPE over characters is read in the form that has the "
        "normalizers Prepend and Replace in its place");
    CHECK(
        load.refused(replaced(byte_level(), byte_part,
                              R"({"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"String":" "},
"behavior":"Isolated","invert":false},)" +
                                  byte_part + "]}")) ==
        "a split at the text ' ' is not supported; the patterns of GPT-2, Llama-3 and Qwen2 are");
    CHECK(load.refused(replaced(byte_level(), R"("version":"1.0")", R"("version":"2.0")")) ==
          "the version '2.0' of the format is not supported; 1.0 is");
    CHECK(
        load.refused(replaced(bert, R"("max_input_chars_per_word":3)", R"("max_input_chars_per_word":-3)")) ==
        "max_input_chars_per_word must not be negative");
    auto const decoder = sentencepiece.find(R"("decoder":)"), model = sentencepiece.find(R"("model":)");
    CHECK(
        load.refused(sentencepiece.substr(0, decoder) + R"("decoder":null,)" + sentencepiece.substr(model)) ==
        "the decoder of this BPE over characters must be the sequence Replace, Fuse, Strip, which gives back the "
        "text");
    CHECK(
        load.refused(replaced(sentencepiece, R"({"type":"Fuse"},)", "")) ==
        "the decoder of this BPE over characters must be the sequence Replace, Fuse, Strip, which gives back the "
        "text");
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
        {{R"("truncation":null)", R"("truncation":{})",
          "truncation is done by batches in meshwise; set it to null"},
         {R"("padding":null)", R"("padding":{})", "padding is done by batches in meshwise; set it to null"},
         {R"("version")", R"("vision")", "the key 'vision' of the file is not supported"},
         {R"("lstrip":false)", R"("lstrip":true)", "lstrip is supported only as false"},
         {R"("id":258)", R"("id":-1)", "ids are int32 from 0"},
         {R"("id":258)", R"("id":4000000000)", "ids are int32 from 0"},
         {R"("content":"<end>")", R"("content":7)", "the text of an added token must be a string"},
         {R"("normalizer":null)", R"("normalizer":{"type":"NFKC"})",
          "the normalizer before byte-level BPE 'NFKC' is not supported"},
         {R"("add_prefix_space":false)", R"("add_prefix_space":true)",
          "add_prefix_space is supported only as false"},
         {R"("type":"TemplateProcessing")", R"("type":"Magic")",
          "the post_processor 'Magic' is not supported"},
         {R"("SpecialToken":{"id":"<end>")", R"("SpecialToken":{"id":"<start>")",
          "the vocabulary lacks the token '<start>'"},
         {R"({"Sequence":{"id":"A","type_id":0}})", R"({"SpecialToken":{"id":"<end>"}})",
          "a template for one text must contain it once"},
         {R"("decoder":{"type":"ByteLevel")", R"("decoder":{"type":"BPEDecoder")",
          "the decoder of byte-level BPE 'BPEDecoder' is not supported"},
         {R"("type":"BPE")", R"("type":"Unigram")", "the model 'Unigram' is not supported"},
         {R"("dropout":null)", R"("dropout":0.1)", "dropout of a BPE model is not supported"},
         {R"("end_of_word_suffix":null)", R"("end_of_word_suffix":"</w>")",
          "end_of_word_suffix of a BPE model is not supported"},
         {R"("fuse_unk":false)", R"("merge_unk":false)", "the key 'merge_unk' of the model is not supported"},
         {R"("byte_fallback":false)", R"("byte_fallback":true)", "byte_fallback is supported only as false"},
         {R"(["Ġw","o"])", R"(["Ġw"])", "a merge has two tokens, not 1"},
         {R"(["Ġw","o"])", R"("Ġwo")", "'\xc4\xa0wo' is not two tokens with a space between them"},
         {R"(["Ġw","o"])", R"(["Ġw","oo"])",
          "the merge of '\xc4\xa0w' and 'oo' needs the token 'oo', which is not in the vocabulary"}});
    check(
        sentencepiece,
        {{R"("type":"Prepend")", R"("type":"NFKC")",
          "the normalizer of BPE over characters 'NFKC' is not supported"},
         {R"("content":"▁")", R"("content":"_")",
          "the normalizer of BPE over characters 'Replace' is not supported"},
         {R"("type":"Fuse")", R"("type":"CTC")", "the decoder of BPE over characters 'CTC' is not supported"},
         {R"("start":1)", R"("start":2)", "the decoder of BPE over characters 'Strip' is not supported"},
         {R"("fuse_unk":true)", R"("fuse_unk":false)", "fuse_unk is supported only as true"},
         {R"(,
{"type":"Replace","pattern":{"String":" "},"content":"▁"})",
          "", "the normalizer of BPE over characters must replace ' ' by U+2581"}});
    check(
        bert,
        {{R"("type":"BertNormalizer")", R"("type":"Lowercase")",
          "the normalizer of WordPiece 'Lowercase' is not supported"},
         {R"("clean_text":true)", R"("clean_text":false)", "clean_text is supported only as true"},
         {R"({"type":"BertPreTokenizer"})", "null", "the pre_tokenizer of WordPiece 'null' is not supported"},
         {R"("prefix":"@")", R"("prefix":"##")", "the prefix of the decoder differs from that of the model"},
         {R"("type":"WordPiece","prefix")", R"("type":"Fuse","prefix")",
          "the decoder of WordPiece 'Fuse' is not supported"},
         {R"(["[S]",2])", R"(["[S]"])", "expected a token and its id"}});
    CHECK(refusal([&] {
              load(replaced(bert, R"("unk_token":"[U]")", R"("unk_token":"[X]")"));
          }).ends_with("has no token '[X]', which was named as unk; name one that it has, or none"));
}
