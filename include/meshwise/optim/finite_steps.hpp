// finite_steps: lets an optimiser take a step only if the whole gradient is finite, on all ranks or on none.
// Guarantees: the same answer on every rank; a step that is not taken changes nothing but the loss scale. With one that is taken,
// the model's statistics follow what its layers saw (statistics.hpp).
// Costs: the norm's one pass and one small all-reduce. Only a step whose failure would be an error looks at each rank's
// own part before it is reduced, because after that all ranks hold the same NaN.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/uniform.hpp>
#include <meshwise/optim/statistics.hpp>

namespace meshwise {

/// What became of a step.
/// Example:
/// mw::step_result const result = optimizer.step(model, gradient);
/// if (!result.applied) here.only_on_first([] { std::puts("skipped"); });
struct step_result {
    uniform<bool> applied = true;  // false: the gradient was not finite, and nothing was changed
    double norm = 0;               // of the whole gradient, before it is clipped
};

namespace detail {
// The copies of one parameter, one on each rank of the mesh axes that do not split it. A digest of a few of its elements
// is multiplied by factors that add up to zero over the copies: the sum over all ranks is zero where copies are equal.
struct replica_of {
    static constexpr std::size_t most = 16;  // parameters that are looked at together
    local_elements elements;
    mesh_mask split_over = 0;
    bool computes = false;

    std::uint64_t digest(untyped_tensor const& p, std::size_t turn) const;
    double share(untyped_tensor const& p, std::size_t turn) const;
    /// The first rank that holds the same part as this one.
    std::size_t first_replica(grid const& mesh, std::size_t rank) const;
};
template <class X>
replica_of replica_of_type() {
    return {elements_of<X>(), mask_of<typename X::mesh>(used_of<typename X::layout>{}), X::backend::computes};
}
template <class Model>
constexpr bool computes() {
    bool all = true;
    auto one = [&]<class X>() { all = all && X::backend::computes; };
    visit_types<Model>(one);
    return all;
}
/// The first parameter, and two ranks, of which the digests `mine` differ; none where all are the same.
struct drift {
    std::size_t rank, other, parameter;
};
drift find_drift(communicator& team, replica_of const* types, std::uint64_t const* mine,
                 std::size_t parameters, std::source_location where);
/// The first rank whose own part of a gradient is not finite, or, if all are, that holds a sum which is not.
/// Errors: neither is.
struct not_finite {
    std::size_t rank, parameter;
    bool summed;
};
not_finite find_not_finite(communicator& team, std::size_t own, std::size_t summed, std::size_t parameters,
                           std::source_location where);
std::string drift_text(communicator& team, std::size_t rank, std::size_t other, std::string const& parameter,
                       std::size_t turn);

enum class unfit_gradient : std::uint8_t { applied, of_other_values };
[[noreturn]] void refuse_gradient(unfit_gradient why, std::source_location where);
/// Prints to stderr, once for each name and on the first rank, that a parameter gets no gradient.
void note_unreached(std::string_view name);
/// The same of a statistic that nothing was seen for.
void note_unseen(std::string_view name);
/// Two places with one address.
struct same_places {
    std::size_t first, second;
    bool found;
};
same_places twice_among(void const* const* addresses, std::size_t count);
void note_tied(std::string_view one, std::string_view other);
std::string not_finite_text(communicator& team, std::size_t rank, std::string const& parameter, bool summed,
                            std::size_t skipped_in_a_row);
}  // namespace detail

/// What optimisers share: a step is taken if the whole gradient is finite, on all ranks or on none.
/// Example:
/// mw::finite_steps<my_model> steps;
/// auto const result = steps.look(model, gradient, 10, std::source_location::current());
template <class Model>
class finite_steps {
public:
    /// Reduces the gradient and says whether it may be used.
    /// Errors: it is not finite, and neither were the `most_skips` before it; a step was taken with it before.
    step_result look(Model& model, model_gradient<Model>& gradient, std::size_t most_skips,
                     std::source_location where) {
        if (gradient.applied) detail::refuse_gradient(detail::unfit_gradient::applied, where);
        if (!gradient.of.known) detail::refuse_empty_gradient(where);
        if (gradient.of.writes != detail::mark_of(model, where).writes)
            detail::refuse_gradient(detail::unfit_gradient::of_other_values, where);
        bool const last = skipped_in_a_row >= most_skips;
        std::size_t const own = last ? first_not_finite(model, gradient) : 0;
        double const norm = norm_of(model, gradient, where);
        bool const finite = std::isfinite(norm);
        if (!finite && last) refuse_step(model, gradient, own, where);
        if (gradient.scaled_by != nullptr) gradient.scaled_by->note(finite);
        skipped_in_a_row = finite ? 0 : skipped_in_a_row + 1;
        gradient.applied = finite;
        if (finite) {
            report_unreached(model, gradient);
            if (looks_ == 1 && detail::computes<Model>()) report_tied(model);
            detail::follow_statistics(model, gradient, where);
        }
        return {uniform<bool>::equal_by_construction(finite), norm};
    }

