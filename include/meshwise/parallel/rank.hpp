// rank: what a program sees of the participant it runs as.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include <meshwise/communicator/agree.hpp>
#include <meshwise/core/per_rank.hpp>
#include <meshwise/core/uniform.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/tensor/forgotten_fields.hpp>
#include <meshwise/tensor/parameter_walk.hpp>
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
// whether tensors of these types can be made on a rank of the strategy S
template <class S, class Types>
struct is_of_rank;
template <class S, class... X>
struct is_of_rank<S, list<X...>> {
    // one rank alone may hold tensors of any backend that computes; see check_place
    static constexpr bool alone =
        std::is_same_v<typename S::mesh, meshwise::mesh<>> && backend_of<S>::computes;
    static constexpr bool value =
        ((std::is_same_v<typename X::backend, backend_of<S>> || (alone && X::mesh::ranks == 1)) && ...);
};
template <class S, class Model>
using computes_here =
    judge<is_of_rank<S, decltype(parameter_types<Model>())>::value, tensors_of_different_backends>;
}  // namespace detail

/// What a program sees of the rank it runs as: where values go, what the ranks agree on, which rank it is.
/// Example:
/// mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
///     auto model = here.init<my_model>(mw::seed{42});
///     here.only_on_first([] { std::puts("ready"); });
/// });
template <any_strategy S>
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
    template <any_mesh_axis M>
    per_rank<std::size_t> coordinate() const {
        static_assert(mesh::template has<M>, "meshwise: the mesh of this run has no such axis");
        return here_.team->coordinate(detail::index_of<M, detail::as_list<mesh>>);
    }
    communicator& team() { return *here_.team; }
    memory_pool& memory() { return *here_.pool; }

    /// A model with its initial values: the same on every mesh. Communication: none.
    /// Errors: a model of another strategy's backend does not compile; a tensor of the model that has no value is in no
    /// `mw::fields`.
    template <class Model>
    Model init(seed s) {
        (void)refuse<detail::computes_here<S, Model>>();
        here_.team->note_common(s.value, common_kind::initial_values);
        allocating_for const parameters(purpose::parameters);
        detail::tensors_made made;
        Model model{};
        made.stop();
        std::vector<detail::listed_field> listed;
        for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, initial start) {
            listed.push_back({static_cast<detail::untyped_tensor const*>(&p), std::string(name)});
            p = std::remove_cvref_t<decltype(p)>::uninitialized(
                typename std::remove_cvref_t<decltype(p)>::extents_type{});
            if constexpr (std::remove_cvref_t<decltype(p)>::backend::computes) {
                detail::fill_elements(p, detail::initial_numbers{start, {s, name}});
            }
        });
        made.require_listed(name_of<Model>(), &model, sizeof model, listed);
        return model;
    }

    /// This rank's part of a whole array, where the strategy puts these axes.
    template <any_axis... A, class T>
    auto place(std::span<T const> whole, typename tensor_of<S, T, A...>::extents_type extents =
                                             detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
        return detail::cut_whole<tensor_of<S, T, A...>>(whole, extents, common_kind::data);
    }
    template <any_axis... A, class T>
    auto place(std::initializer_list<T> whole,
               typename tensor_of<S, T, A...>::extents_type extents =
                   detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
        return place<A...>(std::span<T const>(whole.begin(), whole.size()), extents);
    }
    template <any_axis... A, class T>
    auto place(std::vector<T> const& whole, typename tensor_of<S, T, A...>::extents_type extents =
                                                detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
        return place<A...>(std::span<T const>(whole), extents);
    }
    template <class... A, class Whole>
        requires detail::misnamed<A...>
    auto place(Whole const&) {
        return refuse<typename detail::judged_names<A...>::verdict>();
    }

    /// The whole value, on every rank. Communication: what is owed, and gathers.
    /// Errors: x is recorded: numbers leave the tape, so gather(x.detached()) says that no gradient is wanted.
    template <class X>
    std::vector<typename X::value_type> gather(X const& x,
                                               std::source_location where = std::source_location::current()) {
        if (is_recorded(where, x)) detail::refuse_without_gradient("here.gather", where);
        without_recording const off;
        auto const whole = reshard<layout<mesh>>(x.detached(), where);
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
        requires std::is_arithmetic_v<T>
    uniform<T> agreed(T mine, std::source_location where = std::source_location::current()) {
        std::vector<T> each(team().size(), mine);
        team().all_gather(everyone(), element_type::uint8, &mine, each.data(), {1, sizeof(T)}, where);
        for (std::size_t other = 1; other < each.size(); ++other)
            if (std::memcmp(&each[other], &each[0], sizeof(T)) != 0)
                detail::throw_error({"at ", where.file_name(), ":", where.line(),
                                     " ranks ought to agree, but ", describe(team().mesh(), 0), " has ",
                                     std::to_string(each[0]), " and ", describe(team().mesh(), other),
                                     " has ", std::to_string(each[other]),
                                     "; compute it alike, or take here.any or here.all"});
        return uniform<T>::equal_by_construction(mine);
    }

    /// Calls f on the first rank, such as to print; the others go on. In a plan (mw::explain) no rank calls it.
    /// Communication: none, and none in f.
    /// Errors: a collective in f throws at once.
    /// Example: here.only_on_first([&] { std::printf("loss %f\n", loss); });
    template <class F>
    void only_on_first(F f) {
        if (!backend_of<S>::computes || !is_first().on_this_rank()) return;
        detail::working_alone const guard(here_);
        f();
    }

    /// Calls f on the first rank and gives its result to all: nothing, or a plain value. f makes no collective.
    /// Communication: one small all-reduce, and a broadcast of the result.
    /// Errors: what f throws, with the same sentence on every rank; the team stays whole.
    /// Example: auto const step = here.on_first([&] { return std::filesystem::file_size(files[0]); });
    template <class F>
    auto on_first(F f, std::source_location where = std::source_location::current()) {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
            detail::on_all_or_none(
                team(),
                [&] {
                    detail::working_alone const guard(here_);
                    is_first().on_this_rank() ? f() : void();
                },
                where);
        } else {
            using Result = std::remove_cvref_t<decltype(detail::on_this_rank(f()))>;
            static_assert(
                std::is_trivially_copyable_v<Result>,
                "meshwise: on_first gives plain values to the other ranks: numbers, structs of numbers, "
                "or std::optional of these");
            Result result{};
            detail::on_all_or_none(
                team(),
                [&] {
                    detail::working_alone const guard(here_);
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

/// A model with its initial values: the same on every mesh. Communication: none. As here.init<Model>(s), which inside of a
/// template asks for a `.template`.
/// Example: auto model = mw::init<my_model>(here, mw::seed{42});
template <class Model, any_strategy S>
Model init(rank<S>& here, seed s) {
    return here.template init<Model>(s);
}

/// This rank's part of a whole array that every rank can see, where the strategy puts these axes. Communication: none.
/// Errors: an array of another size than the axes.
/// Example: auto x = mw::place<batch, embed>(here, numbers);
template <any_axis... A, any_strategy S, class T>
auto place(rank<S>& here, std::span<T const> whole,
           typename tensor_of<S, T, A...>::extents_type extents =
               detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
    return here.template place<A...>(whole, extents);
}
template <any_axis... A, any_strategy S, class T>
auto place(rank<S>& here, std::vector<T> const& whole,
           typename tensor_of<S, T, A...>::extents_type extents =
               detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
    return here.template place<A...>(whole, extents);
}
template <any_axis... A, any_strategy S, class T>
auto place(rank<S>& here, std::initializer_list<T> whole,
           typename tensor_of<S, T, A...>::extents_type extents =
               detail::no_extents<tensor_of<S, T, A...>::bounded_count>()) {
    return here.template place<A...>(std::span<T const>(whole.begin(), whole.size()), extents);
}
template <class... A, any_strategy S, class Whole>
    requires detail::misnamed<A...>
auto place(rank<S>&, Whole const&) {
    return refuse<typename detail::judged_names<A...>::verdict>();
}

}  // namespace meshwise
