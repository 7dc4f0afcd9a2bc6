// Bodies of vocabulary.hpp: see core/compiled.hpp.
#pragma once

#include <limits>

#include <meshwise/text/tokenizers/vocabulary.hpp>

namespace meshwise {

MESHWISE_BODY vocabulary::vocabulary(std::vector<std::string> tokens, special_names const& roles,
                                     std::vector<added_token> added, std::string source) {
    auto made = std::make_shared<table>();
    made->source = std::move(source);
    std::size_t count = 0;
    for (auto const& token : tokens) count += !token.empty();
    for (auto const& one : added) {
        std::size_t const id = checked_id(one.id, count + added.size(), in_quotes(one.text), made->source);
        if (id >= tokens.size()) tokens.resize(id + 1);
        if (one.text.empty() || (!tokens[id].empty() && tokens[id] != one.text))
            throw input_error(made->source + ": id " + std::to_string(id) + " is both " +
                              in_quotes(tokens[id]) + " and the added token " + in_quotes(one.text) +
                              "; an id has one token, which is not empty");
        tokens[id] = one.text;
    }
    if (tokens.size() > std::size_t{std::numeric_limits<std::int32_t>::max()})
        throw input_error(made->source + " has more tokens than int32 ids can number");
    made->tokens = std::move(tokens);
    made->ids.reserve(made->tokens.size());
    for (std::size_t i = 0; i < made->tokens.size(); ++i) {
        if (made->tokens[i].empty()) continue;
        auto const [at, fresh] = made->ids.emplace(made->tokens[i], static_cast<std::int32_t>(i));
        if (!fresh)
            throw input_error(made->source + ": the token " + in_quotes(made->tokens[i]) + " has the ids " +
                              std::to_string(at->second) + " and " + std::to_string(i) +
                              "; a token has one id");
    }
    made->added = std::move(added);
    table_ = made;
    made->special.resize(made->tokens.size());
    for (auto const& one : made->added)
        if (one.special) made->special[static_cast<std::size_t>(one.id)] = true;
    roles.for_each([&](std::string_view role, std::optional<std::string> const& token) {
        if (!token) return;
        auto const id = token_to_id(*token);
        if (!id)
            throw input_error(made->source + " has no token " + in_quotes(*token) + ", which was named as " +
                              std::string(role) + "; name one that it has, or none");
        made->roles.*role_of(role) = id;
        if (made->special[static_cast<std::size_t>(*id)]) return;
        made->special[static_cast<std::size_t>(*id)] = true;
        made->added.push_back({*token, *id, true});
    });
    made->is_added.resize(made->tokens.size());
    std::vector<std::string_view> all, plain;
    for (std::size_t i = 0; i < made->added.size(); ++i) {
        auto const& one = made->added[i];
        made->is_added[static_cast<std::size_t>(one.id)] = true;
        if (one.normalized) continue;
        all.push_back(one.text);
        made->all_numbers.push_back(i);
        if (one.special) continue;
        plain.push_back(one.text);
        made->plain_numbers.push_back(i);
    }
    made->all = detail::token_finder(all);
    made->plain = detail::token_finder(plain);
}

MESHWISE_BODY bool vocabulary::is_special(std::int32_t id) const {
    return has(id) && table_->special[static_cast<std::size_t>(id)];
}

MESHWISE_BODY bool vocabulary::is_added(std::int32_t id) const {
    return has(id) && table_->is_added[static_cast<std::size_t>(id)];
}

MESHWISE_BODY std::optional<std::int32_t> vocabulary::token_to_id(std::string_view token) const {
    auto const found = table_->ids.find(token);
    return found == table_->ids.end() ? std::nullopt : std::optional(found->second);
}

MESHWISE_BODY bool vocabulary::has(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < size() &&
           !table_->tokens[static_cast<std::size_t>(id)].empty();
}

MESHWISE_BODY std::string_view vocabulary::id_to_token(std::int32_t id) const {
    if (!has(id))
        throw error("token id " + std::to_string(id) + " is not in " + table_->source +
                    ", which has the ids 0 to " + std::to_string(size()) +
                    " without the last; check that the ids come from this tokenizer");
    return table_->tokens[static_cast<std::size_t>(id)];
}

MESHWISE_BODY std::int32_t vocabulary::required(std::string_view role, std::string const& who) const {
    if (auto const& id = table_->roles.*role_of(role)) return *id;
    throw error(table_->source + " has no " + std::string(role) + " token, and " + who +
                " needs one; name one in special_names when the vocabulary is made");
}

MESHWISE_BODY added_token const* vocabulary::next_added(std::string_view text, std::size_t from, bool special,
                                                        std::size_t& at) const {
    auto const found = (special ? table_->all : table_->plain).first(text, from);
    at = found ? found->begin : text.size();
    if (!found) return nullptr;
    return &table_->added[(special ? table_->all_numbers : table_->plain_numbers)[found->number]];
}

MESHWISE_BODY std::size_t vocabulary::checked_id(std::int64_t id, std::size_t count, std::string const& token,
                                                 std::string const& source) {
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max() ||
        static_cast<std::uint64_t>(id) > 4 * count + 4096)
        throw input_error(source + ": the token " + token + " has the id " + std::to_string(id) +
                          "; ids are int32, begin at 0 and have few gaps");
    return static_cast<std::size_t>(id);
}

MESHWISE_BODY std::optional<std::int32_t> special_tokens::* vocabulary::role_of(std::string_view name) {
    using roles = special_tokens;
    return name == "bos"    ? &roles::bos
           : name == "eos"  ? &roles::eos
           : name == "pad"  ? &roles::pad
           : name == "unk"  ? &roles::unk
           : name == "cls"  ? &roles::cls
           : name == "sep"  ? &roles::sep
           : name == "mask" ? &roles::mask
                            : &roles::decoder_start;
}

}  // namespace meshwise
