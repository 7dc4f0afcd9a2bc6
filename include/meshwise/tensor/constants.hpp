// constants: tensors whose elements a program states: full, zeros, ones, arange, linspace, eye.
//   auto x = mw::zeros<batch, embed>(here);   // float, or what mw::dtype says, where the strategy of `here` puts these axes
//   auto y = mw::zeros<decltype(x)>();        // of a type that the program has
//   auto z = mw::zeros_like(x);
// Guarantees: an element depends on its index in the whole tensor, so a value is the same on every mesh.
// Costs: one pass over this rank's part.
#pragma once

#include <cmath>
#include <concepts>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

namespace detail {
// what a function that is given a rank makes of these axes
template <class S, class... A>
using made_by = tensor_of<S, typename S::element, A...>;

// how many of these axes have no size in their type
template <class A>
inline constexpr bool is_bounded = false;
template <any_axis A>
inline constexpr bool is_bounded<A> = A::bounded;
template <class... A>
inline constexpr std::size_t bounded_among = (std::size_t{0} + ... + (is_bounded<A> ? 1 : 0));
template <class... A>
using extents_of = std::array<std::size_t, bounded_among<A...>>;
template <class X>
constexpr typename X::extents_type sizes_in_type() {
    if constexpr (is_poison<X>)
        return {};
    else
        return no_extents<X::bounded_count>();
}

// numbers of which a tensor is made are equal on all ranks
inline void note_constants(std::initializer_list<std::uint64_t> words) {
    note_common(common_kind::numbers, words);
}

template <class X>
std::remove_const_t<X> all_equal(typename X::value_type value, typename X::extents_type extents) {
    std::remove_const_t<X> x = X::uninitialized(extents);
    note_constants({bits_of(static_cast<double>(value))});
    X::backend::fill(x.mutable_data(), x.local_size(), value);
    clear_padding(x);
    return x;
}
template <class X, class F>
X made_by_index(typename X::extents_type extents, F f) {
    refuse_pending_by_hand<X>();
    X x = X::uninitialized(extents);
    fill_by_index(x, f);
    return x;
}

template <class Axis>
poison made_nowhere() {
    static_assert(never<Axis>, "meshwise: axes alone do not say where a tensor lies: give the rank, as in "
                               "mw::zeros<batch, embed>(here), or a type, as in mw::zeros<decltype(x)>()");
    return {};
}
[[noreturn]] void refuse_arange(std::string_view axis, double last);
[[noreturn]] void refuse_constant(double number, std::string_view type);

// a number as an element
template <class T, class N>
T constant_of(N const& number) {
    if constexpr (std::is_arithmetic_v<N>) {
        if (!holds_number<T>(number)) refuse_constant(static_cast<double>(number), name_of<T>());
        return static_cast<T>(number);
    } else
        return number;
}
}  // namespace detail

/// The same number everywhere, but zero in the padding of an axis. Placement: where S puts the axes, or that of X.
/// Communication: none. Errors: the type of a pending sum does not compile, because the number would count once per rank; a
/// number that the elements do not hold, such as a fraction among integers.
/// Example:
/// auto halves = mw::full<batch, embed>(here, 0.5);
/// auto more = mw::full<decltype(halves)>(0.25F);
template <class X, class N>
    requires std::convertible_to<N, typename X::value_type>
std::remove_const_t<X> full(N const& value, typename X::extents_type extents = detail::sizes_in_type<X>()) {
    if constexpr (is_poison<X>)
        return {};
    else {
        detail::refuse_pending_by_hand<X>();
        return detail::all_equal<X>(detail::constant_of<typename X::value_type>(value), extents);
    }
}
template <any_axis... A, any_strategy S>
auto full(rank<S> const&, double value,
          detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return full<detail::made_by<S, A...>>(value, extents);
}
/// `full` with the type and the extents of x.
/// Example: auto tenths = mw::full_like(x, 0.1F);
template <any_tensor X, class N>
    requires std::convertible_to<N, typename X::value_type>
auto full_like(X const& x, N const& value) {
    if constexpr (is_poison<X>)
        return x;
    else
        return full<with_place<X, typename X::axes, without_partials<typename X::layout>>>(value,
                                                                                           x.extents());
}

/// Zeros, as `full`.
/// Example: auto sums = mw::zeros<batch, embed>(here);
template <class X>
std::remove_const_t<X> zeros(typename X::extents_type extents = detail::sizes_in_type<X>()) {
    detail::refuse_pending_by_hand<X>();
    return detail::all_equal<X>({}, extents);
}
template <any_axis... A, any_strategy S>
auto zeros(rank<S> const& here,
           detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return full<A...>(here, 0, extents);
}
/// Zeros with the type and the extents of x.
/// Example: auto none = mw::zeros_like(x);
template <any_tensor X>
auto zeros_like(X const& x) {
    return full_like(x, typename X::value_type{});
}

