// Bodies of progress.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <meshwise/report/progress.hpp>

namespace meshwise::detail {

MESHWISE_BODY void pace::note(double steps, double seconds, double communicating) {
    if (!(steps > 0 && seconds > 0)) return;
    double const weight = known_ ? 1 - std::exp(-seconds / 5) : 1;
    known_ = true;
    seconds_per_step_ += weight * (seconds / steps - seconds_per_step_);
    share_ += weight * (communicating / seconds - share_);
}

MESHWISE_BODY std::string number(char const* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

MESHWISE_BODY std::string short_number(double value) {
    if (!(value < 1e15)) return number("%g", value);
    static constexpr char const* units[] = {"", "k", "M", "G", "T"};
    std::size_t unit = 0;
    for (; value >= 999.5; value /= 1000) ++unit;
    bool const whole = unit == 0 && value >= 9.95;
    return number(whole || value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value) + units[unit];
}

MESHWISE_BODY std::string duration_text(double seconds) {
    if (!(seconds < 1e9)) return "ages";
    auto const s = static_cast<long long>(std::max(0.0, std::round(seconds)));
    auto const two = [](long long n) { return (n < 10 ? "0" : "") + std::to_string(n); };
    if (s < 60) return std::to_string(s) + " s";
    if (s < 3600) return std::to_string(s / 60) + ":" + two(s % 60);
    if (s < 86400) return std::to_string(s / 3600) + ":" + two(s / 60 % 60) + ":" + two(s % 60);
    return std::to_string(s / 86400) + " d " + std::to_string(s / 3600 % 24) + " h";
}

MESHWISE_BODY std::string progress_text(progress const& p) {
    std::string text = "step " + std::to_string(p.step);
    if (p.steps > 0) {
        std::string const all = std::to_string(p.steps);
        text.insert(5, all.size() - std::min(all.size(), text.size() - 5), ' ');
        text += "/" + all;
    }
    text += "  loss " + number(std::abs(p.loss) < 1e4 || !std::isfinite(p.loss) ? "%.4f" : "%.3e", p.loss);
    if (p.tokens_per_second) text += "  " + short_number(*p.tokens_per_second) + " tokens/s";
    if (p.steps_per_second) text += "  " + short_number(*p.steps_per_second) + " steps/s";
    if (p.communicating) text += "  comm " + number("%.0f %%", 100 * *p.communicating);
    if (p.seconds_left) text += "  " + duration_text(*p.seconds_left) + " left";
    if (p.seconds_taken) text += "  in " + duration_text(*p.seconds_taken);
    return text;
}

MESHWISE_BODY std::string progress_line(progress const& p, std::size_t columns, bool unicode) {
    std::string const text = progress_text(p);
    std::size_t const room = columns > 0 ? columns - 1 : 0;  // a full last column would wrap
    std::size_t const cells =
        text.size() + 34 <= room ? 30 : 10;  // only two sizes, so that the bar does not jitter
    if (p.steps == 0 || text.size() + cells + 4 > room) return text.substr(0, room);
    double const done = std::min(1.0, static_cast<double>(p.step) / static_cast<double>(p.steps));
    auto const eighths = static_cast<std::size_t>(done * 8 * static_cast<double>(cells));
    std::string bar;
    for (std::size_t i = 0; i < cells; ++i) {
        std::size_t const filled = std::min<std::size_t>(8, eighths - std::min(eighths, 8 * i));
        if (!unicode)
            bar += filled == 8 ? '#' : '.';
        else if (filled == 0)
            bar += ' ';
        else
            bar += {'\xe2', '\x96', static_cast<char>(0x90 - filled)};  // U+258F (one eighth) to U+2588 (all)
    }
    std::string const edge = unicode ? "\xe2\x94\x82" : "|";
    return edge + bar + edge + "  " + text;
}

}  // namespace meshwise::detail
