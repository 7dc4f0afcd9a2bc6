// A tensor as a condition: it would ask whether the tensor has a value, which is true.
// sentence: a tensor is no condition: mw::all(x == y).item() and mw::any(mask).item() are
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/sum.hpp>

#include <cstdint>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::axis<64> {};
using S = mw::strategy<mw::mesh<>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, std::int32_t, batch> ids) {
#if REJECTED == 1
    if (ids == 3) return;
#elif REJECTED == 2
    bool const none = !mw::sum<batch, ffn>(h);
#else
    if (mw::all(ids == 3).item() && h.has_value()) return;
    bool const none = mw::sum<batch, ffn>(h).item() == 0;
    (void)none;
#endif
}
