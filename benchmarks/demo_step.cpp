// How long does a training step of the demo's model take (6 layers, 384 wide, 12 texts of 256 bytes): on one rank that
// has both threads, and on two ranks? The limit is the products at the calibrated peak. Peers: PyTorch, with the same
// weights and losses; llm.c as recorded.
#include "training.hpp"

namespace {

using namespace bench;

template <std::size_t Tp>
void answer(question& here, std::string const& name) {
    using demo = gpt_of<6, 384, 6, meshwise::axis<256>, 12, 256>;
    row r = training_row<demo, Tp>(name, 2 / Tp, step_in_turns<demo, Tp>(2 / Tp, 12));
    r.peers.emplace_back("recorded llm.c", recorded(7595));
    r.peers.emplace_back("goal of 750 ms, scaled", recorded(750));
    here.report(r.should_reach(1, "goal of 750 ms, scaled"));
}

template <std::size_t Tp>
void add() {
    std::string const name = Tp == 1 ? "demo_step/1 rank of 2 threads" : "demo_step/2 ranks";
    ask(name, [name](question& here) { answer<Tp>(here, name); });
}

}  // namespace

int main(int argc, char** argv) {
    add<1>();
    add<2>();
    return run(argc, argv);
}
