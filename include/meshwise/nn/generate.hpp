// generate: continues a text, one token at a time, at the cost of one token: a key_value_cache holds the rest.
// Every rank returns the same ids.
#pragma once

#include <algorithm>
#include <vector>

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/sampling.hpp>
#include <meshwise/ops/moves/slice.hpp>
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
/// A draw depends on its place in the whole text, so that a text which goes on in a second call is that of one call.
/// Communication: that of the forward pass, and one gather of the scores. Errors: an empty prompt; a `stop_at` that the
/// vocabulary does not have; those of `sample`.
/// `each(id)` is called for every new id. A padded vocabulary is never drawn.
/// Example: auto text = mw::generate<token>(here, model, prompt, 100, {.temperature = 0.8, .top_k = 40});
template <any_axis Context, class Rank, class Model, class Each = detail::tell_nobody>
std::vector<std::int32_t> generate(Rank& here, Model const& model, std::vector<std::int32_t> ids,
                                   std::size_t count, sampling const& how = {}, Each each = {}) {
    using S = typename Model::strategy;
    using prompt = detail::prompt<Context::size>;
    if (ids.empty()) throw error("generation needs at least one token to continue; give a prompt");
    detail::check(how);
    detail::check_options("mw::generate", {{"count", static_cast<double>(count), detail::a_count}});
    if (how.stop_at &&
        (*how.stop_at < 0 || static_cast<std::size_t>(*how.stop_at) >= Model::vocab::true_size))
        throw error("mw::generate was told to stop at id " + std::to_string(*how.stop_at) +
                    ", which is never drawn: " + std::string(name_of<typename Model::vocab>()) +
                    " has ids 0 to " + std::to_string(Model::vocab::true_size - 1));
    detail::note_common(common_kind::generation,
                        {detail::bits_of(how.temperature), how.top_k, detail::bits_of(how.top_p),
                         how.from.value, how.stop_at ? 1 + static_cast<std::uint64_t>(*how.stop_at) : 0,
                         count, detail::hash_of_bytes(ids.data(), ids.size() * sizeof(std::int32_t))});
    without_recording const off;
    typename Model::template cache<detail::one_text, detail::kept_token<Context::size>> cache;
    std::size_t unseen = ids.size();
    for (std::size_t i = 0; i < count; ++i) {
        if (unseen > cache.room - cache.length()) {
            cache.clear();
            unseen = std::min(ids.size(), cache.room);
        }
        auto const input =
            place<detail::one_text, prompt>(here, std::span<std::int32_t const>(ids).last(unseen), {unseen});
        auto const state = reshard<layout<typename S::mesh>>(model.hidden(input, cache));
        auto const scores = here.gather(model.head(slice<prompt, detail::last_token>(state, unseen - 1)));
        std::int32_t const next = sample(std::span(scores).first(Model::vocab::true_size), how, ids.size());
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
