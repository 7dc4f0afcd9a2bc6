// The largest element over axes: its value and its gradient, whole and split, against plain loops and central differences;
// of equal elements the first has the gradient; what has no gradient says so.
#include <limits>

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/rows/embedding.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<12> {};
struct note : mw::axis<2> {};

using one = mw::strategy<grid<1, 1>>;
using by_token = mw::strategy<grid<1, 3>, split<token, tp<3>>>;
using by_embed = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>;
using by_both = mw::strategy<grid<2, 3>, split<embed, dp<2>>, split<token, tp<3>>>;
using by_embed_twice = mw::strategy<grid<2, 2>, split<embed, dp<2>, tp<2>>>;
using reproducible = mw::strategy<grid<1, 2>, split<embed, tp<2>>, mw::reproducible<4>>;

// the largest of the elements x[b, t, e] of each b (and t), of equal ones the first: where it lies
template <bool Tokens>
std::vector<std::size_t> largest_of(numbers const& x) {
    std::size_t const group = (Tokens ? token::size : 1) * embed::size;
    std::vector<std::size_t> places;
    for (std::size_t first = 0; first < x.size(); first += group) {
        std::size_t best = first;
        for (std::size_t i = first; i < first + group; ++i)
            if (x[i] > x[best]) best = i;
        places.push_back(best);
    }
    return places;
}

template <class S>
void check_gradient() {
    auto const of = [](auto op, auto naive) {
        agrees<S, mw::tensor_of<S, double, batch, token, embed>, mw::tensor_of<S, double, note>>(
            [&](auto&, auto const& x, auto const&) { return op(x); },
            [&](numbers const& x, numbers const&) {
                numbers y;
                for (std::size_t place : naive(x)) y.push_back(x[place]);
                return y;
            });
    };
    of([](auto const& x) { return mw::settle<S>(mw::max<embed>(x)); }, largest_of<false>);
    of([](auto const& x) { return mw::settle<S>(mw::max<token, embed>(x)); }, largest_of<true>);
    // a maximum of maxima that are still pending, and one used twice
    of([](auto const& x) { return mw::settle<S>(mw::max<token>(mw::max<embed>(x))); }, largest_of<true>);
}

// the gradient of the sum of max<token, embed>(x) over the texts, for an x of few different values
template <class S>
numbers gradient_of_ties(numbers const& x) {
    using X = mw::tensor_of<S, double, batch, token, embed>;
    return loss_on<S, X, mw::tensor_of<S, double, note>>(
               x, numbers(note::size),
               [](auto&, auto const& given, auto const&) {
                   return mw::reshard<mw::layout<typename S::mesh>>(
                       mw::sum<batch>(mw::settle<S>(mw::max<embed, token>(given))));
               })
        .dx;
}

std::string complaint(auto f) {
    try {
        mw::run<one>(mw::threads{}, f);
    } catch (std::exception const& e) { return e.what(); }
    return "";
}

TEST_CASE("max and its gradient, whole and split") {
    check_gradient<one>();
    check_gradient<by_token>();
    check_gradient<by_embed>();
    check_gradient<by_both>();
    check_gradient<by_embed_twice>();
    check_gradient<reproducible>();
}

TEST_CASE("of equal elements the first has the gradient, wherever the others lie") {
    numbers x(batch::size * token::size * embed::size);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i * 29 % 5);
    x[100] = std::numeric_limits<double>::infinity();
    numbers expected(x.size());
    for (std::size_t place : largest_of<true>(x)) expected[place] = 1;
    CHECK(gradient_of_ties<one>(x) == expected);
    CHECK(gradient_of_ties<by_token>(x) == expected);
    CHECK(gradient_of_ties<by_embed>(x) == expected);
    CHECK(gradient_of_ties<by_both>(x) == expected);
    CHECK(gradient_of_ties<by_embed_twice>(x) == expected);
}

template <class X>
struct only {
    X x;
    static constexpr auto parameters = mw::fields<&only::x>();
};
// what an operation says of bfloat16 numbers made of a parameter of float
template <class Op>
std::string said_of_bfloat16(Op op) {
    return complaint([&](auto& here) {
        auto const model = mw::init<only<mw::tensor_of<one, float, token, embed>>>(here, mw::seed{1});
        (void)mw::value_and_gradient(model, [&](auto const& m) {
            return mw::sum<token, embed>(mw::cast<float>(op(mw::cast<mw::bfloat16>(m.x))) + m.x);
        });
    });
}

TEST_CASE("an operation without a gradient refuses a recorded operand") {
    auto const largest = [](auto const& x) { return mw::max<embed>(x); };
    CHECK(said_of_bfloat16(largest).find("mw::max has no gradient for elements of this type") !=
          std::string::npos);
    CHECK(said_of_bfloat16([&](auto const& x) { return largest(x.detached()); }) == "");
}

}  // namespace
