// freeze: parameters that are not trained, by field, name or role, and until they are trained again.
//   mw::freeze(model, [](mw::parameter_info const& p) { return !p.is_in("head"); });
// A frozen parameter has a value, is kept in checkpoints and counts in a budget. No gradient is computed or communicated for it, an
// optimiser that is made of the model keeps no moments for it, and no step changes it, not even by weight decay. It is the member
// that is frozen, not its value: values that are assigned, loaded or restored leave it as it is. A new model that is made as a copy is
// frozen alike.
#pragma once

#include <meshwise/tensor/at_line.hpp>
#include <meshwise/tensor/parameter_info.hpp>

namespace meshwise {

namespace detail {
[[noreturn]] void refuse_to_unfreeze(std::string_view name, std::source_location where);

// which(parameter_info) -> bool, of every parameter
template <class Model, class F>
void set_frozen(Model& model, F& which, bool frozen, char const* who, std::source_location where) {
    struct chosen {
        F& which;
        bool frozen;
        std::source_location where;
    } all{which, frozen, where};
    parameter_walk walk{[](parameter_walk& w, std::size_t, untyped_tensor const* x, initial start) {
        auto& choice = *static_cast<chosen*>(w.function);
        if (!choice.which(parameter_info{w.name.text(), role_of(w.said, start)})) return;
        if (!choice.frozen && w.frozen) refuse_to_unfreeze(w.name.text(), choice.where);
        const_cast<untyped_tensor*>(x)->set_frozen(choice.frozen);
    }};
    walk.function = &all;
    part_search const search(who, hash_of({reinterpret_cast<std::uintptr_t>(&type_tag<F>),
                                           reinterpret_cast<std::uintptr_t>(&type_tag<Model>)}));
    walk_parameters<decltype(parameter_types<Model>())>(model, initial{}, walk);
    search.tell();
}
struct every_parameter {
    constexpr bool operator()(parameter_info const&) const { return true; }
};
template <class F>
inline constexpr bool chooses_parameters =
    requires(F& f, parameter_info const& p) { static_cast<bool>(f(p)); };
}  // namespace detail

/// Freezes the parameters of a model for which which(mw::parameter_info) is true; without it all of them. `model` may be a part of
/// a model, or one tensor. What is always frozen is said in mw::fields, by mw::frozen.
/// Placement: any. Communication: none; every rank freezes the same ones.
/// Errors: a part of a name that no parameter has is told of, once.
/// Example:
/// mw::freeze(model, [](mw::parameter_info const& p) { return !p.is_in("blocks.1"); });
/// mw::freeze(model.table);
template <any_model Model, class F>
void freeze(Model& model, F which, std::source_location where = std::source_location::current()) {
    static_assert(
        detail::chooses_parameters<F>,
        "meshwise: mw::freeze and mw::unfreeze take a model and a function that chooses parameters: "
        "[](mw::parameter_info const& p) { return p.is_in(\"blocks.0\"); }");
    if constexpr (detail::chooses_parameters<F>)
        detail::set_frozen(model, which, true, "mw::freeze and mw::unfreeze ask", where);
}
template <any_model Model>
void freeze(Model& model) {
    freeze(model, detail::every_parameter{});
}
template <any_tensor X>
void freeze(X& parameter) {
    parameter.set_frozen(true);
}

/// Parameters that were frozen are trained again: all, those that `which` chooses, or one tensor. An optimiser that was made
/// meanwhile starts with moments of zero for them.
/// Errors: a parameter that mw::fields says is frozen.
/// Example: mw::unfreeze(model, [](mw::parameter_info const& p) { return p.role == mw::role::gain; });
template <any_model Model, class F>
void unfreeze(Model& model, F which, std::source_location where = std::source_location::current()) {
    static_assert(
        detail::chooses_parameters<F>,
        "meshwise: mw::freeze and mw::unfreeze take a model and a function that chooses parameters: "
        "[](mw::parameter_info const& p) { return p.is_in(\"blocks.0\"); }");
    if constexpr (detail::chooses_parameters<F>)
        detail::set_frozen(model, which, false, "mw::freeze and mw::unfreeze ask", where);
}
template <any_model Model>
void unfreeze(Model& model, std::source_location where = std::source_location::current()) {
    unfreeze(model, detail::every_parameter{}, where);
}
template <any_tensor X>
void unfreeze(X& parameter) {
    parameter.set_frozen(false);
}

/// Whether a parameter of a model is trained, by its place in the order of mw::fields.
/// Example: bool const trained = !mw::is_frozen(model, 0);
template <any_model Model>
bool is_frozen(Model const& model, std::size_t index) {
    return detail::traits_of(model).at(index).frozen;
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/freeze.inl.hpp>
#endif
