// gelu, silu, relu, leaky_relu, elu, mish, hard_swish: non-linear, so a pending sum is refused; everything else is `map`.
#pragma once

#include <meshwise/ops/elements/functions.hpp>

namespace meshwise {

namespace elementary {
// the type of a constant beside an element: as exact as the element, and no wider
template <class A>
struct beside {
    using type = float;
};
template <>
struct beside<double> {
    using type = double;
};
template <class T, std::size_t N>
struct beside<dual<T, N>> : beside<T> {};

struct gelu {
    template <class A>
    constexpr auto operator()(A a) const {
        using T = typename beside<A>::type;
        constexpr T root_of_two_over_pi = static_cast<T>(0.79788456080286535588L);
        constexpr T cubic = static_cast<T>(0.044715L);
        return T{0.5} * a * (1 + tanh(root_of_two_over_pi * (a + cubic * a * a * a)));
    }
};
struct silu {
    constexpr auto operator()(auto a) const { return a * sigmoid(a); }
};
struct relu {
    constexpr auto operator()(auto a) const { return max(a, 0); }
};
template <class T>
struct leaky_relu {
    T slope;
    constexpr auto operator()(auto a) const { return select(a > 0, a, a * slope); }
};
template <class T>
struct elu {
    T alpha;
    constexpr auto operator()(auto a) const { return select(a > 0, a, meshwise::expm1(a) * alpha); }
};
struct mish {
    constexpr auto operator()(auto a) const { return a * meshwise::tanh(meshwise::softplus(a)); }
};
struct hard_swish {
    // not as a product with clamp(a + 3, 0, 6), whose slope at infinity is NaN
    constexpr auto operator()(auto a) const {
        return select(a <= -3, a * 0, select(a >= 3, a, a * (a + 3) / 6));
    }
};
}  // namespace elementary

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), GPT-2's form. Source: Hendrycks and Gimpel, 2016.
/// Example: auto y = mw::gelu(x);
template <any_tensor X>
auto gelu(X const& x) {
    using verdict = detail::mappable<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::gelu{}, x);
}

/// x sigmoid(x). Source: Elfwing et al., 2017.
/// Example: auto y = mw::silu(x);
template <any_tensor X>
auto silu(X const& x) {
    using verdict = detail::mappable<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::silu{}, x);
}

/// max(x, 0). A non-linear function of each element: a pending sum is refused. Communication: none.
/// Example: auto y = mw::relu(x);
template <any_tensor X>
auto relu(X const& x) {
    using verdict = detail::mappable<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::relu{}, x);
}

/// x where x is above 0, slope x elsewhere. Source: Maas et al., 2013.
/// Example: auto y = mw::leaky_relu(x, 0.1);
template <any_tensor X, detail::number_operand N = double>
auto leaky_relu(X const& x, N const& slope = 0.01) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::number_for<X>(slope);
        return detail::applied_with(elementary::leaky_relu<detail::computed_in<X>>{number}, x, number);
    }
}

/// x where x is above 0, alpha (e^x - 1) elsewhere. Source: Clevert et al., 2015.
/// Example: auto y = mw::elu(x);
template <any_tensor X, detail::number_operand N = double>
auto elu(X const& x, N const& alpha = 1.0) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::number_for<X>(alpha);
        return detail::applied_with(elementary::elu<detail::computed_in<X>>{number}, x, number);
    }
}

/// x tanh(softplus(x)). Source: Misra, 2019.
/// Example: auto y = mw::mish(x);
template <any_tensor X>
auto mish(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::mish{}, x);
}

/// x clamp(x + 3, 0, 6) / 6. Source: Howard et al., 2019.
/// Example: auto y = mw::hard_swish(x);
template <any_tensor X>
auto hard_swish(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::hard_swish{}, x);
}

}  // namespace meshwise
