// cast: the same values as another element type. To a type that holds every value of the old one the cast is
// linear and works on pending sums; to fewer bits it rounds, and wants the whole value.
// Gradient: cast back, and between float and bfloat16 as it is: both have gradients of float. Where that rounds, the
// gradient is reduced first, in the wider type. Cost: one pass.
#pragma once

#include <limits>

#include <meshwise/autodiff/record.hpp>

namespace meshwise {

namespace detail {
template <class T>
inline constexpr int exact_bits = std::numeric_limits<T>::digits;
template <>
inline constexpr int exact_bits<bfloat16> = 8;
template <class T>
inline constexpr bool has_fractions = std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>;
}  // namespace detail

/// Whether every value of From is also one of To.
/// Example: static_assert(mw::casts_exactly<float, mw::bfloat16> && !mw::casts_exactly<mw::bfloat16, float>);
template <class To, class From>
inline constexpr bool casts_exactly =
    detail::exact_bits<To> >= detail::exact_bits<From> &&
    (detail::has_fractions<To> || !detail::has_fractions<From>) &&
    (std::numeric_limits<To>::is_signed || std::is_same_v<To, bfloat16> ||
     !(std::numeric_limits<From>::is_signed || std::is_same_v<From, bfloat16>));

/// A cast: to a type that holds every value of the old one also of a pending sum, else of a whole value only.
/// Example: static_assert(mw::casting<mw::bfloat16, float, decltype(x)::operand>::verdict::value);
template <class To, class From, class X>
struct casting {
    using layout = typename X::layout;
    using verdict = std::conditional_t<casts_exactly<To, From>, holds, detail::not_pending<layout>>;
};

/// x as elements of type To. To integers it rounds toward 0; beyond their range it is the nearest bound, and NaN is 0.
/// Placement: kept; a pending sum only to a type that holds each old value.
/// Communication: none. Example: auto narrow = mw::cast<mw::bfloat16>(w);
template <class To, any_tensor X>
auto cast(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else if constexpr (std::is_same_v<To, typename X::value_type>)
        return x;
    else {
        using From = typename X::value_type;
        using B = typename X::backend;
        using verdict = typename casting<To, From, typename X::operand>::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            [[maybe_unused]] bool const recorded = is_recorded(where, x);
            using out_type = with_elements<X, To>;
            auto out = result_of<out_type>(x);
            B::cast(out.mutable_data(), x.raw_data(), x.local_size());
            if constexpr (detail::has_fractions<From> && detail::has_fractions<To>) {
                if (recorded) {
                    auto const back = [to = target_of(x)](auto const& d, mesh_mask pending) {
                        using gradient_type = gradient_of<X>;
                        if constexpr (std::is_same_v<typename gradient_type::value_type,
                                                     typename gradient_of<out_type>::value_type>)
                            contribute(to, gradient_type::over(d.memory(), to.extents), pending);
                        else {
                            auto gradient = gradient_type::uninitialized(to.extents);
                            B::cast(gradient.mutable_data(), d.raw_data(), d.local_size());
                            contribute(to, gradient, pending);
                        }
                    };
                    if constexpr (casts_exactly<From, To>)
                        record_linear(out, where, back);
                    else
                        record(out, where, [back](auto const& d) { back(d, 0); });
                }
            }
            return out;
        }
    }
}

namespace detail {
// whether products under S multiply in fewer bits than parameters have
template <class S>
inline constexpr bool narrows = !std::is_same_v<typename S::product, typename S::element>;
// The value as products under S multiply it. What is recorded is cast once, however many products take it.
template <class S, class X>
auto in_precision(X const& x, std::source_location where) {
    if constexpr (is_poison<X>)
        return poison{};
    else if constexpr (!narrows<S> || !std::is_same_v<typename X::value_type, typename S::element>)
        return x;
    else {
        using To = typename S::product;
        static_assert(
            std::is_same_v<To, bfloat16> && std::is_same_v<typename S::element, float>,
            "meshwise: mw::precision<mw::bfloat16> goes with parameters of float; leave mw::dtype out");
        bool const recorded = is_recorded(where, x);
        void const* const tag = &type_tag<precision<To>>;
        if (recorded)
            if (auto const* known = current().recording->find_resharded(x.node(), tag)) {
                auto out = with_elements<X, To>::over(known->memory, x.extents());
                out.set_node(known->result, current().recording_number);
                return out;
            }
        auto out = cast<To>(x, where);
        if (recorded) current().recording->remember_resharded({x.node(), tag, out.node(), out.memory()});
        return out;
    }
}
// what computes in float and gives float takes bfloat16 as the float it is
template <class X>
struct widening {
    using type = X;
};
template <class A, class L, class B>
struct widening<tensor<bfloat16, A, L, B>> {
    using type = tensor<float, A, L, B>;
};
template <class X>
using widened_type = typename widening<X>::type;
}  // namespace detail

}  // namespace meshwise
