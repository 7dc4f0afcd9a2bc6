// moving_average: the mean of a model over the steps of its training, which often answers better than the last step.
//   auto average = model;                                  // a copy is a value
//   mw::moving_average(average, model, 0.999);             // after each step
#pragma once

#include <meshwise/ops/elements/map.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

/// average = decay average + (1 - decay) model, of every parameter. `average` begins as a copy of the model. It is kept in a
/// checkpoint as any model is, and costs as much memory as the parameters that are trained.
/// Placement: any, kept. Communication: none.
/// Errors: a decay that is not below 1; one of the two has no value; ranks with different decays throw at their next collective.
/// Example:
/// auto average = model;
/// mw::moving_average(average, model, 0.999);
template <any_model Model>
void moving_average(Model& average, Model const& model, double decay,
                    std::source_location where = std::source_location::current()) {
    detail::check_options("mw::moving_average", {{"decay", decay, detail::below_one}}, &where);
    detail::note_common(common_kind::options, {detail::bits_of(decay)});
    std::array<detail::untyped_tensor const*, parameter_count<Model>> now{};
    for_each_parameter(
        model, []<class X>() { return 0; },
        [&](std::size_t i, std::string_view, detail::untyped_tensor const& p, int) { now[i] = &p; });
    for_each_parameter(average, [&](std::size_t i, std::string_view, auto& p, initial) {
        using X = std::remove_cvref_t<decltype(p)>;
        using T = typename X::value_type;
        auto const& other = *static_cast<X const*>(now[i]);
        check_operands(where, p, other);
        if (p.memory() == other.memory()) return;  // both have it, and it was not written: frozen, say
        auto const kept = static_cast<T>(decay);
        iteration_space<2> space;
        space.dims = 1;
        space.extents[0] = p.local_size();
        space.out[0] = space.in[0][0] = space.in[1][0] = 1;
        T* const to = p.mutable_data();
        X::backend::map(
            space, [kept](auto a, auto b) { return b + kept * (a - b); }, to, to, other.raw_data());
    });
}

}  // namespace meshwise