/// Ones, as `full`.
/// Example: auto weights = mw::ones<batch>(here);
template <class X>
std::remove_const_t<X> ones(typename X::extents_type extents = detail::sizes_in_type<X>()) {
    detail::refuse_pending_by_hand<X>();
    return detail::all_equal<X>(static_cast<typename X::value_type>(1), extents);
}
template <any_axis... A, any_strategy S>
auto ones(rank<S> const& here,
          detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return full<A...>(here, 1, extents);
}
/// Ones with the type and the extents of x.
/// Example: auto all = mw::ones_like(x);
template <any_tensor X>
auto ones_like(X const& x) {
    return full_like(x, static_cast<typename X::value_type>(1));
}

/// first, first + step, first + 2 step, ... along an axis: int32 where both are whole numbers, else the elements of the
/// strategy. Placement: where S puts the axis. Communication: none.
/// Errors: a whole number that int32 does not hold.
/// Example: auto positions = mw::arange<token>(here);  // 0, 1, 2, ... int32, as ids are
template <any_axis A, any_strategy S, class First = std::int32_t, class Step = std::int32_t>
    requires std::is_arithmetic_v<First> && std::is_arithmetic_v<Step>
auto arange(rank<S> const&, First first = 0, Step step = 1,
            detail::extents_of<A> extents = detail::no_extents<detail::bounded_among<A>>()) {
    constexpr bool is_whole = std::is_integral_v<First> && std::is_integral_v<Step>;
    using element = std::conditional_t<is_whole, std::int32_t, typename S::element>;
    using X = tensor_of<S, element, A>;
    double const begin = static_cast<double>(first), by = static_cast<double>(step);
    detail::note_constants({detail::bits_of(begin), detail::bits_of(by)});
    if constexpr (is_whole) {
        std::size_t count = A::true_size;
        if constexpr (A::bounded) count = extents[0];
        double const last = begin + by * (count == 0 ? 0 : static_cast<double>(count - 1));
        for (double const number : {begin, last})
            if (std::abs(number) > 0x7FFFFFFFp0) detail::refuse_arange(name_of<A>(), number);
    }
    return detail::made_by_index<X>(extents,
                                    [=](std::size_t i) { return begin + by * static_cast<double>(i); });
}

/// From first to last in equal steps along an axis, both included. Placement: where S puts the axis. Communication: none.
/// Example: auto grid = mw::linspace<token>(here, 0, 1);
template <any_axis A, any_strategy S>
auto linspace(rank<S> const&, double first, double last,
              detail::extents_of<A> extents = detail::no_extents<detail::bounded_among<A>>()) {
    using X = detail::made_by<S, A>;
    detail::note_constants({detail::bits_of(first), detail::bits_of(last)});
    std::size_t count = A::true_size;
    if constexpr (A::bounded) count = extents[0];
    return detail::made_by_index<X>(extents, [=](std::size_t i) {
        if (i + 1 == count && i != 0) return last;
        return first + (last - first) * (static_cast<double>(i) / static_cast<double>(count - 1 + (i == 0)));
    });
}

/// Ones where the indices of two axes are equal, zeros elsewhere. Placement: where S puts the axes. Communication: none.
/// Example: auto identity = mw::eye<embed, ffn>(here);
template <any_axis Row, any_axis Column, any_strategy S>
auto eye(rank<S> const&,
         detail::extents_of<Row, Column> extents = detail::no_extents<detail::bounded_among<Row, Column>>()) {
    using X = detail::made_by<S, Row, Column>;
    std::size_t columns = Column::true_size;
    if constexpr (Column::bounded) columns = extents.back();
    return detail::made_by_index<X>(extents,
                                    [=](std::size_t i) { return i / columns == i % columns ? 1 : 0; });
}

// axes without a rank
template <any_axis First, any_axis... A>
auto full(double) {
    return detail::made_nowhere<First>();
}
template <any_axis First, any_axis... A>
auto zeros() {
    return detail::made_nowhere<First>();
}
template <any_axis First, any_axis... A>
auto ones() {
    return detail::made_nowhere<First>();
}

// what are no axes
template <class... K, any_strategy S>
    requires detail::misnamed<K...>
auto full(rank<S> const&, double) {
    return refuse<typename detail::judged_names<K...>::verdict>();
}
template <class... K, any_strategy S>
    requires detail::misnamed<K...>
auto zeros(rank<S> const&) {
    return refuse<typename detail::judged_names<K...>::verdict>();
}
template <class... K, any_strategy S>
    requires detail::misnamed<K...>
auto ones(rank<S> const&) {
    return refuse<typename detail::judged_names<K...>::verdict>();
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/constants.inl.hpp>
#endif
