// sampling: one id from one row of scores. Every rank that holds the same scores draws the same id: the numbers are
// counter-based, and ties go to the lowest id. Cost: one pass; with top_k or top_p a sort of what they look at.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <meshwise/core/error.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

/// How the next id is drawn. First temperature, then top_k, then top_p of what is left.
/// Example: constexpr mw::sampling how{.temperature = 0.8, .top_k = 40};
struct sampling {
    double temperature = 1;  // 0: always the likeliest
    std::size_t top_k = 0;   // only the k likeliest; 0: all
    double top_p = 1;  // only the likeliest that together reach this probability; 1: all, 0: the likeliest
    seed from{1};
    std::optional<std::int32_t> stop_at = std::nullopt;  // the text ends before this id
};

namespace detail {
inline void check(sampling const& how) {
    check_options("mw::sampling", {{"temperature", how.temperature, at_least_zero_in_double},
                                   {"top_k", static_cast<double>(how.top_k), a_count},
                                   {"top_p", how.top_p, zero_to_one}});
}

// Puts weights to zero that top_k and top_p leave out. Of equal scores the lower id is the likelier.
template <class T>
void leave_out(std::span<T const> scores, sampling const& how, std::vector<double>& weights) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    auto const likelier = [&](std::size_t a, std::size_t b) {
        return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    };
    std::size_t kept = how.top_k == 0 ? order.size() : std::min(how.top_k, order.size());
    auto const end = [&] { return order.begin() + static_cast<std::ptrdiff_t>(kept); };
    if (kept < order.size()) std::nth_element(order.begin(), end() - 1, order.end(), likelier);
    if (how.top_p < 1) {
        std::sort(order.begin(), end(), likelier);
        double const all = std::accumulate(order.begin(), end(), 0.0,
                                           [&](double sum, std::size_t i) { return sum + weights[i]; });
        double sum = weights[order[0]];
        std::size_t enough = 1;
        while (enough < kept && sum < how.top_p * all) sum += weights[order[enough++]];
        kept = enough;
    }
    for (std::size_t i = kept; i < order.size(); ++i) weights[order[i]] = 0;
}
}  // namespace detail

/// The id drawn from one row of scores; `position` numbers the draws. Scores that are all -inf are a tie: id 0.
/// Errors: no scores; a score that is not a number; a temperature below 0; a top_p outside [0, 1].
/// Source: Fan et al., Hierarchical neural story generation, 2018 (top_k); Holtzman et al., The curious case of neural
/// text degeneration, 2020 (top_p).
/// Example:
/// std::vector<float> const row{0.1F, 2.0F, 0.3F};
/// auto const id = mw::sample(std::span<float const>(row), mw::sampling{.top_k = 2}, 0);
template <class T>
std::int32_t sample(std::span<T const> scores, sampling const& how, std::uint64_t position) {
    detail::check(how);
    if (scores.empty()) throw error("there are no scores to draw an id from; a vocabulary has at least one");
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (std::isnan(scores[i]))
            throw error("the score of id " + std::to_string(i) +
                        " is not a number; the model has diverged, or its weights were not loaded");
    auto const first_best = std::max_element(scores.begin(), scores.end());
    auto const best = static_cast<std::int32_t>(first_best - scores.begin());
    // differences of infinite scores are not numbers
    if (how.temperature == 0 || how.top_k == 1 || how.top_p == 0 || std::isinf(*first_best)) return best;
    std::vector<double> weights(scores.size());
    std::transform(scores.begin(), scores.end(), weights.begin(), [&](T s) {
        return std::exp((static_cast<double>(s) - static_cast<double>(*first_best)) / how.temperature);
    });
    if (how.top_k != 0 || how.top_p < 1) detail::leave_out(scores, how, weights);
    double left = random_stream(how.from, "sample").uniform(position) *
                  std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < weights.size(); ++i)
        if (left -= weights[i]; left < 0) return static_cast<std::int32_t>(i);
    return best;  // rounding left a little
}

}  // namespace meshwise
