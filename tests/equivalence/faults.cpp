// A throw at every collective of a two-layer training step, on every rank: no hang, and the first cause comes out.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>

#include "tiny_models.hpp"

namespace {

namespace mw = meshwise;
using S = tiny::on_four;
using clock_type = std::chrono::steady_clock;

struct planted : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// passes every call on, but throws instead of the n-th
class failing final : public mw::communicator {
public:
    failing(mw::communicator& real, std::size_t at)
        : communicator(real.mesh(), real.rank()),
          real_(real),
          left_(at) {}
    std::size_t calls() const { return calls_; }
    clock_type::time_point thrown{};

    void all_reduce(mw::mesh_mask m, mw::reduction r, mw::element_type t, void const* in, void* out,
                    std::size_t n, std::source_location w) override {
        note(), real_.all_reduce(m, r, t, in, out, n, w);
    }
    void reduce_scatter(mw::mesh_mask m, mw::reduction r, mw::element_type t, void const* in, void* out,
                        mw::piece_shape p, std::source_location w) override {
        note(), real_.reduce_scatter(m, r, t, in, out, p, w);
    }
    void all_gather(mw::mesh_mask m, mw::element_type t, void const* in, void* out, mw::piece_shape p,
                    std::source_location w) override {
        note(), real_.all_gather(m, t, in, out, p, w);
    }
    void all_to_all(mw::mesh_mask m, mw::element_type t, void const* in, void* out, std::size_t n,
                    std::source_location w) override {
        note(), real_.all_to_all(m, t, in, out, n, w);
    }
    void broadcast(mw::mesh_mask m, mw::element_type t, void* data, std::size_t n, std::size_t root,
                   std::source_location w) override {
        note(), real_.broadcast(m, t, data, n, root, w);
    }
    void barrier(mw::mesh_mask m, std::source_location w) override { note(), real_.barrier(m, w); }
    void fail(std::string_view reason) noexcept override { real_.fail(reason); }

private:
    void note() {
        ++calls_;
        if (left_ != 0 && --left_ == 0) {
            thrown = clock_type::now();
            throw planted("planted fault");
        }
    }
    mw::communicator& real_;
    std::size_t left_, calls_ = 0;
};

constexpr int deadline_ms = 20'000;

struct result {
    std::size_t calls = 0;
    double slowest_ms = 0;  // from the throw to the last rank's end
    bool first_cause = false;
};

result step_with_fault(std::size_t rank, std::size_t at) {
    result r;
    clock_type::time_point thrown{};
    std::array<clock_type::time_point, 4> out{};
    std::atomic<std::size_t> calls{0};
    try {
        mw::run_threads(mw::detail::grid_of(S::mesh{}), {.deadline = std::chrono::milliseconds(deadline_ms)},
                        [&](mw::communicator& team) {
                            failing mine(team, team.rank() == rank ? at : 0);
                            struct note_end {
                                std::array<clock_type::time_point, 4>& out;
                                failing& mine;
                                clock_type::time_point& thrown;
                                std::size_t rank;
                                ~note_end() {
                                    out[rank] = clock_type::now();
                                    if (mine.thrown != clock_type::time_point{}) thrown = mine.thrown;
                                }
                            } const at_end{out, mine, thrown, team.rank()};
                            mw::context here = mw::context::of<S::mesh, mw::backend_of<S>>(mine);
                            mw::entering const scope(here);
                            mw::rank<S> me(here);
                            tiny::train<tiny::gpt>(me, 1, false, [](auto&&...) {});
                            if (team.rank() == rank) calls = mine.calls();
                        });
    } catch (planted const&) { r.first_cause = true; }
    r.calls = calls;
    for (auto t : out)
        r.slowest_ms = std::max(r.slowest_ms, std::chrono::duration<double, std::milli>(t - thrown).count());
    return r;
}

TEST_CASE(
    "a throw at every collective on every rank: no rank waits for the deadline, the first cause comes out") {
    std::size_t tried = 0;
    double slowest = 0;
    for (std::size_t rank = 0; rank < 4; ++rank) {
        std::size_t const calls = step_with_fault(rank, 0).calls;
        REQUIRE(calls > 40);
        for (std::size_t at = 1; at <= calls; ++at) {
            auto const r = step_with_fault(rank, at);
            CHECK(r.first_cause);
            CHECK(r.slowest_ms < deadline_ms / 2);  // how soon is measured by benchmarks/failures.cpp
            slowest = std::max(slowest, r.slowest_ms);
            ++tried;
        }
    }
    MESSAGE(tried << " faults, slowest release " << slowest << " ms");
}

}  // namespace
