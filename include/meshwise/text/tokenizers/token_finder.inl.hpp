// Bodies of token_finder.hpp: see core/compiled.hpp.
#pragma once

#include <utility>

#include <meshwise/core/error.hpp>
#include <meshwise/text/tokenizers/token_finder.hpp>

namespace meshwise::detail {

MESHWISE_BODY token_finder::token_finder(std::span<std::string_view const> strings) : nodes_(1), edges_(16) {
    for (std::size_t i = 0; i < strings.size(); ++i) {
        if (strings[i].empty()) continue;
        std::uint32_t at = root;
        for (char c : strings[i]) {
            auto const byte = static_cast<unsigned char>(c);
            std::uint32_t next = child(at, byte);
            if (next == root) {
                if (nodes_.size() >= none)
                    throw error(
                        "the added tokens of a vocabulary have more than 4 GB of text; leave some out");
                next = static_cast<std::uint32_t>(nodes_.size());
                nodes_.push_back({.depth = nodes_[at].depth + 1});
                insert({at, next, byte});
            }
            at = next;
        }
        if (nodes_[at].number == none) nodes_[at].number = static_cast<std::uint32_t>(i);
    }
    link();
}

MESHWISE_BODY std::optional<token_finder::found> token_finder::first(std::string_view text,
                                                                     std::size_t from) const {
    if (empty()) return std::nullopt;
    std::optional<found> best;
    std::uint32_t at = root;
    for (std::size_t i = from; i < text.size(); ++i) {
        at = after(at, static_cast<unsigned char>(text[i]));
        // A string that is still open begins where this node does; later than the best it cannot win.
        if (best && i + 1 - nodes_[at].depth > best->begin) return best;
        if (nodes_[at].ending == none) continue;
        auto const& end = nodes_[nodes_[at].ending];
        std::size_t const begin = i + 1 - end.depth;
        if (!best || begin <= best->begin) best = found{begin, i + 1, end.number};
    }
    return best;
}

MESHWISE_BODY std::size_t token_finder::slot(std::uint32_t from, unsigned char byte) const {
    std::uint64_t const mixed = (std::uint64_t{from} << 8U | byte) * 0x9e3779b97f4a7c15U;
    std::size_t at = static_cast<std::size_t>(mixed >> 32U) & (edges_.size() - 1);
    while (edges_[at].from != none && !(edges_[at].from == from && edges_[at].byte == byte))
        at = (at + 1) & (edges_.size() - 1);
    return at;
}

MESHWISE_BODY std::uint32_t token_finder::child(std::uint32_t from, unsigned char byte) const {
    if (from == root) return first_[byte];
    auto const& one = edges_[slot(from, byte)];
    return one.from == none ? root : one.to;
}

MESHWISE_BODY std::uint32_t token_finder::after(std::uint32_t from, unsigned char byte) const {
    for (;;) {
        std::uint32_t const next = child(from, byte);
        if (next != root || from == root) return next;
        from = nodes_[from].fallback;
    }
}

MESHWISE_BODY void token_finder::insert(edge const& one) {
    if (one.from == root) first_[one.byte] = one.to;
    if (2 * nodes_.size() >
        edges_.size()) {  // a node has one edge to it, so there are fewer edges than nodes
        std::vector<edge> const old = std::exchange(edges_, std::vector<edge>(2 * edges_.size()));
        for (auto const& each : old)
            if (each.from != none) edges_[slot(each.from, each.byte)] = each;
    }
    edges_[slot(one.from, one.byte)] = one;
}

MESHWISE_BODY void token_finder::link() {
    // shorter beginnings first: the fallback of a node is shorter than the node
    std::vector<std::uint32_t> count(2), order;
    for (auto const& one : nodes_) {
        if (count.size() < one.depth + std::size_t{2}) count.resize(one.depth + std::size_t{2});
        ++count[one.depth + 1];
    }
    for (std::size_t i = 1; i < count.size(); ++i) count[i] += count[i - 1];
    order.resize(nodes_.size());
    for (std::uint32_t slot_of_edge = 0; auto const& one : edges_) {
        if (one.from != none) order[count[nodes_[one.to].depth]++] = slot_of_edge;
        ++slot_of_edge;
    }
    for (std::size_t i = 1; i < order.size(); ++i) {
        auto const& [from, to, byte] = edges_[order[i]];
        node& one = nodes_[to];
        one.fallback = from == root ? root : after(nodes_[from].fallback, byte);
        one.ending = one.number != none ? to : nodes_[one.fallback].ending;
    }
}

}  // namespace meshwise::detail
