// lion: steps of one size, in the direction of the sign of a momentum.
// Source: Chen et al., Symbolic discovery of optimization algorithms, 2023.
#pragma once

#include <meshwise/optim/optimizer.hpp>

namespace meshwise {

/// Numbers of Lion. Its learning rate is 3 to 10 times smaller than that of AdamW, and its weight decay as much larger.
/// Example: constexpr mw::lion_options options{.learning_rate = 1e-4, .weight_decay = 0.3};
struct lion_options {
    double learning_rate = 1e-4;
    double beta1 = 0.9;
    double beta2 = 0.99;
    double weight_decay = 0;      // of matrices and tables, unless `groups` says otherwise
    double clip_norm = 0;         // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
struct lion_rule : rule_of_elements<lion_options, 1> {
    static constexpr char const* name = "mw::lion";
    static constexpr std::size_t moment_count = 1;
    static constexpr char const* moments[]{"momentum"};
    static std::array<option_value, 6> ranges(lion_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"beta1", how.beta1, below_one},
                 {"beta2", how.beta2, below_one},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    template <class X>
    static parameter_rule<lion_options> rule_for() {
        return {elements_of<X>(), &update<typename X::value_type, typename X::backend>};
    }
    template <class T, class Backend>
    static void update(parameter_step const& one, lion_options const& how) {
        auto const rate = static_cast<T>(one.learning_rate), decay = static_cast<T>(one.weight_decay),
                   scale = static_cast<T>(one.gradient_scale), beta1 = static_cast<T>(how.beta1),
                   beta2 = static_cast<T>(how.beta2);
        T* const values = one.values<T>();
        T* const momentum = one.moment<T>(0);
        map_elements<Backend>(
            one.count,
            [=](auto p, auto m, auto g) {
                return p - rate * (sign(beta1 * m + (1 - beta1) * (scale * g)) + decay * p);
            },
            values, values, momentum, one.gradients<T>());
        map_elements<Backend>(
            one.count, [=](auto m, auto g) { return beta2 * m + (1 - beta2) * (scale * g); }, momentum,
            momentum, one.gradients<T>());
    }
};
}  // namespace detail

/// Lion: p -= learning_rate (sign(beta1 m + (1 - beta1) g) + weight_decay p), m = beta2 m + (1 - beta2) g.
/// Placement and communication: those of mw::adamw. Memory: as much as the parameters that are trained.
/// Errors: as mw::adamw.
/// Example:
/// mw::lion optimizer(model, {.learning_rate = 1e-4, .weight_decay = 0.3});
/// optimizer.step(model, gradient);
template <class Model>
class lion : public detail::optimizer<Model, detail::lion_rule> {
public:
    explicit lion(Model const& model, lion_options chosen = {},
                  std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::lion_rule>(model, chosen, where) {}
};

}  // namespace meshwise
