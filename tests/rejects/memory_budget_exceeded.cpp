// A model whose parameters, gradients and moments do not fit the stated bytes of a rank.
// rule: memory_budget_exceeded
// sentence: do not fit the stated bytes per rank
// facts: bytes_needed<134217728> bytes_allowed<50000000>
#include <meshwise/plan/budget.hpp>
namespace mw = meshwise;
using namespace mw::literals;

struct embed : mw::axis<1024> {};
struct ffn : mw::axis<4096> {};
struct tp : mw::mesh_axis<4> {};

template <class S>
struct feed_forward {
    mw::tensor_of<S, float, embed, ffn> up;
    mw::tensor_of<S, float, ffn, embed> down;
    static constexpr auto parameters = mw::fields<&feed_forward::up, &feed_forward::down>();
};
using on_one = mw::strategy<mw::mesh<>>;
using on_four = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program() {
#if REJECTED == 1
    mw::require_fits<feed_forward<on_one>, 50_MB>();
#else
    mw::require_fits<feed_forward<on_four>, 50_MB>();
#endif
}
