// A convolutional net learns digits: two convolutions with batch norm and pooling, and a linear layer. It learns on one
// rank, and with the pictures split over two: the statistics of a batch are those of all pictures, and so is the loss.
#include <meshwise/meshwise.hpp>
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/nn/convolution.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>

namespace mw = meshwise;

struct picture : mw::axis<120> {};
struct row : mw::axis<8> {};
struct column : mw::axis<8> {};
struct half_row : mw::axis<4> {};
struct half_column : mw::axis<4> {};
struct colour : mw::axis<1> {};
struct stroke : mw::axis<8> {};
struct shape : mw::axis<24> {};
struct digit : mw::axis<10> {};
struct down : mw::axis<3> {};
struct across : mw::axis<3> {};

template <class S>
struct net {
    template <class In, class Out, class Row, class Column>
    using convolution =
        mw::convolution<S, In, Out, mw::same_window<Row, down>, mw::same_window<Column, across>>;
    static constexpr mw::sliding halves{.stride = 2, .padding = 1};

    convolution<colour, stroke, row, column> strokes;
    mw::batch_norm_of<S, stroke> norm;
    convolution<stroke, shape, half_row, half_column> shapes;
    mw::linear<S, shape, digit> name;

    auto operator()(auto const& x, auto... how) const {
        auto const seen = mw::relu(norm(strokes(x), how...));
        auto const smaller = mw::max_pool<mw::window<row, down, half_row, halves>,
                                          mw::window<column, across, half_column, halves>>(seen);
        return name(mw::max<half_column>(mw::max<half_row>(mw::relu(shapes(smaller)))));
    }
    auto loss(auto const& x, auto const& digits) const {
        return mw::cross_entropy<digit>((*this)(x, mw::training{}), digits);
    }

    static constexpr auto parameters = mw::fields<&net::strokes, &net::norm, &net::shapes, &net::name>();
};

// Picture i shows digit i % 10, five pixels high and three wide, at one of 12 places, in noise.
constexpr std::array<std::string_view, 10> font{
    "####.##.##.####", ".#.##..#..#.###", "###..#####..###", "###..####..####", "#.##.####..#..#",
    "####..###..####", "####..####.####", "###..#.#.#..#..", "####.#####.####", "####.####..####"};
template <class S>
auto pictures(mw::rank<S>& here, char const* noise) {
    auto x = mw::zeros<picture, row, column, colour>(here);
    mw::fill_by_index(x, [](std::size_t i) {
        std::size_t const which = i / 64, place = which / 10;
        std::size_t const r = i / 8 % 8 - place % 4, c = i % 8 - place * 5 % 6;
        return r < 5 && c < 3 && font[which % 10][3 * r + c] == '#' ? 1.0F : 0.0F;
    });
    return x + mw::random_normal<picture, row, column, colour>(here, {mw::seed{1}, noise}, 0, 0.1);
}

struct result {
    double loss, accuracy;
};
template <std::size_t Ranks>
result learn() {
    struct dp : mw::mesh_axis<Ranks> {};
    using S = mw::strategy<mw::mesh<dp>, mw::split<picture, dp>>;
    return mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = pictures(here, "seen"), unseen = pictures(here, "other noise");
        auto const digits = mw::map([](auto i) { return i % 10; }, mw::arange<picture>(here));
        auto model = mw::init<net<S>>(here, mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 2e-2});
        double last = 0;
        for (int step = 0; step < 60; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, x, digits);
            optimizer.step(model, gradient);
            last = loss;
        }
        auto const right = mw::argmax<digit>(model(unseen)) == digits;
        return result{last, mw::mean<S, picture>(mw::cast<float>(right)).item()};
    });
}

int main() {
    result const one = learn<1>(), two = learn<2>();
    std::printf("loss %.6f on one rank, %.6f on two; %.1f %% are read right in other noise\n", one.loss,
                two.loss, 100 * one.accuracy);
    if (!(std::abs(one.loss - two.loss) < 1e-4))
        return std::puts("WRONG: two ranks learn otherwise than one"), 1;
    if (!(one.accuracy > 0.8 && two.accuracy > 0.8))
        return std::puts("WRONG: a fifth of the digits is misread"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
