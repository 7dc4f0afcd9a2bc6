#pragma once
// finite_steps: lets an optimiser take a step only if the whole gradient is finite, on all ranks or on none.
// Guarantees: the same answer on every rank; a step that is not taken changes nothing but the loss scale.
// Costs: the norm's one pass and one small all-reduce. Only a step whose failure would be an error looks at each rank's
// own part before it is reduced, because after that all ranks hold the same NaN.
#include <array>
#include <string>
#include <vector>

#include <meshwise/core/uniform.hpp>
#include <meshwise/optim/global_norm.hpp>

namespace meshwise {

/// What became of a step.
struct step_result {
    uniform<bool> taken = true;  // false: the gradient was not finite, and nothing was changed
    double norm = 0;             // of the whole gradient, before it is clipped
};

namespace detail {
inline std::string not_finite_text(communicator& team, std::size_t rank, std::string const& parameter,
                                   bool summed, std::size_t skipped_in_a_row) {
    std::string text = "the gradient is not finite";
    if (skipped_in_a_row > 0) {
        text += ", after ";
        text += std::to_string(skipped_in_a_row);
        text += " skipped steps in a row";
    }
    text += summed ? ": the sum over ranks overflows; it begins on " : ": it begins on ";
    text += describe(team.mesh(), rank);
    text += " with parameter ";
    text += parameter;
    text += "; parameters are as they were before; lower the learning rate, or look for a division by "
            "zero in "
            "the model or in that rank's data";
    return text;
}
}  // namespace detail

template <class Model>
class finite_steps {
public:
    /// Reduces the gradient and says whether it may be used.
    /// Errors: it is not finite, and neither were the `most_skips` before it.
    step_result look(Model& model, model_gradient<Model>& gradient, std::size_t most_skips,
                     std::source_location where) {
        bool const last = skipped_in_a_row >= most_skips;
        std::size_t const own = last ? first_not_finite(model, gradient) : 0;
        double const norm = global_norm(model, gradient, where);
        bool const finite = std::isfinite(norm);
        if (!finite && last) refuse_step(model, gradient, own, where);
        if (gradient.scaled_by != nullptr) gradient.scaled_by->note(finite);
        skipped_in_a_row = finite ? 0 : skipped_in_a_row + 1;
        return {uniform<bool>::equal_by_construction(finite), norm};
    }

    std::size_t skipped_in_a_row = 0;

private:
    static constexpr std::size_t none = parameter_count<Model>;

    /// The first parameter whose gradient, as far as this rank holds it, is not finite.
    static std::size_t first_not_finite(Model& model, model_gradient<Model> const& gradient) {
        std::size_t first = none;
        for_each_parameter(
            model, []<class X>() { return detail::squares_of_type<X>(); },
            [&](std::size_t i, std::string_view, auto&, detail::squares_of const& of) {
                if (first != none || !of.computes) return;
                buffer const& part = gradient.parts[i].memory;
                bool const finite =
                    part ? std::isfinite(of.elements.sum_squares(part.data(), of.elements.size))
                         : gradient.under_way == nullptr || gradient.under_way->was_finite(i);
                if (!finite) first = i;
            });
        return first;
    }

    [[noreturn]] void refuse_step(Model& model, model_gradient<Model> const& gradient, std::size_t own,
                                  std::source_location where) const {
        communicator& team = *current().team;
        std::array<std::uint64_t, 2> const mine{own, first_not_finite(model, gradient)};
        std::vector<std::uint64_t> firsts(2 * team.size());
        team.all_gather(team.mesh().every_axis(), element_type::uint64, mine.data(), firsts.data(), {1, 2},
                        where);
        // Of two finite parts the sum may overflow: then who holds the sum has to serve.
        for (std::size_t which = 0; which < 2; ++which)
            for (std::size_t rank = 0; rank < team.size(); ++rank)
                if (std::size_t const first = firsts[2 * rank + which]; first < none)
                    throw error(detail::not_finite_text(team, rank, detail::parameter_name(model, first),
                                                        which == 1, skipped_in_a_row));
        throw error("the gradient's norm is beyond the range of double; parameters are as they were before; "
                    "lower the learning rate");
    }
};

}  // namespace meshwise
