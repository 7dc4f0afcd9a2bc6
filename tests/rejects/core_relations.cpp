// The same verdicts without tensors, for those who write operations of their own. Needs core/ only, and compiles with
// clang++ 14 too.
// core only
// rule: shared_axis_is_split_differently
// sentence: the ranks hold pieces that do not belong together
// facts: left_operand_is_split_by<ffn,tp> right_operand_has_whole<ffn>
#include <meshwise/core/relations.hpp>
#include <meshwise/core/strategy.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct heads : mw::axis<6> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;
using whole = mw::layout<mw::mesh<tp>>;
using h = mw::operand<mw::axes<batch, ffn>, S::layout_of<batch, ffn>>;
using w = mw::operand<mw::axes<ffn, embed>, S::layout_of<ffn, embed>>;
using y = mw::contraction<mw::axes<batch, embed>, h, w>;

template <class Verdict>
constexpr bool accepted() {
    static_assert(sizeof(mw::refuse<Verdict>) > 0);
    return true;
}

void program() {
#if REJECTED == 1
    accepted<mw::contraction<mw::axes<batch, embed>, h, mw::operand<mw::axes<ffn, embed>, whole>>::verdict>();
#elif REJECTED == 2
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear, so it needs the whole value
    // facts: value_is_a_pending_sum_over<tp>
    accepted<mw::element_wise<mw::operand<y::axes, y::layout>>::verdict>();
#elif REJECTED == 3
    // rule: axis_does_not_divide
    // sentence: an axis does not divide evenly over the ranks it is split over
    // facts: axis_of_size<heads,6> cut_into<4,tp>
    accepted<mw::placeable<mw::axes<heads>, mw::layout<mw::mesh<tp>, mw::split<heads, tp>>>::verdict>();
#else
    accepted<y::verdict>();
    accepted<mw::element_wise<mw::operand<y::axes, mw::without_partials<y::layout>>>::verdict>();
    accepted<mw::placeable<mw::axes<heads>, whole>::verdict>();
#endif
}
