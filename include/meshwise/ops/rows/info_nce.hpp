// info_nce: the contrastive loss of pairs: each query is to be found among the keys of the whole batch.
// Rule: those of `dot` and `cross_entropy`, after the keys of a split batch were gathered.
// Cost: one product of all queries of this rank with all keys, and a cross entropy of as many classes as there are keys.
// Source: van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding, 2018.
#pragma once

#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/rows/cosine.hpp>

namespace meshwise {

/// Options of `info_nce`. Example: constexpr mw::info_nce_options options{.temperature = 0.05};
struct info_nce_options {
    double temperature = 0.1;  // products are divided by it
    loss_reduction reduction = loss_reduction::mean;
};

namespace detail {
// a batch as the candidates of each of its rows; no strategy names it, so it is whole on every rank
template <class Batch>
struct candidates : Batch {};

// elements of the axes behind Axis, over all ranks, of which an index passes that many from one of Axis to the next
template <class Axis, class X>
std::size_t behind(X const& x) {
    std::size_t step = 1;
    bool passed = false;
    [&]<class... A>(axes<A...>) {
        ((step *= passed ? true_extent<A>(x) : 1, passed = passed || std::is_same_v<A, Axis>), ...);
    }(typename X::axes{});
    return step;
}

template <class Batch, class Embed, class X, class Y>
using paired = all_of<
    not_refused<X, Y>, same_mesh<typename X::operand::layout, typename Y::operand::layout>,
    typename present<left_operand_lacks_axis, list<Batch, Embed>, typename X::operand::axes>::type,
    typename present<right_operand_lacks_axis, typename X::operand::axes, typename Y::operand::axes>::type,
    typename present<left_operand_lacks_axis, typename Y::operand::axes, typename X::operand::axes>::type,
    same_backend<X, Y>, same_elements<X, Y>>;
}  // namespace detail

/// -log softmax(query . keys / temperature)[own key], where the keys are those of all rows of Batch, also of other ranks, as a
/// mean over the queries. Give mw::normalize<Embed>(x) of both for cosines, and add the loss with both exchanged for CLIP's.
/// Placement: queries and keys of the same axes, Batch and Embed among them, where S puts them; sum and count as those of
/// `cross_entropy`. Communication: an all-gather of the keys over the mesh axes that split Batch; backwards the reduce-scatter.
/// Errors: a temperature that is not above 0.
/// Example:
/// auto loss = mw::info_nce<S, batch, embed>(mw::normalize<embed>(x), mw::normalize<embed>(y), {.temperature = 0.07});
template <any_strategy S, any_axis Batch, any_axis Embed, any_tensor X, any_tensor Y>
auto info_nce(X const& queries, Y const& keys, info_nce_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict = detail::paired<Batch, Embed, X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using all = detail::candidates<Batch>;
        detail::refuse_padding<Batch>();
        detail::check_options("mw::info_nce", {{"temperature", how.temperature, detail::above_zero}}, &where);
        auto const logits = settle<S>(dot<S, Embed>(scale(settle<S>(queries, where), 1 / how.temperature),
                                                    settle<S>(rename<Batch, all>(keys), where), where),
                                      where);
        using L = std::remove_const_t<decltype(logits)>;
        using rows = as_axes<detail::without<detail::as_list<typename L::axes>, detail::list<all>>>;
        auto own = result_of<tensor<std::int32_t, rows, relayout<rows, detail::list<>, typename L::layout>,
                                    typename L::backend>>(logits);
        std::size_t const count = own.template stored_extent<Batch>(), behind = detail::behind<Batch>(own);
        detail::fill_elements(own,
                              [=](std::size_t i) { return static_cast<std::int32_t>(i / behind % count); });
        auto const loss = cross_entropy<all>(logits, own, {}, where);
        if (how.reduction == loss_reduction::mean) return loss;
        using total = std::remove_cvref_t<decltype(loss.count)>;
        return loss_parts{loss.sum, detail::counted_once<total>(1, detail::sum_mask<typename total::layout>)};
    }
}

// no strategy, or other axes
template <class... K, any_tensor X, any_tensor Y>
    requires(sizeof...(K) != 3 || !detail::strategy_then_axes<K...>)
auto info_nce(X const&, Y const&, info_nce_options const& = {}) {
    static_assert(
        any_poison<X, Y>,
        "meshwise: mw::info_nce is told the strategy, the axis of the pairs and the axis that is summed, as in "
        "mw::info_nce<strategy, batch, embed>(queries, keys): keys are those of all ranks");
    return poison{};
}

}  // namespace meshwise
