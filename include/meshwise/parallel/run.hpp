// run: starts one rank per place of the strategy's mesh and runs the same program on each.
//   mw::run<strategy>(mw::threads{}, [](mw::rank<strategy>& here) { auto model = here.init<my_model>(mw::seed{42}); });
#pragma once

#include <concepts>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <meshwise/communicator/threads.hpp>
#include <meshwise/parallel/rank.hpp>

namespace meshwise {

namespace detail {
template <class... M>
grid grid_of(mesh<M...>) {
    grid g{};
    g.axes = sizeof...(M);
    std::size_t at = 0;
    ((g.sizes[at] = M::ranks, g.names[at] = name_of<M>(), ++at), ...);
    (void)at;
    return g;
}

// what the program of the first rank of this process returned
template <class T>
class first_result {
public:
    void keep(std::size_t rank, T result) {
        std::scoped_lock const one_at_a_time(mutex_);
        if (kept_ && rank_ < rank) return;
        kept_.emplace(std::move(result)), rank_ = rank;
    }
    T take() { return *std::move(kept_); }

private:
    std::mutex mutex_;
    std::size_t rank_ = 0;
    std::optional<T> kept_;
};

// Once for each strategy of a process.
template <class S>
void tell_of_idle_rules() {
    static bool const told [[maybe_unused]] = [] {
        std::string const text = idle_rules(typename S::rules{});
        if (!text.empty()) std::fprintf(stderr, "meshwise: %s", text.c_str());
        return true;
    }();
}

template <class S, class Policy, class Program>
void run_program(Policy const& policy, Program& program) {
    using B = backend_of<S>;
    // `where`: which rank of its process it is, if it is to have a place of its own there
    auto const as_rank = [&](communicator& team, std::size_t workers, auto... where) {
        auto const start = [&] {
            context here = context::of<typename S::mesh, B>(team);
            entering const scope(here);
            rank<S> me(here);
            if (team.rank() == 0) tell_of_idle_rules<S>();
            program(me);
        };
        if constexpr (requires { B::enter(workers, start, where...); })
            B::enter(workers, start, where...);
        else
            B::enter(workers, start);
    };
    auto const mesh = grid_of(typename S::mesh{});
    if constexpr (requires { policy.template on<typename S::mesh>(); })  // it names mesh axes
        run_ranks(policy.template on<typename S::mesh>(), mesh, name_of<S>(), as_rank);
    else if constexpr (requires { run_ranks(policy, mesh, name_of<S>(), as_rank); })
        run_ranks(policy, mesh, name_of<S>(), as_rank);
    else
        static_assert(
            never<Policy>,
            "meshwise: mw::run needs to know where its ranks run: give it mw::threads{}, also for a "
            "mesh of one rank, or mw::mpi{} of <meshwise/communicator/mpi.hpp>");
}
}  // namespace detail

/// Runs `program(rank&)` once per rank of the strategy's mesh and returns when all have ended. `policy` says what a rank
/// is: a thread (`threads`), a process (`mpi`), or a thread of one of several processes (`mpi_with_threads`).
/// Returns what the program of the first rank of this process returned, if that is anything. Tensors and models end with
/// their run and are not returned.
/// Errors: the first exception of any rank, after its peers were released, also if the program catches what broke the
/// team and returns; never a hang. A mesh larger than the machine runs too, slower.
/// Example: double const loss = mw::run<S>(mw::threads{}, [](mw::rank<S>& here) { return train(here); });
template <any_strategy S, class Policy, class Program>
auto run(Policy const& policy, Program&& program) {
    if constexpr (!requires(rank<S>& here) { program(here); }) {
        // a lambda with an error in its body cannot be called either
        static_assert(
            never<Program>,
            "meshwise: mw::run<strategy> gives the program its rank by reference: write it as "
            "[](mw::rank<strategy>& here) { ... } with the strategy of mw::run; where the compiler has "
            "found another error in the program, this one goes with it");
        return poison{};
    } else {
        using Result = std::remove_cvref_t<decltype(program(std::declval<rank<S>&>()))>;
        if constexpr (std::is_void_v<Result>)
            detail::run_program<S>(policy, program);
        else if constexpr (any_tensor<Result> || any_model<Result>) {
            static_assert(
                any_poison<Result>,
                "meshwise: tensors end with the run that made them, so the program of mw::run cannot "
                "return one: return numbers, such as here.gather(x), or write weights to a file");
            return poison{};
        } else {
            detail::first_result<Result> result;
            auto const kept = [&](rank<S>& here) { result.keep(here.index().on_this_rank(), program(here)); };
            detail::run_program<S>(policy, kept);
            return result.take();
        }
    }
}

// a call without a strategy, or without a word about where
template <class Policy, class Program>
    requires(!any_strategy<Policy>)
void run(Policy const&, Program const&) {
    static_assert(never<Program>, "meshwise: mw::run needs the strategy, and where its ranks run: "
                                  "mw::run<strategy>(mw::threads{}, program)");
}
template <any_strategy S, class Program>
void run(Program const&) {
    static_assert(never<Program>, "meshwise: mw::run needs the strategy, and where its ranks run: "
                                  "mw::run<strategy>(mw::threads{}, program)");
}

}  // namespace meshwise
