// A vision transformer tells gratings by their direction: a convolution whose windows do not overlap makes patches, and
// the encoder's block, which is that of a text, reads them. One model source on one rank, on two that share the heads and
// columns, and on two that share the pictures: the same loss. Pictures come from broadcasting by name, without a loop.
#include <meshwise/meshwise.hpp>
#include <meshwise/nn/convolution.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct picture : mw::axis<32> {};
struct row : mw::axis<16> {};
struct column : mw::axis<16> {};
struct colour : mw::axis<1> {};
struct direction : mw::axis<4> {};
struct patch_row : mw::axis<4> {};  // rows of patches, and rows in a patch
struct patch_column : mw::axis<4> {};
struct down : mw::axis<4> {};
struct across : mw::axis<4> {};
struct token : mw::axis<16> {};  // a patch
struct embed : mw::axis<16> {};
struct heads : mw::axis<2> {};
struct head_dim : mw::axis<8> {};
struct ffn : mw::axis<32> {};

template <class S>
struct vision_transformer {
    using block =
        mw::transformer_block<mw::layer_norm_of<S, embed>, mw::self_attention<S, embed, heads, head_dim>,
                              mw::feed_forward<S, embed, ffn>>;
    static constexpr mw::sliding apart{.stride = 4};

    mw::convolution<S, colour, embed, mw::window<row, down, patch_row, apart>,
                    mw::window<column, across, patch_column, apart>>
        patches;
    mw::parameter<S, token, embed> positions;
    std::array<block, 2> blocks;
    mw::layer_norm_of<S, embed> norm;
    mw::linear<S, embed, direction> name;

    auto operator()(auto const& pictures) const {
        auto x = mw::merge_axes<mw::axes<patch_row, patch_column>, token>(patches(pictures)) + positions;
        for (auto const& each : blocks) x = each(x, mw::bidirectional{});
        return name(mw::mean<S, token>(norm(x)));
    }
    auto loss(auto const& x, auto const& directions) const {
        return mw::cross_entropy<direction>((*this)(x), directions);
    }

    static constexpr auto parameters =
        mw::fields<&vision_transformer::patches, &vision_transformer::positions, mw::normal{0.02F},
                   &vision_transformer::blocks, &vision_transformer::norm, &vision_transformer::name>();
};

struct result {
    double loss, accuracy;
};
auto learn = []<class S>(mw::rank<S>& here) {
    auto const directions = mw::map([](auto i) { return i % 4; }, mw::arange<picture>(here));
    auto const pictures = [&](char const* name) {
        auto const angle = mw::cast<float>(directions) * 0.785F;  // an eighth of a turn each
        auto const phase = mw::random_uniform<picture>(here, {mw::seed{1}, name}, 0, 6);
        auto const down = mw::cos(angle) * mw::arange<row>(here, 0.0);
        auto const across = mw::sin(angle) * mw::arange<column>(here, 0.0);
        return mw::expand<colour>(mw::sin(down + across + phase)) +
               mw::random_normal<picture, row, column, colour>(here, {mw::seed{2}, name}, 0, 0.3);
    };
    auto const x = pictures("seen"), unseen = pictures("unseen");
    auto model = mw::init<vision_transformer<S>>(here, mw::seed{42});
    mw::adamw optimizer(model, {.learning_rate = 3e-3});
    double last = 0;
    for (int step = 0; step < 30; ++step) {
        auto [loss, gradient] = mw::value_and_gradient(model, x, directions);
        optimizer.step(model, gradient);
        last = loss;
    }
    auto const right = mw::argmax<direction>(model(unseen)) == directions;
    return result{last, mw::mean<S, picture>(mw::cast<float>(right)).item()};
};

struct two : mw::mesh_axis<2> {};
using data_parallel = mw::strategy<mw::mesh<two>, mw::split<picture, two>>;
using tensor_parallel = mw::strategy<mw::mesh<two>, mw::split<heads, two>, mw::split<ffn, two>>;

int main() {
    result const one = mw::run<mw::strategy<mw::mesh<>>>(mw::threads{}, learn);
    result const by_picture = mw::run<data_parallel>(mw::threads{}, learn);
    result const by_head = mw::run<tensor_parallel>(mw::threads{}, learn);
    std::printf(
        "loss on one rank %.6f, pictures split %.6f, heads split %.6f; unseen gratings right: %.1f %%\n",
        one.loss, by_picture.loss, by_head.loss, 100 * one.accuracy);
    if (!(std::abs(by_picture.loss - one.loss) < 1e-4 && std::abs(by_head.loss - one.loss) < 1e-4))
        return std::puts("WRONG: two ranks learn otherwise than one"), 1;
    if (!(one.accuracy > 0.9)) return std::puts("WRONG: a tenth of the gratings is told wrong"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
