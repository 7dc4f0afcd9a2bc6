// conv, layers and pooling: on one rank and on meshes, with every kind of split, against plain loops and their central differences.
#include <algorithm>
#include <limits>

#include <meshwise/nn/convolution.hpp>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/moves/unfold.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/random_tensors.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<2> {};
struct row : mw::axis<12> {};
struct column : mw::axis<4> {};
struct channel : mw::axis<4> {};
struct many : mw::axis<20> {};
struct out : mw::axis<2> {};
struct group : mw::axis<2> {};
struct three : mw::axis<3> {};
struct across : mw::axis<3> {};
struct two : mw::axis<2> {};
struct half : mw::axis<6> {};
struct narrow : mw::axis<2> {};
struct note : mw::axis<2> {};
struct some : mw::up_to<12> {};
struct most : mw::axis<12> {};

template <class Mesh, class... Rules>
using plainly = mw::strategy<Mesh, Rules..., mw::on<mw::serial>>;
using one = mw::strategy<grid<1, 1>>;  // the kernels of tbb, where it is there
using by_batch_and_out = plainly<grid<2, 2>, split<batch, dp<2>>, split<out, tp<2>>>;
using by_row_and_channel = plainly<grid<2, 2>, split<row, dp<2>>, split<channel, tp<2>>>;
using by_row_and_column = plainly<grid<2, 2>, split<row, dp<2>>, split<half, dp<2>>, split<column, tp<2>>>;
using by_three = plainly<grid<1, 3>, split<row, tp<3>>, split<half, tp<3>>>;
using by_four = plainly<grid<2, 2>, split<row, dp<2>, tp<2>>>;
using by_group = plainly<grid<1, 2>, split<group, tp<2>>>;

// one direction of a convolution, as plainly as it can be said
struct direction {
    std::size_t size, taps, windows;
    std::ptrdiff_t stride = 1, padding = 0, dilation = 1;
    bool find(std::size_t w, std::size_t t, std::size_t& at) const {
        auto const place =
            static_cast<std::ptrdiff_t>(w) * stride + static_cast<std::ptrdiff_t>(t) * dilation - padding;
        at = static_cast<std::size_t>(place);
        return place >= 0 && at < size;
    }
};
// f(point (batch, r, c), tap (r, c), element of x (r, c)) for all taps that lie on x
template <class F>
void for_all(direction const& r, direction const& c, F f) {
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t i = 0; i < r.windows; ++i)
            for (std::size_t j = 0; j < c.windows; ++j)
                for (std::size_t p = 0; p < r.taps; ++p)
                    for (std::size_t q = 0; q < c.taps; ++q)
                        if (std::size_t y = 0, x = 0; r.find(i, p, y) && c.find(j, q, x))
                            f(b, i, j, p, q, y, x);
}

// x(batch, row, column, channel), w(taps of rows, taps of columns, channel, out)
numbers convolved(direction const& r, direction const& c, numbers const& x, numbers const& w) {
    numbers y(batch::size * r.windows * c.windows * out::size);
    for_all(r, c, [&](auto b, auto i, auto j, auto p, auto q, auto at_row, auto at_column) {
        for (std::size_t k = 0; k < channel::size; ++k)
            for (std::size_t o = 0; o < out::size; ++o)
                y[((b * r.windows + i) * c.windows + j) * out::size + o] +=
                    x[((b * r.size + at_row) * c.size + at_column) * channel::size + k] *
                    w[((p * c.taps + q) * channel::size + k) * out::size + o];
    });
    return y;
}

