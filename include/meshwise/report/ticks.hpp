// ticks: round numbers on the axis of a picture, and their labels.
// Guarantees: at least two ticks and about the wanted number, for values up to 1e150. Costs: a few logarithms.
#pragma once

#include <string>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// Ticks 1, 2 or 5 times a power of ten apart.
class ticks {
public:
    /// About `wanted` steps over low..high. A range of one number is widened on both sides.
    ticks(double low, double high, double wanted);

    std::size_t count() const { return count_; }
    double value(std::size_t i) const { return (first_ + static_cast<double>(i)) * step_; }
    /// The first tick, not above the range, and the last, not below it.
    double low() const { return value(0); }
    double high() const { return value(count_ - 1); }

    /// With enough decimals to tell the ticks apart; "20k" if all are thousands.
    std::string label(std::size_t i) const;

private:
    double step_ = 1, first_ = 0;
    std::size_t count_ = 2;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/ticks.inl.hpp>
#endif
