// What is a second thread worth? One block of GPT-2 124M (768 wide, 12 heads), 4 texts of 256 tokens, a training step:
// on one thread, on two threads inside of one rank, and on two ranks with tensor and sequence parallelism. The three
// take turns; the two-rank step may spend 2 % of its time in collectives, waiting included. Losses must agree. How far
// two ranks can come on this machine say two that never meet: each takes its own pieces for the other's.
#include "rows.hpp"

#include <meshwise/meshwise.hpp>

#include <barrier>
#include <cmath>
#include <thread>

namespace {

using namespace bench;
namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct token : mw::axis<256> {};
struct embed : mw::axis<768> {};
struct heads : mw::axis<12> {};
struct head_dim : mw::axis<64> {};
struct ffn : mw::axis<3072> {};

template <std::size_t Tp>
struct over {
    struct tp : mw::mesh_axis<Tp> {};
    using strategy =
        mw::strategy<mw::mesh<tp>, mw::split<heads, tp>, mw::split<ffn, tp>, mw::split<token, tp>>;
};
template <class S>
using block =
    mw::transformer_block<mw::layer_norm_of<S, embed>, mw::self_attention<S, embed, heads, head_dim>,
                          mw::feed_forward<S, embed, ffn>>;

/// Gathers its own piece as often as there are ranks, and keeps its own sums. Waits in barriers only.
class by_itself final : public mw::detail::alone_in_groups {
public:
    by_itself(mw::grid const& mesh, std::size_t rank, std::barrier<>& all)
        : alone_in_groups(mesh, rank),
          all_(all) {}

    void reduce_scatter(mw::mesh_mask mask, mw::reduction, mw::element_type type, void const* in, void* out,
                        mw::piece_shape shape, std::source_location) override {
        std::size_t const bytes = shape.inner * mw::size_of(type), ranks = group_size(mask);
        mw::shared_memory::copy_rows(shape.outer, bytes, out, bytes, in, ranks * bytes);
    }
    void all_gather(mw::mesh_mask mask, mw::element_type type, void const* in, void* out,
                    mw::piece_shape shape, std::source_location) override {
        std::size_t const bytes = shape.inner * mw::size_of(type), ranks = group_size(mask);
        for (std::size_t piece = 0; piece < ranks; ++piece)
            mw::shared_memory::copy_rows(shape.outer, bytes, static_cast<std::byte*>(out) + piece * bytes,
                                         ranks * bytes, in, bytes);
    }
    void barrier(mw::mesh_mask, std::source_location) override { all_.arrive_and_wait(); }
    void fail(std::string_view) noexcept override {}

private:
    std::barrier<>& all_;
};

struct that_never_meet {};
template <class Program>
void run_ranks(that_never_meet, mw::grid const& mesh, std::string_view, Program&& program) {
    std::barrier all(static_cast<std::ptrdiff_t>(mesh.ranks()));
    std::vector<std::jthread> ranks;
    for (std::size_t rank = 0; rank < mesh.ranks(); ++rank)
        ranks.emplace_back([&, rank] {
            by_itself here(mesh, rank, all);
            program(here, 1, mw::rank_in_process{rank, mesh.ranks()});
        });
}

struct turn {
    double seconds = 0, communicating = 0, loss = 0;
};

/// The mean of `steps` steps after three, until the last rank is through; how much of it the first rank spent in
/// collectives, and the last loss.
template <std::size_t Tp>
turn train(auto const& ranks, std::size_t steps) {
    using S = typename over<Tp>::strategy;
    std::vector<float> input(batch::size * token::size * embed::size);
    fill(input.data(), input.size(), 1);
    turn result;
    mw::run<S>(ranks, [&](auto& here) {
        auto model = mw::init<block<S>>(here, mw::seed{1});
        auto optimizer = mw::adamw(model);
        auto const x = mw::place<batch, token, embed>(here, input);
        double start = 0, inside = 0, last = 0;
        for (std::size_t step = 0; step < steps + 3; ++step) {
            if (step == 3) {
                here.team().barrier(here.team().mesh().every_axis());
                start = now(watch::wall), inside = here.team().collective_seconds();
            }
            auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                auto const y = m(x);
                return mw::settle<S>(mw::sum<batch, token, embed>(y * y));
            });
            optimizer.step(model, gradient);
            last = loss;
        }
        double const communicating = here.team().collective_seconds() - inside;
        here.team().barrier(here.team().mesh().every_axis());
        if (here.is_first().on_this_rank()) {
            double const time = now(watch::wall) - start;
            result = {time / static_cast<double>(steps), communicating / time, last};
        }
    });
    return result;
}

void answer(question& here) {
    std::vector<double> one, inside, ranks, apart, communicating;
    for (std::size_t round = 0; round < 7; ++round) {
        turn const a = train<1>(mw::threads{.workers_per_rank = 1}, 8),
                   b = train<1>(mw::threads{.workers_per_rank = 2}, 8),
                   c = train<2>(mw::threads{.workers_per_rank = 1}, 8), d = train<2>(that_never_meet{}, 8);
        if (!(std::abs(b.loss - a.loss) <= 1e-5 * a.loss) || !(std::abs(c.loss - a.loss) <= 1e-4 * a.loss))
            return here.fail("the losses differ: " + std::to_string(a.loss) + ", " + std::to_string(b.loss) +
                             ", " + std::to_string(c.loss));
        if (!std::isfinite(d.loss)) return here.fail("ranks that never meet compute no numbers");
        if (round == 0) continue;
        one.push_back(a.seconds), inside.push_back(b.seconds), ranks.push_back(c.seconds);
        apart.push_back(d.seconds), communicating.push_back(c.communicating);
    }
    double const rows = batch::size * token::size, e = embed::size;
    double const operations = 3 * 2 * rows * 12 * e * e + 3.5 * 2 * rows * (token::size + 1) * e;
    auto const limit = [&](std::size_t threads) { return 1e3 * operations / peak(threads, float{}); };
    row const alone{.name = "block/1 thread", .ours = 1e3 * median(one), .unit = "ms", .limit = limit(1)};
    here.report(alone);
    row both{.name = "block/2 threads in one rank", .ours = 1e3 * median(inside), .unit = "ms"};
    both.peers = {{"1 thread", alone.ours}}, both.limit = limit(2);
    here.report(both.should_reach(unknown, "1 thread"));
    row never{.name = "block/2 ranks that never meet", .ours = 1e3 * median(apart), .unit = "ms"};
    never.peers = {{"1 thread", alone.ours}}, never.limit = limit(2);
    here.report(never.should_reach(unknown, "1 thread"));
    row split{.name = "block/2 ranks", .ours = 1e3 * median(ranks), .unit = "ms"};
    split.limit = limit(2);
    split.peers = {{"1 thread", alone.ours},
                   {"2 threads in one rank", both.ours},
                   {"2 ranks that never meet", never.ours}};
    here.report(split.should_reach(1.9, "1 thread"));
    here.report(split.should_reach(1, "2 threads in one rank"));
    row share{.name = "block/2 ranks, in collectives", .ours = 100 * median(communicating), .unit = "%"};
    share.peers = {{"2 % of the step", 2}};
    here.report(share.should_reach(1, "2 % of the step"));
}

}  // namespace

int main(int argc, char** argv) {
    ask("block", answer);
    return run(argc, argv);
}
