// vocabulary: the ids of tokens, and the roles of special tokens.
// Guarantees: ids are int32, and each stands for one token; a role without a token is absent, never some id.
// Costs: copies share one table; a look-up is one hash, and finding added tokens in a text takes one look-up per byte of
// it, however many tokens there are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>
#include <meshwise/text/tokenizers/token_finder.hpp>

namespace meshwise {

namespace detail {

/// The roles of special tokens. Each is present or absent; two roles may share one token, as in GPT-2.
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

}  // namespace detail

/// The roles by id.
/// Example: mw::special_tokens const by_id{.bos = 1, .eos = 2};
using special_tokens = detail::special_roles<std::int32_t>;
/// The roles by the text of their tokens: `{.bos = "<s>", .eos = "</s>"}`.
/// Example: mw::special_names const by_name{.bos = "<s>", .eos = "</s>"};
using special_names = detail::special_roles<std::string>;

/// A token that is not made by the rules of the tokenizer. Special ones are recognised in a text only if an option
/// asks for it.
/// Example: mw::added_token const end{.text = "<|endoftext|>", .id = 50256};
struct added_token {
    std::string text;
    std::int32_t id = 0;
    bool special = true;
    bool normalized = false;  // found after the tokenizer's normalisation, which is applied to the token, too
};

/// Tokens by id. A token is a byte string; its meaning is defined by the tokenizer.
/// Example: mw::vocabulary const letters(std::vector<std::string>{"a", "b", "<unk>"}, {.unk = "<unk>"});
class vocabulary {
public:
    vocabulary() : vocabulary(std::vector<std::string>{}) {}

    /// Id i is `tokens[i]`; an empty string leaves id i without a token. Added tokens are added to them, and each
    /// role must name a token. `source` is what messages call the vocabulary.
    /// Errors: input_error for a token with two ids, an id with two tokens, a role whose token does not exist.
    explicit vocabulary(std::vector<std::string> tokens, special_names const& roles = {},
                        std::vector<added_token> added = {}, std::string source = "the vocabulary");

    /// One more than the largest id: the rows that an embedding needs. Padding it to a multiple is the model's choice.
    std::size_t size() const { return table_->tokens.size(); }
    special_tokens const& special() const { return table_->roles; }
    bool is_special(std::int32_t id) const;
    /// Whether the id is that of one of `added_tokens()`.
    bool is_added(std::int32_t id) const;
    std::vector<added_token> const& added_tokens() const { return table_->added; }
    std::string const& source() const { return table_->source; }

    std::optional<std::int32_t> token_to_id(std::string_view token) const;
    /// Whether a token has this id.
    bool has(std::int32_t id) const;
    /// Errors: an id that no token has.
    std::string_view id_to_token(std::int32_t id) const;

    /// The id of a role that a task needs: `required("pad", "padding")`.
    /// Errors: a role that is absent, naming it and the task.
    std::int32_t required(std::string_view role, std::string const& who) const;

    /// The first added token in the text at or after `from`, the longest if several begin there; `at` is set to its
    /// position. Special ones count only if `special` is true; those that are normalised do not count.
    added_token const* next_added(std::string_view text, std::size_t from, bool special,
                                  std::size_t& at) const;

    /// Checks an id from a file: it is not negative and not far beyond `count` tokens, so that a short file cannot
    /// cause a large allocation.
    static std::size_t checked_id(std::int64_t id, std::size_t count, std::string const& token,
                                  std::string const& source);

private:
    struct table {
        std::vector<std::string> tokens;
        std::unordered_map<std::string_view, std::int32_t> ids;  // views of `tokens`, which is not moved
        std::vector<bool> special, is_added;
        std::vector<added_token> added;
        /// For added tokens that are not normalised: all, and those that are not special.
        detail::token_finder all, plain;
        std::vector<std::size_t> all_numbers, plain_numbers;  // of their tokens in `added`
        special_tokens roles;
        std::string source;
    };
    static std::optional<std::int32_t> special_tokens::* role_of(std::string_view name);
    std::shared_ptr<table const> table_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/vocabulary.inl.hpp>
#endif
