// layer_norm and rms_norm: against loops, differences, and one rank; refusals.
#include <cmath>

#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>

#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<5> {};

template <class S, class T>
struct layer_norm_operands {
    mw::tensor_of<S, T, batch, token, embed> x;
    mw::tensor_of<S, T, embed> gain, bias;
    static constexpr auto parameters =
        mw::fields<&layer_norm_operands::x, &layer_norm_operands::gain, &layer_norm_operands::bias>();
};
template <class S, class T>
struct rms_norm_operands {
    mw::tensor_of<S, T, batch, token, embed> x;
    mw::tensor_of<S, T, embed> gain;
    static constexpr auto parameters = mw::fields<&rms_norm_operands::x, &rms_norm_operands::gain>();
};
// the normalised axis in the middle
template <class S, class T>
struct inner_operands {
    mw::tensor_of<S, T, batch, embed, token> x;
    mw::tensor_of<S, T, embed> gain, bias;
    static constexpr auto parameters =
        mw::fields<&inner_operands::x, &inner_operands::gain, &inner_operands::bias>();
};

constexpr std::size_t rows = batch::size * token::size, width = embed::size, count = rows * width;
constexpr double epsilon = 1e-3;

// element `column` of row `row` lies at `at(row, column)`
template <class At>
numbers normalised(std::vector<numbers> const& in, bool centred, At at) {
    numbers y(count);
    for (std::size_t r = 0; r < rows; ++r) {
        double mean = 0, squares = 0;
        for (std::size_t c = 0; c < width && centred; ++c)
            mean += in[0][at(r, c)] / static_cast<double>(width);
        for (std::size_t c = 0; c < width; ++c) squares += std::pow(in[0][at(r, c)] - mean, 2);
        double const deviation = std::sqrt(squares / static_cast<double>(width) + epsilon);
        for (std::size_t c = 0; c < width; ++c) {
            y[at(r, c)] = (in[0][at(r, c)] - mean) / deviation * in[1][c] + (centred ? in[2][c] : 0.0);
        }
    }
    return y;
}
std::size_t at_last(std::size_t r, std::size_t c) { return r * width + c; }
std::size_t at_middle(std::size_t r, std::size_t c) {
    return (r / token::size * width + c) * token::size + r % token::size;
}

std::vector<numbers> const inputs{varied(count, 1), varied(width, 2), varied(width, 3)};
std::vector<numbers> const inputs_without_bias{inputs[0], inputs[1]};
numbers const weights = varied(count, 4);

auto const centre = [](auto&, auto const& given) {
    return mw::layer_norm<embed>(given.x, given.gain, given.bias, epsilon);
};
auto const scale = [](auto&, auto const& given) { return mw::rms_norm<embed>(given.x, given.gain, epsilon); };

template <class S, class T = double>
std::vector<outcome> layer_norm_on() {
    return on_ranks<S, layer_norm_operands<S, T>>(inputs, weights, centre);
}
template <class S, class T = double>
std::vector<outcome> rms_norm_on() {
    return on_ranks<S, rms_norm_operands<S, T>>(inputs_without_bias, weights, scale);
}
template <class S>
void check_both(double tolerance) {
    static outcome const layer_norm = layer_norm_on<one_rank>()[0], rms_norm = rms_norm_on<one_rank>()[0];
    check_near(layer_norm_on<S>(), layer_norm, tolerance);
    check_near(rms_norm_on<S>(), rms_norm, tolerance);
}

TEST_CASE("layer_norm and rms_norm on one rank agree with loops and differences") {
    check_reference(layer_norm_on<one_rank>()[0], by_differences(inputs, weights, [](auto const& in) {
                        return normalised(in, true, at_last);
                    }));
    check_reference(rms_norm_on<one_rank>()[0],
                    by_differences(inputs_without_bias, weights,
                                   [](auto const& in) { return normalised(in, false, at_last); }));
}

