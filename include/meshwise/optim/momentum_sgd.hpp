// momentum_sgd: gradient descent with momentum, which may be Nesterov's.
// Source: Sutskever et al., On the importance of initialization and momentum in deep learning, 2013; the form in which the
// learning rate multiplies the whole velocity.
#pragma once

#include <meshwise/optim/optimizer.hpp>

namespace meshwise {

/// Numbers of gradient descent with momentum. With momentum 0 no velocity is kept.
/// Example: constexpr mw::momentum_sgd_options options{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true};
struct momentum_sgd_options {
    double learning_rate = 1e-2;
    double momentum = 0.9;
    bool nesterov = false;    // the gradient where the velocity leads
    double weight_decay = 0;  // added to the gradient, of matrices and tables unless `groups` says otherwise
    double clip_norm = 0;     // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
struct momentum_sgd_rule : rule_of_elements<momentum_sgd_options, 1> {
    static constexpr char const* name = "mw::momentum_sgd";
    static constexpr std::size_t moment_count = 1;
    static constexpr char const* moments[]{"velocity"};
    static std::array<option_value, 6> ranges(momentum_sgd_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"momentum", how.momentum, below_one},
                 {"nesterov", how.nesterov ? 1.0 : 0.0, zero_to_one},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    static std::array<std::size_t, 2> moment_sizes(momentum_sgd_options const& how, parameter_traits const&,
                                                   std::size_t count, matrix_view const&) {
        return {how.momentum > 0 ? count : 0, 0};
    }
    template <class X>
    static parameter_rule<momentum_sgd_options> rule_for() {
        return {elements_of<X>(), &update<typename X::value_type, typename X::backend>};
    }
    template <class T, class Backend>
    static void update(parameter_step const& one, momentum_sgd_options const& how) {
        auto const rate = static_cast<T>(one.learning_rate), decay = static_cast<T>(one.weight_decay),
                   scale = static_cast<T>(one.gradient_scale), keep = static_cast<T>(how.momentum);
        T* const values = one.values<T>();
        T const* const gradients = one.gradients<T>();
        T* const velocity = one.moment<T>(0);
        if (velocity == nullptr)
            return map_elements<Backend>(
                one.count, [=](auto p, auto g) { return p - rate * (scale * g + decay * p); }, values, values,
                gradients);
        map_elements<Backend>(
            one.count, [=](auto v, auto g, auto p) { return keep * v + (scale * g + decay * p); }, velocity,
            velocity, gradients, values);
        if (how.nesterov)
            map_elements<Backend>(
                one.count,
                [=](auto p, auto g, auto v) { return p - rate * (scale * g + decay * p + keep * v); }, values,
                values, gradients, velocity);
        else
            map_elements<Backend>(
                one.count, [=](auto p, auto v) { return p - rate * v; }, values, values, velocity);
    }
};
}  // namespace detail

/// Gradient descent with momentum: v = momentum v + g, p -= learning_rate v; Nesterov's form takes g + momentum v for v.
/// Placement and communication: those of mw::adamw. Memory: as much as the parameters that are trained.
/// Errors: as mw::adamw.
/// Example:
/// mw::momentum_sgd optimizer(model, {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
/// optimizer.step(model, gradient);
template <class Model>
class momentum_sgd : public detail::optimizer<Model, detail::momentum_sgd_rule> {
public:
    explicit momentum_sgd(Model const& model, momentum_sgd_options chosen = {},
                          std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::momentum_sgd_rule>(model, chosen, where) {}
};

}  // namespace meshwise
