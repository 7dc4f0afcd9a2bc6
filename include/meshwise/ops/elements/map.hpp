// map: a function of the user's, applied element by element to any number of tensors. Its derivative is found by
// running the same lambda on dual numbers: nothing to write by hand, nothing to forget.
// Rule: core/relations.hpp `element_wise`. Operands may lack axes of the result; they repeat along them. Integers and masks
// stand beside numbers with fractions and have no slope (mapped_elements.hpp).
// Cost: one fused pass forward; backward one pass per operand that wants a gradient.
#pragma once

#include <string>

#include <meshwise/autodiff/dead_captures.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/elements/mapped_elements.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/scalar/dual.hpp>
#include <meshwise/scalar/math.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
template <class Out, class... X>
iteration_space<sizeof...(X)> element_loops(Out const& out, X const&... x) {
    using all = typename Out::axes;
    iteration_space<sizeof...(X)> l;
    auto const& extents = out.local_extents();
    l.dims = extents.size();
    std::copy(extents.begin(), extents.end(), l.extents.begin());
    strides_at(positions<all, all>, extents, l.out.data());
    std::size_t input = 0;
    (strides_at(positions<all, typename X::axes>, x.local_extents(), l.in[input++].data()), ...);
    return l;
}

// the gradient of what was broadcast: summed over the axes it lacks
template <class X, class D>
auto narrowed(D const& d) {
    using lacking = without<as_list<typename D::axes>, typename X::axes>;
    if constexpr (lacking::size == 0)
        return d;
    else
        return [&]<class... A>(list<A...>) { return sum<A...>(d); }(lacking{});
}
// a cheap re-labelling where the axes are the same but ordered otherwise
template <class X, class D>
auto ordered_as(D const& d) {
    if constexpr (std::is_same_v<typename X::axes, typename D::axes>)
        return d;
    else
        return repeated<with_place<D, typename X::axes, typename D::layout>>(d, d);
}

// what map refuses; operations built on it judge by the same verdict, so that the error is about them
template <class X, class... More>
using mappable = all_of<not_refused<X, More...>,
                        typename element_wise<typename X::operand, typename More::operand...>::verdict,
                        same_backend<X, More...>, typename mapped_elements<X, More...>::verdict>;

// the slope of what f made of dual numbers; a plain number does not depend on them: [](auto a) { return a > 0 ? 1 : 0; }
template <class T, std::size_t N>
constexpr T slope_in(dual<T, N> const& y) {
    return y.slope[0];
}
template <class T, any_number Plain>
constexpr T slope_in(Plain) {
    return T{};
}
template <class T>
inline constexpr bool has_slope = std::is_floating_point_v<summed_as<T>>;
// what stands for an element of type T in the search for a derivative
template <class T>
using differentiated = std::conditional_t<has_slope<T>, dual<summed_as<T>, 1>, T>;
// what the function gets of an element of X
template <class X>
using as_argument = summed_as<typename X::value_type>;
template <class F, class... T>
constexpr bool takes_dual_numbers() {
    if constexpr ((has_slope<T> || ...))
        return requires(F const& f) { f(differentiated<T>{}...); };
    else
        return true;
}

// an element of T as a dual number, which varies or not; integers and masks are constants
template <class T, bool Varies, class Element>
[[gnu::always_inline]] inline constexpr auto lifted(Element x) {
    if constexpr (std::is_same_v<summed_as<Element>, T>)
        return dual<T, 1>{x, {static_cast<T>(Varies)}};
    else
        return x;
}
// A function of elements gives one result for one element, on all ranks and in the backward pass: it is tried with a number
// that most functions take. One that counts its calls or draws random numbers gives two.
template <class T>
T tried() {
    return static_cast<T>(std::is_integral_v<T> ? 1.0F : 0.5F);
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_two_results(double first, double second) {
    throw_error(
        {"the function of mw::map gave two results for the same element, ", std::to_string(first), " and ",
         std::to_string(second),
         ", and its gradient is found by calling it again: it has to depend on its arguments alone; give "
         "random numbers (mw::random_normal) and elements of an array as tensors of their own"});
}
template <class X, class Call>
void note_function(Call const& call) {
    auto const first = static_cast<double>(call()), second = static_cast<double>(call());
    if (bits_of(first) != bits_of(second)) refuse_two_results(first, second);
    note_numbers<X>(first);
}
// d f(x...) / d x_I times the gradient of the result
template <std::size_t I, class T, class F>
struct slope_of {
    F f;
    constexpr T operator()(auto d, auto... x) const {
        return [&]<std::size_t... J>(std::index_sequence<J...>) {
            return static_cast<T>(d * slope_in<T>(f(lifted<T, (J == I)>(x)...)));
        }(std::make_index_sequence<sizeof...(x)>{});
    }
};
}  // namespace detail

