// transformer_block: attention and a feed-forward layer, each with its residual connection, with norms before or after.
// Source: Xiong et al., On layer normalization in the Transformer architecture, 2020.
#pragma once

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/nn/training.hpp>
#include <meshwise/nn/transformer_options.hpp>

namespace meshwise {

/// A sublayer f with its residual connection: x + f(norm(x)), or norm(x + f(x)). `name` chooses the dropout mask.
/// Example:
/// auto y = mw::residual<mw::norm_order::before>(x, [](auto const& t) { return mw::softmax<embed>(t); }, mw::training{}, "mlp",
///                                                [](auto const& t) { return mw::gelu(t); });
template <norm_order Order>
auto residual(auto const& x, auto const& norm, training const& how, std::string_view name, auto f) {
    if constexpr (Order == norm_order::before)
        return x + how.drop(f(norm(x)), name);
    else
        return norm(x + how.drop(f(x), name));
}

/// Attention and a feed-forward layer, each with a norm and a residual connection.
/// Example:
/// using block = mw::transformer_block<mw::layer_norm_of<S, embed>, mw::self_attention<S, embed, heads, head_dim>,
///                                     mw::feed_forward<S, embed, ffn>>;
template <class Norm, class Attention, class FeedForward, norm_order Order = norm_order::before>
struct transformer_block {
    Norm attention_norm;
    Attention attention;
    Norm mlp_norm;
    FeedForward mlp;

    /// `past` is handed to the attention.
    template <class Past = no_cache>
    auto operator()(auto const& x, Past past = {}, training const& how = {}) const {
        auto const attended = residual<Order>(x, attention_norm, how, "attention",
                                              [&](auto const& y) { return attention(y, past); });
        return residual<Order>(attended, mlp_norm, how, "mlp", mlp);
    }

    static constexpr auto parameters =
        fields<&transformer_block::attention_norm, &transformer_block::attention,
               &transformer_block::mlp_norm, &transformer_block::mlp>();
};

}  // namespace meshwise
