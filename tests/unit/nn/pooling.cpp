// Pooling of states against plain loops and differences, tokens split or not: the true length only, empty texts, ties,
// and what stands behind a text being no number at all.
#include <algorithm>
#include <cmath>

#include <meshwise/nn/pooling.hpp>
#include <meshwise/tensor/constants.hpp>

#include "../ops/agreement.hpp"

namespace {

using namespace agreement;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<3> {};
struct note : mw::axis<2> {};
struct batch1 : mw::axis<1> {};
struct many : mw::axis<604> {};
struct one : mw::axis<1> {};

template <std::size_t N>
struct dp : mw::mesh_axis<N> {};
template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
template <std::size_t D, std::size_t T>
using placed = mw::strategy<mw::mesh<dp<D>, tp<T>>, mw::split<batch, dp<D>>, mw::split<token, tp<T>>>;
// states cut by feature, as between the two products of a layer
using by_feature = mw::strategy<mw::mesh<tp<3>>, mw::split<embed, tp<3>>>;
// what the mesh cuts the tokens by cuts the result by batch
using scattered = mw::strategy<mw::mesh<tp<2>>, mw::split<token, tp<2>>, mw::split<batch, tp<2>>>;

ids const lengths{6, 0, 1, 4};

numbers naive(numbers const& x, mw::pooling how) {
    numbers out(batch::size * embed::size);
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t e = 0; e < embed::size; ++e) {
            auto const n = static_cast<std::size_t>(lengths[b]);
            double first = 0, sum = 0, largest = 0;
            for (std::size_t t = 0; t < n; ++t) {
                double const v = x[(b * token::size + t) * embed::size + e];
                if (t == 0) first = v, largest = v;
                sum += v, largest = std::max(largest, v);
            }
            out[b * embed::size + e] = how == mw::pooling::cls ? first
                                       : how == mw::pooling::mean
                                           ? (n == 0 ? 0 : sum / static_cast<double>(n))
                                           : largest;
        }
    return out;
}

template <class S, mw::pooling How>
auto pooled(auto& here, auto const& x) {
    return mw::pool<S, How>(x, mw::place<batch>(here, lengths));
}

template <class S, mw::pooling How>
void agrees_on() {
    using states = mw::tensor_of<S, double, batch, token, embed>;
    agrees<S, states, mw::tensor_of<S, double, note>>(
        [](auto& here, auto const& x, auto const&) {
            auto const out = pooled<S, How>(here, x);
            static_assert(
                std::is_same_v<typename decltype(out)::layout, typename S::template layout_of<batch, embed>>);
            return out;
        },
        [](numbers const& x, numbers const&) { return naive(x, How); });
}
template <mw::pooling How>
void agrees_everywhere() {
    agrees_on<placed<1, 1>, How>();
    agrees_on<placed<2, 1>, How>();
    agrees_on<placed<1, 3>, How>();
    agrees_on<placed<2, 2>, How>();
    agrees_on<by_feature, How>();
    agrees_on<scattered, How>();
}

TEST_CASE("the first token") { agrees_everywhere<mw::pooling::cls>(); }
TEST_CASE("the mean") { agrees_everywhere<mw::pooling::mean>(); }
TEST_CASE("the maximum") { agrees_everywhere<mw::pooling::max>(); }

// bfloat16 has eight bits, and 600 tokens need ten to be counted
TEST_CASE("long texts of bfloat16: the last token counts, the one behind it does not") {
    using S = mw::strategy<mw::mesh<tp<2>>, mw::split<many, tp<2>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        std::vector<mw::bfloat16> x(604, mw::bfloat16(0.0F));
        x[600] = mw::bfloat16(8.0F), x[601] = mw::bfloat16(16.0F);
        auto const states = mw::place<batch1, many, one>(here, x);
        auto const counted = mw::place<batch1>(here, std::vector<std::int32_t>{601});
        CHECK(static_cast<float>(here.gather(mw::pool<S, mw::pooling::max>(states, counted))[0]) == 8.0F);
        auto const mean = here.gather(mw::pool<S, mw::pooling::mean>(states, counted))[0];
        CHECK(static_cast<float>(mean) == static_cast<float>(mw::bfloat16(8.0F / 601)));
    });
}