TEST_CASE("an axis that is not the last is normalised all the same") {
    auto const expected =
        by_differences(inputs, weights, [](auto const& in) { return normalised(in, true, at_middle); });
    check_reference(on_ranks<one_rank, inner_operands<one_rank, double>>(inputs, weights, centre)[0],
                    expected);
    using two = mw::strategy<mw::mesh<tp2>, mw::split<token, tp2>>;
    for (outcome const& one : on_ranks<two, inner_operands<two, double>>(inputs, weights, centre))
        check_reference(one, expected);
    auto const without_bias = by_differences(inputs_without_bias, weights,
                                             [](auto const& in) { return normalised(in, false, at_middle); });
    check_reference(
        on_ranks<one_rank, inner_operands<one_rank, double>>(inputs, weights, scale)[0],
        {without_bias.value, {without_bias.gradients[0], without_bias.gradients[1], numbers(width)}});
}

TEST_CASE("norms are the same on every mesh") {
    check_both<mw::strategy<mw::mesh<dp2>>>(0);
    check_both<mw::strategy<mw::mesh<dp2>, mw::split<batch, dp2>>>(1e-12);
    check_both<mw::strategy<mw::mesh<tp3>, mw::split<token, tp3>>>(1e-12);
    check_both<mw::strategy<mw::mesh<dp4>, mw::split<batch, dp4>>>(1e-12);
    check_both<mw::strategy<mw::mesh<dp2, tp2>, mw::split<batch, dp2>, mw::split<token, tp2>>>(1e-12);
    check_both<mw::strategy<mw::mesh<dp2, tp2>, mw::split<batch, tp2, dp2>>>(1e-12);
}

TEST_CASE("norms of floats") {
    using S = mw::strategy<mw::mesh<dp2, tp2>, mw::split<batch, dp2>, mw::split<token, tp2>>;
    check_near(layer_norm_on<S, float>(), layer_norm_on<one_rank>()[0], 1e-5);
    check_near(rms_norm_on<S, float>(), rms_norm_on<one_rank>()[0], 1e-5);
}

// each row is whole on its rank: what is not a sum over rows has the same bits everywhere
// a layer_norm of floats that have a large number in common, against the same without it, which is exact
template <class S>
std::vector<outcome> of_large_rows(double offset) {
    auto in = inputs;
    for (std::size_t i = 0; i < in[0].size(); ++i)
        in[0][i] = offset + 8 * static_cast<double>(i * 7 % 5 + i / width % 3);
    return on_ranks<S, layer_norm_operands<S, float>>(in, weights, centre);
}
TEST_CASE("a large number that a row has in common does not change its layer_norm") {
    auto const small = of_large_rows<one_rank>(0);
    for (double const offset : {1e8, -1e8}) {
        CAPTURE(offset);
        check_near(of_large_rows<one_rank>(offset), small[0], 1e-5);
        check_near(of_large_rows<mw::strategy<grid<2, 1>, split<batch, dp<2>>>>(offset), small[0], 1e-5);
        check_near(of_large_rows<mw::strategy<mw::mesh<>, mw::on<mw::serial>>>(offset), small[0], 1e-5);
    }
}

TEST_CASE("results and gradients of x do not depend on the mesh in any bit") {
    using S = mw::strategy<mw::mesh<dp2, tp3>, mw::split<batch, dp2>, mw::split<token, tp3>>;
    auto const one = layer_norm_on<one_rank>()[0];
    for (outcome const& other : layer_norm_on<S>()) {
        CHECK(other.value == one.value);
        CHECK(other.gradients[0] == one.gradients[0]);
    }
}

template <class M>
using by_batch = mw::strategy<mw::mesh<M>, mw::split<batch, M>, mw::reproducible<4>>;
template <class M>
using by_token = mw::strategy<mw::mesh<M>, mw::split<token, M>, mw::reproducible<2>>;

