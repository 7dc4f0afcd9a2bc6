#pragma once
// Learning rates as pure functions of the step.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace meshwise {

/// Linear warm-up to `peak`, then half a cosine down to `floor`, which it keeps. Steps count from 0.
/// Source: Loshchilov and Hutter, SGDR, 2017.
struct cosine_schedule {
    double peak = 3e-4;
    double floor = 3e-5;
    std::size_t warm_up = 100;
    std::size_t steps = 1000;

    /// f(name, value) for all that a checkpoint has to keep.
    template <class F>
    void visit_state(F f) {
        f("peak", peak), f("floor", floor), f("warm_up", warm_up), f("steps", steps);
    }

    double operator()(std::size_t step) const {
        if (step < warm_up) return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
        if (step >= steps) return floor;
        double const done = static_cast<double>(step - warm_up) /
                            static_cast<double>(std::max<std::size_t>(steps - warm_up, 1));
        return floor + 0.5 * (peak - floor) * (1 + std::cos(std::numbers::pi * done));
    }
};

}  // namespace meshwise
