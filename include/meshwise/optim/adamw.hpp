// adamw: Adam with decoupled weight decay, over all parameters of a model.
//   auto optimizer = mw::adamw(model, {.learning_rate = 3e-4, .weight_decay = 0.1, .clip_norm = 1.0});
//   optimizer.step(model, gradient);
// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
#pragma once

#include <cmath>

#include <meshwise/core/compiled.hpp>
#include <meshwise/optim/finite_steps.hpp>
#include <meshwise/optim/parameter_groups.hpp>
#include <meshwise/tensor/option_range.hpp>

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
inline void check(adamw_options const& how, std::source_location const* where = nullptr) {
    check_options("mw::adamw",
                  {{"learning_rate", how.learning_rate, at_least_zero},
                   {"beta1", how.beta1, below_one},
                   {"beta2", how.beta2, below_one},
                   {"epsilon", how.epsilon, above_zero},
                   {"weight_decay", how.weight_decay, at_least_zero},
                   {"clip_norm", how.clip_norm, at_least_zero},
                   {"most_skips", static_cast<double>(how.most_skips), a_count}},
                  where);
}
template <class T, class Backend>
void adamw_elements(std::size_t n, void* p, void const* g, void* first, void* second,
                    adamw_numbers const& numbers) {
    Backend::adamw(n, static_cast<T*>(p), static_cast<T const*>(g), static_cast<T*>(first),
                   static_cast<T*>(second), numbers);
}
// The model of the last step, by where it and its parameters lie. A copy of an optimiser is for another model.
template <std::size_t Parameters>
struct stepped_model {
    stepped_model() = default;
    stepped_model(stepped_model const&) {}
    stepped_model(stepped_model&&) noexcept = default;
    stepped_model& operator=(stepped_model const& other) {
        if (this != &other) *this = stepped_model();
        return *this;
    }
    stepped_model& operator=(stepped_model&&) noexcept = default;
    ~stepped_model() = default;

    void const* at = nullptr;
    std::array<void const*, Parameters> memory{};
};
[[noreturn]] void refuse_optimizer(bool moved_from, std::source_location where);

// the update of a parameter, by its type
struct adamw_update {
    local_elements elements;
    void (*run)(std::size_t n, void* p, void const* g, void* first, void* second, adamw_numbers const&);
};
template <class X>
adamw_update adamw_update_of() {
    return {elements_of<X>(), &adamw_elements<typename X::value_type, typename X::backend>};
}
}  // namespace detail

/// Placement: parameter, gradient and both moments in the parameter's layout. Communication: what is pending of each
/// gradient, once, and one small all-reduce for the norm. Memory: twice the parameters.
/// Errors: an option out of its range, also when it was changed between steps; more than `most_skips` gradients in a row that are not finite; a gradient with which a step was taken before; a
/// model or an optimiser that was moved from; another model than that of the steps before, unless `retarget` names it.
/// Parameters and moments are as they were.
template <class Model>
class adamw {
public:
    /// Takes the number and sizes of the parameters from a model, and keeps nothing else of it.
    explicit adamw(Model const& model, adamw_options chosen = {}) : options(chosen) {
        detail::check(options);
        allocating_for const state(purpose::optimizer);
        for_each_parameter(
            model, []<class X>() { return elements_of<X>(); },
            [&](std::size_t i, std::string_view, auto const&, local_elements const& of) {
                first_[i] = tape::zeros(*of.operations, of.size);
                second_[i] = tape::zeros(*of.operations, of.size);
            });
    }

