// softmax and log_softmax: against loops, differences, and one rank; rows that are all -inf; refusals.
#include <meshwise/ops/rows/log_softmax.hpp>
#include <meshwise/ops/rows/softmax.hpp>

#include <meshwise/tensor/constants.hpp>

#include <cmath>
#include <cstring>
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

// log_softmax over keys, and over batches, both under S: either may be split
template <class S, class T = double>
outcome logarithms_on(numbers const& of = inputs[0], bool of_keys = true) {
    auto const all = on_ranks<S, operands<S, T>>({of}, weights, [of_keys](auto&, auto const& given) {
        return of_keys ? mw::log_softmax<S, key>(given.x) : mw::log_softmax<S, batch>(given.x);
    });
    for (outcome const& one : all)
        CHECK(std::memcmp(one.value.data(), all[0].value.data(), count * sizeof(double)) == 0);
    return all[0];
}
numbers logarithms_of(numbers const& x, std::size_t n, std::size_t step) {
    numbers y = softened(x, n, step);
    for (double& a : y) a = std::log(a);
    return y;
}

TEST_CASE("log_softmax agrees with loops and differences on every mesh, also along a split axis") {
    using by_batch = mw::strategy<mw::mesh<dp4>, mw::split<batch, dp4>>;
    using by_key = mw::strategy<mw::mesh<dp2, tp3>, mw::split<batch, dp2>, mw::split<key, tp3>>;
    using key_by_both = mw::strategy<mw::mesh<dp2, tp3>, mw::split<key, dp2, tp3>>;
    auto const keys =
        by_differences(inputs, weights, [](auto const& in) { return logarithms_of(in[0], key::size, 1); });
    auto const batches = by_differences(inputs, weights, [](auto const& in) {
        return logarithms_of(in[0], batch::size, head::size * key::size);
    });
    auto const agree = [&]<class S>(std::type_identity<S>) {
        check_reference(logarithms_on<S>(), keys);
        check_reference(logarithms_on<S>(inputs[0], false), batches);
    };
    agree(std::type_identity<one_rank>{});
    agree(std::type_identity<by_batch>{});
    agree(std::type_identity<by_key>{});
    agree(std::type_identity<key_by_both>{});
    auto const whole = on_ranks<by_batch, operands<by_batch, double>>(
        inputs, weights, [](auto&, auto const& given) { return mw::log_softmax<key>(given.x); });
    check_near(whole, logarithms_on<one_rank>(), 0);
    check_near(logarithms_on<by_key, float>(), keys, 1e-5);

    // where weights are 0, and where elements are as large as their rounding errors
    numbers far = inputs[0];
    far[0] = -2000, far[7] = 1e8, far[8] = 1e8 - 8;
    auto const seen = logarithms_on<by_key, float>(far);
    CHECK(seen.value[0] ==
          doctest::Approx(-2000 - std::log(std::exp(far[1]) + std::exp(far[2]) + std::exp(far[3]) +
                                           std::exp(far[4]) + std::exp(far[5]))));
    CHECK(seen.value[7] == doctest::Approx(-std::log1p(std::exp(-8.0))).epsilon(1e-3));
    CHECK(seen.value[8] == doctest::Approx(-8 - std::log1p(std::exp(-8.0))));
}

TEST_CASE("log_softmax of a row that is all -inf is -inf; NaN stays in its row; padding has no weight") {
    constexpr double nothing = -std::numeric_limits<double>::infinity();
    using by_key = mw::strategy<mw::mesh<tp3>, mw::split<key, tp3>>;
    numbers masked = inputs[0];
    for (std::size_t i = 0; i < key::size; ++i) masked[key::size + i] = nothing;
    masked[0] = nothing, masked[2 * key::size] = NAN;
    for (auto const& seen : {logarithms_on<one_rank>(masked), logarithms_on<by_key>(masked)}) {
        CHECK(seen.value[0] == nothing);
        for (std::size_t i = 0; i < key::size; ++i) {
            CHECK(seen.value[key::size + i] == nothing);
            CHECK(std::isnan(seen.value[2 * key::size + i]));
            CHECK(std::isfinite(seen.value[3 * key::size + i]));
            CHECK(std::isfinite(seen.gradients[0][3 * key::size + i]));
        }
    }
    struct stored : mw::padded<5, 6> {};
    using S = mw::strategy<mw::mesh<tp3>, mw::split<stored, tp3>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const y = here.gather(mw::log_softmax<S, stored>(mw::zeros<stored>(here)));
        for (std::size_t i = 0; i < 5; ++i) CHECK(y[i] == doctest::Approx(-std::log(5.0)));
    });
}

TEST_CASE("reproducible<V>: log_softmax has the same bits on one rank and on four, also along a split axis") {
    using alone = mw::strategy<mw::mesh<dp1>, mw::split<batch, dp1>, mw::reproducible<4>>;
    using on_four = mw::strategy<mw::mesh<dp4>, mw::split<batch, dp4>, mw::reproducible<4>>;
    check_near(logarithms_on<on_four, float>(inputs[0], false), logarithms_on<alone, float>(inputs[0], false),
               0);
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
