// The norms as parts of models: an operation and its parameters.
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>

namespace meshwise {

/// (x - mean) / deviation * gain + bias over Embed.
/// Example:
/// auto norm = here.init<mw::layer_norm_of<S, embed>>(mw::seed{1});
/// auto y = norm(x);
template <any_strategy S, any_axis Embed>
struct layer_norm_of {
    parameter<S, Embed> gain, bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return layer_norm<Embed>(x, gain, bias, 1e-5, where);
    }

    static constexpr auto parameters = fields<&layer_norm_of::gain, constant{1}, &layer_norm_of::bias>();
};

/// x / root mean square * gain over Embed.
/// Example:
/// auto norm = here.init<mw::rms_norm_of<S, embed>>(mw::seed{1});
/// auto y = norm(x);
template <any_strategy S, any_axis Embed>
struct rms_norm_of {
    parameter<S, Embed> gain;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return rms_norm<Embed>(x, gain, 1e-5, where);
    }

    static constexpr auto parameters = fields<&rms_norm_of::gain, constant{1}>();
};

}  // namespace meshwise