template <class S>
void same() {
    agrees<S, mw::tensor_of<S, double, batch, row, column, channel>,
           mw::tensor_of<S, double, three, across, channel, out>>(
        [](auto&, auto const& x, auto const& w) {
            return mw::conv<channel, mw::same_window<row, three>, mw::same_window<column, across>>(x, w);
        },
        [](numbers const& x, numbers const& w) {
            return convolved({row::size, 3, row::size, 1, 1}, {column::size, 3, column::size, 1, 1}, x, w);
        });
}
// strides in both directions, taps that lie apart, more padding before than behind
template <class S>
void strided() {
    using down = mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>;
    using right = mw::window<column, two, narrow,
                             mw::sliding{.stride = 2, .padding = 1, .dilation = 2, .padding_behind = 0}>;
    agrees<S, mw::tensor_of<S, double, batch, row, column, channel>,
           mw::tensor_of<S, double, three, two, channel, out>>(
        [](auto&, auto const& x, auto const& w) { return mw::conv<S, channel, down, right>(x, w); },
        [](numbers const& x, numbers const& w) {
            return convolved({row::size, 3, half::size, 2, 1}, {column::size, 2, narrow::size, 2, 1, 2}, x,
                             w);
        });
}
TEST_CASE("conv: windows of the size of their axis, split in every way") {
    same<one>();
    same<by_batch_and_out>();
    same<by_row_and_channel>();  // halos of a sum that stays pending
    same<by_row_and_column>();   // corners come by two exchanges
    same<by_three>();
}
TEST_CASE("conv: strides, dilation, and padding on one side; an axis whose pieces do not fit is gathered") {
    strided<one>();
    strided<by_row_and_column>();
    strided<by_three>();
}

// a window longer than a piece: 3 elements on each of 4 ranks, and 9 from its first tap to its last
template <class S>
void causal() {
    agrees<S, mw::tensor_of<S, double, batch, row>, mw::tensor_of<S, double, three, out>>(
        [](auto&, auto const& x, auto const& w) { return mw::conv<mw::causal_window<row, three, 4>>(x, w); },
        [](numbers const& x, numbers const& w) {
            numbers y(batch::size * row::size * out::size);
            for_all({row::size, 3, row::size, 1, 8, 4}, {1, 1, 1},
                    [&](auto b, auto i, auto, auto p, auto, auto at, auto) {
                        for (std::size_t o = 0; o < out::size; ++o)
                            y[(b * row::size + i) * out::size + o] +=
                                x[b * row::size + at] * w[p * out::size + o];
                    });
            return y;
        });
}
TEST_CASE("conv in one direction without channels, whose windows reach over several pieces") {
    causal<one>();
    causal<by_four>();
}

// groups, channels before rows and columns, and weights in an order of their own
template <class S>
void grouped() {
    agrees<S, mw::tensor_of<S, double, batch, group, channel, half, narrow>,
           mw::tensor_of<S, double, out, group, channel, three, across>>(
        [](auto&, auto const& x, auto const& w) {
            return mw::conv<channel, mw::same_window<half, three>, mw::same_window<narrow, across>>(x, w);
        },
        [](numbers const& x, numbers const& w) {
            constexpr std::size_t g = group::size, k = channel::size, r = half::size, c = narrow::size;
            numbers y(batch::size * g * r * c * out::size);
            for_all({r, 3, r, 1, 1}, {c, 3, c, 1, 1},
                    [&](auto b, auto i, auto j, auto p, auto q, auto at_row, auto at_column) {
                        for (std::size_t n = 0; n < g * k * out::size; ++n) {
                            std::size_t const of = n / k / out::size, in = n / out::size % k,
                                              o = n % out::size;
                            y[(((b * g + of) * r + i) * c + j) * out::size + o] +=
                                x[(((b * g + of) * k + in) * r + at_row) * c + at_column] *
                                w[(((o * g + of) * k + in) * 3 + p) * 3 + q];
                        }
                    });
            return y;
        });
}
// each channel is a group of its own; 20 of them are more than one strip
template <class S>
void depthwise() {
    agrees<S, mw::tensor_of<S, double, batch, row, many>, mw::tensor_of<S, double, three, many>>(
        [](auto&, auto const& x, auto const& w) {
            return mw::conv<mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>>(x, w);
        },
        [](numbers const& x, numbers const& w) {
            numbers y(x.size() / 2);
            for_all({row::size, 3, half::size, 2, 1}, {1, 1, 1},
                    [&](auto b, auto i, auto, auto p, auto, auto at, auto) {
                        for (std::size_t k = 0; k < many::size; ++k)
                            y[(b * half::size + i) * many::size + k] +=
                                x[(b * row::size + at) * many::size + k] * w[p * many::size + k];
                    });
            return y;
        });
}
TEST_CASE("conv of groups, depthwise too, in any order of axes") {
    grouped<one>();
    grouped<by_group>();
    depthwise<one>();
    depthwise<by_three>();
}

