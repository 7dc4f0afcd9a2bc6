// optimizer: what all optimisers share. An optimiser is a rule (its options, how many moments it keeps of a parameter, and
// how it changes one parameter) inside of this: moments that checkpoints know, options that are checked at each step and are equal
// on all ranks, clipping, steps that are skipped, and the refusal of another model's gradient or moments.
// Guarantees: a step that is refused or skipped changes nothing. Costs: a few walks over the parameters for each step.
#pragma once

#include <cmath>

#include <meshwise/core/compiled.hpp>
#include <meshwise/optim/finite_steps.hpp>
#include <meshwise/optim/parameter_groups.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise::detail {

// A parameter as a matrix: its first axes, which are summed in a product, and the others. Extents of this rank, whole ones
// without padding, and the mesh axes that split them.
struct matrix_view {
    std::size_t rows = 1, columns = 1, whole_rows = 1, whole_columns = 1;
    mesh_mask split_rows = 0, split_columns = 0;
};
template <class X>
matrix_view matrix_view_of(std::size_t inputs) {
    matrix_view made;
    auto add = [&, at = std::size_t{0}]<class A>(A*) mutable {
        bool const row = at++ < inputs;
        (row ? made.rows : made.columns) *= local_extent<typename X::layout, A>;
        (row ? made.whole_rows : made.whole_columns) *= A::true_size;
        (row ? made.split_rows : made.split_columns) |= split_mask<typename X::layout, A>;
    };
    [&]<class... A>(axes<A...>) { (add(static_cast<A*>(nullptr)), ...); }(typename X::axes{});
    return made;
}

// One parameter in one step.
struct parameter_step {
    std::size_t count = 0;  // of its elements on this rank
    void* parameter = nullptr;
    void const* gradient = nullptr;  // to be multiplied by `gradient_scale`
    void* moments[2] = {};           // null where the rule keeps none
    double learning_rate = 0, weight_decay = 0, gradient_scale = 1;
    double learning_rate_factor = 1;  // of its group; `learning_rate` is multiplied by it already
    std::size_t step = 1;             // which update of this parameter it is, counted from 1
    parameter_traits traits{};
    matrix_view matrix{};
    std::source_location where;

    template <class T>
    T* values() const {
        return static_cast<T*>(parameter);
    }
    template <class T>
    T const* gradients() const {
        return static_cast<T const*>(gradient);
    }
    template <class T>
    T* moment(std::size_t which) const {
        return static_cast<T*>(moments[which]);
    }
};
// How a rule treats parameters of one type.
template <class Options>
struct parameter_rule {
    local_elements elements;
    void (*update)(parameter_step const&, Options const&);
    matrix_view (*matrix)(std::size_t inputs) = nullptr;  // null: the rule looks at elements only
};
// A sum over ranks that all of them hold, in place. A rule that sums over an axis of a parameter owes it over the mesh axes that
// split this axis.
template <class T>
void sum_over_ranks(mesh_mask over, T* values, std::size_t count, std::source_location where) {
    communicator& team = *current().team;
    if (team.group_size(over) > 1)
        team.all_reduce(over, reduction::sum, element_type_of<T>, values, values, count, where);
}

// A rule that keeps a number of moments with the parameter's elements.
template <class Options, std::size_t Moments>
struct rule_of_elements {
    using options = Options;
    static std::array<std::size_t, 2> moment_sizes(Options const&, parameter_traits const&, std::size_t count,
                                                   matrix_view const&) {
        return {Moments > 0 ? count : 0, Moments > 1 ? count : 0};
    }
    // f.template operator()<Tensor>() for the type of moment `which` of a parameter of type X
    template <class X, class F>
    static void with_type(std::size_t, parameter_traits const&, F f) {
        f.template operator()<X>();
    }
};

// out[i] = f(in[i]...)
template <class Backend, class T, class F, class... In>
void map_elements(std::size_t n, F f, T* out, In const*... in) {
    iteration_space<sizeof...(In)> space;
    space.dims = 1;
    space.extents[0] = n;
    space.out[0] = 1;
    for (auto& strides : space.in) strides[0] = 1;
    Backend::map(space, f, out, in...);
}

