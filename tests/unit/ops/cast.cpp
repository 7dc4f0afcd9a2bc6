// Casts: values, gradients through both directions, and pending sums only where nothing is rounded.
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct embed : mw::axis<6> {};
struct inner : mw::axis<8> {};

template <std::size_t D, std::size_t T>
using plan = mw::strategy<grid<D, T>, split<batch, dp<D>>, split<inner, tp<T>>>;

// x w in float, cast to double as a pending sum
template <class S>
void widened() {
    using X = mw::tensor_of<S, float, batch, inner>;
    using W = mw::tensor_of<S, float, inner, embed>;
    auto const found = result_on<S, X, W>([](auto&, auto const& x, auto const& w) {
        auto const out = mw::cast<double>(mw::dot<inner>(x, w));
        static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
        return out;
    });
    numbers expected(batch::size * embed::size), dx(batch::size * inner::size);
    auto const x = values(dx.size()), w = values(inner::size * embed::size);
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t k = 0; k < inner::size; ++k)
            for (std::size_t e = 0; e < embed::size; ++e) {
                expected[b * embed::size + e] += x[b * inner::size + k] * w[k * embed::size + e];
                dx[b * inner::size + k] += weight_at(b * embed::size + e) * w[k * embed::size + e];
            }
    CHECK(distance(found.out, expected) < 1e-4);
    CHECK(distance(found.dx, dx) < 1e-4);
}

TEST_CASE("a cast to a wider type passes pending sums on") {
    widened<plan<1, 1>>();
    widened<plan<2, 2>>();
    widened<plan<1, 4>>();
}

template <class S>
void narrowed_to_bfloat16() {
    // down and up again: every element is rounded, the gradient passes
    using X = mw::tensor_of<S, float, batch, embed>;
    auto const found = result_on<S, X, mw::tensor_of<S, float, inner>>([](auto&, auto const& x, auto const&) {
        auto const narrow = mw::cast<mw::bfloat16>(x);
        static_assert(std::is_same_v<typename decltype(narrow)::value_type, mw::bfloat16>);
        return mw::cast<float>(narrow);
    });
    auto const x = values(batch::size * embed::size);
    for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(found.out[i] ==
              static_cast<double>(static_cast<float>(mw::bfloat16(static_cast<float>(x[i])))));
        CHECK(found.dx[i] == weight_at(i));  // weights have few bits
    }
    CHECK(found.out[3] != static_cast<double>(static_cast<float>(x[3])));
}

TEST_CASE("a cast to a narrower type rounds; its gradient does not") {
    narrowed_to_bfloat16<plan<1, 1>>();
    narrowed_to_bfloat16<plan<2, 2>>();
}

// x of float used in bfloat16 by ranks that each owe a part of its gradient: the parts are added in float
TEST_CASE("the gradient of bfloat16 is float, also where parts of it are pending") {
    using S = plan<1, 2>;
    using X = mw::tensor_of<S, float, batch, embed>;
    using W = mw::tensor_of<S, float, inner>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const ones = mw::full<W>(1);
        operands<X, W> const model{mw::full<X>(1), ones};
        auto const result = mw::value_and_gradient(model, [&](auto const& m) {
            auto const x = mw::cast<float>(mw::cast<mw::bfloat16>(m.x));
            // rank 0 contributes 256, rank 1 contributes 1: their sum, 257, is no number of bfloat16
            auto scales = mw::result_of<W>(m.y);
            mw::fill_by_index(scales, [](std::size_t i) {
                return i == 0 ? 256.0 : i == inner::size - 1 ? 1.0 : 0.0;
            });
            auto const y = mw::dot<>(x, scales);
            return mw::reshard<mw::layout<typename S::mesh>>(mw::sum<batch, embed, inner>(y));
        });
        auto gradient = result.gradient;
        auto const dx = here.gather(gradient.whole(0, model.x));
        if (here.is_first().on_this_rank()) CHECK(dx[0] == 257.0F);
    });
}

TEST_CASE("ids become numbers") {
    using S = plan<2, 1>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const x = mw::place<batch>(here, ids{3, -1, 0, 7});
        auto const all = here.gather(mw::cast<double>(x));
        if (here.is_first().on_this_rank()) CHECK(all == numbers{3, -1, 0, 7});
    });
}

static_assert(mw::casts_exactly<double, float> && mw::casts_exactly<float, mw::bfloat16> &&
              mw::casts_exactly<double, std::int32_t>);
static_assert(!mw::casts_exactly<float, double> && !mw::casts_exactly<mw::bfloat16, float> &&
              !mw::casts_exactly<float, std::int32_t> && !mw::casts_exactly<std::int64_t, float>);
static_assert(!mw::casts_exactly<std::uint64_t, mw::bfloat16> &&
              !mw::casts_exactly<std::uint64_t, std::int32_t> &&
              mw::casts_exactly<std::int64_t, std::uint32_t>);
using pending = mw::operand<mw::axes<batch>, mw::canonical<mw::mesh<dp<2>, tp<2>>, mw::partial<tp<2>>>>;
static_assert(mw::casting<double, float, pending>::verdict::value);
static_assert(std::is_same_v<mw::casting<mw::bfloat16, float, pending>::verdict::rule,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<mw::casting<float, double, pending>::verdict::rule,
                             mw::non_linear_operation_on_a_pending_sum>);

}  // namespace
