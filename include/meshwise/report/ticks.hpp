#pragma once
// ticks: round numbers along the axis of a picture, and their labels.
// Guarantees: at least two ticks and about as many as wanted, for numbers up to 1e150. Costs: a few logarithms.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace meshwise {

/// Ticks 1, 2 or 5 times a power of ten apart.
class ticks {
public:
    /// About `wanted` steps over low..high. A range of one number gets room on both sides.
    ticks(double low, double high, double wanted) {
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

    std::size_t count() const { return count_; }
    double value(std::size_t i) const { return (first_ + static_cast<double>(i)) * step_; }
    /// The first tick, not above the range, and the last, not below it.
    double low() const { return value(0); }
    double high() const { return value(count_ - 1); }

    /// As many decimals as tell the ticks apart; "20k" where all are thousands.
    std::string label(std::size_t i) const {
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

private:
    double step_ = 1, first_ = 0;
    std::size_t count_ = 2;
};

}  // namespace meshwise
