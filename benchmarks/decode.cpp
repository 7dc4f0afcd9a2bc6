// How many tokens a second does a Llama of 135M (30 layers, 576 wide, 9 query and 3 key-value heads of 64, 49152
// tokens) say one by one, and how many of a prompt of 512 does it take in? The limit is the weights read once a token,
// or the products of the prompt at the calibrated peak. Weights in float, and in bfloat16. With and without its cache it
// must say the same. Anchor: llama.cpp as recorded.
#include "rows.hpp"

#include <meshwise/meshwise.hpp>

namespace {

using namespace bench;
namespace mw = meshwise;

struct embed : mw::axis<576> {};
struct kv_heads : mw::axis<3> {};
struct group : mw::axis<3> {};
struct head_dim : mw::axis<64> {};
struct ffn : mw::axis<1536> {};
struct vocab : mw::axis<49152> {};
struct layer : mw::axis<30> {};
struct context : mw::axis<640> {};
template <class Weight>
using strategy = mw::strategy<mw::mesh<>, mw::weights<Weight>>;
template <class Weight>
using llama = mw::llama<strategy<Weight>, vocab, embed, kv_heads, group, head_dim, ffn, layer>;

/// How llama.cpp did on the machine that the goals were set for, and how many times better we want to be.
struct anchor {
    double token, token_goal, prompt;
};
anchor recorded(float) { return {66, 1.0, 606}; }
anchor recorded(mw::bfloat16) { return {90, 1.2, 874}; }

// What every token multiplies with: all but the table of embeddings.
constexpr double weights = 30.0 * (2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536) + 49152.0 * 576;

/// Seconds of the prompt with the first new token, and of each further one.
std::pair<double, std::vector<double>> speak(auto& here, auto const& model,
                                             std::vector<std::int32_t> const& prompt, std::size_t count,
                                             std::vector<std::int32_t>& said) {
    std::vector<double> at{now(watch::wall)};
    said = mw::generate<context>(here, model, prompt, count, {.temperature = 0},
                                 [&](std::int32_t) { at.push_back(now(watch::wall)); });
    std::vector<double> each;
    for (std::size_t i = 2; i < at.size(); ++i) each.push_back(at[i] - at[i - 1]);
    return {at.at(1) - at[0], each};
}

template <class Weight>
void answer(question& here, std::size_t threads) {
    mw::run<strategy<Weight>>(mw::threads{.workers_per_rank = threads}, [&](auto& rank) {
        auto const model = rank.template init<llama<Weight>>(mw::seed{1});
        std::vector<std::int32_t> prompt, said, again;
        for (std::size_t i = 0; i < 512; ++i) prompt.push_back(id(i, 1, vocab::size));
        std::vector<std::int32_t> const few(prompt.begin(), prompt.begin() + 16);
        speak(rank, model, few, 4, said);
        for (std::size_t i = 0; i < 4; ++i) {  // the whole text anew for every token
            std::vector<std::int32_t> const until(said.begin(),
                                                  said.begin() + 16 + static_cast<std::ptrdiff_t>(i));
            speak(rank, model, until, 1, again);
            if (again.back() != said[16 + i]) return here.fail("with a cache the model says something else");
        }
        std::vector<double> prompts, tokens;
        for (int round = 0; round < 5; ++round) {
            prompts.push_back(speak(rank, model, prompt, 1, said).first);
            auto const each = speak(rank, model, few, 33, said).second;
            tokens.insert(tokens.end(), each.begin(), each.end());
        }
        bool const wide = std::is_same_v<Weight, float>;
        std::string const end = (wide ? "/f32/threads:" : "/bf16/threads:") + std::to_string(threads);
        double const memory = read_bandwidth(threads);
        row one{.name = "decode/one token" + end, .ours = 1 / median(tokens), .unit = "tok/s"};
        one.limit = memory / (weights * sizeof(Weight));
        row all{.name = "decode/prompt of 512" + end, .ours = 512 / median(prompts), .unit = "tok/s"};
        // the head looks at the last token only; half of all pairs of tokens attend
        double const per_token = 2 * (weights - 49152.0 * 576) + 30 * 2 * 513.0 * 576;
        all.limit = peak(threads, Weight{}) / per_token;
        if (threads == 1) return here.report(one), here.report(all);
        anchor const theirs = recorded(Weight{});
        double const peak_there = 230e9;  // what it does not do in bfloat16 it does in float
        one.peers = {{"recorded llama.cpp", theirs.token * memory / 35e9}};  // bound by the memory
        all.peers = {{"recorded llama.cpp", theirs.prompt * peak(1, float{}) / peak_there}};
        here.report(one.should_reach(theirs.token_goal, "recorded llama.cpp"));
        here.report(all.should_reach(2, "recorded llama.cpp"));
    });
}

}  // namespace

int main(int argc, char** argv) {
    for (std::size_t const threads : {std::size_t{1}, std::size_t{2}})
        for (bool const wide : {true, false})
            ask(std::string("decode/") + (wide ? "f32" : "bf16") + "/threads:" + std::to_string(threads),
                [=](question& here) {
                    return wide ? answer<float>(here, threads) : answer<mw::bfloat16>(here, threads);
                });
    return run(argc, argv);
}
