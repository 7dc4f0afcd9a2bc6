// Tensors that are made without an extent or of what is no axis, and elements that are read where they are not.
#include <iostream>

#include <meshwise/meshwise.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<4> {};
struct token : mw::up_to<16> {};
struct dp : mw::mesh_axis<2> {};
struct no_axis {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

void program(mw::rank<S>& here) {
    auto const gain = mw::ones<embed>(here);
    auto const x = mw::ones<batch, embed>(here);
#if REJECTED == 1
    // sentence: x.item() is the number of a tensor without axes; x.at(mw::index<axis>(i), ...) is one element
    std::cout << gain.item();
#elif REJECTED == 2
    // sentence: x.at() is given one index along each axis of x
    std::cout << gain.at(mw::index<batch>(0));
#elif REJECTED == 3
    // sentence: x.at() reads an element of a whole value, and a rank holds a part or one summand
    std::cout << x.at(mw::index<batch>(0), mw::index<embed>(0));
#elif REJECTED == 4
    // sentence: mw::print(here, x) shows all of it, once
    std::cout << x;
#elif REJECTED == 5
    // sentence: mw::print(here, x) shows all of it, once
    mw::print(mw::sum<batch>(x));
#elif REJECTED == 6
    // sentence: a tensor with an axis of mw::up_to is made without its extents
    mw::print(mw::zeros<token>(here));
#elif REJECTED == 7
    // sentence: a type that stands here as an axis of a tensor is none
    auto const none = mw::zeros<no_axis>(here);
#elif REJECTED == 8
    // sentence: the operands have different element types
    auto const rows = mw::one_hot<token>(gain);
#elif REJECTED == 9
    // sentence: a constant of the type of a pending sum would count once per rank
    auto const ones = mw::ones<decltype(mw::sum<batch>(x))>();
#elif REJECTED == 10
    // sentence: axes alone do not say where a tensor lies: give the rank
    auto const nowhere = mw::zeros<batch, embed>();
#elif REJECTED == 11
    // sentence: axes alone do not say where a tensor lies: give the rank
    auto const nowhere = mw::full<batch>(0.5) + 1;
#else
    std::cout << gain << gain.at(mw::index<embed>(here.agreed(1))) << mw::local_text(x);
    mw::print(here, x);
    mw::print(mw::zeros<token>(here, {3}));
#endif
}
