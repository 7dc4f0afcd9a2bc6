// A function that is not linear, of a sum that is still pending: f(a + b) is not f(a) + f(b).
// rule: non_linear_operation_on_a_pending_sum
// sentence: this operation is not linear, so it needs the whole value
// facts: value_is_a_pending_sum_over<tp>
#include <meshwise/nn/pooling.hpp>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/allclose.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/log_softmax.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/softmax.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> w,
             mw::tensor_of<S, float, embed> gain) {
    auto pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = mw::gelu(pending);
#elif REJECTED == 2
    auto y = mw::softmax<embed>(pending);
#elif REJECTED == 3
    auto y = mw::layer_norm<embed>(pending, gain, gain);
#elif REJECTED == 4
    auto y = mw::rms_norm<embed>(pending, gain);
#elif REJECTED == 5
    auto y = mw::cast<mw::bfloat16>(pending);
#elif REJECTED == 6
    auto y = mw::map([](auto a) { return mw::exp(a); }, pending);
#elif REJECTED == 7
    auto y = gain / pending;
#elif REJECTED == 8
    auto y = mw::max<embed>(pending);
#elif REJECTED == 9
    // facts: value_is_a_pending_maximum_over<tp>
    auto y = -1.0 * mw::max<ffn>(h);
#elif REJECTED == 10
    auto y = mw::log_softmax<embed>(pending);
#elif REJECTED == 11
    auto y = mw::allclose(pending, gain);
#else
    auto whole = mw::settle<S>(pending);
    auto y1 = mw::gelu(whole);
    auto y2 = mw::softmax<embed>(whole);
    auto y3 = mw::layer_norm<embed>(whole, gain, gain);
    auto y4 = mw::rms_norm<embed>(whole, gain);
    auto y5 = mw::cast<mw::bfloat16>(whole);
    auto y6 = mw::map([](auto a) { return mw::exp(a); }, whole);
    auto y7 = gain / whole;
    auto y8 = mw::max<embed>(whole);
    auto y10 = mw::log_softmax<embed>(whole);
    [[maybe_unused]] auto y11 = mw::allclose(whole, gain);
    auto y9 = -1.0 * mw::settle<S>(mw::max<ffn>(h));
    auto wider = mw::cast<double>(pending);
#endif
}
