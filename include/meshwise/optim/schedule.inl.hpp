// Bodies of schedule.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <meshwise/optim/schedule.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

MESHWISE_BODY double cosine_schedule::operator()(std::size_t step) const {
    detail::check_options("mw::cosine_schedule", {{"peak", peak, detail::at_least_zero},
                                                  {"floor", floor, detail::at_least_zero},
                                                  {"warm_up", static_cast<double>(warm_up), detail::a_count},
                                                  {"steps", static_cast<double>(steps), detail::a_count}});
    if (step < warm_up) return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
    if (step >= steps) return floor;
    double const done =
        static_cast<double>(step - warm_up) / static_cast<double>(std::max<std::size_t>(steps - warm_up, 1));
    return floor + 0.5 * (peak - floor) * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace meshwise
