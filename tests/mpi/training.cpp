// The same program on threads and on processes: every loss, gradient, norm and weight has the same bits (D1), and
// equals one rank's; under reproducible<V> it has one rank's bits (D2). Run by mpirun -n 2 and -n 4; with
// THREADS_INSIDE in the environment by -n 1 and -n 2: then some ranks are threads of one process.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <set>

#include <meshwise/communicator/mpi.hpp>
#include <meshwise/communicator/mpi/rank_map.hpp>

#include "equivalence/meshes.hpp"

namespace {

namespace mw = meshwise;

bool const threads_inside = std::getenv("THREADS_INSIDE") != nullptr;

mw::mpi_process this_process() { return mw::start_mpi(0, nullptr, threads_inside); }

template <class Policy, class Mesh>
mw::mpi on(Policy const& policy, Mesh) {
    return policy.template on<Mesh>();
}

/// With every one of these masks of axes inside for which the mesh needs as many processes as there are; how many.
template <template <class> class Model, class S, class One>
std::size_t check_inside(std::set<mw::mesh_mask> const& masks, bool exact, std::size_t steps) {
    std::vector<tiny::outcome> found;
    for (mw::mesh_mask const inside : masks) {
        mw::mpi_detail::rank_map const map(mw::detail::grid_of(typename S::mesh{}), inside);
        if (map.processes() != this_process().size || threads_inside != (map.threads() > 1)) continue;
        mw::mpi const policy{{.deadline = std::chrono::minutes(2), .inside = inside}};
        found.push_back(tiny::train<Model, S>(steps, false, policy));
    }
    if (found.empty() || this_process().rank != 0) return found.size();
    auto const threads = tiny::train<Model, S>(steps);
    auto const one = tiny::train<Model, One>(steps);
    for (auto const& processes : found) {
        CHECK(processes.losses.size() == steps);
        CHECK(processes.losses.back() != processes.losses.front());
        tiny::check_same_bits(processes, threads);
        if (exact)
            tiny::check_same_bits(processes, one);
        else
            tiny::check_equal(one, processes);
    }
    return found.size();
}

template <template <class> class Model, class S, class One, class Outer, class Inner>
void check_axes(mw::mesh<Outer, Inner> mesh, bool exact, std::size_t steps) {
    if (!threads_inside) {
        check_inside<Model, S, One>({0}, exact, steps);
        return;
    }
    std::set<mw::mesh_mask> masks;
    for (mw::mpi const& policy : {on(mw::mpi_with_threads<Outer>{}, mesh), on(mw::mpi_with_threads<>{}, mesh),
                                  on(mw::mpi_with_threads<Inner, Outer>{}, mesh)})
        masks.insert(mw::detail::grid_of(mesh).without_ones(policy.inside));
    CHECK(check_inside<Model, S, One>(masks, exact, steps) == (mesh.ranks == 4 ? this_process().size
                                                               : this_process().size == 1 ? 1
                                                                                          : 0));
}

template <template <class> class Model, class S, class One>
void check(bool exact, std::size_t steps = 3) {
    check_axes<Model, S, One>(typename S::mesh{}, exact, steps);
}

using tiny::exact_on;
using tiny::sequence_on;

struct half : mw::axis<tiny::batch::size / 2> {};
struct part {
    std::size_t first;
};

/// What a run in two micro-batches a step leaves behind, and the collectives of its last step: of the gradient, of the
/// optimiser.
struct run_in_parts {
    std::vector<double> losses, norms;
    std::vector<std::vector<float>> weights;
    std::size_t of_gradient = 0, of_optimizer = 0;
};

template <class S>
run_in_parts in_parts(std::size_t bucket, bool recompute) {
    run_in_parts found;
    mw::run<S>(mw::mpi{{.deadline = std::chrono::minutes(2), .gradient_bucket = bucket}}, [&](auto& here) {
        auto model = mw::init<tiny::gpt<S>>(here, mw::seed{11});
        model.recompute_blocks = recompute;
        mw::adamw optimizer(model, {.learning_rate = 1e-2, .clip_norm = 1});
        std::size_t const n = tiny::batch::size * tiny::token::size / 2;
        for (std::size_t step = 0; step < 4; ++step) {
            auto const inputs = tiny::ids(step, 0), targets = tiny::ids(step, 1);
            std::size_t const at_start = here.team().collectives();
            auto [loss, gradient] = mw::value_and_gradient_over(
                model, std::array{part{0}, part{n}}, [&](auto const& m, part const& of) {
                    return m.loss(
                        mw::place<half, tiny::token>(here, std::span(inputs).subspan(of.first, n)),
                        mw::place<half, tiny::token>(here, std::span(targets).subspan(of.first, n)));
                });
            std::size_t const between = here.team().collectives();
            CHECK((gradient.under_way != nullptr) == (bucket != 0));
            auto const copy = gradient;  // what is under way is shared
            found.losses.push_back(loss);
            found.norms.push_back(optimizer.step(model, gradient).norm);
            found.of_gradient = between - at_start;
            found.of_optimizer = here.team().collectives() - between;
        }
        mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto& p, mw::initial) {
            found.weights.emplace_back(p.local_data(), p.local_data() + p.local_size());
        });
    });
    return found;
}

