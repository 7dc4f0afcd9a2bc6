// How many tokens a second does a Llama of 135M (30 layers, 576 wide, 9 query and 3 key-value heads of 64, 49152
// tokens) say one by one, and how many of a prompt of 512 does it take in? The limit is the weights read once a token,
// or the products of the prompt at the calibrated peak. Weights in float, and in bfloat16, packed and as they lie. With
// and without its cache it must say the same. Peer: llama.cpp, with the same weights and scores.
#include "peers/child.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include <meshwise/generation.hpp>
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
struct text : mw::axis<1> {};
struct token : mw::up_to<context::size> {};
struct last : mw::axis<1> {};
template <class Weight>
using strategy = mw::strategy<mw::mesh<>, mw::weight_dtype<Weight>>;
struct sizes {
    using vocab = ::vocab;
    using embed = ::embed;
    using kv_heads = ::kv_heads;
    using group = ::group;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};
template <class Weight>
using llama = mw::llama<strategy<Weight>, sizes>;

// What every token multiplies with: all but the table of embeddings.
constexpr double weights = 30.0 * (2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536) + 49152.0 * 576;

using tokens = std::vector<std::int32_t>;

/// Those of peers/llama_cpp_decode.py, and large enough that an attention that looks elsewhere says something else.
void take_weights(auto& model) {
    mw::for_each_parameter(model, [](std::size_t i, std::string_view, auto& p, mw::initial start) {
        if (start.how == mw::initial::kind::normal)
            mw::fill_by_index(p, [which = static_cast<std::uint32_t>(100 + i)](std::size_t at) {
                return 0.05F * formula(at, which);
            });
    });
}

/// Seconds of the prompt with the first new token, and of each further one.
std::pair<double, std::vector<double>> speak(auto& here, auto const& model, watch clock, tokens const& prompt,
                                             std::size_t count, tokens& said) {
    std::vector<double> at{now(clock)};
    said = mw::generate<context>(here, model, prompt, count, {.temperature = 0},
                                 [&](std::int32_t) { at.push_back(now(clock)); });
    std::vector<double> each;
    for (std::size_t i = 2; i < at.size(); ++i) each.push_back(at[i] - at[i - 1]);
    return {at.at(1) - at[0], each};
}

/// llama.cpp with this model, if it is here.
std::unique_ptr<peers::child> llama_cpp(std::size_t threads, std::string const& type) {
    // tuned: its weights lie on huge pages, as ours do
    setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
    std::vector<std::string> options{std::to_string(threads), type};
    for (std::size_t const each : {layer::size, embed::size, kv_heads::size * group::size, kv_heads::size,
                                   ffn::size, vocab::size, context::size})
        options.push_back(std::to_string(each));
    return peers::python("llama_cpp_decode.py", options, "llama.cpp");
}

/// Asks llama.cpp about the first `count` ids of the prompt, taken at once, and `more`, taken one by one.
std::vector<double> ask_about(peers::child& peer, std::string what, std::size_t count,
                              std::span<std::int32_t const> more = {}) {
    what += ' ' + std::to_string(count);
    for (std::int32_t const each : more) what += ' ' + std::to_string(each);
    return peer.ask(what);
}

/// Throws where llama.cpp's scores of what follows these ids, the first `count` taken at once, are not ours.
void compare_scores(auto& here, auto const& model, peers::child& peer, std::size_t count, tokens const& ids,
                    double bound) {
    auto const state = model.hidden(mw::place<text, token>(here, ids, {ids.size()}));
    auto const ours = here.gather(model.head(mw::slice<token, last>(state, ids.size() - 1)));
    std::vector<double> const theirs = ask_about(peer, "scores", count, std::span(ids).subspan(count));
    double error = 0, size = 0;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        double const mine = ours.at(i * (vocab::size / theirs.size()));
        error += (theirs[i] - mine) * (theirs[i] - mine), size += mine * mine;
    }
    double const relative = std::sqrt(error / size);
    if (!(relative <= bound))
        throw std::runtime_error("llama.cpp's scores after " + std::to_string(ids.size()) +
                                 " tokens are not ours: a relative error of " + std::to_string(relative));
}

