// token_finder: finds the first of many byte strings in a text, and of those that begin there the longest.
// Guarantees: the same result as trying every string at every position.
// Costs: one look-up per byte of the text, however many strings there are; about 60 bytes of memory per byte of them.
// Source: Aho and Corasick, Efficient string matching, 1975.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

class token_finder {
public:
    /// A string that was found: bytes [begin, end) of the text, and its number in the list.
    struct found {
        std::size_t begin = 0, end = 0, number = 0;
        bool operator==(found const&) const = default;
    };

    token_finder() : token_finder(std::span<std::string_view const>{}) {}
    /// Empty strings are never found; of equal ones the first counts.
    explicit token_finder(std::span<std::string_view const> strings);

    std::optional<found> first(std::string_view text, std::size_t from) const;
    bool empty() const { return nodes_.size() == 1; }

private:
    static constexpr std::uint32_t root = 0, none = 0xffffffff;

    /// A beginning of a string. `fallback`: the longest proper end of it that is a node, too. `ending`: the longest
    /// string that is an end of it, as a node. Of a node that is a string, `number` is its number in the list.
    struct node {
        std::uint32_t fallback = root, ending = none, depth = 0, number = none;
    };
    struct edge {
        std::uint32_t from = none, to = none;
        unsigned char byte = 0;
    };

    std::size_t slot(std::uint32_t from, unsigned char byte) const;
    /// The node after one more byte; the root where there is none.
    std::uint32_t child(std::uint32_t from, unsigned char byte) const;
    std::uint32_t after(std::uint32_t from, unsigned char byte) const;
    void insert(edge const& one);
    void link();

    std::vector<node> nodes_;
    std::vector<edge> edges_;  // a hash table, at most half full
    std::array<std::uint32_t, 256> first_{};
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/token_finder.inl.hpp>
#endif
