// Options that do not fit a model: a joint table of two vocabularies, a table of positions without a size, a first position
// of a table, sines and cosines of an odd width.
// lines: 20
#include <meshwise/nn/encoder_decoder.hpp>
namespace mw = meshwise;

struct words : mw::axis<100> {};
struct other_words : mw::axis<100> {};
struct token : mw::axis<16> {};
struct text : mw::up_to<16> {};
struct embed : mw::axis<32> {};
struct odd : mw::axis<33> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct layer : mw::axis<2> {};
using S = mw::strategy<mw::mesh<>>;

template <class Token, class Embed, class TargetVocab = words>
struct axes_of {
    using vocab = words;
    using source_vocab = words;
    using target_vocab = TargetVocab;
    using source = Token;
    using target = Token;
    using token = Token;
    using embed = Embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};
template <class TargetVocab, mw::transformer_options Options>
using pairs = mw::encoder_decoder<S, axes_of<token, embed, TargetVocab>, Options>;
template <class Token, class Embed, mw::transformer_options Options>
using reader = mw::encoder<S, axes_of<Token, Embed>, Options>;
constexpr auto sines = mw::position_kind::sinusoidal_halves;

void program() {
#if REJECTED == 1
    // sentence: one table for source and target needs one vocabulary
    pairs<other_words, {.tied = mw::tied_tables::all}> model;
#elif REJECTED == 2
    // sentence: a table of learned positions has a size
    reader<text, embed, {}> model;
#elif REJECTED == 3
    // sentence: first_position numbers sines and cosines
    reader<token, embed, {.first_position = 1}> model;
#elif REJECTED == 4
    // sentence: sines and cosines come in pairs
    reader<token, odd, {.positions = sines}> model;
#else
    pairs<words, {.tied = mw::tied_tables::all}> joint;
    pairs<other_words, {}> apart;
    reader<text, embed, {.positions = sines, .first_position = 1}> model;
    (void)joint, (void)apart, (void)model;
#endif
}