// The model of the last step, by where it and its parameters lie. A copy of an optimiser is for another model.
template <std::size_t Parameters>
struct stepped_model {
    stepped_model() = default;
    stepped_model(stepped_model const& other) : moved_from(other.moved_from) {}
    stepped_model(stepped_model&& other) noexcept { *this = std::move(other); }
    stepped_model& operator=(stepped_model const& other) {
        if (this != &other) at = nullptr, memory = {}, moved_from = other.moved_from;
        return *this;
    }
    stepped_model& operator=(stepped_model&& other) noexcept {
        at = other.at, memory = other.memory, moved_from = std::exchange(other.moved_from, true);
        return *this;
    }
    ~stepped_model() = default;

    void const* at = nullptr;
    std::array<void const*, Parameters> memory{};
    bool moved_from = false;
};
/// The steps that were taken without a parameter which has moments, because it was frozen or no gradient came to it. A checkpoint
/// keeps the number where it is not zero, and one without it means zero: those of earlier versions counted all steps.
struct missed_steps {
    using zero_if_absent = void;  // for io/state_of.hpp
    std::size_t value = 0;
    operator std::size_t&() { return value; }
};
[[noreturn]] void refuse_optimizer(bool moved_from, std::source_location where);
/// Errors: the first of these that is outside of its range.
void check_all_options(char const* of, option_value const* all, std::size_t count,
                       std::source_location const* where);
/// Of what is equal on all ranks: options, factors of groups, and what else `hash` is of.
void note_options(option_value const* all, std::size_t count, parameter_group const* groups,
                  std::size_t parameters, std::uint64_t hash);

/// Placement: parameter, gradient and moments in the parameter's layout. Communication: what is pending of each
/// gradient, once, and one small all-reduce for the norm.
/// Errors: an option out of its range, also when it was changed between steps; more than `most_skips` gradients in a row that are not
/// finite; a gradient with which a step was taken before; a model or an optimiser that was moved from; another model
/// than that of the steps before, unless `retarget` names it. Parameters and moments are as they were.
template <class Model, class Rule>
class optimizer {
public:
    using options_type = typename Rule::options;
    using model_type = Model;

    /// Takes the number and sizes of the parameters that are trained from a model, and keeps nothing else of it.
    optimizer(Model const& model, options_type const& chosen, std::source_location where) : options(chosen) {
        check_options(where);
        auto const traits = treated(model, groups_of(model, options.groups, where));
        allocating_for const state(purpose::optimizer);
        for_each_parameter(
            model, []<class X>() { return Rule::template rule_for<X>(); },
            [&](std::size_t i, std::string_view, auto const&, parameter_rule<options_type> const& of) {
                if (is_trained(traits[i])) make_moments(i, traits[i], of);
            });
    }

