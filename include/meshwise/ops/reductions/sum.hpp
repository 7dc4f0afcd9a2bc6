// sum over named axes.
// Rule: core/relations.hpp `summation`: a split axis leaves a pending sum.
// Gradient: every summand gets the gradient of the sum.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/core/named_axes.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/mapped_elements.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/products/contract.hpp>
#include <meshwise/tensor/padding.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

namespace detail {
// every element of `most`, which has all axes, beside its place in x and in out
template <class Most, class Out, class X>
iteration_space<1> loops_over(Most const& most, Out const& out, X const& x) {
    using all = typename Most::axes;
    iteration_space<1> l;
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
                B::sum(l, to, x.raw_data() + static_cast<std::ptrdiff_t>(i * l.extents[cut]) * l.in[0][cut]);
            };
            sum_of_leaves<B>(0, leaves, out.local_size(), out.mutable_data(), part);
            return out;
        }
    }
    B::sum(l, out.mutable_data(), x.raw_data());
    return out;
}

// the value repeated along the axes it lacks
template <class Out, class X, class Like>
Out repeated(X const& x, Like const& like) {
    auto out = result_of<Out>(like);
    Out::backend::permute(loops_over(out, out, x), out.mutable_data(), x.raw_data());
    if constexpr (repeats_into_padding<X>(typename Out::axes{})) clear_padding(out);
    return out;
}
}  // namespace detail

namespace detail {
// Few elements of a narrow integer have a sum that it does not hold: they are added as std::int64_t.
template <class X>
inline constexpr bool is_added_as_int64 = false;
template <class X>
    requires std::is_integral_v<typename X::value_type>
inline constexpr bool is_added_as_int64<X> = sizeof(typename X::value_type) < sizeof(std::int64_t);

// in the elements of x
template <class Summed, class X>
auto sum_in_elements(X const& x, std::source_location where) {
    bool const recorded = is_recorded(where, x);
    using relation = summation<Summed, typename X::operand>;
    using out_type = with_place<X, typename relation::axes, typename relation::layout>;
    auto out = summed<out_type, Summed>(x);
    if (recorded)
        record_linear(out, where,
                      [to = target_of(x), extents = x.extents()](auto const& d, mesh_mask pending) {
                          using back = gradient_of<X>;
                          auto const like = back::over({}, extents);
                          contribute(to, repeated<back>(d, like), pending);
                      });
    return out;
}
}  // namespace detail

/// Sum over the axes A, or of all elements. The sum of integers is std::int64_t, or std::uint64_t of those; that of bfloat16 is
/// float. Placement: pending over the mesh axes that split them. Communication: none.
/// Example: auto per_text = mw::sum<token, embed>(x);
template <any_axis... A, any_tensor X>
auto sum(X const& x, std::source_location where = std::source_location::current()) {
    using summed = typename detail::reduced_names<X, A...>::axes;
    using verdict =
        all_of<not_refused<X>, typename summation<summed, typename X::operand>::verdict, detail::no_mask<X>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return sum<A...>(cast<float>(x, where), where);
    else if constexpr (detail::is_added_as_int64<X>)
        return detail::sum_in_elements<summed>(cast<std::int64_t>(x, where), where);
    else {
        static_assert(sizeof(typename X::mesh) > 0);  // what is wrong with it is said of this line
        return detail::sum_in_elements<summed>(x, where);
    }
}

/// The same under a strategy: the sum over all ranks. Placement: where S puts the axes left. Communication: what `settle`
/// derives. Example: auto per_embed = mw::sum<S, batch, token>(x);
template <any_strategy S, any_axis... A, any_tensor X>
auto sum(X const& x, std::source_location where = std::source_location::current()) {
    using summed = typename detail::reduced_names<X, A...>::axes;
    using verdict =
        all_of<not_refused<X>, typename summation<summed, typename X::operand>::verdict, detail::no_mask<X>,
               detail::same_mesh<typename X::layout, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(sum<A...>(x, where), where);
}

// positions
template <auto First, auto... Rest, any_tensor X>
auto sum(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
// what are no axes
template <class... K, any_tensor X>
    requires detail::misnamed<K...>
auto sum(X const&) {
    using verdict = all_of<not_refused<X>, typename detail::judged_names<K...>::verdict>;
    return refuse<verdict>();
}

}  // namespace meshwise
