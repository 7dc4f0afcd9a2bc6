// explain: what a program will do, before it does anything: every collective with its mesh axes, bytes and the line
// that owes it, and the memory one rank holds. It runs the very same program on a backend that computes nothing and a
// communicator that moves nothing, so the plan cannot differ from the run.
//   mw::print(mw::explain<strategy>(train));  // the very function that mw::run<strategy>(mw::threads{}, train) trains
#pragma once

#include <string>
#include <vector>

#include <meshwise/autodiff/gradient_buckets.hpp>
#include <meshwise/backend/dry_run.hpp>
#include <meshwise/communicator/simulated.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/print.hpp>

namespace meshwise {

/// One line of a plan: equal collectives, counted.
/// Example:
/// mw::plan const planned = mw::explain<S>(train);
/// for (mw::planned_collective const& one : planned.collectives) std::cout << one.times << ' ' << one.bytes << '\n';
struct planned_collective {
    std::string_view phase;  // forward, backward, loss, optimizer, recompute
    operation what{};
    reduction how{};
    mesh_mask mask = 0;
    std::size_t ranks = 1;
    std::size_t times = 0;
    std::uint64_t bytes = 0;       // of the tensor moved, on one rank, all times together
    std::uint64_t bytes_sent = 0;  // what a ring sends per rank
    std::source_location where;
};

/// What a program does on rank 0.
/// Example:
/// mw::plan const planned = mw::explain<S>(train);
/// std::cout << planned << planned.memory.most_total << '\n';
struct plan {
    grid mesh;
    std::vector<planned_collective> collectives;
    std::vector<pending_gradients::line> gradients;  // of all steps together
    memory_use memory;
    std::uint64_t flops = 0;
    bool reproducible = false;
    std::string idle_rules{};  // a line for each rule of the strategy whose axis no tensor carries

    /// How many collectives of a kind run along exactly these mesh axes, in a phase ("" for all).
    std::size_t count(operation what, mesh_mask mask, std::string_view phase = "") const;
    std::size_t count() const;

    /// The plan as a table.
    std::string text() const;
};

namespace detail {

class planner final : public simulated {
public:
    using simulated::simulated;
    std::vector<planned_collective> lines;

protected:
    MESHWISE_BODY void record(call made) override;
};

std::string bytes_text(double bytes);
std::string padded_text(std::string text, std::size_t width, bool right = false);
std::string axes_text(grid const& mesh, mesh_mask mask);
std::string place_text(std::source_location const& where);
}  // namespace detail

/// Options of `explain`.
/// Example: mw::print(mw::explain<strategy>(train, {.most_steps = 100'000}));
struct plan_options {
    std::size_t most_steps =
        10'000;  // a program with more calls of value_and_gradient is taken to have no end
};

namespace detail {
template <class S, class Program>
plan planned(Program& program, plan_options const& options) {
    using dry = typename S::template on<dry_run>;
    planner team(grid_of(typename S::mesh{}));
    std::uint64_t const before = dry_run::flops();
    plan result;
    {
        context here = context::of<typename S::mesh, backend_of<dry>>(team);
        entering const scope(here);
        pending_gradients gradients;
        gradients.most_steps = options.most_steps;
        here.planned = &gradients;
        rank<dry> me(here);
        program(me);
        result.gradients = std::move(gradients.lines);
        result.memory = here.pool->use();
    }
    result.idle_rules = idle_rules(typename S::rules{});
    result.reproducible = backend_of<S>::leaves > 1;
    if (result.reproducible) result.gradients.clear();
    result.mesh = team.mesh();
    result.collectives = std::move(team.lines);
    result.flops = dry_run::flops() - before;
    return result;
}
}  // namespace detail

/// Plans `program(rank&)`, the very function that mw::run<S> is given, as rank 0 of the mesh of S, whatever its size. The
/// program is generic: it takes its strategy from the rank. Nothing is computed and nothing is sent; values read in the
/// program are meaningless, and here.only_on_first does nothing.
/// Errors: more than `most_steps` steps. A program that takes one type of rank, or that names a strategy of its own inside, does not compile.
/// Example: mw::print(mw::explain<strategy>(train));
template <any_strategy S, class Program>
plan explain(Program&& program, plan_options const& options = {}) {
    using dry = typename S::template on<dry_run>;
    // A call operator that is no template takes one type of rank; the body of a template is not asked for.
    if constexpr (requires { &std::remove_cvref_t<Program>::operator(); }) {
        constexpr bool takes_any = std::is_invocable_v<Program&, rank<dry>&>;
        static_assert(takes_any,
                      "meshwise: mw::explain<strategy> runs a program under a strategy that computes "
                      "nothing, so the program takes its strategy from the rank: write it as "
                      "[]<class S>(mw::rank<S>& here) { ... }");
        if constexpr (takes_any)
            return detail::planned<S>(program, options);
        else
            return {};
    } else
        return detail::planned<S>(program, options);
}
template <class Program>
    requires(!any_strategy<Program>)
plan explain(Program&&) {
    static_assert(never<Program>, "meshwise: mw::explain<strategy>(program) has to be told the strategy");
    return {};
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/plan/explain.inl.hpp>
#endif
