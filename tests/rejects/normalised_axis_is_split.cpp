// Softmax, norms, sorts and rotary positions along an axis of which each rank holds a part.
// rule: normalised_axis_is_split
// sentence: need all elements of their axis
// facts: value_is_split_by<vocab,tp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/nonzero.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/log_softmax.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/rope.hpp>
#include <meshwise/ops/rows/softmax.hpp>
namespace mw = meshwise;

struct token : mw::axis<16> {};
struct vocab : mw::axis<64> {};
struct few : mw::axis<8> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<vocab, tp>>;
using everywhere = mw::layout<mw::mesh<tp>>;

void program(mw::tensor_of<S, float, token, vocab> logits,
             mw::tensor<float, mw::axes<vocab>, everywhere> gain) {
#if REJECTED == 1
    auto y = mw::softmax<vocab>(logits);
#elif REJECTED == 2
    auto y = mw::layer_norm<vocab>(logits, gain, gain);
#elif REJECTED == 3
    auto y = mw::rms_norm<vocab>(logits, gain);
#elif REJECTED == 4
    auto y = mw::rope<token, vocab>(logits);
#elif REJECTED == 5
    auto y = mw::sort<vocab>(logits);
#elif REJECTED == 6
    auto y = mw::cumsum<vocab>(logits);
#elif REJECTED == 7
    auto y = mw::log_softmax<vocab>(logits);
#elif REJECTED == 8
    auto y = mw::nonzero<vocab, few>(logits);
#else
    auto whole = mw::reshard<everywhere>(logits);
    auto y1 = mw::softmax<vocab>(whole);
    auto y2 = mw::layer_norm<vocab>(whole, gain, gain);
    auto y3 = mw::rms_norm<vocab>(whole, gain);
    auto y4 = mw::rope<token, vocab>(whole);
    auto y5 = mw::sort<vocab>(whole);
    auto y6 = mw::cumsum<vocab>(whole);
    auto y7 = mw::log_softmax<vocab>(whole);
    auto y8 = mw::nonzero<vocab, few>(whole);
    auto same7 = mw::log_softmax<S, vocab>(logits);
    auto same8 = mw::nonzero<S, vocab, few>(logits);
#endif
}