template <class Weight>
void answer(question& here, std::size_t threads) {
    constexpr bool wide = std::is_same_v<Weight, float>;
    std::string const type = wide ? "f32" : "bf16", end = "/" + type + "/threads:" + std::to_string(threads);
    watch const clock = watch_for(threads);
    auto const peer = llama_cpp(threads, type);
    mw::run<strategy<Weight>>(mw::threads{.workers_per_rank = threads}, [&](auto& rank) {
        auto model = mw::init<llama<Weight>>(rank, mw::seed{1});
        take_weights(model);
        tokens prompt, said, again;
        for (std::size_t i = 0; i < 512; ++i) prompt.push_back(id(i, 1, vocab::size));
        tokens const few(prompt.begin(), prompt.begin() + 16);
        speak(rank, model, clock, few, 33, said);
        for (std::size_t i = 0; i < 4; ++i) {  // the whole text anew for every token
            tokens const until(said.begin(), said.begin() + 16 + static_cast<std::ptrdiff_t>(i));
            speak(rank, model, clock, until, 1, again);
            if (again.back() != said[16 + i]) return here.fail("with a cache the model says something else");
        }
        auto const pack = [&] {
            auto kept = std::make_unique<mw::packed_weights>(model);
            speak(rank, model, clock, few, 33, again);  // whose products pack, for many rows and for one
            return kept;
        };
        pack();
        if (again != said) return here.fail("with packed weights the model says something else");
        said.pop_back();  // what follows the last one was not asked for
        if (peer) {
            double const bound = wide ? 1e-4 : 2e-2;  // states are rounded to bfloat16 too, not by all alike
            compare_scores(rank, model, *peer, prompt.size(), prompt, bound);
            compare_scores(rank, model, *peer, few.size(), said, bound);
        }
        // Weights are used often, so they are packed; beside it, as they lie.
        auto const report = [&](row r, std::function<double()> const& ours, std::function<double()> theirs,
                                double runs, double goal) {
            std::vector<contender> all{{"packed",
                                        [&] {
                                            auto const kept = pack();
                                            return ours();
                                        }},
                                       {"unpacked", ours}};
            if (peer) all.push_back({"llama.cpp", std::move(theirs)});
            std::vector<double> const seconds = in_turns(all, 4);
            r.ours = runs / seconds[0];
            if (peer) r.peers = {{"llama.cpp", runs / seconds[2]}};
            here.report(threads == 1 ? r.beside_the_best_peer() : r.should_reach(goal, "llama.cpp"));
            here.report(
                {.name = "unpacked/" + r.name, .ours = runs / seconds[1], .unit = r.unit, .limit = r.limit});
        };
        // those of the one before fall asleep; ours wake in a short prompt, which does not count
        auto const wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
        // the head looks at the last token only; half of all pairs of tokens attend
        double const per_token = 2 * (weights - 49152.0 * 576) + 30 * 2 * 513.0 * 576;
        row one{.name = "decode/one token" + end, .unit = "tok/s"};
        one.limit = read_bandwidth(threads) / (weights * sizeof(Weight));
        row all{.name = "decode/prompt of 512" + end, .unit = "tok/s"};
        all.limit = peak(threads, Weight{}) / per_token;
        report(
            one,
            [&] {
                wait();
                return median(speak(rank, model, clock, few, 33, again).second);
            },
            [&] {
                wait();
                auto const each =
                    ask_about(*peer, "seconds", few.size(), std::span(said).subspan(few.size()));
                return median({each.begin() + 1, each.end()});
            },
            1, wide ? 1 : 1.2);
        report(
            all,
            [&] {
                wait();
                speak(rank, model, clock, few, 1, again);
                return speak(rank, model, clock, prompt, 1, again).first;
            },
            [&] {
                wait();
                ask_about(*peer, "seconds", few.size());
                return ask_about(*peer, "seconds", prompt.size()).at(0);
            },
            512, 2);
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
