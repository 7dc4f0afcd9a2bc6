// What mw::map may call: functions that take dual numbers and keep their slopes.
// sentence: a dual number becomes a plain one here
#include <meshwise/ops/elements/map.hpp>

#include <cmath>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
using S = mw::strategy<mw::mesh<>>;

void program(mw::tensor_of<S, float, batch> x) {
#if REJECTED == 1
    auto y = mw::map([](auto a) { return std::exp(a); }, x);
#elif REJECTED == 2
    auto y = mw::map([](auto a) { return a * std::pow(a, 2); }, x);
#elif REJECTED == 3
    auto y = mw::map([](auto a) { return 2 * static_cast<float>(a); }, x);
#elif REJECTED == 4
    // sentence: finds the derivative of its function by calls with dual numbers
    auto y = mw::map([](float a) { return 2 * a; }, x);
#elif REJECTED == 5
    // sentence: calls its function with one number of each tensor
    auto y = mw::map([](auto a) { return 2 * a; }, x, x);
#else
    auto y = mw::map([](auto a) { return mw::exp(a) * mw::max(a, 0); }, x);
    auto step = mw::map(
        [](auto a) {
            if (a > 0) return 1.0F;
            return 0.0F;
        },
        x);
    auto positive = mw::map([](auto a) { return a > 0 ? a : 0.0F; }, x);
#endif
}
