// Learning rates as pure functions of the step. They have no progress, so a checkpoint keeps nothing of them: a run that
// is resumed takes the schedule that the program gives.
#pragma once

#include <cstddef>
#include <numbers>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// Linear warm-up to `peak`, then half a cosine down to `floor`, which it keeps. Steps count from 0.
/// Errors: a rate that is negative or not finite; a floor above the peak; a negative count.
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

/// Linear warm-up to `rate`, which it keeps.
/// Errors: as cosine_schedule.
/// Example: optimizer.options.learning_rate = mw::constant_schedule{.rate = 3e-4, .warm_up = 100}(step);
struct constant_schedule {
    double rate = 3e-4;
    std::size_t warm_up = 0;

    double operator()(std::size_t step) const;
};

/// Linear warm-up to `peak`, then a line down to `floor`, which it keeps.
/// Errors: as cosine_schedule.
/// Example: optimizer.options.learning_rate = mw::linear_schedule{.peak = 1e-3, .floor = 0, .steps = 10000}(step);
struct linear_schedule {
    double peak = 3e-4;
    double floor = 0;
    std::size_t warm_up = 100;
    std::size_t steps = 1000;

    double operator()(std::size_t step) const;
};

/// Linear warm-up to `peak`, which is multiplied by `factor` after every `every` steps.
/// Errors: as cosine_schedule; `every` is 0.
/// Example: optimizer.options.learning_rate = mw::step_schedule{.peak = 0.1, .factor = 0.1, .every = 30}(step);
struct step_schedule {
    double peak = 3e-4;
    double factor = 0.1;
    std::size_t every = 1000;
    std::size_t warm_up = 0;

    double operator()(std::size_t step) const;
};

/// Half a cosine from `start` up to `peak` in the first `rise` of all steps, then half a cosine down to `floor`, which it keeps.
/// Errors: as cosine_schedule; `rise` is not between 0 and 1.
/// Source: Smith and Topin, Super-convergence, 2018.
/// Example: optimizer.options.learning_rate = mw::one_cycle_schedule{.peak = 1e-2, .steps = 10000}(step);
struct one_cycle_schedule {
    double peak = 1e-3;
    double start = 4e-5;
    double floor = 4e-9;
    double rise = 0.3;
    std::size_t steps = 1000;

    double operator()(std::size_t step) const;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/schedule.inl.hpp>
#endif