// max_pool of x(batch, row, column, channel), and avg_pool with and without padding, added up with weights of their own
template <class S>
void pools() {
    using down = mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>;
    using right = mw::same_window<column, across>;
    agrees<S, mw::tensor_of<S, double, batch, row, column, channel>, mw::tensor_of<S, double, note>>(
        [](auto&, auto const& x, auto const&) {
            return mw::max_pool<down, right>(x) + 3 * mw::avg_pool<down, right>(x) -
                   mw::avg_pool<right, down>(x, {.count_padding = false});
        },
        [](numbers const& x, numbers const&) {
            direction const r{row::size, 3, half::size, 2, 1}, c{column::size, 3, column::size, 1, 1};
            numbers most(batch::size * r.windows * c.windows * channel::size,
                         -std::numeric_limits<double>::infinity()),
                sums(most.size()), counts(most.size());
            for_all(r, c, [&](auto b, auto i, auto j, auto, auto, auto at_row, auto at_column) {
                for (std::size_t k = 0; k < channel::size; ++k) {
                    std::size_t const y = ((b * r.windows + i) * c.windows + j) * channel::size + k;
                    double const a = x[((b * r.size + at_row) * c.size + at_column) * channel::size + k];
                    most[y] = std::max(most[y], a), sums[y] += a, counts[y] += 1;
                }
            });
            for (std::size_t y = 0; y < most.size(); ++y) most[y] += 3 * sums[y] / 9 - sums[y] / counts[y];
            return most;
        });
}
TEST_CASE("max_pool and avg_pool, whole and split by what windows go along") {
    pools<one>();
    pools<by_row_and_column>();
    pools<by_three>();
}
TEST_CASE("max_pool: NaN wins, and the first of equal elements gets the gradient") {
    using S = one;
    using pairs = mw::window<row, two, half, mw::sliding{.stride = 2}>;
    auto const found = result_on<S, mw::tensor_of<S, double, row>, mw::tensor_of<S, double, note>>(
        [](auto&, auto const& x, auto const&) { return mw::max_pool<pairs>(x * 0); });
    for (std::size_t i = 0; i < half::size; ++i) CHECK(found.out[i] == 0);
    mw::run<S>(mw::threads{}, [](auto& here) {
        double const nan = std::numeric_limits<double>::quiet_NaN(),
                     low = -std::numeric_limits<double>::infinity();
        operands<mw::tensor_of<S, double, row>, mw::tensor_of<S, double, note>> model{
            mw::place<row>(here, numbers{1, nan, nan, 2, 3, 3, low, low, -1, -2, 5, 7}),
            mw::zeros<mw::tensor_of<S, double, note>>()};
        auto result = mw::value_and_gradient(model, [](auto const& m) {
            auto const y = mw::max_pool<pairs>(m.x);
            CHECK(std::isnan(y.detached().data()[0]));
            CHECK(std::isnan(y.detached().data()[1]));
            CHECK(y.detached().data()[3] == -std::numeric_limits<double>::infinity());
            return mw::sum<half>(mw::where(mw::isfinite(y), y, 0));
        });
        auto const dx = here.gather(result.gradient.whole(0, model.x));
        CHECK(numbers(dx.begin(), dx.end()) == numbers{0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1});
    });
}