/// f(x...) for each element. `f` takes plain numbers, or dual numbers of them: write it as a generic lambda with
/// arithmetic, mw::exp, mw::tanh, mw::max, mw::select and the like.
/// Elements: those of the operands that have fractions, which are of one type; integers and masks stand beside them and get
/// no gradient. The function gets floats for bfloat16, which may stand beside float: then the result is float. Of integers alone, a function that returns a number with a fraction makes such. One that returns bool makes a mask, as `x < y` does, of which no gradient is asked.
/// Placement: the result's; operands split alike, or without the split axis; nothing pending. Communication: none.
/// Errors: a function that takes plain numbers only, or another count of them, and functions of std that lose the derivative
/// do not compile; one that gives two results for one element, because it counts its calls or draws random numbers, and one
/// that captured different numbers on ranks throw (it is tried with 0.5, or 1 for integers).
/// Example: auto y = mw::map([](auto a, auto b) { return a * mw::sigmoid(b); }, x, gate);
template <class F, any_tensor X, any_tensor... More>
    requires(!any_tensor<F>)
auto map(F f, X const& x, More const&... more) {
    using relation = element_wise<typename X::operand, typename More::operand...>;
    using types = detail::mapped_elements<X, More...>;
    using T = typename types::number;
    using verdict = detail::mappable<X, More...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (!requires { f(detail::as_argument<X>{}, detail::as_argument<More>{}...); }) {
        static_assert(never<F>,
                      "meshwise: mw::map calls its function with one number of each tensor, and this "
                      "one takes others: write as many parameters as there are tensors, [](auto a, auto b)");
        return poison{};
    } else if constexpr (!detail::takes_dual_numbers<F, typename X::value_type,
                                                     typename More::value_type...>()) {
        static_assert(
            never<F>,
            "meshwise: mw::map finds the derivative of its function by calls with dual numbers, and "
            "this one does not take them: write [](auto a), not [](float a), and functions of mw::, "
            "such as mw::max");
        return poison{};
    } else {
        using element = detail::result_element<
            typename types::element,
            std::remove_cvref_t<decltype(f(detail::as_argument<X>{}, detail::as_argument<More>{}...))>>;
        using out_type =
            tensor<element, typename relation::axes, typename relation::layout, typename X::backend>;
        [[maybe_unused]] bool const recorded = is_recorded(std::source_location::current(), x, more...);
        auto out = result_of<out_type>(x, more...);
        if constexpr (X::backend::computes && !std::is_empty_v<F>)
            detail::note_function<X>([&] {
                return f(detail::tried<detail::as_argument<X>>(),
                         detail::tried<detail::as_argument<More>>()...);
            });
        auto const loops = detail::element_loops(out, x, more...);
        if constexpr ((std::is_same_v<typename X::value_type, bfloat16> || ... ||
                       std::is_same_v<typename More::value_type, bfloat16>))
            X::backend::map(loops, detail::on_numbers<F>{f}, out.mutable_data(), x.raw_data(),
                            more.raw_data()...);
        else
            X::backend::map(loops, f, out.mutable_data(), x.raw_data(), more.raw_data()...);
        detail::clear_padding(out);
        if constexpr (detail::is_mask_element<element>) {
        } else if constexpr (detail::has_slope<T>) {
            if (!recorded) return out;
            detail::check_captures(f, "mw::map", std::source_location::current());
            record(out, std::source_location::current(), [f, x, more...](auto const& d) {
                auto one = [&]<std::size_t I, class Operand>(std::integral_constant<std::size_t, I>,
                                                             Operand const& operand) {
                    if constexpr (std::is_same_v<detail::as_argument<Operand>, T>) {
                        if (operand.node() == 0) return;
                        auto slope = result_of<gradient_of<out_type>>(d);
                        X::backend::map(detail::element_loops(slope, d, x, more...),
                                        detail::slope_of<I, T, F>{f}, slope.mutable_data(), d.raw_data(),
                                        x.raw_data(), more.raw_data()...);
                        detail::clear_padding(slope);
                        contribute(target_of(operand),
                                   detail::ordered_as<Operand>(detail::narrowed<Operand>(slope)));
                    }
                };
                [&]<std::size_t... I>(std::index_sequence<I...>, auto const&... operand) {
                    (one(std::integral_constant<std::size_t, I>{}, operand), ...);
                }(std::index_sequence_for<X, More...>{}, x, more...);
            });
        } else
            detail::refuse_recorded("mw::map", x, more...);
        return out;
    }
}

}  // namespace meshwise
