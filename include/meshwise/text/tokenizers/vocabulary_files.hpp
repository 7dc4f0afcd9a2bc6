// vocabulary_files: writes and reads vocabularies as JSON.
// Guarantees: a vocabulary that is written and read again is equal; special tokens are given by their names.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>

namespace meshwise {

namespace detail {

std::string in_byte_letters(std::string_view bytes);

std::string vocabulary_to_json(vocabulary const& v, spelling how);

}  // namespace detail

/// {"token": id, ...} with tokens as they are: for characters and words.
/// Errors: a token that is not UTF-8.
/// Example: std::cout << mw::vocabulary_to_json(tokens.vocab()) << '\n';
std::string vocabulary_to_json(vocabulary const& v);

/// A vocabulary of a file {"token": id, ...}.
/// Errors: input_error naming file and byte.
/// Example: mw::word_tokenizer tokens(mw::vocabulary_from_json("vocab.json", {.unk = "<unk>"}));
vocabulary vocabulary_from_json(std::filesystem::path const& path, special_names const& roles = {});

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/vocabulary_files.inl.hpp>
#endif
