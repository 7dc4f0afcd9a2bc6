// What follows a refused operation is silent, in a model, in a training loop and where its result is used by hand. The
// way from main to the mistake leads through templates, each of which the compilers mention.
// rule: whole_value_added_to_a_pending_sum
// sentence: the whole one would be counted once per rank
// facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_replicated_over<tp>
// lines: 30
#include <meshwise/meshwise.hpp>

#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using strategy = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

template <class S>
struct feed_forward {
    mw::linear<S, embed, ffn> up;
    mw::tensor_of<S, float, ffn, embed> down;
    mw::tensor_of<S, float, embed> bias;
    auto operator()(auto const& x) const {
        auto h = mw::gelu(up(x));
#if REJECTED == 1
        return mw::dot<ffn>(h, down) + bias;
#elif REJECTED == 2
        auto y = mw::dot<ffn>(h, down) + bias;
        auto normed = mw::softmax<embed>(y) * 2 - y / y;
        for (float element : normed.span()) std::printf("%zu %g\n", normed.size(), double(element));
        return mw::dot<S, embed>(mw::gelu(normed), mw::settle<S>(y));
#else
        auto y = mw::dot<S, ffn>(h, down) + bias;
        auto normed = mw::softmax<embed>(y) * 2 - y / y;
        for (float element : normed.span()) std::printf("%zu %g\n", normed.size(), double(element));
        return mw::gelu(normed);
#endif
    }
    static constexpr auto parameters =
        mw::fields<&feed_forward::up, &feed_forward::down, &feed_forward::bias>();
};

int main() {
    mw::run<strategy>(mw::threads{}, [](auto& here) {
        auto model = mw::init<feed_forward<strategy>>(here, mw::seed{1});
        auto x = mw::place<batch, embed>(here, std::vector<float>(batch::size * embed::size));
        auto optimizer = mw::adamw(model);
        auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
            auto y = m(x);
            auto sum = mw::sum<batch, embed>(y * y);
            return mw::loss_parts{sum, mw::full<decltype(sum)>(1.0F)};
        });
        optimizer.step(model, gradient);
        auto const whole = here.gather(x);
        here.only_on_first([&] { std::printf("%g %zu\n", double(loss), whole.size()); });
    });
}
