#pragma once
// generate: continues a text, one token at a time, at the cost of one token: a key_value_cache holds the rest.
// Every rank returns the same ids.
#include <algorithm>
#include <vector>

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/sampling.hpp>
#include <meshwise/ops/slice.hpp>
#include <meshwise/parallel/rank.hpp>

namespace meshwise {

namespace detail {
// axes of generation's own, which no strategy splits
struct one_text : axis<1> {};
struct last_token : axis<1> {};
template <std::size_t N>
struct prompt : up_to<N> {};
template <std::size_t N>
struct kept_token : axis<N> {};

struct tell_nobody {
    void operator()(std::int32_t) const {}
};
}  // namespace detail

/// `ids` and at most `count` more, fewer where `how.stop_at` is drawn. The model sees the last Context::size ids: within
/// them a step costs one token; beyond, the window slides, all positions change, and a step costs the whole window.
/// Communication: that of the forward pass, and one gather of the scores. Errors: an empty prompt; those of `sample`.
/// `each(id)` is called for every new id. A padded vocabulary is never drawn.
/// Example: mw::generate<context>(here, model, ids, 100, {.temperature = 0.8, .top_k = 40});
template <tensor_axis Context, class Rank, class Model, class Each = detail::tell_nobody>
std::vector<std::int32_t> generate(Rank& here, Model const& model, std::vector<std::int32_t> ids,
                                   std::size_t count, sampling const& how = {}, Each each = {}) {
    using S = typename Model::strategy;
    using prompt = detail::prompt<Context::size>;
    if (ids.empty()) throw error("generation needs at least one token to continue; give a prompt");
    detail::check(how);
    without_recording const off;
    typename Model::template cache<detail::one_text, detail::kept_token<Context::size>> cache;
    std::size_t unseen = ids.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (unseen > cache.room - cache.length()) {
            cache.clear();
            unseen = std::min(ids.size(), cache.room);
        }
        auto const input = here.template place<detail::one_text, prompt>(
            std::span<std::int32_t const>(ids).last(unseen), {unseen});
        auto const state = reshard<layout<typename S::mesh>>(model.hidden(input, cache));
        auto const scores = here.gather(model.head(slice<prompt, detail::last_token>(state, unseen - 1)));
        std::int32_t const next = sample(std::span(scores).first(Model::vocab::true_size), how, i);
        if (next == how.stop_at) break;
        ids.push_back(next);
        each(next);
        unseen = 1;
    }
    return ids;
}
/// The same for a model that knows its context: its Token axis.
template <class Rank, class Model, class Each = detail::tell_nobody>
    requires requires { typename Model::token; }
std::vector<std::int32_t> generate(Rank& here, Model const& model, std::vector<std::int32_t> ids,
                                   std::size_t count, sampling const& how = {}, Each each = {}) {
    return generate<typename Model::token>(here, model, std::move(ids), count, how, each);
}

}  // namespace meshwise
