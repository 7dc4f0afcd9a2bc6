// training: regularisation options of a loss: dropout and label smoothing. By default both are off.
// The masks depend on seed, step and the name of the place only: they are the same on every mesh.
//   m.loss(ids, targets, mw::training{.dropout = 0.1, .label_smoothing = 0.1, .step = step});
#pragma once

#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>

namespace meshwise {

/// The last argument of every loss. Dropout: of the sum of embedding and position, and of what each sublayer adds.
/// Source: Vaswani et al., Attention is all you need, 2017, 5.4; Szegedy et al., 2016 (label smoothing).
struct training {
    double dropout = 0;
    double label_smoothing = 0;
    meshwise::smoothing smoothing = meshwise::smoothing::over_all;
    seed from{1};
    std::uint64_t step = 0;

    meshwise::label_smoothing labels() const { return {label_smoothing, smoothing}; }
    /// x with some of it dropped, by masks that are those of this name.
    auto drop(any_tensor auto const& x, std::string_view name) const {
        return meshwise::dropout(x, dropout, from, name, step);
    }
    /// The same training inside of a part: names in there are its own.
    training inside(std::string_view part, std::size_t index = 0) const {
        training within = *this;
        within.from = seed{random_stream(from, part).bits(index)};
        return within;
    }
};

}  // namespace meshwise