    std::size_t skipped_in_a_row = 0;

private:
    static constexpr std::size_t look_every = 16;

    /// The norm; every so many steps, by the same all-reduce, also whether replicas of parameters are still equal.
    double norm_of(Model& model, model_gradient<Model>& gradient, std::source_location where) {
        std::size_t const turn = looks_++;
        bool const looks = turn % look_every == 0 && current().team->size() > 1 && detail::computes<Model>();
        if (!looks) return global_norm(model, gradient, where);
        double drift = 0;
        for_each_parameter(
            model, []<class X>() { return detail::replica_of_type<X>(); },
            [&](std::size_t i, std::string_view, detail::untyped_tensor const& p,
                detail::replica_of const& of) {
                if ((i + turn / look_every) % (none / detail::replica_of::most + 1) == 0)
                    drift += of.share(p, turn);
            });
        double const norm = detail::norm_and_sum(model, gradient, &drift, where);
        if (drift != 0) refuse_drift(model, turn, where);
        return norm;
    }

    [[noreturn, gnu::cold, gnu::noinline]] void refuse_drift(Model& model, std::size_t turn,
                                                             std::source_location where) const {
        communicator& team = *current().team;
        std::vector<detail::replica_of> types(none);
        std::vector<std::uint64_t> mine(none);
        for_each_parameter(
            model, []<class X>() { return detail::replica_of_type<X>(); },
            [&](std::size_t i, std::string_view, detail::untyped_tensor const& p,
                detail::replica_of const& of) {
                types[i] = of;
                mine[i] = of.digest(p, turn);
            });
        detail::drift const found = detail::find_drift(team, types.data(), mine.data(), none, where);
        std::string const name =
            found.parameter < none ? detail::parameter_name(model, found.parameter) : "some";
        throw error(detail::drift_text(team, found.rank, found.other, name, turn));
    }

    /// Names, once, the parameters that a step leaves as they are, because no gradient came to them though they are trained.
    static void report_unreached(Model& model, model_gradient<Model> const& gradient) {
        auto const traits = detail::traits_of(model);
        for_each_parameter(
            model, []<class X>() { return X::backend::computes; },
            [&](std::size_t i, std::string_view name, auto&, bool computes) {
                if (!computes || gradient.reached(i) || traits[i].frozen) return;
                if (traits[i].role == role::statistic)
                    detail::note_unseen(name);
                else
                    detail::note_unreached(name);
            });
    }

    /// Names, once, two parameters that share their values before the first step, and not after it.
    static void report_tied(Model& model) {
        void const* addresses[none + 1];
        for_each_parameter(
            model, []<class X>() { return 0; },
            [&](std::size_t i, std::string_view, detail::untyped_tensor const& p, int) {
                addresses[i] = p.memory().data();
            });
        if (auto const [first, second, found] = detail::twice_among(addresses, none); found)
            detail::note_tied(detail::parameter_name(model, first), detail::parameter_name(model, second));
    }

    static constexpr std::size_t none = parameter_count<Model>;
    std::size_t looks_ = 0;

    /// The first parameter whose gradient, as far as this rank holds it, is not finite.
    static std::size_t first_not_finite(Model& model, model_gradient<Model> const& gradient) {
        std::size_t first = none;
        auto const traits = detail::traits_of(model);
        for_each_parameter(
            model, []<class X>() { return detail::squares_of_type<X>(); },
            [&](std::size_t i, std::string_view, auto&, detail::squares_of const& of) {
                if (first != none || !of.computes || traits[i].role == role::statistic) return;
                buffer const& part = gradient.parts[i].memory;
                bool const finite =
                    part ? std::isfinite(of.elements.sum_squares(part.data(), of.elements.size))
                         : gradient.under_way == nullptr || gradient.under_way->was_finite(i);
                if (!finite) first = i;
            });
        return first;
    }

    [[noreturn, gnu::cold, gnu::noinline]] void refuse_step(Model& model,
                                                            model_gradient<Model> const& gradient,
                                                            std::size_t own,
                                                            std::source_location where) const {
        communicator& team = *current().team;
        detail::not_finite const found =
            detail::find_not_finite(team, own, first_not_finite(model, gradient), none, where);
        throw error(detail::not_finite_text(team, found.rank, detail::parameter_name(model, found.parameter),
                                            found.summed, skipped_in_a_row));
    }
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/finite_steps.inl.hpp>
#endif