// What stands behind the end of an axis is no element, also where it came to a rank with its halo.
template <class S>
void largest_of_lowest() {
    auto const found = result_on<S, mw::tensor_of<S, double, batch, row>, mw::tensor_of<S, double, note>>(
        [](auto&, auto const& x, auto const&) {
            return mw::max_pool<mw::same_window<row, three>>(
                x + mw::full_like(x, -std::numeric_limits<double>::infinity()));
        });
    numbers expected(batch::size * row::size);  // each window gives its slope to its first element
    for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i % row::size == 0 ? i : i - 1] += weight_at(i);
    CHECK(distance(found.dx, expected) < 1e-12);
}
template <class S>
numbers where_weights_are_infinite() {
    return result_on<S, mw::tensor_of<S, double, row, batch>, mw::tensor_of<S, double, three, batch>>(
               [](auto&, auto const& x, auto const& w) {
                   auto const weights = mw::where(w > 0, w, std::numeric_limits<double>::infinity());
                   return mw::where(mw::isfinite(mw::conv<mw::same_window<row, three>>(x, weights)), x, 0);
               })
        .out;
}
TEST_CASE("windows at the ends of a split axis see what they see of a whole one") {
    largest_of_lowest<one>();
    largest_of_lowest<by_three>();
    largest_of_lowest<by_row_and_column>();
    largest_of_lowest<by_four>();
    auto const finite = where_weights_are_infinite<one>();
    CHECK(std::count(finite.begin(), finite.end(), 0.0) > 0);
    CHECK(std::count(finite.begin(), finite.end(), 0.0) < 24);
    CHECK(where_weights_are_infinite<by_three>() == finite);
    CHECK(where_weights_are_infinite<by_four>() == finite);
}
struct single : mw::axis<1> {};
TEST_CASE("pooling: a window that sees no element has no largest one, and a mean of 0") {
    using apart = mw::window<single, two, single, mw::sliding{.padding = 1, .dilation = 2}>;
    auto const found = result_on<one, mw::tensor_of<one, double, single>, mw::tensor_of<one, double, note>>(
        [](auto&, auto const& x, auto const&) {
            CHECK(mw::max_pool<apart>(x.detached()).data()[0] == -std::numeric_limits<double>::infinity());
            return mw::avg_pool<apart>(x, {.count_padding = false}) + mw::avg_pool<apart>(x);
        });
    CHECK(found.out == numbers{0});
    CHECK(found.dx == numbers{0});
}

// unfold is what conv is a contraction of
template <class S>
void unfolds() {
    agrees<S, mw::tensor_of<S, double, batch, row, channel>, mw::tensor_of<S, double, three, channel, out>>(
        [](auto&, auto const& x, auto const& w) {
            using down = mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>;
            return mw::dot<S, three, channel>(mw::unfold<down>(x), w) + mw::conv<S, channel, down>(x, w);
        },
        [](numbers const& x, numbers const& w) {
            direction const down{row::size, 3, half::size, 2, 1};
            numbers y(batch::size * half::size * out::size);
            for_all(down, {1, 1, 1}, [&](auto b, auto i, auto, auto p, auto, auto at, auto) {
                for (std::size_t n = 0; n < channel::size * out::size; ++n)
                    y[(b * half::size + i) * out::size + n % out::size] +=
                        2 * x[(b * row::size + at) * channel::size + n / out::size] *
                        w[p * channel::size * out::size + n];
            });
            return y;
        });
}
TEST_CASE("unfold: windows side by side, whole and split") {
    unfolds<one>();
    unfolds<by_row_and_column>();
    unfolds<by_three>();
}

// a small network: its value and gradients are the same on every mesh
struct label : mw::axis<2> {};
template <class S>
struct network {
    mw::convolution<S, channel, out, mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>,
                    mw::same_window<column, across>>
        first;
    mw::convolution_without_bias<S, out, out, mw::same_window<half, three>> depthwise;
    mw::convolution<S, mw::axes<out>, label, mw::window<column, across, column, mw::sliding{.padding = 1}>>
        last;

    auto loss(auto const& x) const {
        auto const y = last(depthwise(mw::relu(first(x))));
        return mw::settle<S>(mw::sum(y * y));
    }
    static constexpr auto parameters = mw::fields<&network::first, &network::depthwise, &network::last>();
};
template <class S>
std::vector<numbers> learned() {
    std::vector<numbers> all;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const model = mw::init<network<S>>(here, mw::seed{3});
        auto const x = mw::place<batch, row, column, channel>(
            here, values(elements<mw::axes<batch, row, column, channel>>));
        auto result = mw::value_and_gradient(model, [&](auto const& m) { return m.loss(x); });
        std::vector<numbers> mine{{result.loss}};
        mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto const& p, auto) {
            auto const d = here.gather(result.gradient.whole(i, p));
            mine.emplace_back(d.begin(), d.end());
        });
        if (here.is_first().on_this_rank()) all = mine;
    });
    return all;
}
TEST_CASE("layers: a weight is the matrix from a window's inputs to outputs; of groups it is none") {
    mw::run<one>(mw::threads{}, [](auto& here) {
        using whole = mw::convolution<one, channel, out, mw::same_window<row, three>>;
        using by_channel = mw::convolution_without_bias<one, channel, channel, mw::same_window<row, three>>;
        auto const plain = mw::detail::traits_of(mw::init<whole>(here, mw::seed{1}));
        CHECK((plain[0].inputs == 2 && plain[0].role == mw::role::matrix));
        auto const depthwise = mw::detail::traits_of(mw::init<by_channel>(here, mw::seed{1}));
        CHECK(depthwise[0].role == mw::role::table);
    });
}
TEST_CASE("layers: a network has one value and one gradient on every mesh") {
    auto const whole = learned<mw::strategy<grid<1, 1>, mw::dtype<double>>>();
    CHECK(whole.size() == 6);
    auto const same = [&](std::vector<numbers> const& other) {
        for (std::size_t i = 0; i < whole.size(); ++i) {
            CHECK(whole[i][0] != 0);
            CHECK(distance(whole[i], other[i]) < 1e-8);
        }
    };
    same(learned<plainly<grid<2, 2>, split<row, dp<2>>, split<half, dp<2>>, split<channel, tp<2>>,
                         split<out, tp<2>>, mw::dtype<double>>>());
    same(learned<plainly<grid<2, 2>, split<batch, dp<2>>, split<column, tp<2>>, mw::dtype<double>>>());
}

