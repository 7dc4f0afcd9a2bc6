// A loss compares what is whole and alike.
// rule: axis_is_missing
// sentence: an axis named here is not an axis of the operand
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/rows/cosine.hpp>
#include <meshwise/ops/rows/info_nce.hpp>
#include <meshwise/ops/rows/losses.hpp>
#include <meshwise/parallel/rank.hpp>
#include <meshwise/tensor/constants.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, embed> x, mw::tensor_of<S, float, batch, embed> y,
             mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> down,
             mw::tensor_of<S, float, batch> of_rows, mw::tensor_of<S, std::int32_t, batch> ids) {
#if REJECTED == 1
    // facts: right_operand_lacks_axis<embed>
    auto loss = mw::mse_loss(x, of_rows);
#elif REJECTED == 2
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear, so it needs the whole value
    // facts: value_is_a_pending_sum_over<tp>
    auto loss = mw::huber_loss(mw::dot<ffn>(h, down), y);
#elif REJECTED == 3
    // rule: axis_is_not_named
    // sentence: mw::
    auto loss = mw::kl_div(x, y);
#elif REJECTED == 4
    // rule: reduced_axis_is_split
    // sentence: write the strategy first, as in mw::variance<strategy, axis>(x)
    // facts: value_is_split_by<ffn,tp>
    auto alike = mw::cosine_similarity<ffn>(h, h);
#elif REJECTED == 5
    // facts: right_operand_lacks_axis<batch>
    auto loss = mw::info_nce<S, batch, embed>(x, mw::sum<batch>(y));
#elif REJECTED == 6
    // facts: left_operand_lacks_axis<ffn>
    auto loss = mw::nll_loss<ffn>(x, ids);
#elif REJECTED == 7
    // rule: function_of_integers
    // sentence: mw::cast
    auto loss = mw::l1_loss(ids, ids);
#elif REJECTED == 8
    // rule: axis_is_not_named
    // sentence: mw::
    auto loss = mw::cross_entropy(x, ids);
#elif REJECTED == 9
    // rule: not_a_tensor
    // sentence: a tensor belongs here, and this value is none
    auto loss = mw::mse_loss(x, 0.0);
#else
    auto loss8 = mw::cross_entropy<embed>(x, ids);
    auto loss9 = mw::mse_loss(x, mw::zeros_like(x));
    auto loss1 = mw::mse_loss(x, y);
    auto loss0 = mw::mse_loss(of_rows, mw::sum<embed>(y));
    auto loss2 = mw::huber_loss(mw::settle<S>(mw::dot<ffn>(h, down)), y);
    auto loss3 = mw::kl_div<embed>(x, y);
    auto alike = mw::cosine_similarity<S, ffn>(h, h);
    auto loss5 = mw::info_nce<S, batch, embed>(x, y);
    auto loss6 = mw::nll_loss<embed>(x, ids);
    auto loss7 = mw::l1_loss(x, y, {.reduction = mw::loss_reduction::sum});
    auto both = mw::settle<S>(loss1) + mw::settle<S>(loss2) * 0.1;
#endif
}