    /// Updates the model in place, or, where the gradient is not finite on any rank, leaves everything as it was on all.
    /// A schedule that follows `steps()` stands still, too.
    step_result step(Model& model, model_gradient<Model>& gradient,
                     std::source_location where = std::source_location::current()) {
        detail::check(options, &where);
        check_is_of(model, where);
        auto const groups = detail::groups_of(model, options.groups, where);
        allocating_for const gradients(purpose::gradients);
        doing const update("optimizer");
        detail::note_common(common_kind::options,
                            {detail::bits_of(options.learning_rate), detail::bits_of(options.beta1),
                             detail::bits_of(options.beta2), detail::bits_of(options.epsilon),
                             detail::bits_of(options.weight_decay), detail::bits_of(options.clip_norm),
                             options.most_skips, steps_});
        step_result const result = finite_.look(model, gradient, options.most_skips, where);
        if (!result.applied) return result;
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
            model, []<class X>() { return detail::adamw_update_of<X>(); },
            [&](std::size_t i, std::string_view, auto& p, detail::adamw_update const& of) {
                last_.memory[i] = p.memory().data();
                if (!gradient.reached(i)) return;
                numbers.learning_rate = options.learning_rate * groups[i].learning_rate;
                numbers.weight_decay = options.weight_decay * groups[i].weight_decay;
                buffer const whole = gradient.whole(i, *of.elements.operations, of.elements.size, where);
                of.run(of.elements.size, p.mutable_bytes(), whole.data(), first_[i].mutable_data(),
                       second_[i].mutable_data(), numbers);
                last_.memory[i] = p.memory().data();
            });
        last_.at = &model;
        return result;
    }
    step_result step(Model& model, model_gradient<Model>&& gradient,
                     std::source_location where = std::source_location::current()) {
        return step(model, gradient, where);
    }
    template <class Gradient>
    step_result step(Gradient&&) {
        static_assert(never<Gradient>,
                      "meshwise: an optimiser holds no model: write optimizer.step(model, gradient)");
        return {};
    }
    template <class Gradient>
    step_result step(Model const&, Gradient&&) {
        static_assert(never<Gradient>, "meshwise: an optimiser changes the model, and this one is const");
        return {};
    }

    /// The moments are meant for this model from now on, though steps were taken with another one.
    void retarget(Model const&) { last_ = {}; }

    /// The steps taken; skipped ones do not count.
    std::size_t steps() const { return steps_; }

    /// f(name, value) for all that a checkpoint has to keep: the steps taken, those skipped last, and both moments of every parameter.
    template <class F>
    void visit_state(F f) {
        std::uint64_t const before = writes();
        f("steps", steps_);
        f("skipped_in_a_row", finite_.skipped_in_a_row);
        Model const names{};
        for_each_parameter(names, [&](std::size_t i, std::string_view name, auto const& p, initial) {
            using X = std::remove_cvref_t<decltype(p)>;
            visit_moment<X>(f, "first_moment." + std::string(name), first_[i]);
            visit_moment<X>(f, "second_moment." + std::string(name), second_[i]);
        });
        if (writes() != before) last_ = {};  // f is a loader, maybe for another model
    }

    adamw_options options;  // may be changed between steps, by a schedule for example

private:
    // A model that lies elsewhere, with nothing in the memory of the last one, is another one.
    void check_is_of(Model const& model, std::source_location where) const {
        if constexpr (parameter_count<Model> != 0) {
            if (!first_[0]) detail::refuse_optimizer(true, where);
            if (last_.at == nullptr || last_.at == &model) return;
            bool same = false;
            for_each_parameter(
                model, []<class X>() { return 0; },
                [&](std::size_t i, std::string_view, detail::untyped_tensor const& p, int) {
                    same = same || p.memory().data() == last_.memory[i];
                });
            if (!same) detail::refuse_optimizer(false, where);
        }
    }

    /// Changes with every write to a moment.
    std::uint64_t writes() const {
        std::uint64_t all = 0;
        for (auto const* const moments : {&first_, &second_})
            for (buffer const& one : *moments) all = (all ^ one.version()) * 0x9E3779B97F4A7C15U;
        return all;
    }

    // f sees the moment itself: what a loader writes to it stays
    template <class X, class F>
    static void visit_moment(F& f, std::string const& name, buffer& memory) {
        X moment = X::over(std::move(memory));
        struct back {
            X& moment;
            buffer& memory;
            ~back() { memory = moment.release_memory(); }
        } const at_end{moment, memory};
        f(name, moment);
    }

    std::array<buffer, parameter_count<Model>> first_{}, second_{};
    std::size_t steps_ = 0;
    detail::stepped_model<parameter_count<Model>> last_;
    finite_steps<Model> finite_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/adamw.inl.hpp>
#endif
