// Values of two meshes or element types in one operation.
// rule: tensors_of_different_meshes
// sentence: the operands live on different meshes
// facts: left_operand_is_on<mesh<tp>> right_operand_is_on<mesh<wide>>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/rows/embedding.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct token : mw::axis<16> {};
struct tp : mw::mesh_axis<2> {};
struct wide : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<embed, tp>>;
using repeatable = mw::strategy<mw::mesh<tp>, mw::split<embed, tp>, mw::reproducible<4>>;
using other = mw::strategy<mw::mesh<wide>, mw::split<embed, wide>>;

void program(mw::tensor_of<S, float, batch, embed> x, mw::tensor_of<other, float, batch, embed> y,
             mw::tensor_of<S, double, batch, embed> precise, mw::tensor_of<S, std::int64_t, token> long_ids,
             mw::tensor_of<S, std::int32_t, token> ids,
             mw::tensor_of<repeatable, float, batch, embed> in_leaves) {
#if REJECTED == 1
    auto z = x + y;
#elif REJECTED == 2
    auto z = mw::dot<embed>(x, y);
#elif REJECTED == 3
    auto z = mw::dot<S, embed>(x, y);
#elif REJECTED == 4
    auto z = mw::settle<other>(x);
#elif REJECTED == 5
    auto z = mw::reshard<mw::layout<mw::mesh<wide>>>(x);
#elif REJECTED == 6
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto z = x + precise;
#elif REJECTED == 7
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto z = mw::dot<S, embed>(x, precise);
#elif REJECTED == 8
    // rule: elements_of_different_types
    // sentence: ids and labels are std::int32_t
    // facts: left_element_type<int> right_element_type<long
    auto z = mw::embedding<batch>(x, long_ids);
#elif REJECTED == 9
    // rule: tensors_of_different_backends
    // sentence: take the strategy from the rank that runs the program
    // facts: acceptable<>
    auto z = x + in_leaves;
#else
    auto z1 = y + y;
    auto z2 = mw::dot<embed>(x, x);
    auto z3 = mw::dot<S, embed>(x, x);
    auto z4 = mw::settle<other>(y);
    auto z5 = mw::reshard<mw::layout<mw::mesh<tp>>>(x);
    auto z6 = mw::cast<double>(x) + precise;
    auto z7 = mw::dot<S, embed>(mw::cast<double>(x), precise);
    auto z8 = mw::embedding<batch>(x, ids);
    auto z9 = in_leaves + in_leaves;
    (void)long_ids;
#endif
}
