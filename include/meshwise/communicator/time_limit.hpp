// time_limit: the longest time to wait, in whole milliseconds.
// Guarantees: every std::chrono::duration that is one without rounding converts to it, so `.deadline = 10s` works.
// Costs: one integer. It does without <chrono>, which would be a fifth of the parsing of a small program.
#pragma once

#include <cstdint>

namespace meshwise {

/// The longest time to wait for something, in whole milliseconds.
/// Example: mw::time_limit const patience = 10s;
class time_limit {
public:
    template <class Duration>
        requires(Duration::period::num * 1000 % Duration::period::den == 0 &&
                 static_cast<typename Duration::rep>(0.5) == 0)
    constexpr time_limit(Duration span)
        : milliseconds_(span.count() * (Duration::period::num * 1000 / Duration::period::den)) {}

    static constexpr time_limit of_seconds(std::int64_t seconds) {
        return time_limit(seconds * 1000, exact{});
    }

    /// In milliseconds.
    constexpr std::int64_t count() const { return milliseconds_; }

    friend constexpr bool operator==(time_limit, time_limit) = default;

private:
    struct exact {};
    constexpr time_limit(std::int64_t milliseconds, exact) : milliseconds_(milliseconds) {}

    std::int64_t milliseconds_;
};

}  // namespace meshwise
