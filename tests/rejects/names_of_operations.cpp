// Operations that are told too few names, or a text or a number where names belong.
// sentence: what mw::top_k finds has an axis of its own
#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/linear_algebra.hpp>
#include <meshwise/ops/products/einsum.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>
#include <meshwise/ops/rows/info_nce.hpp>
#include <meshwise/ops/rows/standardize.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<6> {};
struct key : mw::axis<6> {};
struct embed : mw::axis<32> {};
struct best : mw::axis<3> {};
struct tap : mw::axis<3> {};
struct dp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

void program(mw::tensor_of<S, float, batch, token, embed> x,
             mw::tensor_of<S, float, batch, token, key> scores, mw::tensor_of<S, float, embed> gain) {
#if REJECTED == 1
    auto y = mw::top_k<token>(x, 3);
#elif REJECTED == 2
    // sentence: mw::batch_norm is told the strategy and the axis of the channels
    auto y = mw::batch_norm<embed>(x, gain, gain);
#elif REJECTED == 3
    // sentence: this operation goes along windows
    auto y = mw::max_pool<3>(x);
#elif REJECTED == 4
    // sentence: this operation goes along windows
    auto y = mw::avg_pool<token>(x);
#elif REJECTED == 5
    // sentence: the algebra of matrices is told the axis of their rows and that of their columns
    auto y = mw::inverse(scores);
#elif REJECTED == 6
    // sentence: mw::info_nce is told the strategy
    auto y = mw::info_nce<batch, embed>(x, x);
#elif REJECTED == 7
    // sentence: mw::einsum is told the axes of its result as one list
    auto y = mw::einsum("bte,e->bt", x, gain);
#elif REJECTED == 8
    // sentence: mw::recompute is about a function of one tensor
    auto y = mw::recompute([](auto const& a, auto const& b) { return a * b; }, x, gain);
#else
    auto y8 = mw::recompute([g = &gain](auto const& a) { return a * *g; }, x);
    auto y1 = mw::top_k<token, best>(x).values;
    auto y2 = mw::batch_norm<S, embed>(x, gain, gain);
    auto y3 = mw::max_pool<mw::same_window<token, tap>>(x);
    auto y4 = mw::avg_pool<mw::same_window<token, tap>>(x);
    auto y5 = mw::inverse<token, key>(scores);
    auto y6 = mw::info_nce<S, batch, embed>(x, x);
    auto y7 = mw::einsum<mw::axes<batch, token>>(x, gain);
#endif
}
