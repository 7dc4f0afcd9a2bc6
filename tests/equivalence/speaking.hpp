// Texts that go on from a cache of keys and values: the scores of every position are those of a model that sees the whole
// text at once, and the drawn ids are one rank's, on every mesh.
#pragma once
#include <algorithm>

#include "meshes.hpp"

#include <meshwise/nn/generate.hpp>

namespace speaking {

namespace mw = meshwise;

struct one : mw::axis<1> {};
struct piece : mw::up_to<tiny::token::size> {};
struct context : mw::axis<tiny::token::size> {};

constexpr std::size_t tokens = tiny::token::size, wide = tiny::vocab::size;

// what one run of a model leaves behind
struct spoken {
    bool left_out = false;         // see `tiny::left_out<S>()`
    std::vector<double> whole;     // scores of all positions, the text seen at once
    std::vector<double> stepwise;  // from a cache: 5 tokens, 1 token, 3 tokens, then one at a time
    std::vector<std::int32_t> likeliest, drawn, slid;  // ids
};

inline std::vector<std::int32_t> text() {
    auto const all = tiny::ids(0, 0);
    return {all.begin(), all.begin() + tokens};
}

// logits of the training axes, the text in every row of the batch; the first row's are kept
template <class S, class Model>
std::vector<double> seen_whole(mw::rank<S>& here, Model const& model) {
    std::vector<std::int32_t> rows;
    for (std::size_t b = 0; b < tiny::batch::size; ++b)
        for (std::int32_t const id : text()) rows.push_back(id);
    auto const all = here.gather(model.logits(mw::place<tiny::batch, tiny::token>(here, rows)));
    return {all.begin(), all.begin() + tokens * wide};
}

template <class S, class Model>
std::vector<double> seen_stepwise(mw::rank<S>& here, Model const& model) {
    typename Model::template cache<one, context> cache;
    std::vector<double> scores;
    auto const ids = text();
    for (std::size_t at = 0, step = 5; at < tokens; at += step, step = at == 6 ? 3 : 1) {
        CHECK(cache.length() == at);
        auto const input = mw::place<one, piece>(here, std::span(ids).subspan(at, step), {step});
        auto const some = here.gather(model.logits(input, cache));
        scores.insert(scores.end(), some.begin(), some.end());
    }
    CHECK(cache.length() == tokens);
    return scores;
}

template <template <class> class Model, class S>
spoken speak() {
    spoken result;
    if (result.left_out = tiny::left_out<S>(); result.left_out) return result;
    mw::run<S>(tiny::ranks{}, [&](auto& here) {
        mw::without_recording const off;
        auto const model = mw::init<Model<S>>(here, mw::seed{11});
        auto const whole = seen_whole(here, model), stepwise = seen_stepwise(here, model);
        auto const go_on = [&](std::size_t prompt, std::size_t count, mw::sampling const& how) {
            auto const ids = text();
            return mw::generate<context>(
                here, model, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(prompt)}, count, how);
        };
        auto const likeliest = go_on(3, tokens - 3, {.temperature = 0}),
                   drawn = go_on(3, 12, {.temperature = 0.8, .top_k = 9, .top_p = 0.9}),
                   slid = go_on(tokens, 6, {.temperature = 0});
        auto first = drawn;
        here.team().broadcast(here.team().mesh().every_axis(), mw::element_type::int32, first.data(),
                              first.size(), 0);
        CHECK(drawn == first);
        if (tiny::keeps_results(here)) result = {false, whole, stepwise, likeliest, drawn, slid};
    });
    return result;
}

inline double difference(std::vector<double> const& a, std::vector<double> const& b) {
    REQUIRE(a.size() == b.size());
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!(std::abs(a[i] - b[i]) <= most)) most = std::abs(a[i] - b[i]);
    return most;
}

inline void check_spoken(spoken const& alone, spoken const& other, double tolerance) {
    if (alone.left_out || other.left_out) return;
    ++tiny::ranks::compared;
    CHECK(difference(other.whole, alone.whole) <= tolerance);
    CHECK(difference(other.stepwise, alone.whole) <= tolerance);
    CHECK(other.likeliest == alone.likeliest);
    CHECK(other.drawn == alone.drawn);
    CHECK(other.slid == alone.slid);
}

// the ids without a cache: the last `tokens` ids are seen anew for each
template <template <class> class Model, class S>
std::vector<std::int32_t> likeliest_without_cache(std::size_t prompt, std::size_t count) {
    std::vector<std::int32_t> ids = text();
    ids.resize(prompt);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        mw::without_recording const off;
        auto const model = mw::init<Model<S>>(here, mw::seed{11});
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t const seen = std::min(ids.size(), tokens);
            auto const input =
                mw::place<one, piece>(here, std::span<std::int32_t const>(ids).last(seen), {seen});
            auto const scores = here.gather(model.logits(input));
            auto const last = scores.begin() + static_cast<std::ptrdiff_t>((seen - 1) * wide);
            ids.push_back(static_cast<std::int32_t>(
                std::max_element(last, last + static_cast<std::ptrdiff_t>(tiny::vocab::true_size)) - last));
        }
    });
    return ids;
}

}  // namespace speaking
