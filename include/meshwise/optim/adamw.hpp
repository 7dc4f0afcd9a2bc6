#pragma once
// adamw: Adam with decoupled weight decay, over all parameters of a model.
//   auto optimizer = mw::adamw(model, {.learning_rate = 3e-4, .weight_decay = 0.1, .clip_norm = 1.0});
//   optimizer.step(gradient);
// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
#include <cmath>

#include <meshwise/optim/finite_steps.hpp>

namespace meshwise {

struct adamw_options {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0.01;   // of tensors with two or more axes; gains and biases are not decayed
    double clip_norm = 0;         // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
};

namespace detail {
template <class T, class Backend>
void adamw_elements(std::size_t n, void* p, void const* g, void* first, void* second,
                    adamw_numbers const& numbers) {
    Backend::adamw(n, static_cast<T*>(p), static_cast<T const*>(g), static_cast<T*>(first),
                   static_cast<T*>(second), numbers);
}
// the update of a parameter, by its type
struct adamw_update {
    local_elements elements;
    bool decayed;
    void (*run)(std::size_t n, void* p, void const* g, void* first, void* second, adamw_numbers const&);
};
template <class X>
adamw_update adamw_update_of() {
    return {elements_of<X>(), X::axis_count >= 2,
            &adamw_elements<typename X::value_type, typename X::backend>};
}
}  // namespace detail

/// Placement: parameter, gradient and both moments in the parameter's layout. Communication: what is pending of each
/// gradient, once, and one small all-reduce for the norm. Memory: twice the parameters.
/// Errors: more than `most_skips` gradients in a row that are not finite; parameters and moments are as they were.
template <class Model>
class adamw {
public:
    adamw(Model& model, adamw_options chosen = {}) : options(chosen), model_(&model) {
        allocating_for const state(purpose::optimizer);
        for_each_parameter(
            model, []<class X>() { return elements_of<X>(); },
            [&](std::size_t i, std::string_view, auto&, local_elements const& of) {
                first_[i] = tape::zeros(*of.operations, of.size);
                second_[i] = tape::zeros(*of.operations, of.size);
            });
    }

    /// Updates the model in place, or, where the gradient is not finite on any rank, leaves everything as it was on all.
    /// A schedule that follows `steps()` stands still, too.
    step_result step(model_gradient<Model>& gradient,
                     std::source_location where = std::source_location::current()) {
        allocating_for const gradients(purpose::gradients);
        doing const update("optimizer");
        step_result const result = finite_.look(*model_, gradient, options.most_skips, where);
        if (!result.taken) return result;
        double factor = gradient.scale;
        if (options.clip_norm > 0 && result.norm > options.clip_norm)
            factor *= options.clip_norm / result.norm;
        ++steps_;
        adamw_numbers numbers{.learning_rate = options.learning_rate,
                              .beta1 = options.beta1,
                              .beta2 = options.beta2,
                              .epsilon = options.epsilon,
                              .weight_decay = 0,
                              .bias_correction1 = 1 - std::pow(options.beta1, static_cast<double>(steps_)),
                              .bias_correction2 = 1 - std::pow(options.beta2, static_cast<double>(steps_)),
                              .gradient_scale = factor};
        for_each_parameter(
            *model_, []<class X>() { return detail::adamw_update_of<X>(); },
            [&](std::size_t i, std::string_view, auto& p, detail::adamw_update const& of) {
                numbers.weight_decay = of.decayed ? options.weight_decay : 0;
                buffer const whole = gradient.whole(i, *of.elements.operations, of.elements.size, where);
                of.run(of.elements.size, p.mutable_bytes(), whole.data(), first_[i].data(), second_[i].data(),
                       numbers);
            });
        return result;
    }
    step_result step(model_gradient<Model>&& gradient,
                     std::source_location where = std::source_location::current()) {
        return step(gradient, where);
    }

    /// The steps taken; skipped ones do not count.
    std::size_t steps() const { return steps_; }

    /// f(name, value) for all that a checkpoint has to keep: the steps taken, those skipped last, and both moments of every parameter.
    template <class F>
    void visit_state(F f) {
        f("steps", steps_);
        f("skipped_in_a_row", finite_.skipped_in_a_row);
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
    finite_steps<Model> finite_;
};

}  // namespace meshwise
