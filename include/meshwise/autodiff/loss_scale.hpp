// loss_scale: a factor on the loss that lifts small gradients into the range of a half type.
//   mw::loss_scale scale;
//   auto [loss, gradient] = mw::value_and_gradient(model, f, scale);
//   optimizer.step(model, gradient);   // divides it out, and tells it whether the gradient overflowed
// Guarantees: the same number on all ranks. Powers of two: no bit changes but of what would overflow or underflow.
// Source: Micikevicius et al., Mixed precision training, 2018.
#pragma once

#include <cstddef>

#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

/// Part of a checkpoint: mw::state_of(..., "loss_scale", scale). bfloat16 has the range of float and needs none.
struct loss_scale {
    double start = 65536;           // where it begins
    std::size_t grow_every = 2000;  // doubled after so many steps in a row without an overflow
    double value = start;           // the factor now
    std::size_t good_steps = 0;     // in a row, since it was changed last

    /// The factor now. Errors: it is not above 0 and finite (one that overflows in float is halved); `grow_every` is no count.
    double checked() const {
        detail::check_options("mw::loss_scale",
                              {{"start", start, detail::above_zero_in_double},
                               {"value", value, detail::above_zero_in_double},
                               {"grow_every", static_cast<double>(grow_every), detail::one_or_more}});
        return value;
    }

    /// What an optimiser says of each gradient that was made with this scale.
    void note(bool finite) {
        good_steps = finite ? good_steps + 1 : 0;
        if (!finite) value /= 2;
        if (good_steps < grow_every || !finite) return;
        value *= 2;
        good_steps = 0;
    }

    /// f(name, value) for all that a checkpoint has to keep.
    template <class F>
    void visit_state(F f) {
        f("value", value), f("good_steps", good_steps);
    }
};

}  // namespace meshwise
