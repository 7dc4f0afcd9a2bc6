// Bodies of tokenizer_json.hpp: see core/compiled.hpp.
#pragma once

#include <limits>
#include <unordered_map>

#include <meshwise/text/tokenizers/tokenizer_json.hpp>

namespace meshwise::detail {

MESHWISE_BODY tokenizer_json_reader::tokenizer_json_reader(json file, std::string source, special_names roles)
    : file_(std::move(file)),
      source_(std::move(source)),
      roles_(std::move(roles)) {}

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_json_reader::read() {
    std::shared_ptr<tokenizer const> made;
    read_members(file_, "the file", [&](json_members& file) {
        if (auto const* version = file.find("version"); version && version->string("version") != "1.0")
            throw version->fault("the version " + in_quotes(version->string("version")) +
                                 " of the format is not supported; 1.0 is");
        for (char const* key : {"truncation", "padding"})
            if (auto const* given = file.find(key))
                throw given->fault(std::string(key) + " is done by batches in meshwise; set it to null");
        if (auto const* added = file.find("added_tokens"))
            for (json const& one : added->array("added_tokens")) read_added(one);
        normalizer_ = file.find("normalizer");
        pre_tokenizer_ = file.find("pre_tokenizer");
        post_processor_ = file.find("post_processor");
        decoder_ = file.find("decoder");
        read_members(file.at("model"), "the model", [&](json_members& model) {
            auto const* const named = model.find("type");
            std::string const type = named ? named->string("a type") : "BPE";
            if (type != "BPE" && type != "WordPiece")
                throw unknown_component(file.at("model"), "model", type);
            made = type == "BPE" ? read_bpe(model) : read_wordpiece(model);
        });
    });
    return made;
}

MESHWISE_BODY void tokenizer_json_reader::read_added(json const& one) {
    read_members(one, "an added token", [&](json_members& members) {
        for (char const* key : {"single_word", "lstrip", "rstrip"}) members.need(key, false);
        std::int64_t const id = members.at("id").integer("the id of an added token");
        if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) throw one.fault("ids are int32 from 0");
        bool const special = members.boolean("special", false);
        added_.push_back({members.at("content").string("the text of an added token"),
                          static_cast<std::int32_t>(id), special, members.boolean("normalized", !special)});
    });
}

