#pragma once
// tokenizer_json: tokenizers of the file format of Hugging Face's tokenizers library.
// Guarantees: what the file asks for is done or refused by name, never skipped.
// Known: byte-level BPE with the patterns of splitting.hpp, BPE over characters with spaces as U+2581, WordPiece as
// BERT has it; added tokens; templates for one text.
#include <initializer_list>

#include <meshwise/text/byte_level_bpe.hpp>
#include <meshwise/text/sentencepiece_bpe.hpp>
#include <meshwise/text/wordpiece.hpp>

namespace meshwise {

namespace detail {

/// Reads one file; tokenizer_from_json is what to call.
class tokenizer_json_reader {
public:
    tokenizer_json_reader(json file, std::string source, special_names roles)
        : file_(std::move(file)),
          source_(std::move(source)),
          roles_(std::move(roles)) {}

    std::shared_ptr<tokenizer const> read() {
        only(file_, "the file",
             {"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
              "post_processor", "decoder", "model"});
        for (char const* key : {"truncation", "padding"})
            if (given(file_, key))
                throw part(file_, key).fault(std::string(key) + " belongs to batches here; set it to null");
        if (given(file_, "added_tokens"))
            for (json const& one : part(file_, "added_tokens").array("added_tokens")) read_added(one);
        json const& model = part(file_, "model");
        std::string const type = model.find("type") ? type_of(model) : "BPE";
        if (type == "WordPiece") return read_wordpiece(model);
        if (type != "BPE") throw unknown(model, "model", type);
        only(model, "the model",
             {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
              "byte_fallback", "ignore_merges", "vocab", "merges"});
        for (char const* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
            if (given(model, key) &&
                !(part(model, key).is(json::kind::string) && part(model, key).string(key).empty()))
                throw part(model, key).fault(std::string(key) + " of a BPE model is not known here");
        return given(file_, "pre_tokenizer") ? read_byte_level(model) : read_sentencepiece(model);
    }

private:
    static bool given(json const& object, char const* key) {
        auto const* const found = object.find(key);
        return found && !found->is_null();
    }
    static bool flag(json const& object, char const* key, bool absent) {
        return given(object, key) ? object.find(key)->boolean(key) : absent;
    }
    static json const& part(json const& object, char const* key) { return object.at(key, "the object"); }
    static std::string type_of(json const& component) { return part(component, "type").string("a type"); }
    static input_error unknown(json const& where, std::string const& what, std::string const& type) {
        return where.fault("the " + what + " " + in_quotes(type) + " is not known here");
    }
    /// An option that only one value of is known.
    static void need(json const& object, char const* key, bool value) {
        if (flag(object, key, value) != value)
            throw part(object, key)
                .fault(std::string(key) + " is known here only as " + (value ? "true" : "false"));
    }
    static void only(json const& object, std::string const& what,
                     std::initializer_list<std::string_view> known) {
        for (auto const& key : object.keys(what))
            if (std::find(known.begin(), known.end(), key) == known.end())
                throw object.find(key)->fault("the key " + in_quotes(key) + " of " + what +
                                              " is not known here");
    }
    /// The parts of a "Sequence", or the component itself; nothing for null.
    static std::vector<json const*> sequence(json const& file, char const* key, char const* list) {
        std::vector<json const*> parts;
        if (!given(file, key)) return parts;
        json const& component = part(file, key);
        if (type_of(component) != "Sequence") return {&component};
        only(component, "a sequence", {"type", list});
        for (json const& one : part(component, list).array(list)) parts.push_back(&one);
        return parts;
    }

    void read_added(json const& one) {
        only(one, "an added token",
             {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
        for (char const* key : {"single_word", "lstrip", "rstrip"}) need(one, key, false);
        std::int64_t const id = part(one, "id").integer("the id of an added token");
        if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) throw one.fault("ids are int32 from 0");
        added_.push_back({part(one, "content").string("the text of an added token"),
                          static_cast<std::int32_t>(id), flag(one, "special", false)});
    }
    vocabulary read_vocabulary(json const& model, spelling how) {
        auto tokens = tokens_from_json(
            part(model, "vocab"), how, source_, [&](std::string const& token, std::int32_t id) {
                return std::any_of(added_.begin(), added_.end(),
                                   [&](auto const& one) { return one.id == id && one.text == token; });
            });
        if (given(model, "unk_token") && !roles_.unk)
            roles_.unk = part(model, "unk_token").string("unk_token");
        return vocabulary(std::move(tokens), roles_, added_, source_);
    }

    std::shared_ptr<tokenizer const> read_byte_level(json const& model) {
        if (given(file_, "normalizer"))
            throw unknown(part(file_, "normalizer"), "normalizer before byte-level BPE",
                          type_of(part(file_, "normalizer")));
        need(model, "byte_fallback", false);
        byte_level_options options{.split = splitting::none,
                                   .ignore_merges = flag(model, "ignore_merges", false)};
        bool byte_level = false;
        for (json const* one : sequence(file_, "pre_tokenizer", "pretokenizers")) {
            std::string const type = type_of(*one);
            if (type == "Split") {
                only(*one, "a split", {"type", "pattern", "behavior", "invert"});
                need(*one, "invert", false);
                auto const& behavior = part(*one, "behavior").string("behavior");
                if (behavior != "Isolated") throw unknown(*one, "behavior of a split", behavior);
                if (options.split != splitting::none || byte_level)
                    throw one->fault("this split is one too many");
                json const& pattern = part(*one, "pattern");
                options.split = splitting_of(part(pattern, "Regex"));
            } else if (type == "ByteLevel") {
                only(*one, "the byte level", {"type", "add_prefix_space", "trim_offsets", "use_regex"});
                need(*one, "add_prefix_space", false);
                bool const splits = flag(*one, "use_regex", true);
                if (byte_level || (splits && options.split != splitting::none))
                    throw one->fault("this split is one too many");
                if (splits) options.split = splitting::gpt2;
                byte_level = true;
            } else
                throw unknown(*one, "pre_tokenizer", type);
        }
        if (!byte_level)
            throw part(file_, "pre_tokenizer")
                .fault("there is no ByteLevel in it; BPE over words is not known here");
        for (json const* one : sequence(file_, "decoder", "decoders"))
            if (type_of(*one) != "ByteLevel") throw unknown(*one, "decoder of byte-level BPE", type_of(*one));
        auto v = read_vocabulary(model, spelling::byte_letters);
        options.frame = read_frame(v);
        auto const merges = merges_from_json(part(model, "merges"), v, spelling::byte_letters);
        return std::make_shared<byte_level_bpe>(std::move(v), merges, std::move(options));
    }
    static splitting splitting_of(json const& pattern) {
        auto const& text = pattern.string("a pattern");
        if (text == gpt2_pattern) return splitting::gpt2;
        if (text == llama3_pattern) return splitting::llama3;
        if (text == qwen2_pattern) return splitting::qwen2;
        throw unknown(pattern, "pattern", text);
    }

    std::shared_ptr<tokenizer const> read_sentencepiece(json const& model) {
        need(model, "ignore_merges", false);
        sentencepiece_options options{.space_before = false,
                                      .byte_fallback = flag(model, "byte_fallback", false)};
        if (!options.byte_fallback) need(model, "fuse_unk", true);
        bool replaces = false;
        for (json const* one : sequence(file_, "normalizer", "normalizers")) {
            std::string const type = type_of(*one);
            if (type == "Prepend" && part(*one, "prepend").string("prepend") == space_mark &&
                !options.space_before)
                options.space_before = true;
            else if (type == "Replace" && is_replace(*one, " ", space_mark))
                replaces = true;
            else
                throw unknown(*one, "normalizer of BPE over characters", type);
        }
        if (!replaces) throw file_.fault("the normalizer of BPE over characters must replace ' ' by U+2581");
        for (json const* one : sequence(file_, "decoder", "decoders")) {
            std::string const type = type_of(*one);
            bool known = type == "ByteFallback" || type == "Fuse";
            if (type == "Replace") known = is_replace(*one, space_mark, " ");
            if (type == "Strip")
                known = options.space_before && part(*one, "content").string("content") == " " &&
                        part(*one, "start").integer("start") == 1 && part(*one, "stop").integer("stop") == 0;
            if (!known) throw unknown(*one, "decoder of BPE over characters", type);
        }
        auto v = read_vocabulary(model, spelling::space_mark);
        options.frame = read_frame(v);
        auto const merges = merges_from_json(part(model, "merges"), v, spelling::space_mark);
        return std::make_shared<sentencepiece_bpe>(std::move(v), merges, std::move(options));
    }
    static bool is_replace(json const& one, std::string_view from, std::string_view to) {
        json const& pattern = part(one, "pattern");
        return pattern.find("String") && part(pattern, "String").string("a pattern") == from &&
               part(one, "content").string("content") == to;
    }

    std::shared_ptr<tokenizer const> read_wordpiece(json const& model) {
        only(model, "the model",
             {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
        wordpiece_options options;
        if (given(model, "continuing_subword_prefix"))
            options.continuation = part(model, "continuing_subword_prefix").string("the prefix");
        if (given(model, "max_input_chars_per_word")) {
            auto const most = part(model, "max_input_chars_per_word").integer("max_input_chars_per_word");
            options.longest_word = static_cast<std::size_t>(std::max<std::int64_t>(0, most));
        }
        json const& normalizer = part(file_, "normalizer");
        if (normalizer.is_null() || type_of(normalizer) != "BertNormalizer")
            throw unknown(normalizer, "normalizer of WordPiece",
                          normalizer.is_null() ? "null" : type_of(normalizer));
        only(normalizer, "the normalizer",
             {"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"});
        need(normalizer, "clean_text", true);
        options.normalization.lower_case = flag(normalizer, "lowercase", true);
        options.normalization.strip_accents =
            flag(normalizer, "strip_accents", options.normalization.lower_case);
        options.normalization.split_chinese = flag(normalizer, "handle_chinese_chars", true);
        json const& words = part(file_, "pre_tokenizer");
        if (words.is_null() || type_of(words) != "BertPreTokenizer")
            throw unknown(words, "pre_tokenizer of WordPiece", words.is_null() ? "null" : type_of(words));
        for (json const* one : sequence(file_, "decoder", "decoders")) {
            if (type_of(*one) != "WordPiece") throw unknown(*one, "decoder of WordPiece", type_of(*one));
            if (part(*one, "prefix").string("prefix") != options.continuation)
                throw one->fault("the decoder has another prefix than the model");
            options.clean_up = flag(*one, "cleanup", true);
        }
        auto v = read_vocabulary(model, spelling::plain);
        options.frame = read_frame(v);
        return std::make_shared<wordpiece>(std::move(v), std::move(options));
    }

    /// What stands around one text; pairs of texts are made elsewhere.
    text_frame read_frame(vocabulary const& v) const {
        text_frame frame;
        auto const id_of = [&](json const& name) {
            auto const id = v.token_to_id(name.string("a special token"));
            if (!id) throw name.fault("the vocabulary lacks the token " + in_quotes(name.string("a token")));
            return *id;
        };
        for (json const* one : sequence(file_, "post_processor", "processors")) {
            std::string const type = type_of(*one);
            if (type == "ByteLevel") continue;  // changes only whether offsets include a space
            if (!frame.before.empty() || !frame.after.empty())
                throw one->fault("this template is one too many");
            if (type == "BertProcessing" || type == "RobertaProcessing") {
                need(*one, "add_prefix_space", false);
                for (char const* key : {"cls", "sep"}) {
                    auto const& pair = part(*one, key).array(key);
                    if (pair.size() != 2) throw part(*one, key).fault("expected a token and its id");
                    (key[0] == 'c' ? frame.before : frame.after).push_back(id_of(pair[0]));
                }
            } else if (type == "TemplateProcessing") {
                bool text = false;
                for (json const& item : part(*one, "single").array("single")) {
                    if (given(item, "Sequence")) {
                        if (text) throw item.fault("a template for one text has it once");
                        text = true;
                    } else
                        (text ? frame.after : frame.before)
                            .push_back(id_of(part(part(item, "SpecialToken"), "id")));
                }
                if (!text) throw one->fault("a template for one text has it once");
            } else
                throw unknown(*one, "post_processor", type);
        }
        return frame;
    }

    json file_;
    std::string source_;
    special_names roles_;
    std::vector<added_token> added_;
};

}  // namespace detail

/// The tokenizer of a tokenizer.json. Such files do not say what special tokens are for: `roles` does.
/// Errors: input_error naming file, byte and the component that is not known.
/// Example: auto const tokens = mw::tokenizer_from_json("tokenizer.json", {.bos = "<|begin_of_text|>"});
inline std::shared_ptr<tokenizer const> tokenizer_from_json(std::filesystem::path const& path,
                                                            special_names const& roles = {}) {
    return detail::tokenizer_json_reader(json::from_file(path), "tokenizer " + path_in_quotes(path), roles)
        .read();
}

}  // namespace meshwise
