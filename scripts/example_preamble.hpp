// What the examples of comments and documents may use without saying so: axes, a mesh, a strategy, tensors, a model, a
// rank, texts. scripts/check_snippets.py compiles each example in a function below these lines; nothing here is defined,
// because nothing is run.
#include <meshwise/autodiff/custom_gradient.hpp>
#include <meshwise/generation.hpp>
#include <meshwise/io.hpp>
#include <meshwise/linear_algebra.hpp>
#include <meshwise/meshwise.hpp>
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/nn/convolution.hpp>
#include <meshwise/nn/lora.hpp>
#include <meshwise/nn/recurrent.hpp>
#include <meshwise/ops/elements/jvp.hpp>
#include <meshwise/ops/moves/chunk.hpp>
#include <meshwise/ops/moves/unfold.hpp>
#include <meshwise/ops/reductions/allclose.hpp>
#include <meshwise/ops/reductions/nonzero.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>
#include <meshwise/ops/rows/embedding_bag.hpp>
#include <meshwise/ops/rows/info_nce.hpp>
#include <meshwise/ops/rows/log_softmax.hpp>
#include <meshwise/optim/adafactor.hpp>
#include <meshwise/optim/adam.hpp>
#include <meshwise/optim/lion.hpp>
#include <meshwise/optim/momentum_sgd.hpp>
#include <meshwise/optim/moving_average.hpp>
#include <meshwise/optim/muon.hpp>
#include <meshwise/plan.hpp>
#include <meshwise/report.hpp>
#include <meshwise/text.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mw = meshwise;

namespace examples {
using namespace meshwise::literals;
using namespace std::chrono_literals;

// axes, and a mesh of 2 x 2 ranks
struct batch : mw::axis<8> {};
struct token : mw::axis<16> {};
struct source : mw::up_to<16> {};
struct context : mw::axis<24> {};
struct past : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct kv_heads : mw::axis<2> {};
struct group : mw::axis<2> {};
struct vocab : mw::padded<250, 8> {};
struct layer : mw::axis<2> {};
struct key : mw::axis<16> {};
struct label : mw::axis<4> {};
struct one_element : mw::axis<1> {};
struct tap : mw::axis<3> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using mesh = mw::mesh<dp, tp>;
using strategy =
    mw::strategy<mesh, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<ffn, tp>, mw::split<vocab, tp>>;
using S = strategy;

// values where the strategy puts them
template <class... A>
using value = mw::tensor_of<S, float, A...>;
extern value<batch, token, embed> x, y, gate;
extern value<batch, token, ffn> h;
extern value<batch, token, heads, head_dim> q, k, v, o;
extern value<batch, source, heads, head_dim> source_k, source_v;
extern value<batch, token, key> scores;
extern value<batch, token, vocab> logits;
extern value<batch, past, embed> earlier;
extern value<context, embed> positions;
extern mw::tensor_of<S, std::int32_t, batch, token> ids, inputs, targets;
extern mw::tensor_of<S, std::int32_t, batch> lengths, labels;

extern value<key> along_key;
extern value<> one_number;
extern std::vector<float> const numbers;  // of a whole (batch, embed)
extern std::vector<float> own_numbers;    // of what one rank holds of it

// parameters
extern mw::parameter<S, embed, ffn> w;
extern mw::parameter<S, embed> gain, bias;
extern mw::parameter<S, vocab, embed> table;
extern mw::parameter<S, tap, embed, ffn> token_filter;

// the axes of models
struct sizes {
    using vocab = examples::vocab;
    using token = examples::token;
    using embed = examples::embed;
    using heads = examples::heads;
    using head_dim = examples::head_dim;
    using ffn = examples::ffn;
    using layer = examples::layer;
    using kv_heads = examples::kv_heads;
    using group = examples::group;
    using classes = examples::label;
    using tags = examples::label;
};
struct pair_axes : sizes {
    using source_vocab = examples::vocab;
    using target_vocab = examples::vocab;
    using source = examples::token;
    using target = examples::token;
};

// models, and the rank that runs the program
template <class Strategy>
using gpt_of = mw::gpt<Strategy, sizes>;
using my_model = gpt_of<S>;
using narrow_strategy = mw::strategy<mesh, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<ffn, tp>,
                                     mw::split<vocab, tp>, mw::weight_dtype<mw::bfloat16>>;
extern my_model model, average;
extern my_model const& m;
extern mw::text_classifier<S, sizes> classifier;
extern mw::encoder_decoder<S, pair_axes> translator;
extern mw::adamw<my_model> optimizer;
extern mw::model_gradient<my_model>& gradient;
extern std::vector<mw::token_batch<decltype(inputs)>> const micro_batches;
inline constexpr auto f = [](auto const& m) { return m.loss(inputs, targets); };  // a loss of a model
extern mw::data_position position;
extern mw::rank<S>& here;
inline constexpr auto train = []<class Any>(mw::rank<Any>&) {
    return 0.0;
};  // a program that returns its last loss
extern std::size_t step;
extern double loss;
extern mw::seed const run_seed;
extern std::chrono::steady_clock::time_point const end;
extern int argc;
extern char** argv;

// texts and files
extern std::string const text;
extern std::vector<std::string> const texts, files;
extern std::vector<std::int32_t> const prompt;
extern std::vector<std::vector<std::int32_t>> const sources;
extern mw::byte_text const bytes;
extern mw::blocks<batch, token> const data;
extern mw::tokenizer const& tokens;
extern mw::pair_batch const pairs;
}  // namespace examples
