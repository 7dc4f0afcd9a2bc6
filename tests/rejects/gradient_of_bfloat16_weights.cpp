// A model whose weights are bfloat16 is not trained.
// sentence: for products in bfloat16 take mw::precision<mw::bfloat16> instead of mw::weight_dtype
// lines: 24
#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/reductions/sum.hpp>
namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct embed : mw::axis<8> {};
struct ffn : mw::axis<16> {};
using narrow = mw::strategy<mw::mesh<>, mw::weight_dtype<mw::bfloat16>>;
using wide = mw::strategy<mw::mesh<>>;

void program(mw::linear<narrow, embed, ffn> const& model, mw::linear<wide, embed, ffn> const& in_float,
             mw::tensor_of<wide, float, batch, embed> const& x) {
    auto const loss = [&](auto const& m) { return mw::sum<batch, ffn>(m(x)); };
#if REJECTED == 1
    (void)mw::value_and_gradient(model, loss);
#else
    (void)mw::value_and_gradient(in_float, loss);
    (void)loss(model);
#endif
}
