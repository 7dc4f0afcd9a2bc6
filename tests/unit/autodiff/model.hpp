// A small regression model, and numbers for it.
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/rows/softmax.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/run.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace regression {

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<16> {};
struct ffn : mw::axis<32> {};

template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>, mw::on<mw::serial>>;
};
using S1 = places<1, 1>::S;

template <class S>
struct mlp {
    mw::linear<S, embed, ffn> up;
    mw::linear<S, ffn, embed> down;
    auto operator()(auto const& x) const { return down(mw::gelu(up(x))); }
    static constexpr auto parameters = mw::fields<&mlp::up, &mlp::down>();
};

inline std::vector<float> noise(unsigned seed, std::size_t n = batch::size * embed::size) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> numbers(n);
    for (float& one : numbers) one = normal(random);
    return numbers;
}

template <class S, class Y, class T>
auto squared_error(Y const& y, T const& t) {
    auto const d = y - t;
    return mw::scale(mw::settle<S>(mw::sum<batch, embed>(d * d)), 1.0 / (batch::size * embed::size));
}

/// What an error says, or "" where there is none.
template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return "";
}
inline bool says(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

/// f(here, x, t, loss) on one rank; loss(m) is the squared error of m(x) and t.
template <class F>
void on_one_rank(F f) {
    mw::run<S1>(mw::threads{}, [&](mw::rank<S1>& here) {
        auto const x = mw::place<batch, embed>(here, noise(1)), t = mw::place<batch, embed>(here, noise(2));
        f(here, x, t, [&](auto const& m) { return squared_error<S1>(m(x), t); });
    });
}
inline double norm_of(auto const& p) {
    double sum = 0;
    for (float const v : p.span()) sum += static_cast<double>(v) * static_cast<double>(v);
    return std::sqrt(sum);
}

}  // namespace regression
