// Bodies of schedule.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <meshwise/optim/schedule.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

namespace detail {
inline double warmed_up(double peak, std::size_t step, std::size_t warm_up) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
}
inline double done_of(std::size_t step, std::size_t steps) {
    return static_cast<double>(step) / static_cast<double>(std::max<std::size_t>(steps, 1));
}
inline double along_cosine(double from, double to, double done) {
    return to + 0.5 * (from - to) * (1 + std::cos(std::numbers::pi * done));
}
inline option_range up_to_peak(double peak) {
    return {0, peak, true, true, "0 or more, and not above peak: the rate comes down to it"};
}
}  // namespace detail

MESHWISE_BODY double cosine_schedule::operator()(std::size_t step) const {
    detail::check_options("mw::cosine_schedule", {{"peak", peak, detail::at_least_zero},
                                                  {"floor", floor, detail::up_to_peak(peak)},
                                                  {"warm_up", static_cast<double>(warm_up), detail::a_count},
                                                  {"steps", static_cast<double>(steps), detail::a_count}});
    if (step < warm_up) return detail::warmed_up(peak, step, warm_up);
    if (step >= steps) return floor;
    return detail::along_cosine(peak, floor, detail::done_of(step - warm_up, steps - warm_up));
}

MESHWISE_BODY double constant_schedule::operator()(std::size_t step) const {
    detail::check_options(
        "mw::constant_schedule",
        {{"rate", rate, detail::at_least_zero}, {"warm_up", static_cast<double>(warm_up), detail::a_count}});
    return step < warm_up ? detail::warmed_up(rate, step, warm_up) : rate;
}

MESHWISE_BODY double linear_schedule::operator()(std::size_t step) const {
    detail::check_options("mw::linear_schedule", {{"peak", peak, detail::at_least_zero},
                                                  {"floor", floor, detail::up_to_peak(peak)},
                                                  {"warm_up", static_cast<double>(warm_up), detail::a_count},
                                                  {"steps", static_cast<double>(steps), detail::a_count}});
    if (step < warm_up) return detail::warmed_up(peak, step, warm_up);
    if (step >= steps) return floor;
    return peak + (floor - peak) * detail::done_of(step - warm_up, steps - warm_up);
}

MESHWISE_BODY double step_schedule::operator()(std::size_t step) const {
    detail::check_options("mw::step_schedule", {{"peak", peak, detail::at_least_zero},
                                                {"factor", factor, detail::at_least_zero},
                                                {"every", static_cast<double>(every), detail::one_or_more},
                                                {"warm_up", static_cast<double>(warm_up), detail::a_count}});
    if (step < warm_up) return detail::warmed_up(peak, step, warm_up);
    return peak * std::pow(factor, static_cast<double>((step - warm_up) / every));
}

MESHWISE_BODY double one_cycle_schedule::operator()(std::size_t step) const {
    detail::check_options("mw::one_cycle_schedule", {{"peak", peak, detail::at_least_zero},
                                                     {"start", start, detail::at_least_zero},
                                                     {"floor", floor, detail::up_to_peak(peak)},
                                                     {"rise", rise, detail::zero_to_one},
                                                     {"steps", static_cast<double>(steps), detail::a_count}});
    auto const at = static_cast<double>(step), last = static_cast<double>(steps) - 1,
               top = rise * (last + 1) - 1;
    if (at >= last) return floor;
    if (at <= top) return detail::along_cosine(start, peak, top > 0 ? at / top : 1);
    return detail::along_cosine(peak, floor, (at - std::max(top, 0.0)) / (last - std::max(top, 0.0)));
}

}  // namespace meshwise