/// `wanted`: the gradients that are pending. `groups`: over how many different sets of axes.
template <class S>
void check_buckets(std::size_t wanted, std::size_t groups) {
    if (threads_inside || S::mesh::ranks != this_process().size) return;
    for (bool const recompute : {false, true}) {
        auto const after = in_parts<S>(0, recompute);
        std::size_t const sums = after.of_optimizer - 1;  // and the norm
        CHECK(sums == wanted);
        for (std::size_t const bucket : {1UL, 1000UL, 4000UL, 1UL << 20}) {
            CAPTURE(bucket);
            auto const during = in_parts<S>(bucket, recompute);
            CHECK(during.losses == after.losses);
            CHECK(during.norms == after.norms);
            CHECK(during.weights == after.weights);
            CHECK(during.of_optimizer == 1);
            std::size_t const begun = during.of_gradient - after.of_gradient;
            if (bucket == 1) CHECK(begun == sums);
            if (bucket == 1UL << 20) CHECK(begun == groups);
            if (bucket == 4000 && sums == 36) CHECK((begun > groups && begun < sums));
        }
    }
}

template <std::size_t Dp, std::size_t Tp>
using in_halves = tiny::on_serial<typename tiny::places<Dp, Tp>::template sequence_parallel<
    mw::split<half, typename tiny::places<Dp, Tp>::dp>>>;

}  // namespace

TEST_CASE("sums that begin in the backward pass have the bits of those made after it") {
    check_buckets<in_halves<2, 1>>(36, 1);
    check_buckets<in_halves<2, 2>>(36, 2);
    check_buckets<in_halves<1, 2>>(14, 1);
}

TEST_CASE("a gradient that is not finite is found on the rank where it begins, though its sum had begun") {
    using S = in_halves<2, 1>;
    if (threads_inside || this_process().size != 2) return;
    for (std::size_t const bucket : {0UL, 1UL, 1UL << 20})
        mw::run<S>(mw::mpi{{.gradient_bucket = bucket}}, [&](auto& here) {
            auto model = mw::init<tiny::gpt<S>>(here, mw::seed{11});
            if (here.index().on_this_rank() == 1)
                *model.final_norm.gain.mutable_data() = std::numeric_limits<float>::quiet_NaN();
            mw::adamw optimizer(model, {.most_skips = 0});
            auto const ids = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 0));
            auto found = mw::value_and_gradient(model, ids, ids);
            CHECK_THROWS_WITH_AS(optimizer.step(model, found.gradient),
                                 doctest::Contains("it begins on rank 1 (dp 1, tp 0) with parameter"),
                                 mw::error);
        });
}

TEST_CASE("gpt split by batch") { check<tiny::gpt, sequence_on<2, 1>, sequence_on<1, 1>>(false); }
TEST_CASE("gpt split by heads, vocabulary and token") {
    check<tiny::gpt, sequence_on<1, 2>, sequence_on<1, 1>>(false);
}
TEST_CASE("gpt split by all of them") { check<tiny::gpt, sequence_on<2, 2>, sequence_on<1, 1>>(false); }
TEST_CASE("llama split by heads and token") {
    check<tiny::llama, sequence_on<1, 2>, sequence_on<1, 1>>(false);
}
TEST_CASE("reproducible: one rank's bits, batch") {
    check<tiny::gpt, exact_on<2, 1>, exact_on<1, 1>>(true, 20);
}
TEST_CASE("reproducible: one rank's bits, all") {
    check<tiny::gpt, exact_on<2, 2>, exact_on<1, 1>>(true, 20);
}

TEST_CASE("a run says by type which axes are inside") {
    using four = tiny::on_serial<typename tiny::places<2, 2>::template sequence_parallel<>>;
    if (!threads_inside || this_process().size != 2) return;
    std::mutex lock;
    auto const ranks_of = [&](auto const& policy) {
        std::set<std::size_t> here;
        mw::run<four>(policy, [&](auto& rank) {
            std::lock_guard const held(lock);
            here.insert(rank.index().on_this_rank());
        });
        return here;
    };
    std::size_t const process = this_process().rank;
    CHECK(ranks_of(mw::mpi_with_threads<>{}) == std::set{2 * process, 2 * process + 1});
    CHECK(ranks_of(mw::mpi_with_threads<tiny::places<2, 2>::tp>{}) == std::set{2 * process, 2 * process + 1});
    CHECK(ranks_of(mw::mpi_with_threads<tiny::places<2, 2>::dp>{}) == std::set{process, process + 2});
}
