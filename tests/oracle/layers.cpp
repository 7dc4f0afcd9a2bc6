// Losses of ops/rows, norms of channels, recurrent layers and bags of rows; losses also of NaN, infinities and equal numbers.
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/nn/recurrent.hpp>
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/reductions/logsumexp.hpp>
#include <meshwise/ops/rows/embedding_bag.hpp>
#include <meshwise/ops/rows/info_nce.hpp>
#include <meshwise/optim/sgd.hpp>

#include "oracle.hpp"

namespace {

using namespace oracle;

struct batch : mw::axis<5> {};
struct embed : mw::axis<6> {};
struct channel : mw::axis<8> {};
struct width : mw::axis<3> {};
struct token : mw::axis<4> {};
struct hidden : mw::axis<7> {};
struct statistic : mw::axis<2> {};

struct pair {
    tensor<batch, embed> x, y;
    static constexpr auto parameters = mw::fields<&pair::x, &pair::y>();
};
struct norms {
    tensor<batch, channel, width> x;
    tensor<channel> gain, bias;
    static constexpr auto parameters = mw::fields<&norms::x, &norms::gain, &norms::bias>();
};
struct remembers {
    tensor<batch, channel, width> x;
    mw::batch_norm_of<S, channel> norm;
    static constexpr auto parameters = mw::fields<&remembers::x, &remembers::norm>();
};
template <class Cell>
struct reads {
    tensor<batch, token, embed> x;
    Cell cell;
    static constexpr auto parameters = mw::fields<&reads::x, &reads::cell>();
};
struct words {
    tensor<embed, hidden> table;
    static constexpr auto parameters = mw::fields<&words::table>();
};

template <class... A>
auto ids(std::vector<std::int32_t> const& numbers) {
    return mw::cut_from<mw::tensor_of<S, std::int32_t, A...>>(std::span(numbers));
}
auto value(auto const& loss) { return mw::settle<S>(loss); }

void add_losses(cases& all, std::string const& of, pair const& model) {
    auto const add = [&](std::string const& name, auto op) {
        all.add(name + of, model, [&](pair const& m) { return value(op(m)); });
    };
    auto const all_of_it = mw::loss_reduction::sum;
    add("mse", [](pair const& m) { return mw::mse_loss(m.x, m.y); });
    add("mse_sum", [=](pair const& m) { return mw::mse_loss(m.x, m.y, {all_of_it}); });
    add("l1", [](pair const& m) { return mw::l1_loss(m.x, m.y); });
    add("huber", [](pair const& m) { return mw::huber_loss(m.x, m.y, {.delta = 0.75}); });
    if (of != "@infinite") {  // inf times a constant has no slope in dual numbers
        add("bce", [](pair const& m) { return mw::binary_cross_entropy_with_logits(m.x, m.y); });
        add("bce_weighted", [](pair const& m) {
            return mw::binary_cross_entropy_with_logits(m.x, m.y, {.pos_weight = 2.5});
        });
    }
    if (of == "@special" || of == "@infinite") return;
    add("kl", [](pair const& m) { return mw::kl_div<embed>(m.x, m.y * m.y); });
    add("kl_sum_of_logarithms", [=](pair const& m) {
        return mw::kl_div<embed>(m.x, m.y, {.log_target = true, .reduction = all_of_it});
    });
    add("nll", [](pair const& m) {
        return mw::nll_loss<embed>(m.x - mw::logsumexp<embed>(m.x),
                                   ids<batch>({3, 0, mw::ignore_index, 5, 1}));
    });
    add("cosine_embedding", [](pair const& m) {
        return mw::cosine_embedding_loss<embed>(m.x, m.y, ids<batch>({1, -1, -1, 1, -1}), {.margin = 0.2});
    });
    add("info_nce", [](pair const& m) {
        return mw::info_nce<S, batch, embed>(mw::normalize<embed>(m.x), mw::normalize<embed>(m.y),
                                             {.temperature = 0.3});
    });
    all.add("cosine" + of, model, [](pair const& m) { return mw::cosine_similarity<embed>(m.x, m.y); });
}

template <class Cell>
reads<Cell> reader(rank& here) {
    auto made = mw::init<reads<Cell>>(here, mw::seed{1});
    std::uint32_t next = 20;
    mw::for_each_parameter(made, [&](std::size_t, std::string_view, auto& p, auto) {
        p = some<std::remove_cvref_t<decltype(p)>>(next++);
    });
    return made;
}

}  // namespace

int main(int count, char** arguments) {
    return main_of(count, arguments, [](rank& here, cases& all) {
        using X = tensor<batch, embed>;
        for (std::uint32_t i = 0; i < 3; ++i)
            add_losses(all, "@" + std::to_string(i), {some<X>(2 * i + 1), some<X>(2 * i + 2)});
        pair special{some<X>(1), some<X>(2)};
        numbers at{0, -0.0, 0.75, 1, -800, 800, std::nan("")};
        auto const fill = [&] {
            mw::fill_by_index(special.x, [&](std::size_t i) { return at[i % at.size()]; });
        };
        mw::fill_by_index(special.y, [](std::size_t i) { return static_cast<double>(i / 8 % 2); });
        fill(), add_losses(all, "@special", special);
        at.push_back(std::numeric_limits<double>::infinity());
        fill(), add_losses(all, "@infinite", special);

        norms const model{some<tensor<batch, channel, width>>(3), some<tensor<channel>>(4),
                          some<tensor<channel>>(5)};
        all.add("batch_norm", model,
                [](norms const& m) { return mw::batch_norm<S, channel>(m.x, m.gain, m.bias); });
        all.add("group_norm", model,
                [](norms const& m) { return mw::group_norm<4, channel, width>(m.x, m.gain, m.bias); });
        all.add("instance_norm", model,
                [](norms const& m) { return mw::instance_norm<width>(m.x, m.gain, m.bias); });
        auto layer = mw::init<remembers>(here, mw::seed{1});
        layer.x = model.x, layer.norm.gain = model.gain, layer.norm.bias = model.bias;
        all.add("batch_norm_layer", layer, [](remembers const& m) { return m.norm(m.x.detached()); });
        all.add_values("running_statistics", layer, [](remembers before) {
            for (int i = 0; i < 3; ++i) {
                auto const found = mw::value_and_gradient(before, [i](remembers const& m) {
                    return mw::sum(m.norm(m.x * (i + 1), mw::training{}));
                });
                auto gradient = found.gradient;
                mw::sgd(before, gradient, 0);
            }
            return mw::stack<statistic>(before.norm.running_mean, before.norm.running_variance);
        });

        all.add("lstm", reader<mw::lstm<S, token, embed, hidden>>(here),
                [](auto const& m) { return m.cell(m.x).output; });
        all.add("gru", reader<mw::gru<S, token, embed, hidden>>(here),
                [](auto const& m) { return m.cell(m.x).output; });

        words const some_words{some<tensor<embed, hidden>>(6)};
        auto const bag = [](mw::embedding_bag_options const& how) {
            return [how](words const& m) {
                return mw::embedding_bag<embed, width>(
                    m.table, ids<batch, width>({1, 2, 2, 0, 5, 0, 4, 4, 4, 3, 0, 1, 5, 1, 0}), how);
            };
        };
        all.add("bag_mean", some_words, bag({}));
        all.add("bag_sum", some_words, bag({.mode = mw::bag_mode::sum}));
        all.add("bag_padded", some_words, bag({.padding_id = 0}));
    });
}
