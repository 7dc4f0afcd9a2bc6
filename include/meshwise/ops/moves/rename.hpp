// rename: the same elements under other axes, on the memory of the operand. Cost: nothing.
#pragma once

#include <meshwise/autodiff/record.hpp>

namespace meshwise {

namespace detail {
/// x's memory under the axes of Out; contributions to the gradient go back the same way, by their kind.
template <class Out, class X>
Out relabelled(X const& x, typename Out::extents_type extents, std::source_location where) {
    auto out = Out::over(x.memory(), extents);
    if (is_recorded(where, x))
        record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
            contribute(to, gradient_of<X>::over(d.memory(), to.extents), pending);
        });
    else
        out.set_constant_as(x);
    return out;
}

// a layout in which another axis stands where From stood
template <class From, class To, class L>
struct moved_split;
template <class From, class To, class Mesh, class... P>
struct moved_split<From, To, layout<Mesh, P...>> {
    template <class Q>
    struct one {
        using type = Q;
    };
    template <class... M>
    struct one<split<From, M...>> {
        using type = split<To, M...>;
    };
    using type = layout<Mesh, typename one<P>::type...>;
};
}  // namespace detail

/// Axis From under the name To: as many elements, stored and true, and bounded alike.
/// Example: static_assert(mw::renaming<token, key, decltype(x)::operand>::verdict::value);
template <class From, class To, class X>
struct renaming {
    template <class A>
    using named = std::conditional_t<std::is_same_v<A, From>, To, A>;
    template <class... A>
    using all_named = axes<named<A>...>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using layout = typename detail::moved_split<From, To, typename X::layout>::type;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<From>, typename X::axes>::type,
               judge<From::size == To::size && From::bounded == To::bounded, sizes_differ,
                     axis_of_size<From, From::size>, axis_of_size<To, To::size>>,
               judge<From::true_size == To::true_size, sizes_differ, axis_of_size<From, From::true_size>,
                     axis_of_size<To, To::true_size>>>;
};

/// x with axis From called To. Placement: kept; what was split by From is split by To. Communication: none.
/// Example: auto as_keys = mw::rename<token, key>(x);
template <any_axis From, any_axis To, any_tensor X>
auto rename(X const& x, std::source_location where = std::source_location::current()) {
    using relation = renaming<From, To, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::relabelled<with_place<X, typename relation::axes, typename relation::layout>>(
            x, x.extents(), where);
}

}  // namespace meshwise
