#pragma once
// generate: continues a text, one token at a time. Every rank picks the same token: the numbers are counter-based and
// ties go to the lowest id.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <meshwise/ops/slice.hpp>
#include <meshwise/parallel/rank.hpp>

namespace meshwise {

struct sampling {
    double temperature = 1;  // 0: always the likeliest
    std::size_t top_k = 0;   // 0: all
    seed from{1};
};

/// The id drawn from one row of scores. `position` numbers the draws.
template <class T>
std::int32_t sample(std::span<T const> scores, sampling const& how, std::uint64_t position) {
    std::size_t const best =
        static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    if (how.temperature <= 0 || how.top_k == 1) return static_cast<std::int32_t>(best);
    double least = -std::numeric_limits<double>::infinity();
    if (how.top_k != 0 && how.top_k < scores.size()) {
        std::vector<T> sorted(scores.begin(), scores.end());
        std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(how.top_k - 1),
                         sorted.end(), std::greater<>());
        least = static_cast<double>(sorted[how.top_k - 1]);
    }
    auto const weight = [&](T s) {
        return static_cast<double>(s) < least
                   ? 0.0
                   : std::exp((static_cast<double>(s) - static_cast<double>(scores[best])) / how.temperature);
    };
    double total = 0;
    for (T s : scores) total += weight(s);
    double left = random_stream(how.from, "sample").uniform(position) * total;
    for (std::size_t i = 0; i < scores.size(); ++i)
        if (left -= weight(scores[i]); left < 0) return static_cast<std::int32_t>(i);
    return static_cast<std::int32_t>(best);
}

namespace detail {
struct one_text : axis<1> {};
struct last_token : axis<1> {};
template <std::size_t N>
struct prompt : up_to<N> {};
}  // namespace detail

/// `prompt` and `count` more ids. The model sees at most its last Token::size ids; a padded vocabulary is never drawn.
/// Communication: that of the forward pass, and one gather of the scores. Errors: an empty prompt.
/// `each(id)` is called for every new id.
template <class Rank, class Model, class Each>
std::vector<std::int32_t> generate(Rank& here, Model const& model, std::vector<std::int32_t> ids,
                                   std::size_t count, sampling const& how, Each each) {
    using S = typename Model::strategy;
    using prompt = detail::prompt<Model::token::size>;
    if (ids.empty()) throw error("generation needs at least one token to continue; give a prompt");
    without_recording const off;
    for (std::size_t i = 0; i < count; ++i) {
        std::size_t const seen = std::min(ids.size(), Model::token::size);
        auto const input = here.template place<detail::one_text, prompt>(
            std::span<std::int32_t const>(ids).last(seen), {seen});
        auto const state = reshard<layout<typename S::mesh>>(model.hidden(input));
        auto const scores = here.gather(model.head(slice<prompt, detail::last_token>(state, seen - 1)));
        ids.push_back(sample(std::span(scores).first(Model::vocab::true_size), how, i));
        each(ids.back());
    }
    return ids;
}

}  // namespace meshwise
