// adam: Adam, whose weight decay is a part of the gradient; `adamw` has it beside the gradient.
// Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015.
#pragma once

#include <meshwise/optim/adamw.hpp>

namespace meshwise {

/// Numbers of Adam.
/// Example: constexpr mw::adam_options options{.learning_rate = 3e-4, .beta2 = 0.95};
struct adam_options {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;  // added to the gradient, of matrices and tables unless `groups` says otherwise
    double clip_norm = 0;     // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
struct adam_rule : rule_of_elements<adam_options, 2> {
    static constexpr char const* name = "mw::adam";
    static constexpr std::size_t moment_count = 2;
    static constexpr char const* moments[]{"first_moment", "second_moment"};
    static std::array<option_value, 7> ranges(adam_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"beta1", how.beta1, below_one},
                 {"beta2", how.beta2, below_one},
                 {"epsilon", how.epsilon, above_zero},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    template <class X>
    static parameter_rule<adam_options> rule_for() {
        return {elements_of<X>(), &update<typename X::value_type, typename X::backend>};
    }
    template <class T, class Backend>
    static void update(parameter_step const& one, adam_options const& how) {
        adamw_numbers numbers = adam_numbers(one, how);
        T const* gradient = one.gradients<T>();
        buffer decayed;
        if (one.weight_decay != 0) {
            decayed = buffer(*current().pool, one.count * sizeof(T), purpose::gradients);
            auto* const to = static_cast<T*>(decayed.mutable_data());
            auto const scale = static_cast<T>(one.gradient_scale), decay = static_cast<T>(one.weight_decay);
            map_elements<Backend>(
                one.count, [=](auto g, auto p) { return scale * g + decay * p; }, to, gradient,
                one.values<T>());
            gradient = to;
            numbers.gradient_scale = 1;
        }
        numbers.weight_decay = 0;
        Backend::adamw(one.count, one.values<T>(), gradient, one.moment<T>(0), one.moment<T>(1), numbers);
    }
};
}  // namespace detail

/// Adam. `step(model, gradient)` updates the model in place; `options` may be changed between steps.
/// Placement and communication: those of mw::adamw. Memory: twice the parameters that are trained.
/// Errors: as mw::adamw.
/// Example:
/// auto optimizer = mw::adam(model, {.learning_rate = 3e-4});
/// optimizer.step(model, gradient);
template <class Model>
class adam : public detail::optimizer<Model, detail::adam_rule> {
public:
    explicit adam(Model const& model, adam_options chosen = {},
                  std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::adam_rule>(model, chosen, where) {}
};

}  // namespace meshwise
