// Matrices of which a rank holds a part, that are not square, or whose axes are named wrongly.
// rule: normalised_axis_is_split
// sentence: need all elements of their axis
// facts: value_is_split_by<column,tp>
#include <meshwise/linear_algebra.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/reshard.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct row : mw::axis<4> {};
struct column : mw::axis<4> {};
struct side : mw::axis<6> {};
struct shorter : mw::axis<4> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<column, tp>>;
using everywhere = mw::layout<mw::mesh<tp>>;
template <class... A>
using whole = mw::tensor<float, mw::axes<A...>, everywhere>;

void program(mw::tensor_of<S, float, batch, row, column> a, whole<batch, row, column> b, whole<row, side> x,
             mw::tensor<std::int32_t, mw::axes<row, column>, everywhere> ids) {
#if REJECTED == 1
    auto y = mw::inverse<row, column>(a);
#elif REJECTED == 2
    auto y = mw::solve<row, column>(a, x);
#elif REJECTED == 3
    // rule: sizes_differ
    // sentence: a square matrix has as many rows as columns
    // facts: axis_of_size<row,4> axis_of_size<side,6>
    auto y = mw::det<row, side>(x);
#elif REJECTED == 4
    // rule: axis_is_missing
    // sentence: an axis named here is not an axis of the operand
    // facts: value_has_axis_twice<row>
    auto y = mw::eigh<row, row>(b);
#elif REJECTED == 5
    // rule: sizes_differ
    // sentence: different numbers of elements
    // facts: axis_of_size<batch,8>
    auto y = mw::svd<row, side, batch>(x);
#elif REJECTED == 6
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    auto y = mw::cholesky<batch, row>(mw::sum<column>(a));
#elif REJECTED == 7
    // rule: function_of_integers
    // sentence: this function is one of numbers with fractions
    // facts: value_has_elements
    auto y = mw::qr<row, column, shorter>(ids);
#else
    auto y1 = mw::inverse<row, column>(mw::reshard<everywhere>(a));
    auto y2 = mw::solve<row, column>(b, x);
    auto y3 = mw::det<row, column>(b);
    auto y4 = mw::eigh<row, column>(b);
    auto y5 = mw::svd<row, side, shorter>(x);
    auto y6 = mw::qr<row, column, shorter>(mw::cast<float>(ids));
#endif
}
