#pragma once
// adamw: Adam with decoupled weight decay, over all parameters of a model.
//   auto optimizer = mw::adamw(model, {.learning_rate = 3e-4, .weight_decay = 0.1, .clip_norm = 1.0});
//   optimizer.step(gradient);
// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
#include <cmath>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/optim/global_norm.hpp>

namespace meshwise {

struct adamw_options {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;  // of tensors with two or more axes; gains and biases are not decayed
    double clip_norm = 0;        // largest norm of the whole gradient; 0: any
};

/// Placement: parameter, gradient and both moments in the parameter's layout. Communication: what is pending of each
/// gradient, once; with clip_norm one small all-reduce more. Memory: twice the parameters.
/// Errors: a gradient norm that is not finite throws and leaves all parameters as they were.
template <class Model>
class adamw {
public:
    adamw(Model& model, adamw_options chosen = {}) : options(chosen), model_(&model) {
        allocating_for const state(purpose::optimizer);
        for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, initial) {
            using X = std::remove_cvref_t<decltype(p)>;
            for (auto* moments : {&first_, &second_}) {
                auto zeros = result_of<X>(p);
                X::backend::fill(zeros.mutable_data(), zeros.size(), typename X::value_type{0});
                (*moments)[i] = zeros.memory();
            }
        });
    }

    /// Updates the model in place. Returns the norm of the whole gradient if it is clipped, else 0.
    double step(model_gradient<Model>& gradient,
                std::source_location where = std::source_location::current()) {
        allocating_for const gradients(purpose::gradients);
        doing const update("optimizer");
        for_each_parameter(
            *model_, [&](std::size_t i, std::string_view, auto& p, initial) { gradient.whole(i, p, where); });
        double factor = gradient.scale, norm = 0;
        if (options.clip_norm > 0) {
            norm = global_norm(*model_, gradient, where);
            if (!std::isfinite(norm))
                throw error("the gradient's norm is not finite, so this step was not taken; lower the "
                            "learning rate or look for a division by zero in the model");
            if (norm > options.clip_norm) factor *= options.clip_norm / norm;
        }
        ++steps_;
        adamw_numbers numbers{.learning_rate = options.learning_rate,
                              .beta1 = options.beta1,
                              .beta2 = options.beta2,
                              .epsilon = options.epsilon,
                              .weight_decay = 0,
                              .bias_correction1 = 1 - std::pow(options.beta1, static_cast<double>(steps_)),
                              .bias_correction2 = 1 - std::pow(options.beta2, static_cast<double>(steps_)),
                              .gradient_scale = factor};
        for_each_parameter(*model_, [&](std::size_t i, std::string_view, auto& p, initial) {
            using X = std::remove_cvref_t<decltype(p)>;
            using T = typename X::value_type;
            numbers.weight_decay = X::axis_count >= 2 ? options.weight_decay : 0;
            X::backend::adamw(p.size(), p.mutable_data(), gradient.whole(i, p, where).data(),
                              static_cast<T*>(first_[i].data()), static_cast<T*>(second_[i].data()), numbers);
        });
        return norm;
    }
    double step(model_gradient<Model>&& gradient,
                std::source_location where = std::source_location::current()) {
        return step(gradient, where);
    }

    std::size_t steps() const { return steps_; }

    /// f(name, value) for all that a checkpoint has to keep: the steps taken, and both moments of every parameter.
    template <class F>
    void visit_state(F f) {
        f("steps", steps_);
        for_each_parameter(*model_, [&](std::size_t i, std::string_view name, auto& p, initial) {
            using X = std::remove_cvref_t<decltype(p)>;
            auto first = X::over(first_[i], p.extents()), second = X::over(second_[i], p.extents());
            f("first_moment." + std::string(name), first);
            f("second_moment." + std::string(name), second);
        });
    }

    adamw_options options;  // may be changed between steps, by a schedule for example

private:
    Model* model_;
    std::array<buffer, parameter_count<Model>> first_{}, second_{};
    std::size_t steps_ = 0;
};

}  // namespace meshwise
