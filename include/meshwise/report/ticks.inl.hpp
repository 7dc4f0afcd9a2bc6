// Bodies of ticks.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include <meshwise/report/ticks.hpp>

namespace meshwise::detail {

MESHWISE_BODY ticks::ticks(double low, double high, double wanted) {
    double const size = std::max(std::abs(low), std::abs(high));
    if (!(high - low > 1e-9 * size)) {
        double const room = size > 0 ? size / 2 : 1;
        low -= room;
        high += room;
    }
    double const rough = (high - low) / wanted;
    double const power = std::pow(10, std::floor(std::log10(rough)));
    double const digit = rough / power;
    step_ = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
    first_ = std::floor(low / step_ + 1e-6);
    count_ = static_cast<std::size_t>(std::ceil(high / step_ - 1e-6) - first_) + 1;
}

MESHWISE_BODY std::string ticks::label(std::size_t i) const {
    char text[64];
    double const at = value(i), most = std::max(std::abs(low()), std::abs(high()));
    if (most >= 1e9 || step_ < 1e-6)
        std::snprintf(text, sizeof text, "%.4g", at);
    else if (most >= 1e6 && step_ >= 1e5)
        std::snprintf(text, sizeof text, "%gM", at / 1e6);
    else if (most >= 1e4 && step_ >= 500)
        std::snprintf(text, sizeof text, "%gk", at / 1e3);
    else
        std::snprintf(text, sizeof text, "%.*f",
                      std::max(0, -static_cast<int>(std::floor(std::log10(step_) + 1e-9))), at);
    return at == 0 ? "0" : text;
}

}  // namespace meshwise::detail
