// softmax: against loops, differences, and one rank; rows that are all -inf; refusals.
#include <meshwise/ops/rows/softmax.hpp>

#include <cmath>
#include <limits>

#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<4> {};
struct head : mw::axis<3> {};
struct key : mw::axis<6> {};

template <class S, class T>
struct operands {
    mw::tensor_of<S, T, batch, head, key> x;
    static constexpr auto parameters = mw::fields<&operands::x>();
};

constexpr std::size_t count = batch::size * head::size * key::size;
std::vector<numbers> const inputs{varied(count, 1)};
numbers const weights = varied(count, 2);

// of every `step`-th number: rows of `n` along one axis
numbers softened(numbers const& x, std::size_t n, std::size_t step) {
    numbers y(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (i / step % n != 0) continue;
        double total = 0;
        for (std::size_t j = 0; j < n; ++j) total += std::exp(x[i + j * step]);
        for (std::size_t j = 0; j < n; ++j) y[i + j * step] = std::exp(x[i + j * step]) / total;
    }
    return y;
}

auto const over_keys = [](auto&, auto const& given) { return mw::softmax<key>(given.x); };
auto const over_heads = [](auto&, auto const& given) { return mw::softmax<head>(given.x); };

template <class S, class T = double>
std::vector<outcome> keys_on() {
    return on_ranks<S, operands<S, T>>(inputs, weights, over_keys);
}
template <class S, class T = double>
std::vector<outcome> heads_on() {
    return on_ranks<S, operands<S, T>>(inputs, weights, over_heads);
}

TEST_CASE("softmax on one rank agrees with loops and differences") {
    check_reference(keys_on<one_rank>()[0], by_differences(inputs, weights, [](auto const& in) {
                        return softened(in[0], key::size, 1);
                    }));
    check_reference(heads_on<one_rank>()[0], by_differences(inputs, weights, [](auto const& in) {
                        return softened(in[0], head::size, key::size);
                    }));
}

TEST_CASE("softmax has the same bits on every mesh") {
    auto const keys = keys_on<one_rank>()[0], heads = heads_on<one_rank>()[0];
    using by_batch = mw::strategy<mw::mesh<dp4>, mw::split<batch, dp4>>;
    using by_both = mw::strategy<mw::mesh<dp2, tp3>, mw::split<batch, dp2>, mw::split<head, tp3>>;
    using by_key = mw::strategy<mw::mesh<dp2, tp3>, mw::split<batch, dp2>, mw::split<key, tp3>>;
    check_near(keys_on<mw::strategy<mw::mesh<dp2>>>(), keys, 0);
    check_near(keys_on<by_batch>(), keys, 0);
    check_near(keys_on<by_both>(), keys, 0);
    check_near(heads_on<by_batch>(), heads, 0);
    check_near(heads_on<by_key>(), heads, 0);
    check_near(keys_on<by_both, float>(), keys, 1e-5);
}

TEST_CASE("a row that is all -inf gives zeros, with zero gradient") {
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    numbers masked = inputs[0];
    for (std::size_t i = 0; i < key::size; ++i) masked[key::size + i] = nothing;  // the second row
    masked[0] = nothing;
    auto const seen = on_ranks<one_rank, operands<one_rank, double>>({masked}, weights, over_keys)[0];
    CHECK(seen.value[0] == 0);
    for (std::size_t i = 0; i < key::size; ++i) {
        CHECK(seen.value[key::size + i] == 0);
        CHECK(seen.gradients[0][key::size + i] == 0);
    }
    double total = 0;
    for (std::size_t i = 0; i < key::size; ++i) total += seen.value[i];
    CHECK(total == doctest::Approx(1));
}

using split_keys = mw::tensor_of<mw::strategy<mw::mesh<tp3>, mw::split<key, tp3>>, float, batch, key>;
using owed = mw::tensor<float, mw::axes<batch, key>, mw::canonical<mw::mesh<tp3>, mw::partial<tp3>>>;
using maxima =
    mw::tensor<float, mw::axes<batch, key>, mw::canonical<mw::mesh<tp3>, mw::partial<tp3, mw::maximum>>>;
static_assert(std::is_same_v<mw::along<key, split_keys::operand>::verdict,
                             mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<key, tp3>>>);
static_assert(mw::along<batch, split_keys::operand>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::along<key, owed::operand>::verdict>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<rule_of<mw::along<key, maxima::operand>::verdict>,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<rule_of<mw::along<head, split_keys::operand>::verdict>, mw::axis_is_missing>);

}  // namespace
