// Operations of a program's own: as many gradients as operands; slopes along a direction are of functions of elements.
//
#include <meshwise/core/element_rules.hpp>
#include <meshwise/core/rules.hpp>

#include <meshwise/autodiff/custom_gradient.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/jvp.hpp>
#include <meshwise/ops/moves/rename.hpp>

namespace mw = meshwise;

struct embed : mw::axis<8> {};
struct other : mw::axis<8> {};
using vector = mw::tensor<float, mw::axes<embed>>;

void program(vector const& x, vector const& y) {
    auto const product = [](auto const& a, auto const& b) { return a * b; };
#if REJECTED == 1
    // sentence: takes the gradient of the result and the operands
    (void)mw::custom_gradient(product, [](auto const& d, auto const& a, auto const&) { return d * a; }, x, y);
#elif REJECTED == 2
    // sentence: mw::jvp follows a function of elements
    (void)mw::jvp([](vector const& a) { return a * a; }, x, y);
#elif REJECTED == 3
    // sentence: returns is not one of its operand
    (void)mw::custom_gradient([](auto const& a) { return a * 2; },
                              [](auto const& d, auto const&) { return mw::rename<embed, other>(d); }, x);
#elif REJECTED == 4
    // sentence: returns is not one of its operand
    (void)mw::custom_gradient([](auto const& a) { return a * 2; },
                              [](auto const&, auto const&) { return 3.0; }, x);
#elif REJECTED == 5
    // sentence: the first function of mw::custom_gradient returns a tensor
    (void)mw::custom_gradient([](auto const& a) { return a.size(); },
                              [](auto const& d, auto const&) { return d; }, x);
#else
    auto const gradient = [](auto const& d, auto const& a, auto const& b) {
        return std::tuple(d * b, d * a);
    };
    (void)mw::custom_gradient(product, gradient, x, y);
    (void)mw::jvp([](auto a) { return a * a; }, x, y);
#endif
}
