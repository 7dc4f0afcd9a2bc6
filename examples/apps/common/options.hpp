// options: the command line of the examples: `--name value`, `--name=value` and `--flag`, each typed, with
// its default and its range; and the exit codes they end with.
// Guarantees: a mistake on the command line is one sentence on stderr and exit code 2, before anything ran.
#pragma once

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <locale>
#include <new>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <meshwise/communicator/call.hpp>
#include <meshwise/report/loss_curve.hpp>
#include <meshwise/text/tokenizers/byte_text.hpp>

namespace examples {

enum exit_code : int {
    success = 0,
    usage = 2,          // the command line is wrong
    bad_input = 65,     // a file that was read is missing or of no use
    internal = 70,      // ranks disagree, or a fault of the program
    peer_lost = 71,     // another rank is gone or late
    input_output = 74,  // a file could not be written
};

/// What messages on stderr begin with; `options` sets it.
inline std::string& program_name() {
    static std::string name = "example";
    return name;
}

/// The numbers an option accepts.
template <class T>
struct range {
    T low = std::numeric_limits<T>::lowest();
    T high = std::numeric_limits<T>::max();
};
template <class T>
range<T> at_least(T low) {
    return {low, std::numeric_limits<T>::max()};
}
template <class T>
range<T> between(T low, T high) {
    return {low, high};
}

/// Says on stderr what is wrong with the options, and returns the code to exit with.
/// Example: if (source.empty() != target.empty()) return examples::misuse("give --source and --target, or neither");
inline int misuse(std::string const& sentence, std::ostream& err = std::cerr) {
    err << program_name() << ": " << sentence << "\n" << std::flush;
    return usage;
}

/// The options of a program. Each is bound to a variable, whose value at that time is the default.
/// Example: std::size_t steps = 1000;
///          examples::options options("train", "Trains a small model.");
///          options.number("steps", steps, "training steps", examples::at_least<std::size_t>(1));
///          if (auto const code = options.parse(argc, argv)) return *code;
class options {
public:
    options(std::string program, std::string purpose) : purpose_(std::move(purpose)) {
        program_name() = std::move(program);
    }

    template <class T>
        requires((std::integral<T> && !std::same_as<T, bool>) || std::floating_point<T>)
    void number(std::string name, T& value, std::string help, range<T> accepted = {}) {
        constexpr bool whole = std::integral<T>;
        std::string accepts = whole ? "a whole number" : "a number";
        bool const bounded_below =
            accepted.low != std::numeric_limits<T>::lowest() || std::unsigned_integral<T>;
        bool const bounded_above = accepted.high != std::numeric_limits<T>::max();
        if (bounded_below && bounded_above)
            accepts += " from " + shown(accepted.low) + " to " + shown(accepted.high);
        else if (bounded_below)
            accepts += " of at least " + shown(accepted.low);
        else if (bounded_above)
            accepts += " of at most " + shown(accepted.high);
        declare(std::move(name), whole ? "N" : "X", std::move(help), shown(value), std::move(accepts),
                [&value, accepted](std::string_view text) {
                    auto const read = parsed<T>(text);
                    if (!read || *read < accepted.low || *read > accepted.high) return false;
                    value = *read;
                    return true;
                });
    }
    void text(std::string name, std::string& value, std::string help) {
        declare(std::move(name), "TEXT", std::move(help), value, "a text",
                [&value](std::string_view text) { return value = text, true; });
    }
    void path(std::string name, std::filesystem::path& value, std::string help) {
        declare(std::move(name), "FILE", std::move(help), value.string(), "the path of a file",
                [&value](std::string_view text) {
                    if (!text.empty()) value = text;
                    return !text.empty();
                });
    }
    /// One of a few words.
    void choice(std::string name, std::string& value, std::vector<std::string> words, std::string help) {
        std::string accepts = "one of ";
        for (std::string const& word : words) accepts += (&word == &words.front() ? "" : ", ") + word;
        declare(std::move(name), "WORD", std::move(help) + ": " + accepts, value, accepts,
                [&value, words](std::string_view text) {
                    bool const known = std::find(words.begin(), words.end(), text) != words.end();
                    if (known) value = text;
                    return known;
                });
    }
    /// Off unless given.
    void flag(std::string name, bool& value, std::string help) {
        declare(std::move(name), "", std::move(help), "", "",
                [&value](std::string_view) { return value = true; });
    }

    /// Sets the variables. Of an option that is given twice the last counts.
    /// Returns nothing to go on with, or the code to exit with: 0 after --help, 2 after a mistake.
    std::optional<int> parse(int argc, char const* const* argv, std::ostream& out = std::cout,
                             std::ostream& err = std::cerr) const {
        for (int i = 1; i < argc; ++i) {
            std::string_view const word = argv[i];
            auto const refuse = [&](std::string const& sentence) { return misuse(sentence, err); };
            if (word == "--help" || word == "-h") {
                if (out << help() << std::flush) return success;
                err << program_name() << ": standard output could not be written\n" << std::flush;
                return input_output;
            }
            if (!word.starts_with("--") || word.size() == 2)
                return refuse("'" + std::string(word) +
                              "' is not an option; options look like --name value, and --help lists them");
            auto const equals = word.find('=');
            std::string const name(word.substr(2, equals == word.npos ? word.npos : equals - 2));
            auto const found = std::find_if(declared_.begin(), declared_.end(),
                                            [&](option const& o) { return o.name == name; });
            if (found == declared_.end())
                return refuse("there is no option --" + name + "; " + hint(name) + "--help lists all");
            bool const is_flag = found->kind.empty();
            if (is_flag && equals != word.npos)
                return refuse("--" + name + " takes no value, but was given '" +
                              std::string(word.substr(equals + 1)) + "'; write --" + name + " alone");
            bool const missing = !is_flag && equals == word.npos &&
                                 (i + 1 == argc || std::string_view(argv[i + 1]).starts_with("--"));
            if (missing) return refuse("--" + name + " needs a value: " + found->accepts);
            std::string_view const value = is_flag               ? ""
                                           : equals != word.npos ? word.substr(equals + 1)
                                                                 : argv[++i];
            if (!found->set(value))
                return refuse("--" + name + " was given '" + std::string(value) + "'; it takes " +
                              found->accepts);
        }
        return std::nullopt;
    }

