// One program for everything that can go wrong; check_faults.py starts it, harms it and judges how it ends.
//   faults MODE[/INSIDE] [deadline in ms [record file]]   INSIDE: the axes of 2 x 2 ranks that are threads, as a mask
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include <meshwise/communicator/mpi.hpp>

namespace mw = meshwise;
using namespace std::chrono_literals;

namespace {

constexpr auto f32 = mw::element_type::float32;
constexpr auto sum = mw::reduction::sum;

/// Sleeps when it is destroyed: unwinding that takes for ever.
struct slow_to_leave {
    ~slow_to_leave() { std::this_thread::sleep_for(60s); }
};

void say(mw::communicator& here, std::string const& text) {
    std::fprintf(stderr, "rank %zu: %s\n", here.rank(), text.c_str());
}

std::source_location line_of(std::source_location where = std::source_location::current()) { return where; }

/// Sums that take a while, and a digest of all of them.
std::uint64_t work(mw::communicator& here, int turns) {
    std::vector<float> x(100000), y(x.size());
    std::uint64_t digest = 14695981039346656037ULL;
    for (int turn = 0; turn < turns; ++turn) {
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] = 1.0F / static_cast<float>((i + 1) * (here.rank() + 3) + static_cast<std::size_t>(turn));
        here.all_reduce(here.mesh().every_axis(), sum, f32, x.data(), y.data(), x.size());
        for (float const value : y) {
            std::uint32_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            digest = (digest ^ bits) * 1099511628211ULL;
        }
    }
    return digest;
}

/// One rank does `odd`, the others `even`, after a good call. Whatever it was, no value may have been touched.
template <class Even, class Odd>
void disagree(mw::communicator& here, Even const& even, Odd const& odd) {
    std::vector<float> x(1000, static_cast<float>(here.rank())), before = x;
    here.barrier(here.mesh().every_axis());
    try {
        if (here.rank() == 1)
            odd(x.data());
        else
            even(x.data());
    } catch (mw::collective_error const&) {
        say(here, x == before ? "heard of the disagreement, untouched" : "TOUCHED");
        throw;
    }
}

/// Two sums are started; rank 1 does `odd` in place of the second. Others compute before they wait.
template <class Odd>
void start_two(mw::communicator& here, std::source_location const& place, Odd const& odd) {
    std::vector<float> x(300000, static_cast<float>(here.rank())), y = x, before = y;
    auto const first =
        here.start_all_reduce(here.mesh().every_axis(), sum, f32, x.data(), x.data(), x.size(), place);
    try {
        if (here.rank() == 1) return odd(y.data());
        auto const second =
            here.start_all_reduce(here.mesh().every_axis(), sum, f32, y.data(), y.data(), y.size(), place);
        for (int turn = 0; turn < 20; ++turn, here.progress()) std::this_thread::sleep_for(1ms);
        second->finish();
    } catch (mw::collective_error const&) {
        say(here, y == before ? "heard of the disagreement, untouched" : "TOUCHED");
        throw;
    } catch (mw::peer_failed const& e) {
        say(here, std::string("heard: ") + e.what());
        throw;
    }
}

