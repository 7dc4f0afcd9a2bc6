// The two feed-forward layers of Transformers: gelu, and silu with a gate.
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/activations.hpp>

namespace meshwise {

/// down(gelu(up(x))).
/// Example:
/// auto mlp = here.init<mw::feed_forward<S, embed, ffn>>(mw::seed{1});
/// auto y = mlp(x);
template <any_strategy S, any_axis Embed, any_axis Ffn>
struct feed_forward {
    linear<S, Embed, Ffn> up;
    linear<S, Ffn, Embed> down;

    auto operator()(auto const& x) const { return down(gelu(up(x))); }

    static constexpr auto parameters = fields<&feed_forward::up, &feed_forward::down>();
};

/// down(silu(gate(x)) * up(x)). Source: Shazeer, GLU variants improve Transformer, 2020.
/// Example:
/// auto mlp = here.init<mw::gated_feed_forward<S, embed, ffn>>(mw::seed{1});
/// auto y = mlp(x);
template <any_strategy S, any_axis Embed, any_axis Ffn>
struct gated_feed_forward {
    linear_without_bias<S, Embed, Ffn> gate, up;
    linear_without_bias<S, Ffn, Embed> down;

    auto operator()(auto const& x) const { return down(map(gated{}, gate(x), up(x))); }

    static constexpr auto parameters =
        fields<&gated_feed_forward::gate, &gated_feed_forward::up, &gated_feed_forward::down>();

    struct gated {
        constexpr auto operator()(auto g, auto u) const { return g * sigmoid(g) * u; }
    };
};

}  // namespace meshwise
