// sinusoidal_positions: the position of a token as sines and cosines. Nothing is learned, and texts may have any length.
//   interleaved  sin, cos, sin, cos ...: pair i turns by 10000^(-2 i / width) a token. Vaswani et al., 2017, 3.5
//   halves       all sines, then all cosines: pair i turns by 10000^(-i / (width / 2 - 1)), as tensor2tensor and fairseq
// Cost: one sine per element of a text of the batch's length, split as the text is; no memory is kept.
#pragma once

#include <cmath>
#include <vector>

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/transformer_options.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

namespace detail {
template <class Embed>
inline constexpr bool comes_in_pairs = Embed::size % 2 == 0 && Embed::size == Embed::true_size;
}

/// The positions (token, embed) of the tokens of x (batch, token, embed), which follow those of `past`.
/// Placement: split as x. Communication: none. `first_position` is the number of a text's first token.
/// Example: auto placed = x + mw::sinusoidal_positions<mw::position_kind::sinusoidal_interleaved>(x, 0);
template <position_kind Kind, any_tensor X, class Past = no_cache>
auto sinusoidal_positions(X const& x, std::size_t first_position, Past const& past = {}) {
    using token = detail::token_axis_of<X>;
    using embed = detail::last_of<detail::as_list<typename X::axes>>;
    using places =
        with_place<X, axes<token, embed>, relayout<axes<token, embed>, detail::list<>, typename X::layout>>;
    static_assert(Kind != position_kind::learned, "meshwise: learned positions are a parameter");
    static_assert(detail::comes_in_pairs<embed>,
                  "meshwise: sines and cosines come in pairs: give the model an even width without padding");
    constexpr std::size_t width = embed::size, pairs = width / 2;
    constexpr bool halves = Kind == position_kind::sinusoidal_halves;
    std::size_t const first = first_position + past.next(x.template stored_extent<token>());
    auto out = result_of<places>(x);
    detail::note_numbers<X>(first_position);
    if constexpr (X::backend::computes) {
        double const steps = halves ? std::max<double>(1, pairs - 1) : pairs;
        std::vector<double> turns(pairs);
        for (std::size_t i = 0; i < pairs; ++i) turns[i] = std::pow(10000.0, -static_cast<double>(i) / steps);
        detail::fill_elements(out, [&](std::size_t at) {
            std::size_t const column = at % width;
            std::size_t const pair = halves ? column % pairs : column / 2;
            double const angle = static_cast<double>(first + at / width) * turns[pair];
            return (halves ? column >= pairs : column % 2 == 1) ? std::cos(angle) : std::sin(angle);
        });
    }
    return out;
}

}  // namespace meshwise
