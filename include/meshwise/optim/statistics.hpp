// statistics: the parameters of a model that follow what its layers see, instead of being trained (mw::role::statistic).
// Guarantees: all ranks move them alike, only where a step is taken, and never to a number that is not finite. Their ways are no
// part of the gradient's norm. Cost: nothing for a model without them.
#pragma once

#include <cmath>
#include <utility>

#include <meshwise/optim/global_norm.hpp>

namespace meshwise::detail {

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

/// While it lives, a gradient is that of what is trained.
template <class Model>
class without_statistics {
public:
    without_statistics(Model const& model, model_gradient<Model>& gradient) : gradient_(gradient) {
        if constexpr (keeps_statistics<Model>()) {
            traits_ = traits_of(model);
            exchange();
        }
    }
    without_statistics(without_statistics const&) = delete;
    without_statistics& operator=(without_statistics const&) = delete;
    ~without_statistics() {
        if constexpr (keeps_statistics<Model>()) exchange();
    }

private:
    void exchange() {
        for (std::size_t i = 0; i < traits_.size(); ++i)
            if (traits_[i].role == role::statistic) std::swap(apart_[i], gradient_.parts[i]);
    }
    model_gradient<Model>& gradient_;
    traits_of_model<Model> traits_{};
    std::array<contributions::one, parameter_count<Model>> apart_{};
};

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
        double const share = 1 / static_cast<double>(gradient.micro_batches);
        for_each_parameter(
            model, []<class X>() { return squares_of_type<X>(); },
            [&](std::size_t i, std::string_view, auto& p, squares_of const& of) {
                if (traits[i].role != role::statistic || !gradient.reached(i)) return;
                auto const& [operations, sum_squares, size] = of.elements;
                buffer const way = gradient.whole(i, *operations, size, where);
                gradient.parts[i] = {};
                if (!of.computes) return;
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
