// Exponentials, roots, roundings, means and quotients of tensors are of numbers with fractions; signs and bounds are of any numbers.
// rule: function_of_integers
// sentence: this function is one of numbers with fractions
// facts: value_has_elements<int>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/mean.hpp>

#include <cstdint>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, std::int32_t, batch> ids, mw::tensor_of<S, float, batch, ffn> h,
             mw::tensor_of<S, float, ffn> w) {
    auto const pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = mw::sqrt(ids);
#elif REJECTED == 2
    auto y = mw::pow(ids, 2);
#elif REJECTED == 3
    auto y = mw::elu(ids);
#elif REJECTED == 4
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<int> right_element_type<double>
    auto y = mw::clamp(ids, 0, 0.5);
#elif REJECTED == 5
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    auto y = mw::exp(pending);
#elif REJECTED == 6
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    auto y = mw::mish(mw::max(0, pending)) + mw::clamp(mw::abs(pending), 0, 1);
#elif REJECTED == 7
    auto y = mw::mean<batch>(ids);
#elif REJECTED == 8
    auto y = mw::mean<S, batch>(ids);
#elif REJECTED == 9
    auto y = ids / ids;
#elif REJECTED == 10
    auto y = 1 / ids;
#else
    auto y = mw::sqrt(mw::cast<float>(ids));
    auto z = mw::exp(mw::settle<S>(pending));
    auto bounded = mw::clamp(mw::abs(ids), 0, 5);
    auto half = mw::mean<batch>(mw::cast<float>(ids)) / 2;
    auto quotient = ids / 2;
#endif
}
