// The encoder-decoder of the paper against PyTorch's own layers, with joint tables, sines and cosines from 1 on, a padding
// id and both kinds of smoothed labels: scores, losses, and every gradient's sum of magnitudes; on 1 rank and on 4.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

namespace mw = meshwise;

// clang-format off
/* PyTorch 1.13 said these numbers:
import math, torch
from torch.nn import functional as F, TransformerEncoderLayer, TransformerDecoderLayer
torch.set_default_dtype(torch.float64)
V, E, H, FF, T = 11, 8, 2, 12, 4
all_parameters, k = [], 0
def value(*shape, gain=False):
    global k
    n = math.prod(shape)
    i = torch.arange(n)
    w = (0.4 * torch.sin(k + 0.7 * i) + (1 if gain else 0)).reshape(shape).requires_grad_()
    k += 1
    all_parameters.append(w)
    return w
def linear(i, o): return value(i, o), value(o)
def norm(): return value(E, gain=True), value(E)
table = value(V, E)
enc = dict(n1=norm(), q=linear(E, E), k=linear(E, E), v=linear(E, E), o=linear(E, E), n2=norm(), up=linear(E, FF), down=linear(FF, E))
dec = dict(n1=norm(), q=linear(E, E), k=linear(E, E), v=linear(E, E), o=linear(E, E),
           n2=norm(), cq=linear(E, E), ck=linear(E, E), cv=linear(E, E), co=linear(E, E), n3=norm(), up=linear(E, FF), down=linear(FF, E))
gelu = lambda x: F.gelu(x, approximate="tanh")
def attention(p, pre=""):
    q, kk, v, o = (p[pre + n] for n in "qkvo")
    return {"in_proj_weight": torch.cat([q[0].T, kk[0].T, v[0].T]), "in_proj_bias": torch.cat([q[1], kk[1], v[1]]),
            "out_proj.weight": o[0].T, "out_proj.bias": o[1]}
def layer_weights(p, decoder):
    w = {"self_attn." + n: t for n, t in attention(p).items()}
    if decoder: w |= {"multihead_attn." + n: t for n, t in attention(p, "c").items()}
    w |= {"linear1.weight": p["up"][0].T, "linear1.bias": p["up"][1], "linear2.weight": p["down"][0].T, "linear2.bias": p["down"][1]}
    for n in (1, 2, 3) if decoder else (1, 2): w |= {f"norm{n}.weight": p[f"n{n}"][0], f"norm{n}.bias": p[f"n{n}"][1]}
    return w
settings = dict(d_model=E, nhead=H, dim_feedforward=FF, dropout=0.0, activation=gelu, batch_first=True, norm_first=False)
def positions(n, first):  # fairseq's SinusoidalPositionalEmbedding
    f = torch.exp(torch.arange(E // 2) * -(math.log(10000) / (E // 2 - 1)))
    f = torch.arange(first, first + n)[:, None] * f[None]
    return torch.cat([f.sin(), f.cos()], 1)
def embed(ids): return F.embedding(ids, table) * (ids != 0)[..., None] * math.sqrt(E) + positions(T, 1)
source, pad = torch.tensor([[1, 0, 3, 4], [5, 6, 0, 0]]), torch.tensor([[0, 0, 0, 0], [0, 0, 1, 1]]).bool()
inputs, labels = torch.tensor([[7, 1, 8, 2], [9, 3, 10, 0]]), torch.tensor([[1, 8, 2, 10], [3, 10, 4, -100]])
call = torch.nn.utils.stateless.functional_call
causal = torch.ones(T, T).triu(1).bool()
memory = call(TransformerEncoderLayer(**settings), layer_weights(enc, False), (embed(source),), dict(src_key_padding_mask=pad))
state = call(TransformerDecoderLayer(**settings), layer_weights(dec, True), (embed(inputs), memory),
             dict(tgt_mask=causal, memory_key_padding_mask=pad))
logits = state @ table.T
over_all = F.cross_entropy(logits.reshape(-1, V), labels.reshape(-1), label_smoothing=0.1, reduction="sum")
keep = labels != -100  # fairseq's label_smoothed_nll_loss
lp = logits.log_softmax(-1)[keep]
nll, smooth = -lp.gather(1, labels[keep][:, None]).sum(), -lp.sum()
each = 0.1 / (V - 1)
over_others = (1 - 0.1 - each) * nll + each * smooth
print("logits", [f"{x:.9f}" for x in logits[1, 2, :4].tolist()])
print("losses", over_all.item(), over_others.item())
over_others.backward()
print("gradients", ", ".join(f"{p.grad.abs().sum().item():.8g}" for p in all_parameters))
*/
// clang-format on
constexpr std::array scores{0.132340795, 1.301071619, 1.885792712, 1.624041343};
constexpr double over_all = 18.127594063638018, over_others = 18.170561752549517;
constexpr std::array gradients{
    52.886284,     2.1188035, 1.1680949,  3.0848701, 0.5502685,  3.2011939, 8.8904578e-17, 7.0444966,
    0.81828287,    10.275034, 0.92177446, 2.4730323, 2.1630481,  10.665977, 0.82386064,    4.1478217,
    0.47965515,    5.8763255, 1.9540257,  3.7622221, 0.29679646, 3.3829106, 1.2880999e-16, 8.545802,
    1.7757787,     13.638651, 1.4187308,  6.6839716, 5.6718609,  1.6611336, 0.088702581,   1.5552592,
    2.2811614e-16, 9.553079,  1.5658861,  21.219143, 1.9080266,  4.4114023, 1.9239426,     24.37208,
    4.6730324,     5.2025446, 4.1647079};

