#pragma once
// sum, mean, max over named axes.
// Rule: core/relations.hpp `summation`: a split axis leaves a pending sum (max: a pending maximum); mean refuses it.
// Gradient: every summand gets the gradient of the sum.
#include <meshwise/autodiff/record.hpp>
#include <meshwise/ops/contract.hpp>

namespace meshwise {

namespace detail {
// every element of `most`, which has all axes, beside its place in x and in out
template <class Most, class Out, class X>
loops<1> loops_over(Most const& most, Out const& out, X const& x) {
    using all = typename Most::axes;
    loops<1> l;
    auto const& extents = most.local_extents();
    l.dims = extents.size();
    std::copy(extents.begin(), extents.end(), l.extents.begin());
    strides_at(positions<all, typename Out::axes>, out.local_extents(), l.out.data());
    strides_at(positions<all, typename X::axes>, x.local_extents(), l.in[0].data());
    return l;
}

template <class Out, class Summed, class X>
Out summed(X const& x) {
    using B = typename X::backend;
    auto out = result_of<Out>(x);
    auto l = loops_over(x, out, x);
    if constexpr (B::leaves > 1) {
        using leaf = typename leaf_axis<typename X::layout, Summed>::type;
        if constexpr (!std::is_void_v<leaf>) {
            constexpr std::size_t leaves = leaves_of<B, typename X::layout, leaf>::here;
            constexpr std::size_t cut = index_of<leaf, typename X::axes>;
            l.extents[cut] = leaves_of<B, typename X::layout, leaf>::extent(l.extents[cut]);
            auto part = [&](std::size_t i, typename X::value_type* to) {
                B::sum(l, to, x.data() + static_cast<std::ptrdiff_t>(i * l.extents[cut]) * l.in[0][cut]);
            };
            sum_of_leaves<B>(0, leaves, out.size(), out.mutable_data(), part);
            return out;
        }
    }
    B::sum(l, out.mutable_data(), x.data());
    return out;
}

template <class L, class Maxima>
struct with_maxima;
template <class Mesh, class... P, class... M>
struct with_maxima<layout<Mesh, P...>, list<M...>> {
    using type = canonical<Mesh, P..., partial<M, maximum>...>;
};

// the value repeated along the axes it lacks
template <class Out, class X, class Like>
Out repeated(X const& x, Like const& like) {
    auto out = result_of<Out>(like);
    Out::backend::permute(loops_over(out, out, x), out.mutable_data(), x.data());
    return out;
}
}  // namespace detail

/// Sum over the axes A. Placement: pending over the mesh axes that split them. Communication: none.
template <tensor_axis... A, a_tensor X>
auto sum(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else {
        using relation = summation<list<A...>, typename X::operand>;
        using verdict = typename relation::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using out_type = with_place<X, typename relation::axes, typename relation::layout>;
            auto out = detail::summed<out_type, list<A...>>(x);
            if (is_recorded(x))
                record_linear(out, where,
                              [to = target_of(x), extents = x.extents()](auto const& d, mesh_mask pending) {
                                  using back = gradient_of<X>;
                                  auto const like = back::over({}, extents);
                                  contribute(to, detail::repeated<back>(d, like), pending);
                              });
            return out;
        }
    }
}

/// Largest element over the axes A. Placement: a split axis gives a pending maximum, which mw::reshard reduces.
/// Gradient: none; for values that steer (softmax shifts, reports), not for losses.
template <tensor_axis... A, a_tensor X>
auto max(X const& x) {
    if constexpr (is_poison<X>)
        return poison{};
    else {
        using relation = summation<list<A...>, typename X::operand>;
        using L = typename X::layout;
        using verdict = all_of<typename detail::present<value_lacks_axis, list<A...>, typename X::axes>::type,
                               std::conditional_t<sums_of<L>::size == 0, holds, detail::not_pending<L>>>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using out_layout = typename detail::with_maxima<
                relayout<typename relation::axes, list<>, L>,
                typename detail::united<maxima_of<L>, typename relation::pending>::type>::type;
            auto out = result_of<with_place<X, typename relation::axes, out_layout>>(x);
            X::backend::max(detail::loops_over(x, out, x), out.mutable_data(), x.data());
            return out;
        }
    }
}

}  // namespace meshwise
