// cast_weights: a trained model with other element types, such as its matrices in bfloat16 for inference.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/members.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

namespace detail {
struct casts_elements {
    std::source_location where;

    template <class To, class From>
    static constexpr bool takes() {
        return is_tensor_type<To>;
    }
    template <class To, class From>
    void operator()(To& to, From const& from) const {
        static_assert(std::is_same_v<To, with_elements<From, typename To::value_type>>,
                      "meshwise: mw::cast_weights changes element types only: give it the same model on the "
                      "same mesh, with the same rules");
        if (is_recorded(where, from)) refuse_without_gradient("mw::cast_weights", where);
        to = result_of<To>(from);
        To::backend::cast(to.mutable_data(), from.raw_data(), from.local_size());
    }
};
}  // namespace detail

/// The model `from` in the element types of model To: its parameters, of which those of equal type share their memory, and all
/// its other members.
/// Placement: kept. Communication: none. Errors: models that differ in more than element types do not compile; a model that
/// is recorded, whose gradient would end here; a model without values.
/// Example: auto narrow = mw::cast_weights<gpt_of<narrow_strategy>>(model);
template <any_model To, any_model From>
To cast_weights(From const& from, std::source_location where = std::source_location::current()) {
    allocating_for const parameters(purpose::parameters);
    To to{};
    if constexpr (detail::check_carried<To, From, detail::casts_elements>())
        detail::carry_member(to, from, detail::casts_elements{where});
    return to;
}

}  // namespace meshwise
