// Learning rates as pure functions of the step. They have no progress, so a checkpoint keeps nothing of them: a run that
// is resumed takes the schedule that the program gives.
#pragma once

#include <cstddef>
#include <numbers>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// Linear warm-up to `peak`, then half a cosine down to `floor`, which it keeps. Steps count from 0.
/// Errors: a rate that is negative or not finite; a negative count.
/// Source: Loshchilov and Hutter, SGDR, 2017.
/// Example:
/// mw::cosine_schedule const rate{.peak = 1e-3, .warm_up = 100, .steps = 10000};
/// optimizer.options.learning_rate = rate(step);
struct cosine_schedule {
    double peak = 3e-4;
    double floor = 3e-5;
    std::size_t warm_up = 100;
    std::size_t steps = 1000;

    double operator()(std::size_t step) const;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/schedule.inl.hpp>
#endif
