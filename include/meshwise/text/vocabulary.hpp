#pragma once
// vocabulary: which id a token has, and which tokens have a special role.
// Guarantees: ids are int32 and each stands for one token; a role that a vocabulary lacks is absent, never some id.
// Costs: copies share one table; a look-up is one hash.
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// What special tokens are for. Each role is present or absent; two roles may be one token, as in GPT-2.
template <class T>
struct special_roles {
    std::optional<T> bos{}, eos{}, pad{}, unk{}, cls{}, sep{}, mask{}, decoder_start{};
    bool operator==(special_roles const&) const = default;

    /// f("bos", bos), f("eos", eos) and so on.
    template <class F>
    void for_each(F f) const {
        f("bos", bos), f("eos", eos), f("pad", pad), f("unk", unk);
        f("cls", cls), f("sep", sep), f("mask", mask), f("decoder_start", decoder_start);
    }
};
/// The roles by id.
using special_tokens = special_roles<std::int32_t>;
/// The roles by the text of their tokens: `{.bos = "<s>", .eos = "</s>"}`.
using special_names = special_roles<std::string>;

/// A token that no rule of the tokenizer makes: special ones stand in a text only where that is asked for.
struct added_token {
    std::string text;
    std::int32_t id = 0;
    bool special = true;
};

/// Tokens by id. A token is the bytes it stands for; what it means is the tokenizer's business.
class vocabulary {
public:
    vocabulary() : vocabulary(std::vector<std::string>{}) {}

    /// Id i is `tokens[i]`; an empty string leaves id i without a token. Added tokens come on top, and each name of
    /// a role must be one of all these. `source` is what messages call the vocabulary.
    /// Errors: input_error for a token with two ids, an id with two tokens, a role whose token does not exist.
    explicit vocabulary(std::vector<std::string> tokens, special_names const& roles = {},
                        std::vector<added_token> added = {}, std::string source = "the vocabulary") {
        auto made = std::make_shared<table>();
        made->source = std::move(source);
        std::size_t count = 0;
        for (auto const& token : tokens) count += !token.empty();
        for (auto const& one : added) {
            std::size_t const id =
                checked_id(one.id, count + added.size(), in_quotes(one.text), made->source);
            if (id >= tokens.size()) tokens.resize(id + 1);
            if (one.text.empty() || (!tokens[id].empty() && tokens[id] != one.text))
                throw input_error(made->source + ": id " + std::to_string(id) + " is both " +
                                  in_quotes(tokens[id]) + " and the added token " + in_quotes(one.text) +
                                  "; an id has one token, which is not empty");
            tokens[id] = one.text;
        }
        if (tokens.size() > std::size_t{std::numeric_limits<std::int32_t>::max()})
            throw input_error(made->source + " has more tokens than ids of int32 can count");
        made->tokens = std::move(tokens);
        made->ids.reserve(made->tokens.size());
        for (std::size_t i = 0; i < made->tokens.size(); ++i) {
            if (made->tokens[i].empty()) continue;
            auto const [at, fresh] = made->ids.emplace(made->tokens[i], static_cast<std::int32_t>(i));
            if (!fresh)
                throw input_error(made->source + ": the token " + in_quotes(made->tokens[i]) +
                                  " has the ids " + std::to_string(at->second) + " and " + std::to_string(i) +
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
                throw input_error(made->source + " has no token " + in_quotes(*token) +
                                  ", which was named as " + std::string(role) +
                                  "; name one that it has, or none");
            made->roles.*role_of(role) = id;
            if (made->special[static_cast<std::size_t>(*id)]) return;
            made->special[static_cast<std::size_t>(*id)] = true;
            made->added.push_back({*token, *id, true});
        });
        for (auto const& one : made->added) made->begins[static_cast<unsigned char>(one.text[0])] = true;
    }

    /// One more than the largest id: the rows that an embedding needs. Padding it to a multiple is the model's choice.
    std::size_t size() const { return table_->tokens.size(); }
    special_tokens const& special() const { return table_->roles; }
    bool is_special(std::int32_t id) const {
        return has(id) && table_->special[static_cast<std::size_t>(id)];
    }
    std::vector<added_token> const& added_tokens() const { return table_->added; }
    std::string const& source() const { return table_->source; }

    std::optional<std::int32_t> token_to_id(std::string_view token) const {
        auto const found = table_->ids.find(token);
        return found == table_->ids.end() ? std::nullopt : std::optional(found->second);
    }
    /// Whether a token has this id.
    bool has(std::int32_t id) const {
        return id >= 0 && static_cast<std::size_t>(id) < size() &&
               !table_->tokens[static_cast<std::size_t>(id)].empty();
    }
    /// Errors: an id that no token has.
    std::string_view id_to_token(std::int32_t id) const {
        if (!has(id))
            throw error("token id " + std::to_string(id) + " is not in " + table_->source +
                        ", which has the ids 0 to " + std::to_string(size()) +
                        " without the last; check that the ids come from this tokenizer");
        return table_->tokens[static_cast<std::size_t>(id)];
    }

    /// The id of a role that something cannot do without: `required("pad", "padding")`.
    /// Errors: a role that is absent, naming it and who needs it.
    std::int32_t required(std::string_view role, std::string const& who) const {
        if (auto const& id = table_->roles.*role_of(role)) return *id;
        throw error(table_->source + " has no " + std::string(role) + " token, and " + who +
                    " needs one; name one in special_names when the vocabulary is made");
    }

    /// The added token that begins first in the text at or after `from`, the longest if several do; in `at`
    /// where. Special ones count only if `special`.
    added_token const* next_added(std::string_view text, std::size_t from, bool special,
                                  std::size_t& at) const {
        for (at = from; at < text.size(); ++at) {
            if (!table_->begins[static_cast<unsigned char>(text[at])]) continue;
            added_token const* best = nullptr;
            for (auto const& one : table_->added)
                if ((special || !one.special) && (!best || one.text.size() > best->text.size()) &&
                    text.substr(at, one.text.size()) == one.text)
                    best = &one;
            if (best) return best;
        }
        return nullptr;
    }

    /// An id out of a file, checked before anything is made of its size: not negative, and not far beyond `count`
    /// tokens, so that a short file cannot ask for much memory.
    static std::size_t checked_id(std::int64_t id, std::size_t count, std::string const& token,
                                  std::string const& source) {
        if (id < 0 || id > std::numeric_limits<std::int32_t>::max() ||
            static_cast<std::uint64_t>(id) > 4 * count + 4096)
            throw input_error(source + ": the token " + token + " has the id " + std::to_string(id) +
                              "; ids are int32, begin at 0 and have few holes");
        return static_cast<std::size_t>(id);
    }

private:
    struct table {
        std::vector<std::string> tokens;
        std::unordered_map<std::string_view, std::int32_t> ids;  // views of `tokens`, which stays where it is
        std::vector<bool> special;
        std::vector<added_token> added;
        std::array<bool, 256> begins{};
        special_tokens roles;
        std::string source;
    };
    static std::optional<std::int32_t> special_tokens::*role_of(std::string_view name) {
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
    std::shared_ptr<table const> table_;
};

}  // namespace meshwise