struct batch : mw::axis<2> {};
struct token : mw::axis<4> {};
struct source : mw::axis<4> {};
struct embed : mw::axis<8> {};
struct vocab : mw::padded<11, 12> {};
struct heads : mw::axis<2> {};
struct head_dim : mw::axis<4> {};
struct ffn : mw::axis<12> {};
struct layer : mw::axis<1> {};

template <std::size_t N>
struct dp : mw::mesh_axis<N> {};
template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
template <std::size_t Dp, std::size_t Tp>
using strategy = mw::strategy<mw::mesh<dp<Dp>, tp<Tp>>, mw::split<batch, dp<Dp>>, mw::split<heads, tp<Tp>>,
                              mw::split<ffn, tp<Tp>>, mw::split<vocab, tp<Tp>>, mw::split<token, tp<Tp>>,
                              mw::split<source, tp<Tp>>, mw::dtype<double>, mw::on<mw::serial>>;
struct sizes {
    using embed = ::embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
    using source_vocab = ::vocab;
    using target_vocab = ::vocab;
    using source = ::source;
    using target = ::token;
};
template <class S>
using model = mw::encoder_decoder<S, sizes,
                                  mw::transformer_options{.norms = mw::norm_order::after,
                                                          .positions = mw::position_kind::sinusoidal_halves,
                                                          .first_position = 1,
                                                          .tied = mw::tied_tables::all,
                                                          .scale_embeddings = true,
                                                          .padding_id = 0}>;

template <class S>
void agrees() {
    using ids = std::vector<std::int32_t>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto m = mw::init<model<S>>(here, mw::seed{1});
        mw::for_each_parameter(m, [](std::size_t k, std::string_view name, auto& p, mw::initial) {
            double const about = name.ends_with("gain") ? 1 : 0;
            mw::fill_by_index(p, [=](std::size_t i) {
                return 0.4 * std::sin(static_cast<double>(k) + 0.7 * static_cast<double>(i)) + about;
            });
        });
        auto const read = mw::place<batch, source>(here, ids{1, 0, 3, 4, 5, 6, 0, 0});
        auto const lengths = mw::place<batch>(here, ids{4, 2});
        auto const inputs = mw::place<batch, token>(here, ids{7, 1, 8, 2, 9, 3, 10, 0});
        auto const labels = mw::place<batch, token>(here, ids{1, 8, 2, 10, 3, 10, 4, mw::ignore_index});
        auto const loss = [&](mw::smoothing over) {
            return mw::value_and_gradient(m, read, lengths, inputs, labels,
                                          mw::training{.label_smoothing = 0.1, .smoothing = over});
        };
        auto const all = loss(mw::smoothing::over_all);
        auto others = loss(mw::smoothing::over_others);
        auto const found = here.gather(m.head(m.decode(m.encode(read, lengths), lengths, inputs)));
        std::vector<double> sums;
        mw::for_each_parameter(m, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
            double& sum = sums.emplace_back();
            for (double const d : here.gather(others.gradient.whole(i, p)))
                sum += std::abs(d) * others.gradient.count;  // PyTorch's are those of the sum over targets
        });
        if (!here.is_first().on_this_rank()) return;
        CHECK(all.loss == doctest::Approx(over_all / 7).epsilon(1e-9));
        CHECK(others.loss == doctest::Approx(over_others / 7).epsilon(1e-9));
        for (std::size_t i = 0; i < scores.size(); ++i)
            CHECK(found[(token::size + 2) * vocab::size + i] == doctest::Approx(scores[i]).epsilon(1e-8));
        REQUIRE(sums.size() == gradients.size());
        for (std::size_t i = 0; i < sums.size(); ++i) {
            CAPTURE(i);
            CHECK(std::abs(sums[i] - gradients[i]) < 1e-6 * std::max(1.0, gradients[i]));
        }
    });
}

TEST_CASE("the paper's model is PyTorch's, on 1 rank") { agrees<strategy<1, 1>>(); }
TEST_CASE("the paper's model is PyTorch's, on 4 ranks, tokens split") { agrees<strategy<2, 2>>(); }

}  // namespace
