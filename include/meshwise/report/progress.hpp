// progress: the state of a run as one line of text, with or without a bar.
// Guarantees: the line is shorter than the terminal. Costs: a short string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// Speed and share of communication, averaged over about the last five seconds.
class pace {
public:
    /// Adds `steps` steps that took `seconds`, of which `communicating` were spent in collectives.
    void note(double steps, double seconds, double communicating);
    bool known() const { return known_; }
    double seconds_per_step() const { return seconds_per_step_; }
    /// The share of time in collectives, 0 to 1.
    double communicating() const { return share_; }

private:
    bool known_ = false;
    double seconds_per_step_ = 0, share_ = 0;
};

/// The values of a progress line; an absent one is left out.
struct progress {
    std::uint64_t step = 0;   // done
    std::uint64_t steps = 0;  // total; 0: not known
    double loss = 0;
    std::optional<double> tokens_per_second{}, steps_per_second{}, communicating{}, seconds_left{},
        seconds_taken{};
};

std::string number(char const* format, double value);
/// "812", "12.3k", "4.56M"
std::string short_number(double value);
/// "7 s", "1:23", "2:03:04", "3 d 4 h"
std::string duration_text(double seconds);

/// "step 120/1000  loss 2.3456  12.3k tokens/s  comm 12 %  1:23 left"
std::string progress_text(progress const& p);

/// The same after a bar, in less than `columns` columns: a narrow terminal gets a short bar or none.
std::string progress_line(progress const& p, std::size_t columns, bool unicode);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/progress.inl.hpp>
#endif
