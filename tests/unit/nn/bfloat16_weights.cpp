// Models whose matrices and tables are bfloat16: near the float model, alike on every mesh, cast and loaded alike.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/io/weights.hpp>
#include <meshwise/nn/cast_weights.hpp>
#include <meshwise/nn/generate.hpp>
#include <meshwise/nn/llama.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/packed.hpp>

#include "max_with_nan.hpp"

namespace {

namespace mw = meshwise;

struct vocab : mw::padded<70, 4> {};
struct embed : mw::axis<40> {};
struct kv_heads : mw::axis<4> {};
struct group : mw::axis<2> {};
struct head_dim : mw::axis<6> {};
struct ffn : mw::axis<100> {};
struct layer : mw::axis<2> {};
struct one : mw::axis<1> {};
struct context : mw::axis<64> {};
struct piece : mw::up_to<64> {};
struct step : mw::axis<1> {};

template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
template <std::size_t N, class... Options>
using wide = mw::strategy<mw::mesh<tp<N>>, mw::split<kv_heads, tp<N>>, mw::split<ffn, tp<N>>,
                          mw::split<vocab, tp<N>>, Options...>;
template <std::size_t N, class... Options>
using narrow = wide<N, mw::weight_dtype<mw::bfloat16>, Options...>;
struct sizes {
    using vocab = ::vocab;
    using embed = ::embed;
    using kv_heads = ::kv_heads;
    using group = ::group;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};
template <class S>
using llama = mw::llama<S, sizes>;

static_assert(std::is_same_v<decltype(llama<narrow<1>>::table)::value_type, mw::bfloat16>);
static_assert(std::is_same_v<decltype(llama<narrow<1>>::unembed)::value_type, mw::bfloat16>);
static_assert(std::is_same_v<decltype(mw::rms_norm_of<narrow<1>, embed>::gain)::value_type, float>);
static_assert(std::is_same_v<decltype(mw::linear<narrow<1>, embed, ffn>::weight)::value_type, mw::bfloat16>);
static_assert(std::is_same_v<decltype(mw::linear<narrow<1>, embed, ffn>::bias)::value_type, float>);
static_assert(std::is_same_v<narrow<1>::on<mw::serial>::weight, mw::bfloat16>);

std::vector<std::int32_t> text() {
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < 21; ++i) ids.push_back(i * 31 % 70);
    return ids;
}

// f(rank, a model in S) on N ranks; the first rank's result
template <class S, class F>
std::vector<float> told_by_first(F f) {
    std::vector<float> result;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        mw::without_recording const off;
        auto const numbers = f(here);
        if (here.is_first().on_this_rank()) result = numbers;
    });
    return result;
}

template <class Rank, class Model>
std::vector<float> scores_of(Rank& here, Model const& model) {
    auto const ids = text();
    auto const padded = here.gather(model.logits(mw::place<one, piece>(here, ids, {ids.size()})));
    std::vector<float> scores;
    for (std::size_t i = 0; i < padded.size(); ++i)
        if (i % vocab::size < vocab::true_size) scores.push_back(padded[i]);
    return scores;
}
template <class Rank, class Model>
std::vector<float> scores_by_token(Rank& here, Model const& model) {
    typename Model::template cache<one, context> cache;
    std::vector<float> all;
    for (std::int32_t const id : text()) {
        auto const scores =
            here.gather(model.logits(mw::place<one, step>(here, std::vector<std::int32_t>{id}), cache));
        all.insert(all.end(), scores.begin(), scores.begin() + vocab::true_size);
    }
    return all;
}
template <class S>
std::vector<float> scores_in() {
    return told_by_first<S>(
        [](auto& here) { return scores_of(here, mw::init<llama<S>>(here, mw::seed{5})); });
}

