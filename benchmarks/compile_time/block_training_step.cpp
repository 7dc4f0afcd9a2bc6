// One training step of one Transformer block, sequence parallel on dp x tp.
#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<32> {};
struct embed : mw::axis<64> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<16> {};
struct ffn : mw::axis<256> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using strategy = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<heads, tp>,
                              mw::split<ffn, tp>, mw::split<token, tp>>;
using block = mw::transformer_block<mw::layer_norm_of<strategy, embed>,
                                    mw::self_attention<strategy, embed, heads, head_dim>,
                                    mw::feed_forward<strategy, embed, ffn>>;

void train() {
    mw::run<strategy>(mw::threads{}, [](auto& here) {
        auto model = mw::init<block>(here, mw::seed{1});
        auto optimizer = mw::adamw(model);
        auto const x = mw::place<batch, token, embed>(
            here, std::vector<float>(batch::size * token::size * embed::size, 1.0F));
        auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
            auto const y = m(x);
            return mw::settle<strategy>(mw::sum<batch, token, embed>(y * y));
        });
        optimizer.step(model, gradient);
    });
}
