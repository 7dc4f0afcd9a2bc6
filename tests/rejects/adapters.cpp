// Adapters: the same model under two strategies, with and without mw::lora; an axis of their own between inputs and outputs.
//
#include <meshwise/core/element_rules.hpp>
#include <meshwise/core/rules.hpp>

#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/lora.hpp>
#include <meshwise/parallel/run.hpp>

namespace mw = meshwise;

struct embed : mw::axis<8> {};
struct ffn : mw::axis<16> {};
struct low : mw::axis<2> {};
using S = mw::strategy<mw::mesh<>>;
using tuned = mw::strategy<mw::mesh<>, mw::lora<low, 4>>;
using around_itself = mw::strategy<mw::mesh<>, mw::lora<embed, 4>>;
using base = mw::feed_forward<S, embed, ffn>;
using adapted = mw::feed_forward<tuned, embed, ffn>;
using gated = mw::gated_feed_forward<tuned, embed, ffn>;

void program(mw::rank<S>& here, base const& model) {
#if REJECTED == 1
    // sentence: take the same model under two strategies
    (void)mw::with_adapters<gated>(here, model, mw::seed{1});
#elif REJECTED == 2
    // sentence: take the same model under two strategies
    (void)mw::merge_adapters<mw::linear<S, embed, ffn>>(mw::init<adapted>(here, mw::seed{1}));
#elif REJECTED == 3
    // sentence: a layer needs another axis for its output
    mw::linear<around_itself, embed, ffn> const layer;
    (void)layer;
#else
    auto made = mw::with_adapters<adapted>(here, model, mw::seed{1});
    (void)mw::merge_adapters<base>(made);
#endif
}
