// A type of axes that lacks one that its model asks for.
// lines: 24
#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/llama.hpp>
#include <meshwise/nn/text_classifier.hpp>
#include <meshwise/parallel/rank.hpp>
namespace mw = meshwise;

using S = mw::strategy<mw::mesh<>>;
struct batch : mw::axis<4> {};
struct common {
    struct embed : mw::axis<32> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
};
struct without_heads : common {
    struct vocab : mw::axis<96> {};
    struct token : mw::axis<16> {};
};
struct with_a_number : without_heads {
    using heads = int;
};
struct whole : without_heads {
    struct heads : mw::axis<4> {};
    struct kv_heads : mw::axis<2> {};
    struct group : mw::axis<2> {};
    struct classes : mw::axis<3> {};
    struct source : mw::axis<16> {};
    using source_vocab = vocab;
    using target_vocab = vocab;
    using target = token;
};

template <class Model>
void trained(mw::rank<S>& here) {
    auto model = mw::init<Model>(here, mw::seed{1});
    auto const ids = mw::place<batch, whole::token>(here, std::vector<std::int32_t>(64));
    (void)model.loss(ids, ids);
}

void program(mw::rank<S>& here) {
#if REJECTED == 1
    // sentence: the axes of this model have no `heads`: add `struct heads : mw::axis<N> {};`
    trained<mw::gpt<S, without_heads>>(here);
#elif REJECTED == 2
    // sentence: the axes of this model have no `heads`: add `struct heads : mw::axis<N> {};`
    trained<mw::gpt<S, with_a_number>>(here);
#elif REJECTED == 3
    // sentence: the axes of this model have no `kv_heads`: add `struct kv_heads : mw::axis<N> {};`
    struct one_missing : without_heads {
        using group = whole::group;
    };
    trained<mw::llama<S, one_missing>>(here);
#elif REJECTED == 4
    // sentence: the axes of this model have no `target_vocab`: add `struct target_vocab : mw::axis<N> {};`
    struct one_missing : without_heads {
        using heads = whole::heads;
        using source_vocab = vocab;
        using source = token;
        using target = token;
    };
    mw::encoder_decoder<S, one_missing> model;
#elif REJECTED == 5
    // sentence: the axes of this model have no `classes`: add `struct classes : mw::axis<N> {};`
    struct one_missing : without_heads {
        using heads = whole::heads;
    };
    mw::text_classifier<S, one_missing> model;
#else
    trained<mw::gpt<S, whole>>(here);
    trained<mw::llama<S, whole>>(here);
    mw::encoder_decoder<S, whole> pairs;
    mw::text_classifier<S, whole> classifier;
    (void)pairs, (void)classifier;
#endif
}
