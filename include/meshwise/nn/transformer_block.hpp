#pragma once
// transformer_block: x + attention(norm(x)), then x + feed_forward(norm(x)): the pre-norm block of every decoder here.
#include <meshwise/nn/linear.hpp>

namespace meshwise {

template <class Norm, class Attention, class FeedForward>
struct transformer_block {
    Norm attention_norm;
    Attention attention;
    Norm mlp_norm;
    FeedForward mlp;

    /// `past...` is handed to the attention.
    auto operator()(auto const& x, auto... past) const {
        auto const attended = x + attention(attention_norm(x), past...);
        return attended + mlp(mlp_norm(attended));
    }

    static constexpr auto parameters = fields("attention_norm", &transformer_block::attention_norm,
                                              "attention", &transformer_block::attention, "mlp_norm",
                                              &transformer_block::mlp_norm, "mlp", &transformer_block::mlp);
};

}  // namespace meshwise
