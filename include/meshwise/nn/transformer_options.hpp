// transformer_options: the kind of a Transformer, as one argument of its type. A part that it does not have has no
// parameters.
#pragma once

#include <cstddef>
#include <cstdint>

#include <meshwise/tensor/fields.hpp>

namespace meshwise {

/// Where a sublayer's norm stands: x + f(norm(x)), and one norm at the end; or norm(x + f(x)), as first published.
/// Example: constexpr mw::transformer_options as_in_the_paper{.norms = mw::norm_order::after};
enum class norm_order { before, after };

/// How positions enter the model: a table that is learned, or sines and cosines (nn/sinusoidal_positions.hpp). Their
/// amplitude is 1: beside them embeddings are to be scaled, or a model sees little of its tokens as it begins.
/// Example: constexpr mw::transformer_options waves{.positions = mw::position_kind::sinusoidal_interleaved};
enum class position_kind { learned, sinusoidal_interleaved, sinusoidal_halves };

/// Which tables of tokens are one: none; the target's and the head's; these and the source's, for a joint vocabulary.
/// Example: constexpr mw::transformer_options one_table{.tied = mw::tied_tables::all};
enum class tied_tables { none, target_and_head, all };

/// How the states of a text become one: that of its first token; their mean; the largest of each feature.
/// Example: constexpr mw::transformer_options mean{.pooling = mw::pooling::mean};
enum class pooling { cls, mean, max };

/// What kind of Transformer a model is, as the last argument of its type.
/// Example: constexpr mw::transformer_options options{.norms = mw::norm_order::after, .pooling = mw::pooling::mean};
struct transformer_options {
    norm_order norms = norm_order::before;
    position_kind positions = position_kind::learned;
    std::size_t first_position = 0;  // of sines and cosines: the number of the first token
    tied_tables tied = tied_tables::target_and_head;
    bool scale_embeddings = false;  // by the root of the model's width
    std::int32_t padding_id = -1;   // its embedding is zero and is not learned; -1: no such id
    meshwise::pooling pooling = meshwise::pooling::cls;
};

/// A part that a model does not have. As a norm it changes nothing.
/// Example: static_assert(mw::parameter_count<mw::no_part> == 0);
struct no_part {
    auto operator()(auto const& x) const { return x; }

    static constexpr auto parameters = fields();
};

}  // namespace meshwise