double largest(std::vector<float> const& x) {
    double most = 0;
    for (float const each : x) most = std::max(most, std::abs(static_cast<double>(each)));
    return most;
}
double largest_difference(std::vector<float> const& x, std::vector<float> const& y) {
    REQUIRE(x.size() == y.size());
    double most = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        most = worse(most, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
    return most;
}
bool same_bits(std::vector<float> const& x, std::vector<float> const& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

// Each number that meets a narrow weight is off by at most 2^-9 of itself; over two layers that is well below 2^-6.
TEST_CASE("a model with bfloat16 weights is near the float model with the same weights") {
    auto const in_float = told_by_first<wide<1>>([](auto& here) {
        using N = wide<1, mw::weight_dtype<mw::bfloat16>>;
        auto const model = mw::init<llama<wide<1>>>(here, mw::seed{5});
        return scores_of(here, mw::cast_weights<llama<wide<1>>>(mw::cast_weights<llama<N>>(model)));
    });
    auto const in_narrow = scores_in<narrow<1>>();
    CHECK(largest_difference(in_float, in_narrow) < 0x1p-6 * largest(in_float));
    CHECK(largest_difference(in_float, in_narrow) > 0);
}

TEST_CASE("a model with bfloat16 weights says the same on 1, 2 and 4 ranks") {
    auto const on_1 = scores_in<narrow<1>>(), on_2 = scores_in<narrow<2>>(), on_4 = scores_in<narrow<4>>();
    CHECK(largest_difference(on_1, on_2) < 0x1p-6 * largest(on_1));
    CHECK(largest_difference(on_1, on_4) < 0x1p-6 * largest(on_1));
    CHECK(same_bits(on_2, scores_in<narrow<2>>()));
}

TEST_CASE("reproducible: a model with bfloat16 weights has the same bits on 1, 2 and 4 ranks") {
    using equal = mw::reproducible<4>;
    auto const on_1 = scores_in<narrow<1, equal>>();
    CHECK(same_bits(on_1, scores_in<narrow<2, equal>>()));
    CHECK(same_bits(on_1, scores_in<narrow<4, equal>>()));
}

// so the products of one row and of many round alike
TEST_CASE("a text read token by token has the bits of the text read at once") {
    using S = narrow<2>;
    auto const at_once = scores_in<S>();
    auto const by_token = told_by_first<S>(
        [](auto& here) { return scores_by_token(here, mw::init<llama<S>>(here, mw::seed{5})); });
    CHECK(same_bits(at_once, by_token));
}

template <class S>
std::vector<float> packed_scores_by_token() {
    return told_by_first<S>([](auto& here) {
        auto const model = mw::init<llama<S>>(here, mw::seed{5});
        auto const live = [] {
            return mw::current().pool->use().live[static_cast<std::size_t>(mw::purpose::parameters)];
        };
        std::size_t const before = live();
        auto const kept = mw::packed(model);
        auto const all = scores_by_token(here, model);
        CHECK(same_bits(scores_of(here, model), all));
        // where pairs are multiplied, they are packed
        CHECK((live() > before) == std::is_same_v<mw::simd::native, mw::simd::avx512_bf16>);
        return all;
    });
}

TEST_CASE("a model with packed bfloat16 weights has the bits of one whose weights are not") {
    CHECK(same_bits(packed_scores_by_token<narrow<1>>(), scores_in<narrow<1>>()));
    CHECK(same_bits(packed_scores_by_token<narrow<2>>(), scores_in<narrow<2>>()));
}

TEST_CASE("weights are narrow alike, whether they are cast or loaded") {
    std::string const path =
        (std::filesystem::temp_directory_path() / ("meshwise-narrow-" + std::to_string(::getpid()))).string();
    auto const cast = told_by_first<wide<2>>([&](auto& here) {
        auto model = mw::init<llama<wide<2>>>(here, mw::seed{5});
        mw::save_weights(here, model, path);
        return scores_of(here, mw::cast_weights<llama<narrow<2>>>(model));
    });
    auto const loaded = told_by_first<narrow<2>>([&](auto& here) {
        llama<narrow<2>> model;
        mw::load_weights(here, model, path, {.convert = true});
        mw::save_weights(here, model, path + "-again");
        llama<narrow<2>> again;
        mw::load_weights(here, again, path + "-again");
        auto const scores = scores_of(here, again);
        CHECK(same_bits(scores, scores_of(here, model)));
        return scores;
    });
    CHECK(same_bits(cast, loaded));
    CHECK(same_bits(cast, scores_in<narrow<2>>()));
    std::filesystem::remove(path);
    std::filesystem::remove(path + "-again");
}

struct only_x {
    mw::parameter<wide<1>, one, embed> x;
    static constexpr auto parameters = mw::fields<&only_x::x, mw::normal{1}>();
};

TEST_CASE("a bfloat16 weight that is no parameter hands the gradient on") {
    mw::run<wide<1>>(mw::threads{}, [](auto& here) {
        auto const model = mw::init<only_x>(here, mw::seed{3});
        auto const linear = mw::cast_weights<mw::linear_without_bias<narrow<1>, embed, ffn>>(
            mw::init<mw::linear_without_bias<wide<1>, embed, ffn>>(here, mw::seed{4}));
        auto const total = [](auto const& y) { return mw::settle<wide<1>>(mw::sum<one, ffn>(y)); };
        auto result = mw::value_and_gradient(model, [&](auto const& m) { return total(linear(m.x)); });
        auto const gradient = result.gradient.whole(0, model.x);
        for (std::size_t i = 0; i < embed::size; ++i) {
            double expected = 0;
            for (std::size_t j = 0; j < ffn::size; ++j)
                expected += static_cast<double>(static_cast<float>(linear.weight.data()[i * ffn::size + j]));
            CHECK(std::abs(static_cast<double>(gradient.data()[i]) - expected) < 1e-5);
        }
        auto const through_narrow_x = [&](auto const& m) {
            return total(mw::dot<embed>(mw::cast<mw::bfloat16>(m.x), linear.weight));
        };
        auto narrow_result = mw::value_and_gradient(model, through_narrow_x);
        auto const same = narrow_result.gradient.whole(0, model.x);
        for (std::size_t i = 0; i < embed::size; ++i) CHECK(same.data()[i] == gradient.data()[i]);
    });
}

}  // namespace
