// Bodies of train_bpe.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/train_bpe.hpp>

namespace meshwise {

MESHWISE_BODY byte_level_bpe train_byte_level_bpe(std::string_view text, std::size_t vocab_size,
                                                  bpe_training const& training) {
    std::set<std::string> specials;
    std::vector<std::string> tokens, last;
    training.roles.for_each([&](std::string_view, auto const& name) {
        if (name && specials.insert(*name).second) last.push_back(*name);
    });
    if (vocab_size < 256 + last.size())
        throw error("a byte-level vocabulary of " + std::to_string(vocab_size) +
                    " tokens has no room for the 256 bytes and " + std::to_string(last.size()) +
                    " special tokens; make it larger");
    std::map<std::string_view, std::size_t> pieces;
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
        end = detail::piece_end(text, at, training.split);
        ++pieces[text.substr(at, end - at)];
    }
    detail::merge_learner learner;
    for (auto const& [piece, count] : pieces) {
        std::vector<std::string> bytes;
        for (char c : piece) bytes.push_back(std::string(1, c));
        learner.add_word(bytes, count);
    }
    std::unordered_map<std::string, std::int32_t> ids;
    auto const id_of = [&](std::string const& token) {
        auto const [at, fresh] = ids.emplace(token, static_cast<std::int32_t>(tokens.size()));
        if (fresh) tokens.push_back(token);
        return at->second;
    };
    for (int b = 0; b < 256; ++b) id_of(std::string(1, static_cast<char>(b)));
    std::vector<bpe_merge> merges;
    while (tokens.size() + last.size() < vocab_size) {
        auto const made = learner.next(training.at_least,
                                       [&](std::string const& token) { return !specials.contains(token); });
        if (!made) break;
        merges.push_back({id_of(made->left), id_of(made->right), id_of(made->left + made->right),
                          static_cast<std::uint32_t>(merges.size())});
    }
    tokens.insert(tokens.end(), last.begin(), last.end());
    return byte_level_bpe(vocabulary(std::move(tokens), training.roles), merges, {.split = training.split});
}

}  // namespace meshwise
