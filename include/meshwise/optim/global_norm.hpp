// global_norm: the length of a model's whole gradient. Every element is counted exactly once, whatever its placement:
// a split parameter by all ranks that hold pieces, a replicated one by the first of its ranks. Every rank reads all that
// it holds, so a number that is not finite anywhere makes the norm not finite everywhere.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/ops/products/contract.hpp>
#include <meshwise/tensor/shard.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

namespace detail {
// the axis whose pieces are summed one by one under reproducible<V>
template <class L, class... A>
auto first_cut_axis(axes<A...>)
    -> first_of<concat<list<>, std::conditional_t<is_cut<L, A>, list<A>, list<>>..., list<void>>>;

template <class X>
using norm_axis = decltype(first_cut_axis<typename X::layout>(typename X::axes{}));

// this rank's squares of one tensor, in slots of their own for each leaf of its split axis
template <class X>
void squares_by_leaves(buffer const& memory, double* slots) {
    using B = typename X::backend;
    using axis = norm_axis<X>;
    X const x = X::over(memory);
    constexpr std::size_t leaves = leaves_of<B, typename X::layout, axis>::here;
    auto const whole = static_cast<std::size_t>(stride_of<axis>(x)) * x.template local_extent<axis>();
    std::size_t const run = whole / leaves, outer = x.local_size() / whole;
    std::size_t const first =
        detail::piece_index<typename X::mesh>(*current().team, split_of<typename X::layout, axis>{}) * leaves;
    for (std::size_t leaf = 0; leaf < leaves; ++leaf)
        for (std::size_t o = 0; o < outer; ++o)
            slots[first + leaf] += B::sum_squares(run, x.raw_data() + o * whole + leaf * run);
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
    if constexpr (X::backend::leaves > 1 && !std::is_void_v<norm_axis<X>>)
        made.by_leaves = &squares_by_leaves<X>;
    return made;
}
}  // namespace detail

namespace detail {
// As `global_norm`, with one number more in the same all-reduce; null: none.
template <class Model>
double norm_and_sum(Model& model, model_gradient<Model>& gradient, double* more, std::source_location where);
}  // namespace detail

/// The norm of a gradient that is reduced already, the same number on all ranks; finite if and only if all its numbers
/// are (and, of double, their squares). Communication: one all-reduce of a few numbers over the whole mesh.
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
    auto const everyone = static_cast<mesh_mask>((mesh_mask{1} << here.team->mesh().axes) - 1);
    for_each_parameter(
        model, []<class X>() { return detail::squares_of_type<X>(); },
        [&](std::size_t i, std::string_view, auto&, detail::squares_of const& of) {
            if (!gradient.reached(i)) return;  // zero: of a frozen parameter, say
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
