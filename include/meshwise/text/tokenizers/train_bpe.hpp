// train_bpe: learns the vocabulary of a byte-level tokenizer from a text.
// Costs: 8000 tokens from 1 MB of English take less than a second.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/byte_level_bpe.hpp>
#include <meshwise/text/tokenizers/merge_learner.hpp>

namespace meshwise {

/// How a vocabulary is learned.
/// Example: auto const tokens = mw::train_byte_level_bpe(text, 8000, {.at_least = 5});
struct bpe_training {
    splitting split = splitting::gpt2;
    special_names roles = {};  // these tokens have the last ids
    std::size_t at_least = 2;  // how often a pair must occur
};

/// A byte-level tokenizer with a vocabulary that is learned from a text: the 256 bytes, then the results of the
/// merges, then the special tokens. It has `vocab_size` tokens, or fewer if the text has no more pairs.
/// Errors: a size that is too small for the bytes and the special tokens.
/// Example: auto const tokens = mw::train_byte_level_bpe(text, 8000, {.roles = {.eos = "<|endoftext|>"}});
byte_level_bpe train_byte_level_bpe(std::string_view text, std::size_t vocab_size,
                                    bpe_training const& training = {});

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/train_bpe.inl.hpp>
#endif
