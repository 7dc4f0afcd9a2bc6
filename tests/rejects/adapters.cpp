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

template <class T>
struct built {  // its number cannot be seen
    mw::linear<T, embed, ffn> up;
    built() = default;
    static constexpr auto parameters = mw::fields<&built::up>();

private:
    int number_ = 1;
};
template <class T>
struct listed {  // has no more than its list
    mw::linear<T, embed, ffn> up;
    listed() = default;
    static constexpr auto parameters = mw::fields<&listed::up>();
};
template <class T>
struct pointing {
    mw::linear<T, embed, ffn> up;
    pointing const* other = nullptr;
    static constexpr auto parameters = mw::fields<&pointing::up>();
};

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
#elif REJECTED == 4
    // sentence: it has a base class, a constructor or private data
    (void)mw::with_adapters<built<tuned>>(here, mw::init<built<S>>(here, mw::seed{1}), mw::seed{1});
#elif REJECTED == 5
    // sentence: has another type there that it cannot be converted to
    (void)mw::with_adapters<pointing<tuned>>(here, mw::init<pointing<S>>(here, mw::seed{1}), mw::seed{1});
#else
    (void)mw::with_adapters<listed<tuned>>(here, mw::init<listed<S>>(here, mw::seed{1}), mw::seed{1});
    auto made = mw::with_adapters<adapted>(here, model, mw::seed{1});
    (void)mw::merge_adapters<base>(made);
#endif
}