MESHWISE_BODY vocabulary tokenizer_json_reader::read_vocabulary(json_members& model, spelling how) {
    std::unordered_map<std::int32_t, std::string_view> added;
    for (auto const& one : added_) added.emplace(one.id, one.text);
    auto tokens =
        tokens_from_json(model.at("vocab"), how, source_, [&](std::string const& token, std::int32_t id) {
            auto const found = added.find(id);
            return found != added.end() && found->second == token;
        });
    if (auto const* unk = model.find("unk_token")) {
        std::string const& name = unk->string("unk_token");
        if (!roles_.unk) roles_.unk = name;
    }
    return vocabulary(std::move(tokens), roles_, added_, source_);
}

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_json_reader::read_bpe(json_members& model) {
    if (auto const* dropout = model.find("dropout"); dropout && dropout->number("dropout") != 0)
        throw dropout->fault("dropout of a BPE model is not supported");
    for (char const* key : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (auto const* given = model.find(key); given && !given->string(key).empty())
            throw given->fault(std::string(key) + " of a BPE model is not supported");
    if (!pre_tokenizer_) return read_sentencepiece(model);
    for (json const* one : components_of(pre_tokenizer_, "pretokenizers"))
        if (component_type(*one) == "Metaspace")
            throw one->fault(
                "the pre_tokenizer 'Metaspace' is not supported; BPE over characters is read in the form that has "
                "the normalizers Prepend and Replace in its place");
    return read_byte_level(model);
}

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_json_reader::read_byte_level(json_members& model) {
    byte_level_options options{
        .split = splitting::none, .ignore_merges = model.boolean("ignore_merges", false), .nfc = false};
    for (json const* one : components_of(normalizer_, "normalizers")) {
        if (component_type(*one) != "NFC")
            throw unknown_component(*one, "normalizer before byte-level BPE", component_type(*one));
        read_component(*one, "the normalizer", [](json_members&) {});
        options.nfc = true;
    }
    model.need("byte_fallback", false);
    model.without_effect({"fuse_unk"});  // each byte is a token, so that no text is unknown
    bool byte_level = false;
    for (json const* one : components_of(pre_tokenizer_, "pretokenizers")) {
        std::string const type = component_type(*one);
        if (byte_level) throw one->fault("this is a second split; only one is supported");
        if (type == "Split") {
            read_split(*one, options);
        } else if (type == "ByteLevel") {
            read_component(*one, "the byte level", [&](json_members& members) {
                members.need("add_prefix_space", false);
                members.without_effect({"trim_offsets"});  // it acts in a post_processor
                bool const splits = members.boolean("use_regex", true);
                if (splits && options.split != splitting::none)
                    throw one->fault("this is a second split; only one is supported");
                if (splits) options.split = splitting::gpt2;
            });
            byte_level = true;
        } else
            throw unknown_component(*one, "pre_tokenizer", type);
    }
    if (!byte_level) throw pre_tokenizer_->fault("it contains no ByteLevel; BPE over words is not supported");
    auto const decoders = components_of(decoder_, "decoders");
    for (json const* one : decoders) {
        if (component_type(*one) != "ByteLevel")
            throw unknown_component(*one, "decoder of byte-level BPE", component_type(*one));
        read_component(*one, "the decoder", [](json_members& members) {  // all three act on encoding only
            members.without_effect({"add_prefix_space", "trim_offsets", "use_regex"});
        });
    }
    if (decoders.size() != 1) throw file_.fault("byte-level BPE needs one decoder, ByteLevel");
    auto v = read_vocabulary(model, spelling::byte_letters);
    options.frame = read_frame(post_processor_, v, spelling::byte_letters, options.trim_offsets);
    auto const merges = merges_from_json(model.at("merges"), v, spelling::byte_letters);
    return std::make_shared<byte_level_bpe>(std::move(v), merges, std::move(options));
}

MESHWISE_BODY void tokenizer_json_reader::read_split(json const& one, byte_level_options& options) const {
    read_component(one, "a split", [&](json_members& split) {
        split.need("invert", false);
        auto const& behavior = split.string("behavior");
        if (behavior != "Isolated") throw unknown_component(one, "behavior of a split", behavior);
        if (options.split != splitting::none)
            throw one.fault("this is a second split; only one is supported");
        read_members(split.at("pattern"), "a pattern", [&](json_members& pattern) {
            if (auto const* text = pattern.find("String"))
                throw text->fault("a split at the text " + in_quotes(text->string("a pattern")) +
                                  " is not supported; the patterns of GPT-2, Llama-3 and Qwen2 are");
            json const& regex = pattern.at("Regex");
            auto const& text = regex.string("a pattern");
            options.split = text == gpt2_pattern     ? splitting::gpt2
                            : text == llama3_pattern ? splitting::llama3
                            : text == qwen2_pattern  ? splitting::qwen2
                                                     : splitting::none;
            if (options.split == splitting::none) throw unknown_component(regex, "pattern", text);
        });
    });
}

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_json_reader::read_sentencepiece(
    json_members& model) {
    model.need("ignore_merges", false);
    sentencepiece_options options{.space_before = false,
                                  .byte_fallback = model.boolean("byte_fallback", false)};
    if (options.byte_fallback)
        model.without_effect({"fuse_unk"});  // an unknown character is its bytes
    else
        model.need("fuse_unk", true);
    bool replaces = false;
    for (json const* one : components_of(normalizer_, "normalizers")) {
        std::string const type = component_type(*one);
        bool known = false;
        if (type == "Prepend" && !options.space_before && !replaces)
            read_component(*one, "the normalizer", [&](json_members& members) {
                known = options.space_before = members.string("prepend") == space_mark;
            });
        else if (type == "Replace")
            known = replaces = is_replace(*one, " ", space_mark);
        if (!known) throw unknown_component(*one, "normalizer of BPE over characters", type);
    }
    if (!replaces) throw file_.fault("the normalizer of BPE over characters must replace ' ' by U+2581");
    read_character_decoder(options);
    auto v = read_vocabulary(model, spelling::space_mark);
    bool trim_offsets = false;
    options.frame = read_frame(post_processor_, v, spelling::space_mark, trim_offsets);
    if (trim_offsets)
        throw post_processor_->fault("trim_offsets of BPE over characters is supported only as false");
    auto const merges = merges_from_json(model.at("merges"), v, spelling::space_mark);
    return std::make_shared<sentencepiece_bpe>(std::move(v), merges, std::move(options));
}

MESHWISE_BODY void tokenizer_json_reader::read_character_decoder(sentencepiece_options const& options) const {
    std::vector<std::string> expected{"Replace"}, found;
    if (options.byte_fallback) expected.push_back("ByteFallback");
    expected.push_back("Fuse");
    if (options.space_before) expected.push_back("Strip");
    for (json const* one : components_of(decoder_, "decoders")) {
        std::string const type = component_type(*one);
        bool known = type == "ByteFallback" || type == "Fuse";
        if (known) read_component(*one, "the decoder", [](json_members&) {});
        if (type == "Replace") known = is_replace(*one, space_mark, " ");
        if (type == "Strip")
            read_component(*one, "the decoder", [&](json_members& members) {
                bool const space = members.string("content") == " ";
                auto const start = members.at("start").integer("start"),
                           stop = members.at("stop").integer("stop");
                known = options.space_before && space && start == 1 && stop == 0;
            });
        if (!known) throw unknown_component(*one, "decoder of BPE over characters", type);
        // without bytes among the tokens ByteFallback changes nothing
        if (type != "ByteFallback" || options.byte_fallback) found.push_back(type);
    }
    if (found == expected) return;
    std::string names;
    for (auto const& name : expected) names += (names.empty() ? "" : ", ") + name;
    throw(decoder_ ? *decoder_ : file_)
        .fault("the decoder of this BPE over characters must be the sequence " + names +
               ", which gives back the text");
}

MESHWISE_BODY bool tokenizer_json_reader::is_replace(json const& one, std::string_view from,
                                                     std::string_view to) {
    bool known = false;
    read_component(one, "the replacement", [&](json_members& members) {
        read_members(members.at("pattern"), "a pattern", [&](json_members& pattern) {
            auto const* const text = pattern.find("String");
            known = text && text->string("a pattern") == from;
            if (!text) pattern.without_effect({"Regex"});  // refused by the caller
        });
        known = known && members.string("content") == to;
        if (!known) members.without_effect({"content"});
    });
    return known;
}

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_json_reader::read_wordpiece(json_members& model) {
    wordpiece_options options;
    if (auto const* prefix = model.find("continuing_subword_prefix"))
        options.continuation = prefix->string("the prefix");
    if (auto const* most = model.find("max_input_chars_per_word")) {
        if (most->integer("max_input_chars_per_word") < 0)
            throw most->fault("max_input_chars_per_word must not be negative");
        options.longest_word = static_cast<std::size_t>(most->integer("max_input_chars_per_word"));
    }
    auto const needed = [&](json const* component, char const* what, char const* type) {
        std::string const name = component ? component_type(*component) : "null";
        if (name != type) throw unknown_component(component ? *component : file_, what, name);
    };
    needed(normalizer_, "normalizer of WordPiece", "BertNormalizer");
    read_component(*normalizer_, "the normalizer", [&](json_members& members) {
        members.need("clean_text", true);
        options.normalization.lower_case = members.boolean("lowercase", true);
        options.normalization.strip_accents =
            members.boolean("strip_accents", options.normalization.lower_case);
        options.normalization.split_chinese = members.boolean("handle_chinese_chars", true);
    });
    needed(pre_tokenizer_, "pre_tokenizer of WordPiece", "BertPreTokenizer");
    read_component(*pre_tokenizer_, "the pre_tokenizer", [](json_members&) {});
    auto const decoders = components_of(decoder_, "decoders");
    for (json const* one : decoders) {
        if (component_type(*one) != "WordPiece")
            throw unknown_component(*one, "decoder of WordPiece", component_type(*one));
        read_component(*one, "the decoder", [&](json_members& members) {
            if (members.string("prefix") != options.continuation)
                throw one->fault("the prefix of the decoder differs from that of the model");
            options.clean_up = members.boolean("cleanup", true);
        });
    }
    if (decoders.size() != 1) throw file_.fault("WordPiece needs one decoder, WordPiece");
    auto v = read_vocabulary(model, spelling::plain);
    bool trim_offsets = false;  // words have no spaces at their ends
    options.frame = read_frame(post_processor_, v, spelling::plain, trim_offsets);
    return std::make_shared<wordpiece>(std::move(v), std::move(options));
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::shared_ptr<tokenizer const> tokenizer_from_json(std::filesystem::path const& path,
                                                                   special_names const& roles) {
    return detail::tokenizer_json_reader(json::from_file(path), "tokenizer " + path_in_quotes(path), roles)
        .read();
}

}  // namespace meshwise
