// Masks: arithmetic is of numbers, choices are made by masks; what is compared is whole and of one type.
// rule: arithmetic_on_a_mask
// sentence: a mask is true or false, and this operation is one of numbers
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/allclose.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/max.hpp>

#include <cstdint>
#include <string>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn> w,
             mw::tensor_of<S, double, ffn> wide, mw::tensor_of<S, std::int32_t, batch> ids) {
    auto const mask = h > 0;
    auto const pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = h * mask;
#elif REJECTED == 2
    auto y = mask + (h < 1);
#elif REJECTED == 3
    auto y = 1 - mask;
#elif REJECTED == 4
    auto y = mw::sum<batch>(mask);
#elif REJECTED == 5
    auto y = mw::abs(-mask) / 2;
#elif REJECTED == 6
    // rule: not_a_mask
    // sentence: a mask belongs here, a tensor of true and false, and this one has numbers
    // facts: value_has_elements<float>
    auto y = mw::where(h, w, 0);
#elif REJECTED == 7
    // rule: not_a_mask
    // sentence: a mask belongs here
    // facts: value_has_elements<float>
    auto y = mask && h;
#elif REJECTED == 8
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    auto y = mw::where(pending > 0 && mask, h, 0) + 1;
#elif REJECTED == 9
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto y = w == wide;
#elif REJECTED == 10
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<int> right_element_type<double>
    auto y = ids < 0.5;
#elif REJECTED == 11
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto y = mw::map([](auto m, auto a, auto b) { return mw::select(m, a, b); }, mask, h, wide);
#elif REJECTED == 12
    // rule: not_a_tensor
    // sentence: a tensor belongs here
    auto y = h == std::string("a");
#elif REJECTED == 13
    auto y = mw::max<batch>(mask);
#elif REJECTED == 14
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto y = mw::allclose(w, wide);
#else
    auto y = mw::where(mask && h < 1, h, 0) * mw::cast<float>(mask || w == h || !mask);
    auto z = mw::where(mw::settle<S>(pending) > 0 && ids < 3, ids, 0);
    auto y6 = mw::where(h != 0, w, 0);
    auto same = w == mw::cast<float>(wide);
    [[maybe_unused]] auto close = mw::allclose(w, mw::cast<float>(wide));
    auto mapped = mw::map([](auto m, auto a, auto n) { return mw::select(m && n > 0, a, 0); }, mask, h, ids);
#endif
}
