// cast_weights: a trained model with other element types, such as its matrices in bfloat16 for inference.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

namespace detail {
template <class To, class From>
void cast_parameters(To& to, From const& from, std::source_location where);
template <class To, class From, class... ToField, class... FromField>
void cast_fields(To& to, From const& from, field_list<ToField...> const& to_fields,
                 field_list<FromField...> const& from_fields, std::source_location where) {
    static_assert(sizeof...(ToField) == sizeof...(FromField));
    (cast_parameters(to.*static_cast<ToField const&>(to_fields).member,
                     from.*static_cast<FromField const&>(from_fields).member, where),
     ...);
}
template <class To, class From>
void cast_parameters(To& to, From const& from, std::source_location where) {
    if constexpr (std::is_same_v<To, From>)
        to = from;
    else if constexpr (is_tensor_type<To>) {
        static_assert(std::is_same_v<To, with_elements<From, typename To::value_type>>,
                      "meshwise: mw::cast_weights changes element types only: give it the same model on the "
                      "same mesh, with the same rules");
        if (is_recorded(where, from)) refuse_without_gradient("mw::cast_weights", where);
        to = result_of<To>(from);
        To::backend::cast(to.mutable_data(), from.raw_data(), from.local_size());
    } else if constexpr (array_size<To> != 0)
        for (std::size_t i = 0; i < to.size(); ++i) cast_parameters(to[i], from[i], where);
    else
        cast_fields(to, from, To::parameters, From::parameters, where);
}
}  // namespace detail

/// The parameters of `from` in the element types of model To; those of equal type share their memory.
/// Placement: kept. Communication: none. Errors: models that differ in more than element types do not compile; a model that
/// is recorded, whose gradient would end here; a model without values.
/// Example: auto narrow = mw::cast_weights<gpt_of<narrow_strategy>>(model);
template <any_model To, any_model From>
To cast_weights(From const& from, std::source_location where = std::source_location::current()) {
    allocating_for const parameters(purpose::parameters);
    To to{};
    detail::cast_parameters(to, from, where);
    return to;
}

}  // namespace meshwise
