// statistics: the parameters of a model that follow what its layers see, instead of being trained (mw::role::statistic).
// Guarantees: all ranks move them alike, only where a step is taken, and never to a number that is not finite. Their ways are no
// part of the gradient's norm (global_norm.hpp). Cost: nothing for a model without them.
#pragma once

#include <algorithm>
#include <cmath>

#include <meshwise/optim/global_norm.hpp>

namespace meshwise::detail {

template <class T>
void go(T* at, T const* way, std::size_t count, double share) {
    for (std::size_t i = 0; i < count; ++i)
        if (T const next = at[i] - way[i] * static_cast<T>(share); std::isfinite(next)) at[i] = next;
}
/// Statistics go their ways, of which nothing is left in the gradient.
template <class Model>
void follow_statistics(Model& model, model_gradient<Model>& gradient, std::source_location where) {
    if constexpr (keeps_statistics<Model>()) {
        auto const traits = traits_of(model);
        for_each_parameter(
            model, []<class X>() { return squares_of_type<X>(); },
            [&](std::size_t i, std::string_view, auto& p, squares_of const& of) {
                if (traits[i].role != role::statistic || !gradient.reached(i)) return;
                auto const& [operations, sum_squares, size] = of.elements;
                buffer const way = gradient.whole(i, *operations, size, where);
                gradient.parts[i] = {};
                if (!of.computes) return;
                double const share = 1.0 / std::max<std::uint32_t>(1, gradient.ways[i]);
                if (operations->type == element_type::float64)
                    go(static_cast<double*>(p.mutable_bytes()), static_cast<double const*>(way.data()), size,
                       share);
                else
                    go(static_cast<float*>(p.mutable_bytes()), static_cast<float const*>(way.data()), size,
                       share);
            });
    }
}

}  // namespace meshwise::detail
