// Bodies of progress_bar.hpp: see core/compiled.hpp.
#pragma once

#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

#include <meshwise/report/progress_bar.hpp>

namespace meshwise {

MESHWISE_BODY progress_bar::progress_bar(communicator const& team, progress_options options)
    : team_(team),
      options_(options),
      prints_(team.rank() == 0),
      drawn_step_(options.first),
      last_{options.first, options.steps},
      drawn_communicating_(team.collective_seconds()) {
    char const* const kind = std::getenv("TERM");
    terminal_ = options.terminal.value_or(::isatty(::fileno(options.to)) == 1 && kind != nullptr &&
                                          std::string_view(kind) != "dumb");
    for (char const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (char const* const value = std::getenv(name); value != nullptr && *value != 0) {
            std::string_view const locale(value);
            unicode_ = locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
            break;
        }
    if (options_.every == 0) options_.every = 1;
}

MESHWISE_BODY progress_bar::~progress_bar() {
    if (open_) write("\n");
}

MESHWISE_BODY void progress_bar::update(std::uint64_t done, double loss) {
    if (!prints_ || ended_) return;
    last_.step = done;
    last_.loss = loss;
    auto const now = clock::now();
    bool const due = terminal_ ? !open_ || now - drawn_ >= std::chrono::milliseconds(60)
                               : done == options_.first + 1 || done % options_.every == 0;
    if (!due && done != options_.steps) return;
    measure(now);
    if (done == options_.steps) return finish();
    write(terminal_ ? redrawn() : detail::progress_text(last_) + "\n");
    open_ = terminal_;
}

MESHWISE_BODY void progress_bar::say(std::string_view text) {
    if (!prints_) return;
    std::string all = open_ ? "\r\x1b[K" : "";
    all += text;
    all += "\n";
    if (open_) all += redrawn();
    write(all);
}

MESHWISE_BODY void progress_bar::finish() {
    if (!prints_ || ended_) return;
    ended_ = true;
    last_.seconds_left.reset();
    last_.seconds_taken = std::chrono::duration<double>(clock::now() - began_).count();
    write((terminal_ ? redrawn() : detail::progress_text(last_)) + "\n");
    open_ = false;
}

MESHWISE_BODY void progress_bar::measure(clock::time_point now) {
    double const communicating = team_.collective_seconds();
    std::uint64_t const steps = last_.step - std::min(last_.step, drawn_step_);
    pace_.note(static_cast<double>(steps), std::chrono::duration<double>(now - drawn_).count(),
               communicating - drawn_communicating_);
    drawn_ = now;
    drawn_step_ = last_.step;
    drawn_communicating_ = communicating;
    if (!pace_.known()) return;
    double const per_second = 1 / pace_.seconds_per_step();
    if (options_.tokens_per_step > 0)
        last_.tokens_per_second = per_second * static_cast<double>(options_.tokens_per_step);
    else
        last_.steps_per_second = per_second;
    if (team_.size() > 1) last_.communicating = std::min(1.0, pace_.communicating());
    if (last_.steps > 0)
        last_.seconds_left =
            static_cast<double>(last_.steps - std::min(last_.step, last_.steps)) / per_second;
}

MESHWISE_BODY std::string progress_bar::redrawn() const {
    return "\r" + detail::progress_line(last_, columns(), unicode_) + "\x1b[K";
}

MESHWISE_BODY std::size_t progress_bar::columns() const {
    winsize size{};
    return ::ioctl(::fileno(options_.to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

MESHWISE_BODY void progress_bar::write(
    std::string_view text) const {  // a single call, so that the terminal never shows half a line
    std::fwrite(text.data(), 1, text.size(), options_.to);
    std::fflush(options_.to);
}

}  // namespace meshwise
