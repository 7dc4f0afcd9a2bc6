// bias_in_product: x W + b, the bias added where the product is stored: no pass over the result of its own.
// Guarantees: values, gradients and their bits are those of dot and add.
#pragma once

#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/align.hpp>
#include <meshwise/ops/products/dot.hpp>

namespace meshwise::detail {

template <class List>
struct of_several_ranks;
template <class... M>
struct of_several_ranks<list<M...>> {
    using type = concat<list<>, std::conditional_t<(M::ranks > 1), list<M>, list<>>...>;
};
// A whole value goes from one layout to the other without a move: they differ in mesh axes of one rank at most.
template <class From, class To, class... A>
constexpr bool is_where_it_should_be(axes<A...>) {
    return of_several_ranks<sums_of<From>>::type::size == 0 &&
           (std::is_same_v<typename of_several_ranks<split_of<From, A>>::type,
                           typename of_several_ranks<split_of<To, A>>::type> &&
            ...);
}

// Where dot and add would be local and their result is where the strategy wants it. Under reproducible<V> a product is
// a sum of products, and the bias comes after the last.
template <class S, class X, class W, class Bias, class... K>
constexpr bool bias_fits_into_product() {
    if constexpr (any_poison<X, W, Bias>)
        return false;
    else if constexpr (!free_dot_verdict<S, X, W, K...>::value || X::backend::leaves != 1 ||
                       !std::is_floating_point_v<typename X::value_type>)
        return false;
    else {
        using out = typename dot_axes<X, W, K...>::type;
        using aligned = alignment<S, X, W, out, K...>;
        using product =
            contraction<out, operand<typename X::axes, typename aligned::template wanted<X>::type>,
                        operand<typename W::axes, typename aligned::template wanted<W>::type>>;
        if constexpr (!product::verdict::value || repeats_into_padding<Bias>(out{}))
            return false;
        else {
            using place = layout_for<S, out>;
            using sum = addition<operand<out, place>,
                                 operand<typename Bias::axes, relayout<typename Bias::axes, list<>, place>>>;
            if constexpr (!sum::verdict::value)
                return false;
            else
                return is_where_it_should_be<typename product::layout, place>(out{}) &&
                       std::is_same_v<typename sum::axes, out> && std::is_same_v<typename sum::layout, place>;
        }
    }
}

// Under mw::precision the sum is rounded once, behind the bias.
template <class S, class... K, class X, class W, class Bias>
auto rounded_affine(X const& x, W const& w, Bias const& bias, std::source_location where) {
    if constexpr (any_poison<X, W, Bias>)
        return poison{};
    else if constexpr (!free_dot_verdict<S, X, W, K...>::value)
        return dot<S, K...>(x, w, where);
    else {
        using out = typename dot_axes<X, W, K...>::type;
        using aligned = alignment<S, X, W, out, K...>;
        auto const left = brought<S, typename aligned::template wanted<X>::type>(x, where);
        auto const right = brought_to_the_right<S, typename aligned::template wanted<W>::type>(w, where);
        auto const y = settle<S>(contract<out>(left, right, where), where);
        return sum_of_two<1, typename S::product>(y, align(bias, y, where), where);
    }
}

/// x W + b over the axes K, b having the axes of W besides K in their order.
/// Placement and communication: as dot<S, K...> and add of the aligned bias.
template <class S, class... K, class X, class W, class Bias>
auto affine(list<K...>, X const& x, W const& w, Bias const& bias, std::source_location where) {
    if constexpr (narrows<S>)
        return rounded_affine<S, K...>(x, w, bias, where);
    else if constexpr (!bias_fits_into_product<S, X, W, Bias, K...>()) {
        auto const y = dot<S, K...>(x, w, where);
        return add(y, align(bias, y, where), where);
    } else {
        using out = typename dot_axes<X, W, K...>::type;
        using aligned = alignment<S, X, W, out, K...>;
        auto const left = reshard<typename aligned::template wanted<X>::type>(x, where);
        auto const right = reshard<typename aligned::template wanted<W>::type>(w, where);
        using relation =
            contraction<out, typename decltype(left)::operand, typename decltype(right)::operand>;
        using place = layout_for<S, out>;
        auto const b = reshard<relayout<typename Bias::axes, list<>, place>>(bias, where);
        bool const product_recorded = is_recorded(where, left, right);
        check_operands(where, left, b);
        bias_of_columns<typename X::value_type> columns{b.raw_data()};
        auto product = contracted<typename X::value_type, out, relation>(left, right, &columns);
        // on the tape they are two operations, as if the sum had memory of its own
        if (product_recorded) record_contraction(product, left, right, where);
        auto const settled = reshard<place>(product, where);
        auto sum = settled.detached();
        if (!columns.added)
            X::backend::map(element_loops(sum, settled, b), elementary::plus{}, sum.overwritten_data(),
                            settled.raw_data(), b.raw_data());
        bool const bias_recorded = is_recorded(where, b);  // its use is noted behind the product
        if (product_recorded || bias_recorded) record_sum<1>(sum, settled, b, where);
        return sum;
    }
}

}  // namespace meshwise::detail
