// cast: the same values as another element type. To a type that holds every value of the old one the cast is
// linear and works on pending sums; to fewer bits it rounds, and wants the whole value.
// Gradient: cast back; where that rounds, the gradient is reduced first, in the wider type. Cost: one pass.
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
                        auto gradient = gradient_of<X>::uninitialized(to.extents);
                        B::cast(gradient.mutable_data(), d.raw_data(), d.local_size());
                        contribute(to, gradient, pending);
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

}  // namespace meshwise
