#pragma once
// gelu, silu, relu: non-linear, so a pending sum is refused; everything else is `map`.
#include <meshwise/ops/map.hpp>

namespace meshwise {

namespace elementary {
struct gelu {
    constexpr auto operator()(auto a) const {
        return 0.5F * a * (1 + tanh(0.7978845608028654F * (a + 0.044715F * a * a * a)));
    }
};
struct silu {
    constexpr auto operator()(auto a) const { return a * sigmoid(a); }
};
struct relu {
    constexpr auto operator()(auto a) const { return max(a, 0); }
};
}  // namespace elementary

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), GPT-2's form. Source: Hendrycks and Gimpel, 2016.
template <a_tensor X>
auto gelu(X const& x) {
    using verdict = typename detail::mappable<X>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::gelu{}, x);
}

/// x sigmoid(x). Source: Elfwing et al., 2017.
template <a_tensor X>
auto silu(X const& x) {
    using verdict = typename detail::mappable<X>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::silu{}, x);
}

template <a_tensor X>
auto relu(X const& x) {
    using verdict = typename detail::mappable<X>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::relu{}, x);
}

}  // namespace meshwise
