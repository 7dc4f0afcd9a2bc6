// dates: a toy to translate: dates in words, and as ISO 8601 writes them. "the third of march nineteen eighty seven" is
// "1987-03-03". A date in twenty is held out, in all its wordings.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "example_set.hpp"

#include <meshwise/tensor/random.hpp>
#include <meshwise/text/readers/readers.hpp>

namespace examples {

namespace detail {
inline constexpr std::array ones{"zero",    "one",     "two",       "three",    "four",
                                 "five",    "six",     "seven",     "eight",    "nine",
                                 "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                 "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
inline constexpr std::array tens{"",      "",      "twenty",  "thirty", "forty",
                                 "fifty", "sixty", "seventy", "eighty", "ninety"};
inline constexpr std::array first_to_twelfth{"zeroth", "first",    "second",  "third",  "fourth",
                                             "fifth",  "sixth",    "seventh", "eighth", "ninth",
                                             "tenth",  "eleventh", "twelfth"};
inline constexpr std::array months{"january", "february", "march",     "april",   "may",      "june",
                                   "july",    "august",   "september", "october", "november", "december"};

inline constexpr std::array<std::size_t, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

inline std::string number(std::size_t n) {
    if (n < 20) return ones[n];
    return std::string(tens[n / 10]) + (n % 10 == 0 ? "" : std::string(" ") + ones[n % 10]);
}
inline std::string ordinal(std::size_t n) {
    if (n <= 12) return first_to_twelfth[n];
    if (n < 20) return std::string(ones[n]) + "th";
    if (n % 10 == 0) return n == 20 ? "twentieth" : "thirtieth";
    return std::string(tens[n / 10]) + " " + first_to_twelfth[n % 10];
}
inline std::string year(std::size_t y, bool with_and) {
    if (y / 10 == 200)
        return std::string("two thousand") + (y % 10 == 0 ? "" : (with_and ? " and " : " ") + number(y % 10));
    std::string const century = number(y / 100);
    if (y % 100 == 0) return century + " hundred";
    return century + (y % 100 < 10 ? " oh " : " ") + number(y % 100);
}
}  // namespace detail

/// A date of 1900 to 2099 in one of several wordings, and in ISO 8601.
inline meshwise::text_pair date(std::size_t y, std::size_t month, std::size_t day, std::size_t wording) {
    using namespace detail;
    std::string const m = months[month - 1], in_words = year(y, wording % 2 == 0);
    std::array<char, 16> iso{};
    std::snprintf(iso.data(), iso.size(), "%04zu-%02zu-%02zu", y % 10000, month % 100, day % 100);
    switch (wording % 4) {
    case 0: return {"the " + ordinal(day) + " of " + m + " " + in_words, iso.data()};
    case 1: return {m + " " + ordinal(day) + " " + in_words, iso.data()};
    case 2: return {m + " the " + ordinal(day) + ", " + in_words, iso.data()};
    default: return {std::to_string(day) + " " + m + " " + std::to_string(y), iso.data()};
    }
}

/// `count` pairs to learn and 400 held out, drawn from a seed.
inline example_set<meshwise::text_pair> dates(std::size_t count, meshwise::seed from) {
    meshwise::random_stream const numbers(from, "dates"), kept(meshwise::seed{0}, "held out dates");
    example_set<meshwise::text_pair> made;
    for (std::size_t i = 0; made.training.size() < count || made.held_out.size() < 400; ++i) {
        auto const draw = [&, at = 4 * i](std::size_t which, std::size_t among) {
            return static_cast<std::size_t>(numbers.bits(at + which) % among);
        };
        std::size_t const y = 1900 + draw(0, 200), month = 1 + draw(1, 12),
                          day = 1 + draw(2, detail::days[month - 1]);
        bool const is_held_out = kept.bits((y * 12 + month) * 31 + day) % 20 == 0;
        auto& to = is_held_out ? made.held_out : made.training;
        if (to.size() < (is_held_out ? 400 : count)) to.push_back(date(y, month, day, draw(3, 8)));
    }
    return made;
}

}  // namespace examples
