// Optimisers that sum over a whole parameter, where reproducible<V> promises equal bits and a rule splits parameters.
#include <meshwise/nn/linear.hpp>
#include <meshwise/optim/adafactor.hpp>
#include <meshwise/optim/lion.hpp>
#include <meshwise/optim/muon.hpp>
namespace mw = meshwise;

struct embed : mw::axis<8> {};
struct ffn : mw::axis<16> {};
struct tp : mw::mesh_axis<2> {};
using by_ffn = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>, mw::reproducible<4>>;
using with_all = mw::strategy<mw::mesh<tp>, mw::reproducible<4>>;

void program(mw::linear<by_ffn, embed, ffn> const& split, mw::linear<with_all, embed, ffn> const& whole) {
#if REJECTED == 1
    // sentence: mw::muon has no fixed order of sums over ranks yet
    mw::muon optimizer(split);
#elif REJECTED == 2
    // sentence: mw::adafactor has no fixed order of sums over ranks yet
    mw::adafactor optimizer(split);
#else
    mw::muon one(whole);
    mw::adafactor two(whole);
    mw::lion three(split);
#endif
}
