// Bodies of tokenizer.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

MESHWISE_BODY void encoding::add(std::int32_t id, std::size_t begin, std::size_t end) {
    ids.push_back(id);
    offsets.push_back({begin, end});
}

MESHWISE_BODY encoding tokenizer::encode(std::string_view text, encode_options options) const {
    encoding out;
    if (options.add_special_tokens)
        for (std::int32_t id : frame_.before) out.add(id, 0, 0);
    for (std::size_t from = 0; from < text.size();) {
        std::size_t at = 0;
        added_token const* const added = vocabulary_.next_added(text, from, options.special_text, at);
        if (at > from) encode_part(text.substr(0, at), from, options.special_text, out);
        if (added) out.add(added->id, at, at + added->text.size());
        from = added ? at + added->text.size() : text.size();
    }
    if (options.add_special_tokens)
        for (std::int32_t id : frame_.after) out.add(id, text.size(), text.size());
    return out;
}

MESHWISE_BODY void tokenizer::encode_part(std::string_view text, std::size_t from, bool special,
                                          encoding& out) const {
    auto const normal = normalizer_ ? normalizer_(text.substr(from)) : std::nullopt;
    if (!normal) return encode_normal(text, from, special, out);
    encoding made;
    encode_normal(normal->text, 0, special, made);
    for (std::size_t i = 0; i < made.size(); ++i) {
        auto const [begin, end] = made.offsets[i];
        std::size_t const first = begin < normal->begin.size() ? normal->begin[begin] : text.size() - from;
        out.add(made.ids[i], from + first, from + (end > begin ? normal->end[end - 1] : first));
    }
}

MESHWISE_BODY void tokenizer::encode_normal(std::string_view text, std::size_t from, bool special,
                                            encoding& out) const {
    while (normalized_ && from < text.size()) {
        auto const found = (special ? normalized_->all : normalized_->plain).first(text, from);
        if (!found) break;
        if (found->begin > from) encode_text(text.substr(0, found->begin), from, out);
        out.add((special ? normalized_->all_ids : normalized_->plain_ids)[found->number], found->begin,
                found->end);
        from = found->end;
    }
    if (from < text.size()) encode_text(text, from, out);
}

MESHWISE_BODY std::vector<encoding> tokenizer::encode_batch(std::span<std::string const> texts,
                                                            encode_options options) const {
    std::vector<encoding> out;
    out.reserve(texts.size());
    for (auto const& text : texts) out.push_back(encode(text, options));
    return out;
}

MESHWISE_BODY std::string tokenizer::decode(std::span<std::int32_t const> ids,
                                            bool skip_special_tokens) const {
    std::string out;
    bool first = true;
    for (std::int32_t id : ids) append_token(id, skip_special_tokens, first, out);
    return out;
}

MESHWISE_BODY std::optional<std::int32_t> tokenizer::token_to_id(std::string_view token) const {
    return vocabulary_.token_to_id(token);
}

MESHWISE_BODY void tokenizer::append_token(std::int32_t id, bool skip_special_tokens, bool& first,
                                           std::string& out) const {
    std::string_view const token = vocabulary_.id_to_token(id);
    if (skip_special_tokens && vocabulary_.is_special(id)) return;
    append_text(id, token, first, out);
    first = false;
}

MESHWISE_BODY tokenizer::tokenizer(vocabulary v, text_frame frame, detail::text_normalizer normalizer)
    : vocabulary_(std::move(v)),
      frame_(std::move(frame)),
      normalizer_(std::move(normalizer)) {
    normalized_tokens made;
    std::vector<std::string> texts;
    std::vector<added_token const*> tokens;
    for (auto const& one : vocabulary_.added_tokens()) {
        if (!one.normalized) continue;
        auto const normal = normalizer_ ? normalizer_(one.text) : std::nullopt;
        texts.push_back(normal ? normal->text : one.text);
        tokens.push_back(&one);
    }
    std::vector<std::string_view> all, plain;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        all.push_back(texts[i]);
        made.all_ids.push_back(tokens[i]->id);
        if (tokens[i]->special) continue;
        plain.push_back(texts[i]);
        made.plain_ids.push_back(tokens[i]->id);
    }
    made.all = detail::token_finder(all);
    made.plain = detail::token_finder(plain);
    if (!tokens.empty()) normalized_ = std::make_shared<normalized_tokens const>(std::move(made));
    for (auto const* ids : {&frame_.before, &frame_.after})
        for (std::int32_t id : *ids) static_cast<void>(vocabulary_.id_to_token(id));
}

MESHWISE_BODY std::string decode_stream::push(std::int32_t id) {
    std::string bytes, out;
    tokens_->append_token(id, skip_special_tokens_, first_, bytes);
    for (char c : bytes) decoder_.push(static_cast<unsigned char>(c), out);
    return out;
}

}  // namespace meshwise
