#pragma once
// rank: what a program sees of the participant it runs as. run: starts one rank per place of the strategy's mesh.
//   mw::run<strategy>(mw::threads{}, [](auto& here) { auto model = here.template init<my_model>(mw::seed{42}); ... });
#include <cstring>
#include <vector>

#include <meshwise/communicator/agree.hpp>
#include <meshwise/communicator/threads.hpp>
#include <meshwise/core/per_rank.hpp>
#include <meshwise/core/uniform.hpp>
#include <meshwise/ops/reshard.hpp>
#include <meshwise/tensor/fields.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

namespace detail {
struct initial_numbers {
    initial start;
    random_stream numbers;
    double operator()(std::size_t i) const {
        return start.number * (start.how == initial::kind::normal ? numbers.normal(i) : 1);
    }
};
}  // namespace detail

template <class S>
class rank {
public:
    using strategy = S;
    using mesh = typename S::mesh;

    explicit rank(context& here) : here_(here) {}
    rank(rank const&) = delete;
    rank& operator=(rank const&) = delete;

    per_rank<std::size_t> index() const { return here_.team->rank(); }
    per_rank<bool> is_first() const { return index() == 0; }
    /// Position along one mesh axis.
    template <a_mesh_axis M>
    per_rank<std::size_t> coordinate() const {
        static_assert(mesh::template has<M>, "meshwise: the mesh of this run has no such axis");
        return here_.team->coordinate(index_of<M, apply_to<list, mesh>>);
    }
    communicator& team() { return *here_.team; }
    memory_pool& memory() { return *here_.pool; }

    /// A model with its initial values: the same on every mesh. Communication: none.
    template <class Model>
    Model init(seed s) {
        allocating_for const parameters(purpose::parameters);
        Model model{};
        for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, initial start) {
            p = std::remove_cvref_t<decltype(p)>::uninitialized();
            if constexpr (std::remove_cvref_t<decltype(p)>::backend::computes) {
                fill_by_index(p, detail::initial_numbers{start, {s, name}});
            }
        });
        return model;
    }

    /// This rank's part of a whole array, where the strategy puts these axes.
    template <tensor_axis... A, class T>
    auto place(std::span<T const> whole, typename tensor_of<S, T, A...>::extents_type extents = {}) {
        return cut_from<tensor_of<S, T, A...>>(whole, extents);
    }
    template <tensor_axis... A, class T>
    auto place(std::vector<T> const& whole, typename tensor_of<S, T, A...>::extents_type extents = {}) {
        return place<A...>(std::span<T const>(whole), extents);
    }

    /// The whole value, on every rank. Communication: what is owed, and gathers.
    template <class X>
    std::vector<typename X::value_type> gather(X const& x,
                                               std::source_location where = std::source_location::current()) {
        without_recording const off;
        auto const whole = reshard<layout<mesh>>(x, where);
        if constexpr (!X::backend::computes)
            return std::vector<typename X::value_type>(whole.size());
        else
            return {whole.span().begin(), whole.span().end()};
    }

    /// Whether it holds on at least one rank, or on every rank. Communication: one small all-reduce.
    uniform<bool> any(per_rank<bool> mine, std::source_location where = std::source_location::current()) {
        std::uint32_t const one = mine.on_this_rank() ? 1 : 0;
        std::uint32_t most = one;
        team().all_reduce(everyone(), reduction::max, element_type::uint32, &one, &most, 1, where);
        return uniform<bool>::equal_by_construction(most != 0);
    }
    uniform<bool> all(per_rank<bool> mine, std::source_location where = std::source_location::current()) {
        return !any(!mine, where);
    }

    /// A number that ought to be equal on all ranks. Communication: one small gather.
    /// Errors: it is not; the message names two ranks and their numbers.
    template <class T>
        requires std::is_arithmetic_v<T> uniform<T> agreed(
            T mine, std::source_location where = std::source_location::current()) {
            std::vector<T> each(team().size(), mine);
            team().all_gather(everyone(), element_type::uint8, &mine, each.data(), {1, sizeof(T)}, where);
            for (std::size_t other = 1; other < each.size(); ++other)
                if (std::memcmp(&each[other], &each[0], sizeof(T)) != 0)
                    throw error("at " + std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                                " ranks ought to agree, but " + describe(team().mesh(), 0) + " has " +
                                std::to_string(each[0]) + " and " + describe(team().mesh(), other) + " has " +
                                std::to_string(each[other]) +
                                "; compute it alike, or take here.any or here.all");
            return uniform<T>::equal_by_construction(mine);
        }

    /// Calls f on the first rank, such as to print; the others go on. Communication: none, and none in f.
    /// Errors: a collective in f throws at once.
    /// Example: here.only_on_first([&] { std::printf("loss %f\n", loss); });
    template <class F>
    void only_on_first(F f) {
        if (!is_first().on_this_rank()) return;
        communicator::alone const guard(team());
        f();
    }

    /// Calls f on the first rank and gives its result to all: nothing, or a plain value. f makes no collective.
    /// Communication: one small all-reduce, and a broadcast of the result.
    /// Errors: what f throws, with the same sentence on every rank; the team stays whole.
    /// Example: auto const step = here.on_first([&] { return newest_step_in(folder); });
    template <class F>
    auto on_first(F f, std::source_location where = std::source_location::current()) {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
            on_all_or_none(
                team(), [&] { is_first().on_this_rank() ? f() : void(); }, where);
        } else {
            using Result = std::remove_cvref_t<decltype(detail::on_this_rank(f()))>;
            static_assert(
                std::is_trivially_copyable_v<Result>,
                "meshwise: on_first gives plain values to the other ranks: numbers, structs of numbers, "
                "or std::optional of these");
            Result result{};
            on_all_or_none(
                team(),
                [&] {
                    if (is_first().on_this_rank()) result = detail::on_this_rank(f());
                },
                where);
            team().broadcast(everyone(), element_type::uint8, &result, sizeof result, 0, where);
            return uniform<Result>::equal_by_construction(result);
        }
    }

private:
    mesh_mask everyone() const { return here_.team->mesh().every_axis(); }

    context& here_;
};

/// The strategy a program runs under: `using S = mw::strategy_of<decltype(here)>;`
template <class Rank>
using strategy_of = typename std::remove_cvref_t<Rank>::strategy;

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
}  // namespace detail

/// Runs `program(rank&)` once per rank of the strategy's mesh and returns when all have ended. `policy` says what a rank
/// is: a thread (`threads`), a process (`mpi`), or a thread of one of several processes (`mpi_with_threads`).
/// Errors: the first exception of any rank, after its peers were released; never a hang. A mesh larger than the machine runs too, slower.
template <class S, class Policy, class Program>
void run(Policy const& policy, Program&& program) {
    using B = backend_of<S>;
    // `where`: which rank of its process it is, if it is to have a place of its own there
    auto const as_rank = [&](communicator& team, std::size_t workers, auto... where) {
        auto const start = [&] {
            context here = context::of<typename S::mesh, B>(team);
            entering const scope(here);
            rank<S> me(here);
            program(me);
        };
        if constexpr (requires { B::enter(workers, start, where...); })
            B::enter(workers, start, where...);
        else
            B::enter(workers, start);
    };
    auto const mesh = detail::grid_of(typename S::mesh{});
    if constexpr (requires { policy.template on<typename S::mesh>(); })  // it names mesh axes
        run_ranks(policy.template on<typename S::mesh>(), mesh, name_of<S>(), as_rank);
    else
        run_ranks(policy, mesh, name_of<S>(), as_rank);
}

}  // namespace meshwise
