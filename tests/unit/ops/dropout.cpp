// Dropout: one mask on every mesh, the right rate and mean, the same mask for the gradient.
#include <cmath>

#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<12> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<8> {};
struct inner : mw::axis<4> {};
struct many : mw::axis<40000> {};
struct note : mw::axis<2> {};

constexpr double probability = 0.25;
auto const dropped = [](auto const& x) { return mw::dropout(x, probability, mw::seed{7}, "block.1", 3); };

// which elements stay, from the stream itself
numbers naive(numbers x) {
    mw::random_stream const stream(mw::seed{7}, "block.1", 3);
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = stream.uniform(i) < probability ? 0 : x[i] / (1 - probability);
    return x;
}

template <class S>
void agrees_on() {
    agrees<S, mw::tensor_of<S, double, batch, token, embed>, mw::tensor_of<S, double, note>>(
        [](auto&, auto const& x, auto const&) { return dropped(x); },
        [](numbers const& x, numbers const&) { return naive(x); });
}

TEST_CASE("the mask follows the global index, whatever is split") {
    agrees_on<mw::strategy<grid<1, 1>>>();
    agrees_on<mw::strategy<grid<1, 3>>>();
    agrees_on<mw::strategy<grid<4, 1>, split<batch, dp<4>>>>();
    agrees_on<mw::strategy<grid<1, 3>, split<token, tp<3>>>>();
    agrees_on<mw::strategy<grid<2, 2>, split<embed, tp<2>, dp<2>>>>();
    agrees_on<mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>>();
    agrees_on<mw::strategy<grid<3, 2>, split<token, dp<3>>, split<embed, tp<2>>>>();
}

TEST_CASE("all summands of a pending sum get the same mask") {
    using S = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<inner, tp<2>>>;
    agrees<S, mw::tensor_of<S, double, batch, inner>, mw::tensor_of<S, double, inner, embed>>(
        [](auto&, auto const& x, auto const& w) {
            auto const out = dropped(mw::dot<inner>(x, w));
            static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
            return out;
        },
        [](numbers const& x, numbers const& w) {
            numbers product(batch::size * embed::size);
            for (std::size_t b = 0; b < batch::size; ++b)
                for (std::size_t k = 0; k < inner::size; ++k)
                    for (std::size_t e = 0; e < embed::size; ++e)
                        product[b * embed::size + e] += x[b * inner::size + k] * w[k * embed::size + e];
            return naive(product);
        });
}

TEST_CASE("rate and mean are right, and seed, name and step each change the mask") {
    using S = mw::strategy<grid<1, 2>, split<many, tp<2>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const ones = mw::full<mw::tensor_of<S, float, many>>(1);
        auto const masked = [&](double p, std::uint64_t s, std::string_view name, std::uint64_t step) {
            return here.gather(mw::dropout(ones, p, mw::seed{s}, name, step));
        };
        for (double p : {0.1, 0.5, 0.9}) {
            auto const x = masked(p, 1, "a", 0);
            double kept = 0, mean = 0;
            for (float v : x) kept += v != 0 ? 1 : 0, mean += v;
            kept /= static_cast<double>(x.size()), mean /= static_cast<double>(x.size());
            // five standard deviations
            double const five = 5 * std::sqrt(p * (1 - p) / static_cast<double>(x.size()));
            if (!here.is_first().on_this_rank()) continue;
            CHECK(std::abs(kept - (1 - p)) < five);
            CHECK(std::abs(mean - 1) < five / (1 - p));
        }
        auto const first = masked(0.5, 1, "a", 0);
        auto const again = masked(0.5, 1, "a", 0), seed = masked(0.5, 2, "a", 0),
                   name = masked(0.5, 1, "b", 0), step = masked(0.5, 1, "a", 1);
        auto const all = masked(0, 1, "a", 0), none = masked(1, 1, "a", 0);
        if (!here.is_first().on_this_rank()) return;
        CHECK(again == first);
        for (auto const* other : {&seed, &name, &step}) {
            std::size_t differ = 0;
            for (std::size_t i = 0; i < first.size(); ++i) differ += first[i] != (*other)[i] ? 1 : 0;
            CHECK(std::abs(static_cast<double>(differ) / static_cast<double>(first.size()) - 0.5) < 0.02);
        }
        CHECK(all == std::vector<float>(many::size, 1.0F));
        CHECK(none == std::vector<float>(many::size, 0.0F));
    });
}

TEST_CASE("a probability that is none is an error") {
    using S = mw::strategy<grid<1, 1>>;
    for (double p : {-0.1, 1.5, std::nan("")})
        CHECK(complaint<S>([p](auto&) {
                  (void)mw::dropout(mw::full<mw::tensor_of<S, float, note>>(1), p, mw::seed{1}, "attention",
                                    0);
              }).find("probability of mw::dropout of attention is") != std::string::npos);
}

}  // namespace