void program(mw::communicator& here, std::string const& mode) {
    mw::mesh_mask const all = here.mesh().every_axis();
    auto const place = line_of();
    auto const good = [&](float* x) { here.all_reduce(all, sum, f32, x, x, 320, place); };
    if (mode == "work") {
        say(here, "digest " + std::to_string(work(here, 200)));
    } else if (mode == "work_slowly") {
        say(here, "at work");
        std::this_thread::sleep_for(500ms);
        say(here, "digest " + std::to_string(work(here, 200)));
    } else if (mode == "forever") {
        say(here, "at work");
        for (;;) work(here, 1);
    } else if (mode == "throw") {
        try {
            work(here, 3);
            if (here.rank() == 1) throw std::runtime_error("disk is full");
            work(here, 1);
        } catch (mw::peer_failed const& e) {
            say(here, std::string("heard: ") + e.what());
            throw;
        }
    } else if (mode == "throw_input" || mode == "throw_output" || mode == "throw_system") {
        if (here.rank() == 1 && mode == "throw_input") throw mw::input_error("it is damaged");
        if (here.rank() == 1 && mode == "throw_output") throw mw::output_error("disk is full");
        if (here.rank() == 1) throw std::system_error(28, std::generic_category());
        work(here, 1);
    } else if (mode == "throw_while_busy") {
        if (here.rank() == 1) throw std::runtime_error("disk is full");
        std::this_thread::sleep_for(60s);
    } else if (mode == "swallow") {
        try {
            if (here.rank() == 1) here.fail("disk is full");
            work(here, 1);
        } catch (...) {}
    } else if (mode == "started_extents") {
        start_two(here, place,
                  [&](float* y) { here.start_all_reduce(all, sum, f32, y, y, 299999, place)->finish(); });
    } else if (mode == "started_operation") {
        start_two(here, place, [&](float*) { here.barrier(all, place); });
    } else if (mode == "started_not") {
        start_two(here, place, [&](float* y) { here.all_reduce(all, sum, f32, y, y, 300000, place); });
    } else if (mode == "started_late") {
        start_two(here, place, [](float*) { std::this_thread::sleep_for(60s); });
    } else if (mode == "started_end") {
        start_two(here, place, [](float*) {});
    } else if (mode == "started_throw") {
        start_two(here, place, [](float*) { throw std::runtime_error("disk is full"); });
    } else if (mode == "started_forever") {
        say(here, "at work");
        for (;;)
            start_two(here, place,
                      [&](float* y) { here.start_all_reduce(all, sum, f32, y, y, 300000, place); });
    } else if (mode == "slow_to_leave") {
        slow_to_leave const slow;
        disagree(here, good, [&](float* x) { here.all_reduce(all, sum, f32, x, x, 319, place); });
    } else if (mode == "exit") {
        if (here.rank() == 1) std::exit(0);
        work(here, 1);
    } else if (mode == "end") {
        if (here.rank() == 1) return;
        work(here, 1);
    } else if (mode == "throw_elsewhere") {
        // Rank 0 waits for one that is busy; a third, of which it needs nothing, throws.
        here.barrier(all);
        try {
            if (here.rank() == 3) {
                std::this_thread::sleep_for(300ms);  // until rank 0 waits
                throw std::runtime_error("disk is full");
            }
            if (here.rank() == 0) here.barrier(2);
        } catch (mw::peer_failed const& e) {
            say(here, std::string("heard: ") + e.what());
            throw;
        }
        std::this_thread::sleep_for(60s);
    } else if (mode == "end_before_a_pair") {
        // Rank 0 waits for one that waits for all.
        if (here.rank() == 0) here.barrier(2, place);
    } else if (mode == "late") {
        here.barrier(all);
        if (here.rank() == 1) std::this_thread::sleep_for(60s);
        work(here, 1);
    } else if (mode == "late_behind_another") {
        // Rank 0 waits for rank 1, which waits for rank 3, which is asleep.
        if (here.rank() == 3) std::this_thread::sleep_for(60s);
        if (here.rank() == 1) here.barrier(1);
        if (here.rank() < 2) here.barrier(2);
        here.barrier(1);
    } else if (mode == "operation") {
        disagree(here, good, [&](float* x) { here.all_gather(all, f32, x, x + 500, {1, 80}, place); });
    } else if (mode == "reduction") {
        disagree(here, good,
                 [&](float* x) { here.all_reduce(all, mw::reduction::max, f32, x, x, 320, place); });
    } else if (mode == "type") {
        disagree(here, good,
                 [&](float* x) { here.all_reduce(all, sum, mw::element_type::int32, x, x, 320, place); });
    } else if (mode == "extents") {
        disagree(here, good, [&](float* x) { here.all_reduce(all, sum, f32, x, x, 319, place); });
    } else if (mode == "extents_large") {
        disagree(
            here, [&](float* x) { here.all_reduce(all, sum, f32, x, x, 1000, place); },
            [&](float* x) { here.all_reduce(all, sum, f32, x, x, 1, place); });
    } else if (mode == "root") {
        disagree(
            here, [&](float* x) { here.broadcast(all, f32, x, 800, 0, place); },
            [&](float* x) { here.broadcast(all, f32, x, 800, 1, place); });
    } else if (mode == "order") {
        disagree(
            here,
            [&](float* x) {
                here.broadcast(all, f32, x, 8, 0, place);
                here.barrier(all, place);
            },
            [&](float* x) {
                here.barrier(all, place);
                here.broadcast(all, f32, x, 8, 0, place);
            });
    } else if (mode == "call_site") {
        disagree(here, good, [&](float* x) { here.all_reduce(all, sum, f32, x, x, 320, line_of()); });
    } else if (mode.starts_with("compare_")) {
        // Of 200 calls, rank 1 makes one at another place: "compare_sampled_80". What is not compared is not found.
        std::size_t const odd = std::stoul(mode.substr(mode.rfind('_') + 1));
        std::vector<float> x(1000);
        for (std::size_t call = 0; call < 200; ++call) {
            auto const at = call == odd && here.rank() == 1 ? line_of() : place;
            here.all_reduce(all, sum, f32, x.data(), x.data(), x.size(), at);
        }
    } else if (mode == "batch") {
        if (here.rank() == 1) here.note_common(1);
        disagree(here, good, good);
    } else if (mode == "axis") {
        // Ranks wait for each other in a circle.
        disagree(
            here,
            [&](float*) {
                here.barrier(2, place);
                here.barrier(3, place);
            },
            [&](float*) {
                here.barrier(1, place);
                here.barrier(3, place);
            });
    } else if (mode != "nothing") {
        throw mw::error("there is no mode " + mode);
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::string mode = argc > 1 ? argv[1] : "nothing";
    mw::mpi policy{argc, argv};
    if (auto const slash = mode.find('/'); slash != mode.npos) {
        policy.inside = static_cast<mw::mesh_mask>(std::stoul(mode.substr(slash + 1)));
        mode.resize(slash);
    }
    if (argc > 2) policy.deadline = std::chrono::milliseconds(std::atoi(argv[2]));
    if (argc > 3) policy.record_file = argv[3];
    if (mode.starts_with("compare_sampled")) policy.compare = mw::fingerprints::sampled;
    if (mode.starts_with("compare_off")) policy.compare = mw::fingerprints::off;
    auto const process = mw::start_mpi(argc, argv, policy.inside != 0);
    bool const square = process.size == 4 || policy.inside != 0;
    if (mode == "handshake")
        policy.equal_on_all_ranks = {
            {"the seed", std::to_string(process.size == 4 ? process.rank / 2 : process.rank)}};
    mw::grid const mesh = square ? mw::grid{2, {2, 2}, {"dp", "tp"}} : mw::grid{1, {2}, {"tp"}};
    mw::run_mpi(mesh, policy, [&](mw::communicator& here, std::size_t) { program(here, mode); });
    std::puts("the end");
}