    /// Updates the model in place, or, where the gradient is not finite on any rank, leaves everything as it was on all.
    /// A schedule that follows `steps()` stands still, too.
    step_result step(Model& model, model_gradient<Model>& gradient,
                     std::source_location where = std::source_location::current()) {
        check_options(where);
        check_is_of(model, where);
        auto const groups = groups_of(model, options.groups, where);
        auto const traits = treated(model, groups);
        allocating_for const gradients(purpose::gradients);
        doing const update("optimizer");
        std::uint64_t hash = steps_;
        for (parameter_traits const& one : traits) hash = hash_of({hash, one.frozen ? 1U : 0U});
        auto const ranges = Rule::ranges(options);
        note_options(ranges.data(), ranges.size(), groups.data(), groups.size(), hash);
        step_result const result = finite_.look(model, gradient, options.most_skips, where);
        if (!result.applied) return result;
        ++steps_;
        parameter_step one{.gradient_scale = gradient.scale, .where = where};
        if (options.clip_norm > 0 && result.norm > options.clip_norm)
            one.gradient_scale *= options.clip_norm / result.norm;
        for_each_parameter(
            model, []<class X>() { return Rule::template rule_for<X>(); },
            [&](std::size_t i, std::string_view, auto& p, parameter_rule<options_type> const& of) {
                last_.memory[i] = p.memory().data();
                if (!gradient.reached(i) || !is_trained(traits[i])) {
                    ++missed_[i].value;
                    return;
                }
                one.traits = traits[i];
                one.count = of.elements.size;
                one.learning_rate_factor = groups[i].learning_rate;
                one.learning_rate = options.learning_rate * groups[i].learning_rate;
                one.weight_decay = options.weight_decay * groups[i].weight_decay;
                one.matrix = make_moments(i, traits[i], of);
                one.step = steps_ - missed_[i].value;
                buffer const whole = gradient.whole(i, *of.elements.operations, of.elements.size, where);
                one.gradient = whole.data();
                one.parameter = p.mutable_bytes();
                for (std::size_t m = 0; m < 2; ++m) one.moments[m] = moments_[m][i].mutable_data();
                of.update(one, options);
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
    void retarget(Model const&) { last_.at = nullptr; }

    /// The steps taken; skipped ones do not count.
    std::size_t steps() const { return steps_; }

    /// f(name, value) for all that a checkpoint has to keep: the steps taken, those skipped last, and of every parameter that
    /// is trained the moments and the steps that were taken without it.
    template <class F>
    void visit_state(F f) {
        std::uint64_t const before = writes();
        f("steps", steps_);
        f("skipped_in_a_row", finite_.skipped_in_a_row);
        Model const names{};
        auto const traits = traits_of(names);
        for_each_parameter(names, [&](std::size_t i, std::string_view name, auto const& p, initial) {
            using X = std::remove_cvref_t<decltype(p)>;
            if (has_moments(i)) f("missed_steps." + std::string(name), missed_[i]);
            for (std::size_t m = 0; m < Rule::moment_count; ++m)
                if (moments_[m][i])
                    Rule::template with_type<X>(m, traits[i], [&]<class Moment>() {
                        visit_moment<Moment>(f, std::string(Rule::moments[m]) + "." + std::string(name),
                                             moments_[m][i]);
                    });
        });
        if (writes() != before) last_.at = nullptr;  // f is a loader, maybe for another model
    }

    options_type options;  // may be changed between steps, by a schedule for example

private:
    void check_options(std::source_location where) const {
        auto const ranges = Rule::ranges(options);
        check_all_options(Rule::name, ranges.data(), ranges.size(), &where);
    }

    // Every rule sees roles; one that a group takes out of the matrices is none.
    static traits_of_model<Model> treated(Model const& model,
                                          std::array<parameter_group, parameter_count<Model>> const& groups) {
        auto traits = traits_of(model);
        for (std::size_t i = 0; i < traits.size(); ++i)
            if (!groups[i].as_matrix && traits[i].role == role::matrix) traits[i].role = role::table;
        return traits;
    }

    // Statistics follow what layers see: optim/statistics.hpp.
    static bool is_trained(parameter_traits const& traits) {
        return !traits.frozen && traits.role != role::statistic;
    }

    bool has_moments(std::size_t i) const { return moments_[0][i] || moments_[1][i]; }

    // A parameter that was frozen when the optimiser was made gets its moments when it is trained, and its updates are
    // counted from then on.
    matrix_view make_moments(std::size_t i, parameter_traits const& traits,
                             parameter_rule<options_type> const& of) {
        allocating_for const state(purpose::optimizer);
        matrix_view const matrix = of.matrix == nullptr ? matrix_view{} : of.matrix(traits.inputs);
        auto const sizes = Rule::moment_sizes(options, traits, of.elements.size, matrix);
        bool begins = false;  // also where a group takes a matrix of muon to its Adam
        for (std::size_t m = 0; m < Rule::moment_count; ++m)
            begins = begins || (sizes[m] != 0 && !moments_[m][i]);
        if (!begins) return matrix;
        missed_[i].value = steps_ == 0 ? 0 : steps_ - 1;
        for (std::size_t m = 0; m < Rule::moment_count; ++m)
            if (sizes[m] != 0) moments_[m][i] = tape::zeros(*of.elements.operations, sizes[m]);
        return matrix;
    }

    // A model that lies elsewhere, with nothing in the memory of the last one, is another one.
    void check_is_of(Model const& model, std::source_location where) const {
        if constexpr (parameter_count<Model> != 0) {
            if (last_.moved_from) refuse_optimizer(true, where);
            if (last_.at == nullptr || last_.at == &model) return;
            bool same = false;
            for_each_parameter(
                model, []<class X>() { return 0; },
                [&](std::size_t i, std::string_view, untyped_tensor const& p, int) {
                    same = same || p.memory().data() == last_.memory[i];
                });
            if (!same) refuse_optimizer(false, where);
        }
    }

    /// Changes with every write to a moment.
    std::uint64_t writes() const {
        std::uint64_t all = 0;
        for (auto const& moments : moments_)
            for (buffer const& one : moments) all = (all ^ one.version()) * 0x9E3779B97F4A7C15U;
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

    std::array<buffer, parameter_count<Model>> moments_[2];
    std::array<missed_steps, parameter_count<Model>> missed_{};
    std::size_t steps_ = 0;
    stepped_model<parameter_count<Model>> last_;
    finite_steps<Model> finite_;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/optimizer.inl.hpp>
#endif
