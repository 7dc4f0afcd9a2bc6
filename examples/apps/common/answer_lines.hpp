// answer_lines: a program's answer to each line of an input.
// Guarantees: as many lines come out as go in, an empty one for an empty one; the answer to one line is printed before the
// program waits for the next. All ranks see the same lines. A line that is not UTF-8 ends the program with its number, after
// the answers to the lines before it.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <istream>
#include <string>
#include <vector>

#include <meshwise/parallel/run.hpp>
#include <meshwise/parse/text_decoder.hpp>
#include <meshwise/parse/utf8.hpp>

namespace examples {

/// Between two lines a person may think for long; ranks wait for the first one meanwhile.
inline meshwise::threads const patient{.deadline = std::chrono::hours(24 * 7)};

/// Text as lines of its own, which a terminal can show.
inline std::string as_line(std::string const& text) {
    meshwise::text_decoder decoder;
    std::string out;
    for (char c : text) decoder.push(static_cast<unsigned char>(c), out);
    decoder.finish(out);
    for (char& c : out)
        if (c == '\n') c = ' ';
    return out;
}

/// Up to `most` lines of the first rank's input, on every rank; none at the end. Only lines that are there already come
/// together, so that nobody waits for an answer.
inline std::vector<std::string> next_lines(meshwise::communicator& team, std::istream& in, std::size_t most) {
    std::string all;  // each with its line end
    if (team.rank() == 0) {
        std::string line;
        for (std::size_t i = 0; i < most && (i == 0 || in.rdbuf()->in_avail() > 0) && std::getline(in, line);
             ++i) {
            if (line.ends_with('\r')) line.pop_back();
            all += line + '\n';
        }
    }
    auto const everywhere = team.mesh().every_axis();
    std::uint64_t bytes = all.size();
    team.broadcast(everywhere, meshwise::element_type::uint64, &bytes, 1, 0);
    all.resize(bytes);
    team.broadcast(everywhere, meshwise::element_type::uint8, all.data(), all.size(), 0);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1)
        lines.push_back(all.substr(at, all.find('\n', at) - at));
    return lines;
}

/// Calls answer(lines) on every rank, which returns a text for each, and prints them; at most `most` at once, none empty.
/// A prompt is shown where standard input is a terminal. Run it with the policy `patient`.
/// Errors: input_error for a line that is not UTF-8.
template <class Rank, class Answer>
void answer_lines(Rank& here, std::istream& in, std::size_t most, Answer answer) {
    bool const prompts = here.is_first().on_this_rank() && ::isatty(STDIN_FILENO) == 1;
    auto const prompt = [&](char const* text) {
        if (prompts) std::fputs(text, stdout), std::fflush(stdout);
    };
    std::size_t read = 0;
    for (prompt("> ");; prompt("> ")) {
        auto lines = next_lines(here.team(), in, most);
        if (lines.empty()) break;
        auto const is_bad = [](std::string const& line) {
            return meshwise::detail::invalid_utf8(line) != line.npos;
        };
        auto const bad = std::find_if(lines.begin(), lines.end(), is_bad);
        std::string const refused = bad == lines.end() ? "" : *bad;
        lines.erase(bad, lines.end());
        read += lines.size();
        std::vector<std::string> asked;
        for (auto const& line : lines)
            if (!line.empty()) asked.push_back(line);
        auto const answers = asked.empty() ? std::vector<std::string>() : answer(asked);
        std::string out;
        std::size_t next = 0;
        for (auto const& line : lines) out += (line.empty() ? "" : as_line(answers[next++])) + "\n";
        here.only_on_first([&] { std::fputs(out.c_str(), stdout), std::fflush(stdout); });
        if (!refused.empty())
            throw meshwise::input_error(
                "line " + std::to_string(read + 1) + " of standard input is not valid UTF-8 at its byte " +
                std::to_string(meshwise::detail::invalid_utf8(refused)) + "; convert the text to UTF-8");
    }
    prompt("\n");
}

}  // namespace examples
