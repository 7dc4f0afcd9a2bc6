// training: regularisation options of a loss: dropout and label smoothing. By default both are off.
// The masks depend on seed, step and the name of the place only: they are the same on every mesh.
//   m.loss(ids, targets, mw::training{.dropout = 0.1, .label_smoothing = 0.1, .step = step});
#pragma once

#include <optional>

#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>

namespace meshwise {

namespace detail {
[[noreturn, gnu::noinline]] inline void refuse_dropout_without_step() {
    throw error(
        "mw::training asks for dropout and does not say of which step, so every step would drop the same elements; "
        "give it the number of the step: mw::training{.dropout = 0.1, .step = step}");
}
}  // namespace detail

/// The last argument of every loss. Dropout: of the sum of embedding and position, and of what each sublayer adds.
/// Errors: dropout without a step.
/// Source: Vaswani et al., Attention is all you need, 2017, 5.4; Szegedy et al., 2016 (label smoothing).
struct training {
    double dropout = 0;
    double label_smoothing = 0;
    meshwise::smoothing smoothing = meshwise::smoothing::over_all;
    seed from{1};
    std::optional<std::uint64_t> step = {};  // with dropout: another for each step

    meshwise::label_smoothing labels() const { return {label_smoothing, smoothing}; }
    /// x with some of it dropped, by masks that are those of this name.
    auto drop(any_tensor auto const& x, std::string_view name) const {
        if (dropout != 0 && !step) detail::refuse_dropout_without_step();
        return meshwise::dropout(x, dropout, from, name, step.value_or(0));
    }
    /// The same training inside of a part: names in there are its own.
    training inside(std::string_view part, std::size_t index = 0) const {
        training within = *this;
        within.from = seed{random_stream(from, part).bits(index)};
        return within;
    }
};

}  // namespace meshwise
