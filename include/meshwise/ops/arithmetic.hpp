#pragma once
// add, sub, mul, div, scale and the operators: element by element, operands matched by axis name.
// Rules: core/relations.hpp `addition` (equally pending) and `multiplication` (one pending, the other whole).
// Gradients of add, sub and scale pass every contribution on by its kind; mul and div use the rule of mul again.
#include <meshwise/ops/map.hpp>

namespace meshwise {

// functions with names, so that a backend's loops are compiled once per element type and not once per tensor type
namespace elementary {
struct plus {
    constexpr auto operator()(auto a, auto b) const { return a + b; }
};
struct minus {
    constexpr auto operator()(auto a, auto b) const { return a - b; }
};
struct times {
    constexpr auto operator()(auto a, auto b) const { return a * b; }
};
struct negative {
    constexpr auto operator()(auto a) const { return -a; }
};
struct inverse {
    constexpr auto operator()(auto a) const { return 1 / a; }
};
template <class T>
struct times_number {
    T factor;
    constexpr auto operator()(auto a) const { return a * factor; }
};
}  // namespace elementary

namespace detail {
// where the gradient of a sum goes to an operand: the same memory where the axes are the same
template <class X, class D>
void pass_on(target<X> const& to, D const& d, mesh_mask pending, typename X::value_type sign) {
    if (!to) return;
    auto part = ordered_as<X>(narrowed<X>(d));
    if (sign != 1) {
        auto negated = result_of<decltype(part)>(part);
        X::backend::map(element_loops(negated, part), elementary::negative{}, negated.mutable_data(),
                        part.data());
        part = negated;
    }
    contribute(to, part, pending);
}

// judged at each way in: the fewer templates between the user's line and the refusal, the shorter the message
template <class X, class Y>
struct addable {
    using verdict = holds;
};
template <class X, class Y>
    requires(!any_poison<X, Y>)
struct addable<X, Y> {
    using verdict =
        all_of<typename addition<typename X::operand, typename Y::operand>::verdict, same_kind<X, Y>>;
};
template <class X, class Y>
struct multipliable {
    using verdict = holds;
};
template <class X, class Y>
    requires(!any_poison<X, Y>)
struct multipliable<X, Y> {
    using verdict =
        all_of<typename multiplication<typename X::operand, typename Y::operand>::verdict, same_kind<X, Y>>;
};
template <class X, class Y>
struct divisible {
    using verdict = all_of<typename mappable<Y>::verdict, typename multipliable<X, Y>::verdict>;
};

template <int Sign, class Out, class X, class Y>
void record_sum(Out& out, X const& x, Y const& y, std::source_location where) {
    if (!is_recorded(x, y)) return;
    record_linear(out, where, [to_x = target_of(x), to_y = target_of(y)](auto const& d, mesh_mask pending) {
        pass_on(to_x, d, pending, 1);
        pass_on(to_y, d, pending, Sign);
    });
}

template <int Sign, class X, class Y>
auto sum_of_two(X const& x, Y const& y, std::source_location where) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else {
        using relation = addition<typename X::operand, typename Y::operand>;
        auto out = result_of<with_place<X, typename relation::axes, typename relation::layout>>(x, y);
        X::backend::map(element_loops(out, x, y),
                        std::conditional_t<(Sign > 0), elementary::plus, elementary::minus>{},
                        out.mutable_data(), x.data(), y.data());
        record_sum<Sign>(out, x, y, where);
        return out;
    }
}
template <class X>
struct scalable {
    using verdict = holds;
};
template <class X>
    requires(!is_poison<X>)
struct scalable<X> {
    using verdict = no_maximum<typename X::layout>;
};
}  // namespace detail

/// x + y. Placement: as `addition`: a bias is added after the reduction, never onto a pending sum. Communication: none.
template <a_tensor X, a_tensor Y>
auto add(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using verdict = typename detail::addable<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::sum_of_two<1>(x, y, where);
}
/// x - y, as `add`.
template <a_tensor X, a_tensor Y>
auto sub(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using verdict = typename detail::addable<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::sum_of_two<-1>(x, y, where);
}

/// x * y element by element. Placement: one operand may be pending where the other is whole. Communication: none.
template <a_tensor X, a_tensor Y>
auto mul(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else {
        using relation = multiplication<typename X::operand, typename Y::operand>;
        using verdict = typename detail::multipliable<X, Y>::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            auto out = result_of<with_place<X, typename relation::axes, typename relation::layout>>(x, y);
            X::backend::map(detail::element_loops(out, x, y), elementary::times{}, out.mutable_data(),
                            x.data(), y.data());
            if (is_recorded(x, y))
                record(out, where, [x, y](auto const& d) {
                    if (x.node() != 0)
                        contribute(target_of(x), detail::ordered_as<X>(detail::narrowed<X>(mul(d, y))));
                    if (y.node() != 0)
                        contribute(target_of(y), detail::ordered_as<Y>(detail::narrowed<Y>(mul(d, x))));
                });
            return out;
        }
    }
}

/// x / y element by element. Placement: x may be pending where y is whole; y never is pending. Communication: none.
template <a_tensor X, a_tensor Y>
auto div(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else {
        using verdict = typename detail::divisible<X, Y>::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return mul(x, map(elementary::inverse{}, y), where);
    }
}

/// x times a number that every rank knows. Placement: any, kept, but no pending maximum. Communication: none.
template <a_tensor X>
auto scale(X const& x, double factor, std::source_location where = std::source_location::current()) {
    using verdict = typename detail::scalable<X>::verdict;
    if constexpr (is_poison<X>)
        return poison{};
    else if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const times = static_cast<typename X::value_type>(factor);
        auto const scaled = [times](auto const& t) {
            auto out = result_of<std::remove_cvref_t<decltype(t)>>(t);
            X::backend::map(detail::element_loops(out, t),
                            elementary::times_number<typename X::value_type>{times}, out.mutable_data(),
                            t.data());
            return out;
        };
        auto out = scaled(x);
        if (is_recorded(x))
            record_linear(out, where, [to = target_of(x), scaled](auto const& d, mesh_mask pending) {
                contribute(to, scaled(d), pending);
            });
        return out;
    }
}

template <a_tensor X, a_tensor Y>
auto operator+(X const& x, Y const& y) {
    using verdict = typename detail::addable<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return add(x, y);
}
template <a_tensor X, a_tensor Y>
auto operator-(X const& x, Y const& y) {
    using verdict = typename detail::addable<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return sub(x, y);
}
template <a_tensor X, a_tensor Y>
auto operator*(X const& x, Y const& y) {
    using verdict = typename detail::multipliable<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return mul(x, y);
}
template <a_tensor X, a_tensor Y>
auto operator/(X const& x, Y const& y) {
    using verdict = typename detail::divisible<X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return div(x, y);
}
// Not for any a_tensor: clang asks whether an operator may be one before it asks whether its operand is a tensor, so that
// 2 * here.index() would be an error.
template <class T, class A, class L, class B>
auto operator*(tensor<T, A, L, B> const& x, double factor) {
    using verdict = typename detail::scalable<tensor<T, A, L, B>>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return scale(x, factor);
}
template <class T, class A, class L, class B>
auto operator*(double factor, tensor<T, A, L, B> const& x) {
    using verdict = typename detail::scalable<tensor<T, A, L, B>>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return scale(x, factor);
}
template <class N>
requires std::is_arithmetic_v<N> poison operator*(poison, N) { return {}; }
template <class N>
requires std::is_arithmetic_v<N> poison operator*(N, poison) { return {}; }

}  // namespace meshwise
