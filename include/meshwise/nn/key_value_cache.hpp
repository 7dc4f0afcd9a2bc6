// key_value_cache: the keys and values of the tokens that a model has already seen, so that a further token costs one
// token. They lie where the strategy puts keys: split like their heads, so that steps communicate as training does.
//   typename model::template cache<batch, context> cache;
//   auto scores = m.logits(prompt, cache);   // (batch, prompt): the first tokens
//   scores = m.logits(next, cache);          // (batch, step): those that follow; the cache knows where they stand
// Steps and context are axes of their own, which the strategy leaves whole: one token cannot be split over ranks.
// Cost: 2 x layers x context x heads x head_dim elements, split over ranks as heads are; a step copies its own tokens.
#pragma once

#include <optional>

#include <meshwise/autodiff/model_gradient.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/products/attention.hpp>
#include <meshwise/tensor/constants.hpp>

namespace meshwise {

namespace detail {
struct missing_second_axis : axis<1> {};  // no tensor has it: the operation that is given it refuses
template <class Axes>
struct second_axis {
    using type = missing_second_axis;
};
template <class A, class B, class... Rest>
struct second_axis<axes<A, B, Rest...>> {
    using type = B;
};
template <class X>
using token_axis_of = typename second_axis<typename X::axes>::type;
template <class X>
std::size_t token_count(X const& x) {
    if constexpr (is_poison<X>)
        return 0;
    else
        return x.template stored_extent<token_axis_of<X>>();
}
}  // namespace detail

/// In place of a cache where texts are seen whole, as in training: a token attends to itself and those before it.
/// Example: auto y = model.blocks[0](x, mw::no_cache{});  // what is meant when nothing is said
struct no_cache {
    static constexpr std::size_t room = 0;
    std::size_t next(std::size_t) const { return 0; }
    no_cache layer(std::size_t) const { return {}; }
    template <class Model>
    void belongs_to(Model const&) const {}

    template <any_strategy S, class Q, class K, class V>
    auto attend(Q const& q, K const& k, V const& v) const {
        return attention<S, detail::token_axis_of<Q>>(q, k, v, {.causal = true});
    }
};

/// Keys and values of `Layers` layers; Kept is their type: (batch, context, heads..., head_dim), the context whole.
/// Example:
/// typename my_model::cache<batch, token> cache;
/// auto const next = m.logits(ids, cache);  // the scores of what follows; the cache remembers ids
template <class Kept, std::size_t Layers>
class key_value_cache {
    using context_axis = detail::token_axis_of<Kept>;
    static_assert(
        !context_axis::bounded && split_of<typename Kept::layout, context_axis>::size == 0,
        "meshwise: a cache keeps its context whole: name an mw::axis<N> that the strategy does not split");

    using batch_axis = detail::first_of<typename Kept::axes>;
    struct pair_of_tensors {
        Kept keys, values;
        std::size_t length = 0;
    };

public:
    /// How many tokens fit.
    static constexpr std::size_t room = context_axis::size;

    /// `extents`: the rows, where the batch is mw::up_to.
    explicit key_value_cache(typename Kept::extents_type extents = {}) {
        for (auto& layer : layers_)
            layer.keys = full<Kept>(0, extents), layer.values = full<Kept>(0, extents);
        most_rows_ = layers_[0].keys.template stored_extent<batch_axis>();
    }
    key_value_cache(key_value_cache const&) = delete;
    key_value_cache& operator=(key_value_cache const&) = delete;

    /// A model says that it made what is held, with the weights that it has. Cost: one look at each parameter.
    /// Errors: something is held that other weights made.
    template <class Model>
    void belongs_to(Model const& model, std::source_location where = std::source_location::current()) {
        std::uint64_t const now = detail::mark_of(model, where).writes;
        if (length() != 0 && now != weights_)
            detail::throw_error(
                {"a cache of keys and values holds ", length(),
                 " tokens that other weights made: the model was changed since, or it is another one; clear() the "
                 "cache and give the tokens again"});
        weights_ = now;
    }
    std::size_t length() const { return layers_[0].length; }
    void clear() {
        for (auto& layer : layers_) layer.length = 0;
    }
    /// The position of the first of `count` further tokens. Errors: they do not fit; nothing was written then.
    std::size_t next(std::size_t count) const { return place_of(layers_[0], count); }

