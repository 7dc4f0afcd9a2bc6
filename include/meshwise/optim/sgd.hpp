#pragma once
// sgd: plain gradient descent, for one tensor or a whole model.
#include <meshwise/optim/finite_steps.hpp>

namespace meshwise {

/// parameter -= learning_rate * gradient, in place. Placement: both in the parameter's storage layout.
/// Errors: a gradient placed otherwise (pending, say) does not compile.
template <a_tensor P, a_tensor G>
void sgd_step(P& parameter, G const& gradient, double learning_rate) {
    if constexpr (!any_poison<P, G>) {
        using verdict = judge<std::is_same_v<typename P::layout, typename G::layout> &&
                                  std::is_same_v<typename P::axes, typename G::axes>,
                              gradient_is_not_in_storage_layout, parameter_is_stored_as<typename P::layout>,
                              gradient_is_placed_as<typename G::layout>>;
        if constexpr (!verdict::value)
            refuse<verdict>();
        else {
            auto const rate = static_cast<typename P::value_type>(learning_rate);
            loops<2> l;
            l.dims = 1;
            l.extents[0] = parameter.size();
            l.out[0] = l.in[0][0] = l.in[1][0] = 1;
            P::backend::map(
                l, [rate](auto p, auto g) { return p - rate * g; }, parameter.mutable_data(),
                parameter.data(), gradient.data());
        }
    }
}

/// All parameters of a model. Communication: what is pending of each gradient, once, and one small all-reduce.
/// Errors: a gradient that is not finite on any rank, unless a loss scale made it: then the step is skipped, as the
/// result says. Parameters are as they were.
template <class Model>
step_result sgd(Model& model, model_gradient<Model>& gradient, double learning_rate,
                std::source_location where = std::source_location::current()) {
    std::size_t const may_skip = gradient.scaled_by != nullptr ? 1 : 0;
    step_result const result = finite_steps<Model>().look(model, gradient, may_skip, where);
    if (!result.taken) return result;
    for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, initial) {
        sgd_step(p, gradient.whole(i, p, where), learning_rate * gradient.scale);
    });
    return result;
}

}  // namespace meshwise
