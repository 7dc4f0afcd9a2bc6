#pragma once
// cast_weights: a model with other element types, out of one that has learned: its matrices in bfloat16 for inference, say.
#include <meshwise/tensor/fields.hpp>

namespace meshwise {

namespace detail {
template <class To, class From>
void cast_parameters(To& to, From const& from);
template <class To, class From, class... ToField, class... FromField>
void cast_fields(To& to, From const& from, field_list<ToField...> const& to_fields,
                 field_list<FromField...> const& from_fields) {
    static_assert(sizeof...(ToField) == sizeof...(FromField));
    (cast_parameters(to.*static_cast<ToField const&>(to_fields).member,
                     from.*static_cast<FromField const&>(from_fields).member),
     ...);
}
template <class To, class From>
void cast_parameters(To& to, From const& from) {
    if constexpr (std::is_same_v<To, From>)
        to = from;
    else if constexpr (is_tensor_type<To>) {
        static_assert(std::is_same_v<To, with_elements<From, typename To::value_type>>,
                      "meshwise: mw::cast_weights changes element types only: give it the same model on the "
                      "same mesh, with the same rules");
        to = result_of<To>(from);
        To::backend::cast(to.mutable_data(), from.data(), from.size());
    } else if constexpr (array_size<To> != 0)
        for (std::size_t i = 0; i < to.size(); ++i) cast_parameters(to[i], from[i]);
    else
        cast_fields(to, from, To::parameters, From::parameters);
}
}  // namespace detail

/// The parameters of `from` in the element types of model To; those of equal type share their memory.
/// Placement: kept. Communication: none. Errors: models that differ in more than element types do not compile.
/// Example: auto narrow = mw::cast_weights<llama<mw::strategy<mesh, mw::weights<mw::bfloat16>>>>(model);
template <a_model To, a_model From>
To cast_weights(From const& from) {
    allocating_for const parameters(purpose::parameters);
    To to{};
    detail::cast_parameters(to, from);
    return to;
}

}  // namespace meshwise