// the result and the gradient for given states
template <class S, mw::pooling How>
outcome of(numbers const& x) {
    using states = mw::tensor_of<S, double, batch, token, embed>;
    numbers whole;
    auto found = loss_on<S, states, mw::tensor_of<S, double, note>>(
        x, {0, 0}, [&](auto& here, auto const& given, auto const&) {
            auto const out = pooled<S, How>(here, given);
            auto const all = here.gather(out.detached());
            if (here.is_first().on_this_rank()) whole.assign(all.begin(), all.end());
            return weighed(out);
        });
    found.out = whole;
    return found;
}

TEST_CASE("of equal ones the first gets the gradient, on every mesh") {
    auto const check = []<class S>() {
        auto const found = of<S, mw::pooling::max>(numbers(batch::size * token::size * embed::size, -2.0));
        for (std::size_t i = 0; i < found.dx.size(); ++i) {
            std::size_t const b = i / (token::size * embed::size), t = i / embed::size % token::size;
            CHECK(found.dx[i] ==
                  (t == 0 && lengths[b] != 0 ? weight_at(b * embed::size + i % embed::size) : 0.0));
        }
    };
    check.template operator()<placed<1, 1>>();
    check.template operator()<placed<1, 3>>();
    check.template operator()<placed<2, 2>>();
}

template <mw::pooling How>
void sees_no_padding() {
    auto const clean = values(batch::size * token::size * embed::size);
    for (double const junk : {static_cast<double>(NAN), static_cast<double>(INFINITY), 1e300}) {
        auto x = clean;
        for (std::size_t i = 0; i < x.size(); ++i)
            if (static_cast<std::int32_t>(i / embed::size % token::size) >=
                lengths[i / (token::size * embed::size)])
                x[i] = junk;
        auto const found = of<placed<1, 2>, How>(x), usual = of<placed<1, 2>, How>(clean);
        CHECK(found.out == usual.out);
        CHECK(found.dx == usual.dx);
    }
}
TEST_CASE("what stands behind a text's length reaches neither result nor gradient") {
    sees_no_padding<mw::pooling::cls>();
    sees_no_padding<mw::pooling::mean>();
    sees_no_padding<mw::pooling::max>();
}

TEST_CASE("a state that is no number is not hidden by a maximum") {
    auto x = values(batch::size * token::size * embed::size);
    x[3 * embed::size + 1] = NAN;  // text 0, token 3, feature 1
    auto const found = of<placed<1, 2>, mw::pooling::max>(x);
    for (std::size_t i = 0; i < found.out.size(); ++i) CHECK(std::isnan(found.out[i]) == (i == 1));
}

TEST_CASE("a length is one of the tokens") {
    using S = placed<1, 2>;
    for (std::int32_t const wrong : {-1, 7, 99}) {
        std::string text;
        try {
            mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
                auto const x = mw::full<mw::tensor_of<S, float, batch, token, embed>>(1);
                (void)mw::pool<S, mw::pooling::mean>(x, mw::place<batch>(here, ids{6, wrong, 0, 1}));
            });
        } catch (mw::error const& e) { text = e.what(); }
        CHECK_MESSAGE(text.find("mw::pool was given a length of " + std::to_string(wrong) + " at batch 1") !=
                          std::string::npos,
                      text);
    }
}

TEST_CASE("split tokens: one reduction of the result, three for the maximum") {
    using S = placed<1, 3>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const x = mw::full<mw::tensor_of<S, float, batch, token, embed>>(1.0F);
        auto const before = here.team().collectives();
        (void)pooled<S, mw::pooling::mean>(here, x);
        auto const then = here.team().collectives();
        (void)pooled<S, mw::pooling::max>(here, x);
        CHECK(then - before == 1);
        CHECK(here.team().collectives() - then == 3);
    });
}

}  // namespace
