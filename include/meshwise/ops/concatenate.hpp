#pragma once
// concatenate: two values one behind the other along an axis. Linear: works on pending values too.
// Gradient: each operand gets its run; nothing is reduced on the way. Cost: one copy of both.
#include <meshwise/autodiff/record.hpp>
#include <meshwise/ops/axis_runs.hpp>

namespace meshwise {

/// Axis First of x, then axis Second of y, as the axis Result; both are whole on every rank, else equal.
template <class First, class Second, class Result, class X, class Y>
struct joining {
    template <class From>
    struct renamed {
        template <class A>
        using named = std::conditional_t<std::is_same_v<A, From>, Result, A>;
        template <class... A>
        using type = axes<named<A>...>;
    };
    using axes = apply_to<renamed<First>::template type, typename X::axes>;
    using other = apply_to<renamed<Second>::template type, typename Y::axes>;
    using layout = typename X::layout;
    using verdict =
        all_of<detail::same_mesh<layout, typename Y::layout>,
               typename detail::present<left_operand_lacks_axis, list<First>, typename X::axes>::type,
               typename detail::present<right_operand_lacks_axis, list<Second>, typename Y::axes>::type,
               typename detail::present<right_operand_lacks_axis, axes, other>::type,
               typename detail::present<left_operand_lacks_axis, other, axes>::type,
               judge<split_of<layout, First>::size == 0, reshape_cuts_a_split_axis,
                     detail::split_fact_of<value_is_split_by, First, layout>>,
               judge<split_of<typename Y::layout, Second>::size == 0, reshape_cuts_a_split_axis,
                     detail::split_fact_of<value_is_split_by, Second, typename Y::layout>>,
               judge<Result::bounded ||
                         (!First::bounded && !Second::bounded && First::size + Second::size == Result::size),
                     sizes_differ, axis_of_size<First, First::size>, axis_of_size<Second, Second::size>,
                     axis_of_size<Result, Result::size>>,
               typename detail::same_cuts<layout, typename Y::layout, as_list<axes>>::type,
               detail::equally_pending<layout, typename Y::layout>>;
};

/// x along First, then y along Second, as the axis Result (which may be mw::up_to). Axes: as x has them.
/// Placement: First and Second whole on every rank; everything else equal, pending sums included.
/// Communication: none.
/// Errors: more elements than Result has room for.
/// Example: auto all = mw::concatenate<past, token, context>(cache, k);
template <tensor_axis First, tensor_axis Second, tensor_axis Result, a_tensor X, a_tensor Y>
auto concatenate(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else {
        using relation = joining<First, Second, Result, typename X::operand, typename Y::operand>;
        using T = typename X::value_type;
        using B = typename X::backend;
        using verdict =
            all_of<typename relation::verdict,
                   judge<std::is_same_v<B, typename Y::backend> && std::is_same_v<T, typename Y::value_type>,
                         tensors_of_different_backends, left_element_type<T>,
                         right_element_type<typename Y::value_type>>>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            static_assert(std::is_same_v<typename relation::axes, typename relation::other>,
                          "meshwise: mw::concatenate needs the axes of both operands in one order: bring "
                          "them there with mw::transpose");
            using out_type = with_place<X, typename relation::axes, typename relation::layout>;
            std::size_t const of_x = x.template extent<First>(), of_y = y.template extent<Second>();
            detail::check_same_extents<First, Second>(x, y);
            auto out = out_type::uninitialized(detail::extents_with<Result, out_type>(x, of_x + of_y));
            auto const first = detail::run_of_axis::of<Result>(out, 0, of_x),
                       second = detail::run_of_axis::of<Result>(out, of_x, of_y);
            first.template put<B>(out.mutable_data(), x.data());
            second.template put<B>(out.mutable_data(), y.data());
            if (is_recorded(x, y))
                record_linear(out, where,
                              [to_x = target_of(x), to_y = target_of(y), first, second](auto const& d,
                                                                                        mesh_mask pending) {
                                  auto const hand_on = [&]<class Operand>(target<Operand> const& to,
                                                                          detail::run_of_axis const& run) {
                                      if (!to) return;
                                      auto part = gradient_of<Operand>::uninitialized(to.extents);
                                      run.template take<B>(part.mutable_data(), d.data());
                                      contribute(to, part, pending);
                                  };
                                  hand_on(to_x, first);
                                  hand_on(to_y, second);
                              });
            return out;
        }
    }
}

/// The same for two values with one axis: x along Axis, then y.
template <tensor_axis Axis, tensor_axis Result, a_tensor X, a_tensor Y>
auto concatenate(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    return concatenate<Axis, Axis, Result>(x, y, where);
}

}  // namespace meshwise
