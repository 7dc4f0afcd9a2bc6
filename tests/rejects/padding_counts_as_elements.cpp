// Operations that would count the padding of an axis as elements.
// sentence: would count the padding of a padded axis as elements
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/rope.hpp>
#include <meshwise/ops/rows/softmax.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::padded<30, 32> {};
struct flat : mw::padded<240, 256> {};
struct half : mw::axis<4> {};
struct other_half : mw::axis<4> {};
struct joined : mw::padded<6, 8> {};
using S = mw::strategy<mw::mesh<>>;

void program(mw::tensor_of<S, float, batch, ffn> x, mw::tensor_of<S, float, ffn> gain,
             mw::tensor_of<S, float, flat> z, mw::tensor_of<S, float, half> one,
             mw::tensor_of<S, float, other_half> other) {
#if REJECTED == 1
    auto y = mw::rms_norm<ffn>(x, gain);
#elif REJECTED == 2
    auto y = mw::roll<ffn>(x, 1);
#elif REJECTED == 3
    auto y = mw::rope<batch, ffn>(x);
#elif REJECTED == 4
    auto y = mw::concatenate<half, other_half, joined>(one, other);
#elif REJECTED == 5
    // sentence: padding stands at the end of an axis
    auto y = mw::merge_axes<mw::axes<batch, ffn>, flat>(x);
#elif REJECTED == 6
    // sentence: padding stands at the end of an axis
    auto y = mw::split_axis<flat, mw::axes<batch, ffn>>(z);
#elif REJECTED == 7
    // sentence: of a padded axis could mean two numbers
    auto y = mw::sum<ffn>(x) / x.extent<ffn>();
#elif REJECTED == 8
    // sentence: of a value that is split or padded could mean two numbers
    auto y = mw::sum(x) / x.size();
#else
    (void)(mw::sum(x) / x.true_size() + mw::sum(x) / x.local_size());
    (void)(mw::sum<ffn>(x) / x.true_extent<ffn>() + mw::sum<ffn>(x) / x.stored_extent<ffn>());
    (void)x.extent<batch>();
    auto outermost = mw::merge_axes<mw::axes<ffn, batch>, flat>(mw::transpose<mw::axes<ffn, batch>>(x));
    auto apart = mw::split_axis<flat, mw::axes<ffn, batch>>(z);
    auto whole = mw::concatenate<half, other_half, batch>(one, other);
    auto largest = mw::max<ffn>(x) - mw::min<ffn>(x);
    auto y = mw::sum<ffn>(mw::softmax<ffn>(mw::mul(x, gain)));
#endif
    (void)y;
}