    /// Row i becomes what row which[i] was, as a search orders its hypotheses; rows may be taken twice, or not at all.
    /// For a batch that is mw::up_to and whole on every rank. Cost: one copy of the tokens held.
    /// Errors: more rows than the cache was made for.
    void take_rows(std::span<std::int32_t const> which) {
        static_assert(batch_axis::bounded && Kept::bounded_count == 1 &&
                          split_of<typename Kept::layout, batch_axis>::size == 0,
                      "meshwise: rows are taken from a batch that is mw::up_to and whole on every rank");
        if (which.size() > most_rows_)
            detail::throw_error({"a cache made for ", most_rows_, " rows was asked for ", which.size(),
                                 "; make it for as many as a search has hypotheses"});
        if (!spare_) spare_ = full<Kept>(0, {most_rows_});
        for (auto& layer : layers_)
            for (Kept* x : {&layer.keys, &layer.values}) {
                Kept taken = Kept::over(spare_->release_memory(), {which.size()});
                if constexpr (Kept::backend::computes) copy_rows(*x, which, layer.length, taken);
                spare_ = std::exchange(*x, std::move(taken));
            }
    }

    /// One layer's part, as its attention asks for it.
    class layer_cache {
    public:
        explicit layer_cache(pair_of_tensors& at) : at_(&at) {}
        std::size_t next(std::size_t count) const { return place_of(*at_, count); }

        /// Keeps k and v, and attends to all that is kept. Communication: none where k and v are split as Kept is.
        /// Errors: no room, before anything is written; a gradient is asked for.
        template <any_strategy S, class Q, class K, class V>
        auto attend(Q const& q, K const& k, V const& v) const {
            if constexpr (any_poison<Q, K, V>)
                return poison{};
            else {
                if (is_recorded(std::source_location::current(), q, k, v))
                    throw error(
                        "a cache of keys and values keeps no gradient; put mw::without_recording around"
                        " generation, or train without the cache");
                using token = detail::token_axis_of<K>;
                std::size_t const count = k.template stored_extent<token>(), first = next(count);
                auto const run = detail::run_of_axis::of<context_axis>(at_->keys, first, count);
                keep<token>(run, at_->keys, k);
                keep<token>(run, at_->values, v);
                at_->length += count;
                return attention<S, token, context_axis>(q, at_->keys, at_->values,
                                                         {.causal = true, .first_query = first});
            }
        }

    private:
        template <class Token, class X>
        static void keep(detail::run_of_axis const& run, Kept& kept, X const& x) {
            static_assert(
                std::is_same_v<typename renaming<Token, context_axis, X>::axes, typename Kept::axes>,
                "meshwise: this cache was made for a model with other axes");
            auto const here = reshard<typename Kept::layout>(x);
            detail::check_agrees<batch_axis>(kept.template stored_extent<batch_axis>(), here);
            run.template put<typename Kept::backend>(kept.mutable_data(), here.raw_data());
        }

        pair_of_tensors* at_;
    };
    layer_cache layer(std::size_t i) { return layer_cache(layers_[i]); }

private:
    static std::size_t place_of(pair_of_tensors const& layer, std::size_t count) {
        if (count > room - layer.length)
            detail::throw_error({"the cache of keys and values has room for ", room, " tokens and holds ",
                                 layer.length, ", so ", count, " more do not fit; make axis ",
                                 name_of<context_axis>(),
                                 " longer, or clear() it and give the last tokens again"});
        return layer.length;
    }

    static void copy_rows(Kept const& from, std::span<std::int32_t const> which, std::size_t length,
                          Kept& to) {
        std::size_t const rows = from.template stored_extent<batch_axis>(),
                          whole = rows == 0 ? 0 : from.local_size() / rows, held = whole / room * length;
        for (std::size_t i = 0; i < which.size(); ++i) {
            auto const row = static_cast<std::size_t>(which[i]);
            if (row >= rows)
                detail::throw_error(
                    {"row ", which[i], " was asked of a cache that has ", rows, "; rows are counted from 0"});
            Kept::backend::copy(to.mutable_data() + i * whole, from.raw_data() + row * whole, held);
        }
    }

    std::array<pair_of_tensors, Layers> layers_{};
    // what rows are copied into next, once a search takes some; unused elements keep earlier finite values, never NaN
    std::optional<Kept> spare_;
    std::size_t most_rows_ = 0;
    std::uint64_t weights_ = 0;  // a hash of the last writes to the parameters
};

}  // namespace meshwise