    /// The page that --help prints.
    std::string help() const {
        std::string page =
            program_name() + ": " + purpose_ + "\n\nusage: " + program_name() + " [options]\n\n";
        std::size_t widest = 6;  // --help
        for (option const& o : declared_) widest = std::max(widest, o.left().size());
        for (option const& o : declared_) {
            bool const says_default = !o.kind.empty() && !o.initially.empty();
            add_row(page, widest, o.left(), o.help + (says_default ? " (default: " + o.initially + ")" : ""));
        }
        add_row(page, widest, "--help", "this page");
        return page;
    }

private:
    struct option {
        std::string name, kind, help, initially, accepts;
        std::function<bool(std::string_view)> set;
        std::string left() const { return "--" + name + (kind.empty() ? "" : " " + kind); }
    };

    void declare(std::string name, std::string kind, std::string help, std::string initially,
                 std::string accepts, std::function<bool(std::string_view)> set) {
        declared_.push_back({std::move(name), std::move(kind), std::move(help), std::move(initially),
                             std::move(accepts), std::move(set)});
    }

    template <class T>
    static std::optional<T> parsed(std::string_view text) {
        T value{};
        if constexpr (std::integral<T>) {
            auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
        } else {  // from_chars for floating point is missing in older libraries
            std::istringstream stream{std::string(text)};
            stream.imbue(std::locale::classic());
            if (!(stream >> std::noskipws >> value) ||
                stream.peek() != std::istringstream::traits_type::eof() || !std::isfinite(value))
                return std::nullopt;
        }
        return value;
    }
    template <class T>
    static std::string shown(T value) {
        std::ostringstream stream;
        stream.imbue(std::locale::classic());
        stream << +value;
        return stream.str();
    }

    static void add_row(std::string& page, std::size_t widest, std::string const& left,
                        std::string const& help) {
        std::size_t const indent = widest + 4;
        std::string line = "  " + left + std::string(widest - left.size(), ' ');
        bool fresh = true;
        std::istringstream words(help);
        for (std::string word; words >> word; fresh = false) {
            if (!fresh && line.size() + 1 + word.size() > 80) {
                page += line + "\n";
                line.assign(indent - 1, ' ');
            }
            line += (fresh ? "  " : " ") + word;
        }
        page += line + "\n";
    }

    // "did you mean --steps? " where one option is at most two changed letters away
    std::string hint(std::string_view wrong) const {
        std::size_t nearest = 3;
        std::string best;
        for (option const& o : declared_) {
            std::vector<std::size_t> row(o.name.size() + 1);
            for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
            for (std::size_t i = 0; i < wrong.size(); ++i) {
                std::size_t diagonal = std::exchange(row[0], i + 1);
                for (std::size_t j = 1; j < row.size(); ++j) {
                    std::size_t const changed = diagonal + (wrong[i] != o.name[j - 1]);
                    diagonal = row[j];
                    row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
                }
            }
            if (row.back() < nearest && row.back() < o.name.size()) nearest = row.back(), best = o.name;
        }
        return best.empty() ? "" : "did you mean --" + best + "? ";
    }

    std::string purpose_;
    std::vector<option> declared_;
};

/// Says on stderr what ended the program, and returns the code to exit with.
/// Example: try { ... } catch (std::exception const& problem) { return examples::report(problem); }
inline int report(std::exception const& problem, std::ostream& err = std::cerr) {
    auto const is = [&]<class E>(E*) { return dynamic_cast<E const*>(&problem) != nullptr; };
    bool const out_of_memory = is(static_cast<std::bad_alloc*>(nullptr));
    err << program_name() << ": "
        << (out_of_memory ? "there is not enough memory; take a smaller model or batch" : problem.what())
        << "\n"
        << std::flush;
    if (is(static_cast<meshwise::input_error*>(nullptr))) return bad_input;
    if (is(static_cast<meshwise::peer_failed*>(nullptr)) ||
        is(static_cast<meshwise::deadline_exceeded*>(nullptr)))
        return peer_lost;
    // std::filesystem::filesystem_error and std::ios_base::failure are system errors
    if (is(static_cast<meshwise::output_error*>(nullptr)) || is(static_cast<std::system_error*>(nullptr)))
        return input_output;
    return internal;
}

/// The code that main ends with: `code`, or that of a file that could not be written if standard output is lost.
/// Example: return examples::finish();
inline int finish(int code = success, std::FILE* out = stdout, std::ostream& err = std::cerr) {
    if (out == stdout) std::cout.flush();
    errno = 0;
    bool const lost = std::fflush(out) != 0 || std::ferror(out) != 0;
    if (!lost || code != success) return code;
    // an error of an earlier write has no number any more
    err << program_name() << ": standard output could not be written"
        << (errno != 0 ? std::string(": ") + std::generic_category().message(errno) : std::string())
        << "; make room where it goes, or send it elsewhere\n"
        << std::flush;
    return input_output;
}

}  // namespace examples