TEST_CASE("reproducible<V>: gradients of gain and bias have the same bits on every mesh") {
    auto const one = layer_norm_on<by_batch<dp1>, float>()[0];
    check_near(layer_norm_on<by_batch<dp2>, float>(), one, 0);
    check_near(layer_norm_on<by_batch<dp4>, float>(), one, 0);
    check_near(rms_norm_on<by_batch<dp4>, float>(), rms_norm_on<by_batch<dp1>, float>()[0], 0);
    check_near(one, layer_norm_on<one_rank>()[0], 1e-5);
    // leaves of an axis that is not the outermost
    auto const of_token = layer_norm_on<by_token<dp1>, float>()[0];
    check_near(layer_norm_on<by_token<dp2>, float>(), of_token, 0);
    check_near(of_token, layer_norm_on<one_rank>()[0], 1e-5);
}

// the placements, in types
using S2 = mw::strategy<mw::mesh<dp2, tp3>, mw::split<batch, dp2>>;
using by_rows = mw::tensor_of<S2, float, batch, token, embed>;
using whole_gain = mw::tensor_of<S2, float, embed>;
static_assert(std::is_same_v<mw::detail::shared_by_rows<embed, by_rows, whole_gain>::layout,
                             mw::canonical<S2::mesh, mw::partial<dp2>>>);
static_assert(std::is_same_v<
              mw::detail::shared_by_rows<embed, mw::tensor_of<S2, float, token, embed>, whole_gain>::layout,
              mw::layout<S2::mesh>>);
static_assert(mw::along<embed, by_rows::operand>::verdict::value);
static_assert(mw::detail::fits_rows<embed, by_rows, whole_gain>::value);

struct cut5 : mw::mesh_axis<5> {};
using S5 = mw::strategy<mw::mesh<cut5>, mw::split<embed, cut5>>;
using cut_embed = mw::tensor_of<S5, float, batch, embed>;
using owed = mw::tensor<float, mw::axes<batch, embed>, mw::canonical<mw::mesh<cut5>, mw::partial<cut5>>>;
static_assert(std::is_same_v<mw::along<embed, cut_embed::operand>::verdict,
                             mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<embed, cut5>>>);
static_assert(std::is_same_v<
              mw::along<embed, owed::operand>::verdict,
              mw::broken<mw::non_linear_operation_on_a_pending_sum, mw::value_is_a_pending_sum_over<cut5>>>);
static_assert(std::is_same_v<mw::along<token, owed::operand>::verdict,
                             mw::broken<mw::axis_is_missing, mw::value_lacks_axis<token>>>);
// gains: of other axes, split, pending, of doubles
template <class X, class Gain>
using gain_rule = rule_of<mw::detail::fits_rows<embed, X, Gain>>;
using whole_x = mw::tensor<float, mw::axes<batch, embed>, mw::layout<mw::mesh<cut5>>>;
static_assert(
    std::is_same_v<gain_rule<whole_x, mw::tensor_of<S5, float, embed>>, mw::normalised_axis_is_split>);
static_assert(std::is_same_v<gain_rule<whole_x, mw::tensor_of<S5, float, token>>, mw::axis_is_missing>);
static_assert(
    std::is_same_v<gain_rule<whole_x, mw::tensor<float, mw::axes<token, embed>, mw::layout<mw::mesh<cut5>>>>,
                   mw::axis_is_missing>);
static_assert(std::is_same_v<gain_rule<whole_x, mw::tensor<float, mw::axes<embed>,
                                                           mw::canonical<mw::mesh<cut5>, mw::partial<cut5>>>>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(
    std::is_same_v<gain_rule<whole_x, mw::tensor<double, mw::axes<embed>, mw::layout<mw::mesh<cut5>>>>,
                   mw::elements_of_different_types>);
static_assert(std::is_same_v<gain_rule<whole_x, mw::tensor_of<one_rank, float, embed>>,
                             mw::tensors_of_different_meshes>);

}  // namespace
