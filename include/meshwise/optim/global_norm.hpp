// global_norm: the length of a model's whole gradient. Every element is counted exactly once, whatever its placement:
// a split parameter by all ranks that hold pieces, a replicated one by the first of its ranks. Every rank reads all that
// it holds, so a number that is not finite anywhere makes the norm not finite everywhere. Where statistics go is no gradient.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/ops/products/contract.hpp>
#include <meshwise/tensor/shard.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

namespace detail {
template <class M>
constexpr bool keeps_statistics();
template <class... Field>
constexpr bool any_statistic(field_list<Field...> const& fields) {
    bool found = false;
    for (named_start const& one : fields.about) found = found || one.is == role::statistic;
    return (found || ... || keeps_statistics<typename Field::type>());
}
template <class M>
constexpr bool keeps_statistics() {
    if constexpr (array_size<M> != 0)
        return keeps_statistics<typename M::value_type>();
    else if constexpr (has_fields<M>)
        return any_statistic(M::parameters);
    else
        return false;
}

// the axes that are split, whose pieces are summed one by one under reproducible<V>
template <class L, class... A>
auto cut_axes_of(axes<A...>) -> concat<list<>, std::conditional_t<is_cut<L, A>, list<A>, list<>>...>;
template <class X>
using cut_axes = decltype(cut_axes_of<typename X::layout>(typename X::axes{}));

// The squares of one leaf, `from` its first element in each dimension, in an order that only its shape fixes: dimension
// `last - 1` is the last one that is split, and with those behind it elements lie in runs.
template <class B, class T, std::size_t N>
double squares_of_box(T const* x, std::array<std::size_t, N> const& whole, std::array<std::size_t, N> from,
                      std::array<std::size_t, N> const& count, std::size_t last) {
    std::size_t run = count[last - 1], runs = 1;
    for (std::size_t d = last; d < N; ++d) run *= whole[d];
    for (std::size_t d = 0; d + 1 < last; ++d) runs *= count[d];
    double sum = 0;
    for (std::size_t i = 0; i < runs; ++i) {
        std::size_t place = 0;
        std::array<std::size_t, N> at = from;
        for (std::size_t d = last - 1, rest = i; d-- > 0; rest /= count[d]) at[d] += rest % count[d];
        for (std::size_t d = 0; d < N; ++d) place = place * whole[d] + at[d];
        sum += B::sum_squares(run, x + place);
    }
    return sum;
}
inline double tree_of(double const* x, std::size_t count) {
    return count == 1 ? *x : tree_of(x, count / 2) + tree_of(x + count / 2, count / 2);
}
// This rank's squares of one tensor, in slots of their own for each leaf of its first split axis; what a second one cuts that into
// is summed as a tree, whose upper part is the sum over ranks.
template <class X>
void squares_by_leaves(buffer const& memory, double* slots) {
    using B = typename X::backend;
    using cut = cut_axes<X>;
    static_assert(
        cut::size <= 2,
        "meshwise: under reproducible<V> a parameter may be split along two axes, and this one is along "
        "three: leave one of the rules out of the strategy");
    X const x = X::over(memory);
    [&]<class First, class... Second>(list<First, Second...>) {
        constexpr std::size_t firsts = leaves_of<B, typename X::layout, First>::here;
        constexpr std::size_t seconds =
            (std::size_t{1} * ... * leaves_of<B, typename X::layout, Second>::here);
        constexpr std::size_t at = index_of<First, as_list<typename X::axes>>;
        constexpr std::size_t last = 1 + std::max({at, index_of<Second, as_list<typename X::axes>>...});
        auto const whole = x.local_extents();
        auto count = whole, from = whole;
        count[at] /= firsts;
        ((count[index_of<Second, as_list<typename X::axes>>] /= seconds), ...);
        std::size_t const before =
            detail::piece_index<typename X::mesh>(*current().team, split_of<typename X::layout, First>{}) *
            firsts;
        for (std::size_t leaf = 0; leaf < firsts; ++leaf) {
            std::array<double, seconds> sums{};
            for (std::size_t i = 0; i < seconds; ++i) {
                from.fill(0);
                from[at] = leaf * count[at];
                ((from[index_of<Second, as_list<typename X::axes>>] =
                      i * count[index_of<Second, as_list<typename X::axes>>]),
                 ...);
                sums[i] = squares_of_box<B>(x.raw_data(), whole, from, count, last);
            }
            slots[before + leaf] += tree_of(sums.data(), seconds);
        }
    }(cut{});
}

/// Whether sums over a parameter of the model would have other bits on another mesh, for an optimiser that has no fixed order
/// for them: under reproducible<V>, where a rule splits one.
template <class Model>
constexpr bool sums_depend_on_mesh() {
    bool found = false;
    auto one = [&]<class X>() { found = found || (X::backend::leaves > 1 && cut_axes<X>::size != 0); };
    visit_types<Model>(one);
    return found;
}

// how the squares of a parameter are summed, by its type
struct squares_of {
    local_elements elements;
    mesh_mask split_over;
    bool computes;
    void (*by_leaves)(buffer const&, double* slots);  // null: in one go
};
template <class X>
squares_of squares_of_type() {
    squares_of made{elements_of<X>(), mask_of<typename X::mesh>(used_of<typename X::layout>{}),
                    X::backend::computes, nullptr};
    if constexpr (X::backend::leaves > 1 && cut_axes<X>::size != 0) made.by_leaves = &squares_by_leaves<X>;
    return made;
}
}  // namespace detail

