// adamw: Adam with decoupled weight decay, over all parameters of a model.
//   auto optimizer = mw::adamw(model, {.learning_rate = 3e-4, .weight_decay = 0.1, .clip_norm = 1.0});
//   optimizer.step(model, gradient);
// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
#pragma once

#include <meshwise/optim/optimizer.hpp>

namespace meshwise {

/// Numbers of AdamW; the defaults are those of most language models.
/// Example:
/// constexpr mw::adamw_options options{.learning_rate = 3e-4, .weight_decay = 0.1, .clip_norm = 1.0};
struct adamw_options {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;   // of matrices and tables, unless `groups` says otherwise
    double clip_norm = 0;         // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
// the numbers of the kernel that all kinds of Adam share
template <class Options>
adamw_numbers adam_numbers(parameter_step const& one, Options const& options) {
    auto const step = static_cast<double>(one.step);
    return {.learning_rate = one.learning_rate,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .weight_decay = one.weight_decay,
            .bias_correction1 = 1 - std::pow(options.beta1, step),
            .bias_correction2 = 1 - std::pow(options.beta2, step),
            .gradient_scale = one.gradient_scale};
}
struct adamw_rule : rule_of_elements<adamw_options, 2> {
    static constexpr char const* name = "mw::adamw";
    static constexpr std::size_t moment_count = 2;
    static constexpr char const* moments[]{"first_moment", "second_moment"};
    static std::array<option_value, 7> ranges(adamw_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"beta1", how.beta1, below_one},
                 {"beta2", how.beta2, below_one},
                 {"epsilon", how.epsilon, above_zero},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    template <class X>
    static parameter_rule<adamw_options> rule_for() {
        return {elements_of<X>(), &update<typename X::value_type, typename X::backend>};
    }
    template <class T, class Backend>
    static void update(parameter_step const& one, adamw_options const& how) {
        Backend::adamw(one.count, one.values<T>(), one.gradients<T>(), one.moment<T>(0), one.moment<T>(1),
                       adam_numbers(one, how));
    }
};
}  // namespace detail

/// AdamW. `step(model, gradient)` updates the model in place; `options` may be changed between steps.
/// Placement: parameter, gradient and both moments in the parameter's layout. Communication: what is pending of each
/// gradient, once, and one small all-reduce for the norm. Memory: twice the parameters that are trained.
/// Errors: an option out of its range, also when it was changed between steps; more than `most_skips` gradients in a row that are not finite; a gradient with which a step was taken before; a
/// model or an optimiser that was moved from; another model than that of the steps before, unless `retarget` names it.
/// Parameters and moments are as they were.
template <class Model>
class adamw : public detail::optimizer<Model, detail::adamw_rule> {
public:
    /// Takes the number and sizes of the parameters from a model, and keeps nothing else of it.
    explicit adamw(Model const& model, adamw_options chosen = {},
                   std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::adamw_rule>(model, chosen, where) {}
};

}  // namespace meshwise
