// Operations on bfloat16: their results and gradients beside the same in double, their element types, and their pending sums.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include <meshwise/meshwise.hpp>

namespace {

namespace mw = meshwise;

struct i : mw::axis<6> {};
struct j : mw::axis<8> {};
struct k : mw::axis<6> {};
struct i2 : mw::axis<12> {};

template <class T>
using alone = mw::strategy<mw::mesh<>, mw::dtype<T>>;
template <class S>
struct matrix_of {
    mw::parameter<S, i, j> w;
    static constexpr auto parameters = mw::fields<&matrix_of::w, mw::normal{1}>();
};

struct value_and_slopes {
    double value = 0;
    std::vector<double> slopes;
};
// sum of f(x)^2 / 2 + f(x), and its slopes; x is of Element, and holds numbers of bfloat16
template <class T, class Element, class F>
value_and_slopes found(F f) {
    value_and_slopes result;
    mw::run<alone<T>>(mw::threads{}, [&](auto& here) {
        auto m = mw::init<matrix_of<alone<T>>>(here, mw::seed{3});
        mw::fill_by_index(m.w, [](std::size_t at) {
            return static_cast<T>(
                static_cast<float>(mw::bfloat16(std::sin(0.7F * static_cast<float>(at) + 0.3F))));
        });
        auto [loss, gradient] = mw::value_and_gradient(m, [&](auto const& model) {
            auto const y = mw::cast<T>(f(here, mw::cast<Element>(model.w)));
            return mw::sum(y * y * 0.5 + y);
        });
        result.value = loss;
        auto const whole = gradient.whole(0, m.w);
        for (T const slope : whole.span()) result.slopes.push_back(static_cast<double>(slope));
    });
    return result;
}

// `roundings`: how often a number is rounded to bfloat16 on its way, forward and backward
template <class F>
void check(char const* name, int roundings, F f) {
    CAPTURE(name);
    auto const ours = found<float, mw::bfloat16>(f), reference = found<double, double>(f);
    double largest = 0, wrong = 0;
    for (double const slope : reference.slopes) largest = std::max(largest, std::abs(slope));
    REQUIRE(largest > 0.01);
    for (std::size_t at = 0; at < reference.slopes.size(); ++at)
        wrong = std::max(wrong, std::abs(ours.slopes[at] - reference.slopes[at]));
    CHECK(wrong <= roundings * 0x1p-8 * largest);
    CHECK(std::abs(ours.value - reference.value) <= roundings * 0x1p-8 * (1 + std::abs(reference.value)));
}

TEST_CASE("gradients through bfloat16 are those of double, up to the roundings") {
    check("cast", 1, [](auto&, auto const& x) { return x; });
    check("arithmetic", 4, [](auto&, auto const& x) { return (x + 1) * x - x / 4 + 2 * x; });
    check("a number that bfloat16 does not hold", 2, [](auto&, auto const& x) { return x * 0.3; });
    check("quotients", 4, [](auto&, auto const& x) { return x / (2 + x * x) + 1 / (3 - x); });
    check("functions", 3, [](auto&, auto const& x) { return mw::exp(x) + mw::tanh(x); });
    check("gelu", 3, [](auto&, auto const& x) { return mw::gelu(x); });
    check("map", 3, [](auto&, auto const& x) {
        return mw::map([](auto a, auto b) { return a * mw::sigmoid(b); }, x, x);
    });
    check("where", 3, [](auto&, auto const& x) { return mw::where(x > 0.25, x * x, 0); });
    check("softmax", 3, [](auto&, auto const& x) { return mw::softmax<j>(x); });
    check("norm", 4, [](auto& here, auto const& x) {
        auto const gain = mw::full<j>(here, 1.5), bias = mw::full<j>(here, 0.25);
        return mw::layer_norm<j>(x, gain, bias) + mw::rms_norm<j>(x, gain);
    });
    check("rope", 4, [](auto&, auto const& x) { return mw::rope<i, j>(x); });
    check("moves", 3, [](auto&, auto const& x) {
        auto const turned = mw::transpose<mw::axes<j, i2>>(mw::concatenate<i, i2>(x, x * 2));
        return mw::flip<j>(turned) * 1;
    });
    check("sums", 4, [](auto&, auto const& x) { return mw::sum<i>(x * x) + mw::mean<i>(x); });
    check("product", 6, [](auto&, auto const& x) {
        using X = std::remove_cvref_t<decltype(x)>;
        return mw::cast<typename X::value_type>(mw::dot<j>(x, mw::rename<i, k>(x)));
    });
}

}  // namespace
