// How long does a training step of GPT-2 124M take (12 layers, 768 wide, 12 heads, 50257 tokens), with 4 texts of 64
// and of 256 tokens: on one rank that has both threads, and on two ranks? The limit is the products at the calibrated
// peak. Peers: PyTorch, with the same weights and losses; llm.c and PyTorch 1.13 with OpenBLAS's kernels as recorded.
#include "training.hpp"

namespace {

using namespace bench;

template <std::size_t Token, std::size_t Tp>
void answer(question& here, std::string const& name) {
    using gpt2 = gpt_of<12, 768, 12, meshwise::padded<50257, 128>, 4, Token>;
    step_times const took = step_in_turns<gpt2, Tp>(2 / Tp, 15);
    row r = training_row<gpt2, Tp>(name, 2 / Tp, took);
    r.peers.emplace_back("recorded PyTorch 1.13", recorded(Token == 64 ? 1227 : 3477));
    r.peers.emplace_back("recorded llm.c", recorded(Token == 64 ? 6373 : 21275));
    for (auto const& [who, goal] :
         {std::pair{"PyTorch", 1.5}, {"recorded PyTorch 1.13", 1.5}, {"recorded llm.c", 6.0}, {"peak", 0.65}})
        here.report(r.should_reach(goal, who));
    row memory{.name = name + ", memory of a rank", .ours = took.held * 1e-6, .unit = "MB"};
    memory.peers = {{"parameters x 16 bytes + activations", took.counted * 1e-6}};
    here.report(memory.should_reach(1 / 1.1, "parameters x 16 bytes + activations"));
    row requests{.name = name + ", requests of memory after the first step", .unit = "requests"};
    requests.ours = static_cast<double>(took.requests_after_first);
    requests.against = "none", requests.goal = 1, requests.ratio = took.requests_after_first == 0 ? 1 : 0;
    here.report(requests);
}

template <std::size_t Token, std::size_t Tp>
void add() {
    std::string const name =
        "gpt2_step/B:4/T:" + std::to_string(Token) + (Tp == 1 ? "/1 rank of 2 threads" : "/2 ranks");
    ask(name, [name](question& here) { answer<Token, Tp>(here, name); });
}

}  // namespace

int main(int argc, char** argv) {
    add<64, 1>();
    add<64, 2>();
    add<256, 1>();
    add<256, 2>();
    return run(argc, argv);
}
