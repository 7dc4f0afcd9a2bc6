// token_embedding: ids as vectors: a row of the table, scaled if asked for, plus the vector of the position. The first
// layer of encoders and decoders.
#pragma once

#include <meshwise/nn/learned_positions.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/nn/sinusoidal_positions.hpp>
#include <meshwise/nn/training.hpp>
#include <meshwise/ops/rows/embedding.hpp>

namespace meshwise {

namespace detail {
template <class S, class Token, class Embed, transformer_options O>
struct positions_for {
    static_assert(
        O.first_position == 0,
        "meshwise: first_position numbers sines and cosines; a learned table begins with its first row");
    static_assert(!Token::bounded,
                  "meshwise: a table of learned positions has a size: name an mw::axis<N> as the "
                  "model's token axis; texts may have a shorter axis of their own");
    using type = parameter<S, Token, Embed>;
};
template <class S, class Token, class Embed, transformer_options O>
    requires(O.positions != position_kind::learned)
struct positions_for<S, Token, Embed, O> {
    static_assert(comes_in_pairs<Embed>,
                  "meshwise: sines and cosines come in pairs: give the model an even width without padding");
    using type = no_part;
};
}  // namespace detail

/// How the tables of tokens start: small, or, where they are scaled, so that scaled rows have variance 1 beside sines
/// of amplitude 1.
/// Example: static_assert(mw::initial_table<embed, mw::transformer_options{}>.deviation == 0.02F);
template <any_axis Embed, transformer_options O>
inline constexpr normal initial_table =
    O.scale_embeddings ? detail::scaled_to(static_cast<double>(Embed::true_size)) : normal{0.02F};

/// The parameter that holds the positions of a model: a table (Token, Embed), or nothing.
/// Example: using table_of_positions = mw::positions_of<S, token, embed, mw::transformer_options{}>;
template <any_strategy S, any_axis Token, any_axis Embed, transformer_options O>
using positions_of = typename detail::positions_for<S, Token, Embed, O>::type;

/// Rows of `table` for ids (batch, token), and their positions, which follow those of `past`: (batch, token, embed).
/// Example:
/// auto e = mw::token_embedding<S, vocab, context, mw::transformer_options{}>(table, positions, ids);
template <any_strategy S, any_axis Vocab, any_axis Token, transformer_options O, class Past = no_cache>
auto token_embedding(auto const& table, auto const& positions, auto const& ids, Past const& past = {},
                     training const& how = {}) {
    using embed = detail::last_of<detail::as_list<typename std::remove_cvref_t<decltype(table)>::axes>>;
    embedding_options options;
    if constexpr (O.scale_embeddings) options.scale = std::sqrt(static_cast<double>(embed::true_size));
    if constexpr (O.padding_id >= 0) options.padding_id = O.padding_id;
    auto const embedded = embedding<S, Vocab>(table, ids, options);
    if constexpr (O.positions == position_kind::learned)
        return how.drop(add(embedded, learned_positions<S, Token>(positions, embedded, past)), "embedding");
    else
        return how.drop(add(embedded, sinusoidal_positions<O.positions>(embedded, O.first_position, past)),
                        "embedding");
}

}  // namespace meshwise