namespace detail {
// As `global_norm`, with one number more in the same all-reduce; null: none.
template <class Model>
double norm_and_sum(Model& model, model_gradient<Model>& gradient, double* more, std::source_location where);
}  // namespace detail

/// The norm of a gradient that is reduced already, the same number on all ranks; finite if and only if all its numbers
/// are (and, of double, their squares). Under reproducible<V> every mesh finds the same bits. Statistics are not counted. Communication: one all-reduce of a few numbers over the whole mesh.
/// Example: double const norm = mw::global_norm(model, gradient);
template <class Model>
double global_norm(Model& model, model_gradient<Model>& gradient,
                   std::source_location where = std::source_location::current()) {
    return detail::norm_and_sum(model, gradient, nullptr, where);
}

template <class Model>
double detail::norm_and_sum(Model& model, model_gradient<Model>& gradient, double* more,
                            std::source_location where) {
    context& here = current();
    constexpr std::size_t most_leaves = [] {
        std::size_t most = 1;
        auto larger = [&]<class X>() { most = X::backend::leaves > most ? X::backend::leaves : most; };
        detail::visit_types<Model>(larger);
        return most;
    }();
    constexpr std::size_t count = parameter_count<Model> * most_leaves;
    std::array<double, count + 1> squares{};
    if (more != nullptr) squares[count] = *more;
    if (!gradient.of.known) detail::refuse_empty_gradient(where);
    [[maybe_unused]] detail::traits_of_model<Model> traits{};
    if constexpr (detail::keeps_statistics<Model>()) traits = detail::traits_of(model);
    auto const everyone = static_cast<mesh_mask>((mesh_mask{1} << here.team->mesh().axes) - 1);
    for_each_parameter(
        model, []<class X>() { return detail::squares_of_type<X>(); },
        [&](std::size_t i, std::string_view, auto&, detail::squares_of const& of) {
            if (!gradient.reached(i)) return;  // zero: of a frozen parameter, say
            if constexpr (detail::keeps_statistics<Model>())
                if (traits[i].role == role::statistic) return;
            auto const& [operations, sum_squares, size] = of.elements;
            buffer const g = gradient.whole(i, *operations, size, where);
            if (!of.computes) return;
            double* const slots = squares.data() + i * most_leaves;
            bool const counts = here.team->group_index(everyone & ~of.split_over) == 0;
            if (counts && of.by_leaves != nullptr) return of.by_leaves(g, slots);
            double const all = sum_squares(g.data(), size);
            // NaN: a copy that is damaged here alone
            *slots = counts ? all : std::isfinite(all) ? 0 : std::numeric_limits<double>::quiet_NaN();
        });
    if (here.team->size() > 1)
        here.team->all_reduce(everyone, reduction::sum, element_type::float64, squares.data(), squares.data(),
                              more != nullptr ? count + 1 : count, where);
    if (more != nullptr) *more = std::exchange(squares[count], 0.0);
    double total = 0;
    for (double s : squares) total += s;
    return std::sqrt(total) * gradient.scale;
}

}  // namespace meshwise
