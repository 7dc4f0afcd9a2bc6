// pool: the states of a text as one, over its true length only; a text of length 0 gives zeros.
// Each kind is one sum over the tokens that count, so a split token axis is reduced as any other sum is.
// Cost: one pass over the states; max: three, and two more reductions of (batch, embed) where tokens are split.
#pragma once

#include <limits>

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/transformer_options.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/align.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/rows/checked_ids.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

namespace elementary {
// elements behind a text's length are replaced, not multiplied by 0: they may be NaN
struct before {
    constexpr auto operator()(auto x, auto position, auto end) const { return select(position < end, x, 0); }
};
struct at {
    constexpr auto operator()(auto x, auto position, auto place) const {
        return select(position == place, x, 0);
    }
};
struct over_count {
    constexpr auto operator()(auto total, auto count) const { return total / max(count, 1); }
};
struct at_most_one {
    constexpr auto operator()(auto length) const { return min(length, 1); }
};
template <class T>
struct counted {
    constexpr auto operator()(auto x, auto position, auto length) const {
        return select(position < length, x, -std::numeric_limits<T>::infinity());
    }
};
// minus the position where x is the largest; a NaN is one, and never equal
template <class T>
struct minus_place_of_largest {
    constexpr auto operator()(auto x, auto largest, auto position, auto length) const {
        T const nowhere = -std::numeric_limits<T>::infinity();
        return select(position < length, select(x == largest || x != x, -position, nowhere), nowhere);
    }
};
}  // namespace elementary

namespace detail {
// 0, 1, 2, ... along x's tokens, split as they are
template <class Token, class X>
auto token_numbers(X const& x) {
    using numbers = with_place<X, axes<Token>, relayout<axes<Token>, list<>, typename X::layout>>;
    auto out = result_of<numbers>(x);
    fill_elements(out, [](std::size_t i) { return i; });
    return out;
}
}  // namespace detail

/// Of states x (batch, token, embed) and lengths (batch): the first token's, the mean, or the largest of each feature:
/// (batch, embed), where the strategy puts it. Ties: the gradient of a maximum goes to the first of the largest.
/// Communication: where the tokens are split one sum of the result; max: two maxima of its size besides.
/// Errors: a length below 0 or above the number of tokens.
/// Example: auto per_text = mw::pool<S, mw::pooling::mean>(x, lengths);
template <any_strategy S, pooling How, any_tensor X, any_tensor Lengths>
auto pool(X const& x, Lengths const& lengths) {
    if constexpr (any_poison<X, Lengths>)
        return poison{};
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)  // which counts to 256 only
        return cast<bfloat16>(pool<S, How>(cast<float>(x), lengths));
    else {
        using token = detail::token_axis_of<X>;
        using T = typename X::value_type;
        check_operands(std::source_location::current(), x, lengths);
        detail::check_lengths<token>(lengths, "mw::pool", x.template stored_extent<token>());
        auto const position = detail::token_numbers<token>(x);
        auto const length = align(cast<T>(lengths), x);
        if constexpr (How == pooling::cls)
            return settle<S>(
                sum<token>(map(elementary::before{}, x, position, map(elementary::at_most_one{}, length))));
        else if constexpr (How == pooling::mean) {
            auto const total = settle<S>(sum<token>(map(elementary::before{}, x, position, length)));
            return map(elementary::over_count{}, total, align(length, total));
        } else {
            using whole = relayout<detail::without<detail::as_list<typename X::axes>, detail::list<token>>,
                                   detail::list<>, typename X::layout>;
            auto const seen = x.detached();
            auto const largest =
                reshard<whole>(max<token>(map(elementary::counted<T>{}, seen, position, length)));
            auto const place = scale(reshard<whole>(max<token>(map(elementary::minus_place_of_largest<T>{},
                                                                   seen, largest, position, length))),
                                     -1);
            return settle<S>(sum<token>(map(elementary::at{}, x, position, place)));
        }
    }
}

}  // namespace meshwise