template <std::size_t Dp, std::size_t Tp>
using reproducibly =
    plainly<grid<Dp, Tp>, split<batch, dp<Dp>>, split<out, tp<Tp>>, mw::reproducible<2>, mw::dtype<double>>;
TEST_CASE("reproducible<V>: a network learns the same bits on one rank, on two and on four") {
    auto const bits = learned<reproducibly<1, 1>>(),
               fast = learned<mw::strategy<grid<1, 1>, mw::dtype<double>>>();
    CHECK(learned<reproducibly<2, 1>>() == bits);
    CHECK(learned<reproducibly<2, 2>>() == bits);
    for (std::size_t i = 0; i < bits.size(); ++i) CHECK(distance(bits[i], fast[i]) < 1e-8);
}
TEST_CASE("bfloat16 is convolved and pooled in float") {
    using S = plainly<grid<2, 1>, split<row, dp<2>>, mw::weight_dtype<mw::bfloat16>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        using down = mw::same_window<row, three>;
        auto const layer = mw::init<mw::convolution<S, channel, out, down>>(here, mw::seed{3});
        auto const x = mw::random_normal<batch, row, channel>(here, {mw::seed{4}, "x"});
        auto const narrow = mw::cast<mw::bfloat16>(x);
        auto const wide = mw::cast<float>(narrow);
        auto const weight = mw::cast<float>(layer.weight);
        static_assert(std::is_same_v<typename decltype(layer.weight)::value_type, mw::bfloat16>);
        auto const same = [&](auto const& a, auto const& b) { CHECK(here.gather(a) == here.gather(b)); };
        same(layer(x), mw::conv<S, channel, down>(x, weight) + layer.bias);
        same(mw::conv<S, channel, down>(narrow, layer.weight), mw::conv<S, channel, down>(wide, weight));
        same(mw::max_pool<down>(narrow), mw::max_pool<down>(wide));
        same(mw::avg_pool<down>(narrow), mw::avg_pool<down>(wide));
    });
}

TEST_CASE("extents chosen when a tensor is made, and no elements at all") {
    using S = one;
    mw::run<S>(mw::threads{}, [](auto&) {
        auto const all = mw::full<mw::tensor_of<S, double, most>>(1);
        auto const x = mw::slice<most, some>(all, 0, 5);
        auto const w = mw::full<mw::tensor_of<S, double, three>>(1);
        auto const y = mw::conv<mw::same_window<some, three>>(x, w);
        CHECK(numbers(y.span().begin(), y.span().end()) == numbers{2, 3, 3, 3, 2});
        auto const z = mw::conv<mw::window<some, three, two>>(mw::slice<most, some>(all, 0, 4), w);
        CHECK(numbers(z.span().begin(), z.span().end()) == numbers{3, 3});
        CHECK(mw::conv<mw::same_window<some, three>>(mw::slice<most, some>(all, 0, 0), w).size() == 0);
    });
    CHECK(complaint<S>([](auto&) {
              auto const x = mw::full<mw::tensor_of<S, double, some>>(1, {5});
              (void)mw::max_pool<mw::window<some, three, two>>(x);
          }).find("some has room for 3 windows, and axis two has 2 elements") != std::string::npos);
}

}  // namespace
