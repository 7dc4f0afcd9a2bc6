// sgd: plain gradient descent, for one tensor or a whole model.
#pragma once

#include <meshwise/optim/finite_steps.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

namespace detail {
template <class P>
void descend(P& parameter, typename P::value_type const* gradient, double learning_rate) {
    auto const rate = static_cast<typename P::value_type>(learning_rate);
    iteration_space<2> l;
    l.dims = 1;
    l.extents[0] = parameter.local_size();
    l.out[0] = l.in[0][0] = l.in[1][0] = 1;
    P::backend::map(
        l, [rate](auto p, auto g) { return p - rate * g; }, parameter.mutable_data(), parameter.raw_data(),
        gradient);
}
}  // namespace detail

/// parameter -= learning_rate * gradient, in place. Placement: both in the parameter's storage layout.
/// Errors: a gradient placed otherwise (pending, say) does not compile; one of the two has no value; ranks with different
/// learning rates throw at their next collective.
/// Example: mw::sgd_step(gain, mw::full<decltype(gain)>(1), 0.1);
template <any_tensor P, any_tensor G>
void sgd_step(P& parameter, G const& gradient, double learning_rate,
              std::source_location where = std::source_location::current()) {
    if constexpr (!any_poison<P, G>) {
        using verdict = judge<std::is_same_v<typename P::layout, typename G::layout> &&
                                  std::is_same_v<typename P::axes, typename G::axes>,
                              gradient_is_not_in_storage_layout, parameter_is_stored_as<typename P::layout>,
                              gradient_is_placed_as<typename G::layout>>;
        if constexpr (!verdict::value)
            refuse<verdict>();
        else {
            detail::check_options("mw::sgd_step", {{"learning_rate", learning_rate, detail::finite}});
            check_operands(where, parameter, gradient);
            if constexpr (P::bounded_count != 0)
                (void)detail::result_extents<P>(typename P::axes{}, parameter, gradient);
            if constexpr (P::mesh::ranks > 1)
                detail::note_common(common_kind::options, {detail::bits_of(learning_rate)});
            detail::descend(parameter, gradient.raw_data(), learning_rate);
        }
    }
}

/// All parameters of a model. Communication: what is pending of each gradient, once, and one small all-reduce.
/// Errors: a gradient that is not finite on any rank, unless a loss scale made it: then the step is skipped, as the
/// result says; a gradient with which a step was taken before. Parameters are as they were.
/// Example:
/// auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
/// mw::sgd(model, gradient, 0.1);
template <class Model>
step_result sgd(Model& model, model_gradient<Model>& gradient, double learning_rate,
                std::source_location where = std::source_location::current()) {
    detail::check_options("mw::sgd", {{"learning_rate", learning_rate, detail::at_least_zero}}, &where);
    detail::note_common(common_kind::options, {detail::bits_of(learning_rate)});
    std::size_t const may_skip = gradient.scaled_by != nullptr ? 1 : 0;
    step_result const result = finite_steps<Model>().look(model, gradient, may_skip, where);
    if (!result.applied) return result;
    auto const traits = detail::traits_of(model);
    for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, initial) {
        using P = std::remove_reference_t<decltype(p)>;
        using T = typename P::value_type;
        if (!gradient.reached(i) || traits[i].frozen) return;
        auto const& elements = element_operations_of<T, typename P::backend>;
        buffer const whole = gradient.whole(i, elements, p.local_size(), where);
        detail::descend(p, static_cast<T const*>(whole.data()), learning_rate * gradient.scale);
    });
    return result;
}
template <class Model>
step_result sgd(Model const&, model_gradient<Model> const&, double) {
    static_assert(never<Model>, "meshwise: an optimiser changes the model, and this one is const");
    return {};
}

}  // namespace meshwise
