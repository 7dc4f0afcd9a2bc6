// parameter_walk: visits the parameters of a model, by name and always in the same order.
// Guarantees: the walk compiles once per model, not once per visitor: the visitor is a function pointer, and a tensor is its
// address and the index of its type among the model's. Costs: an indirect call per parameter.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/fields.hpp>
#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

namespace detail {
// a name under construction, without the heap
class path {
public:
    constexpr std::string_view text() const { return {letters_.data(), size_}; }
    constexpr std::size_t size() const { return size_; }
    constexpr void add(std::string_view part) {
        if (size_ != 0) put('.');
        for (char c : part) put(c);
    }
    constexpr void add(std::size_t index) {
        std::array<char, 20> digits{};
        std::size_t n = 0;
        do digits[n++] = static_cast<char>('0' + index % 10);
        while ((index /= 10) != 0);
        std::array<char, 20> turned{};
        for (std::size_t i = 0; i < n; ++i) turned[i] = digits[n - 1 - i];
        add(std::string_view{turned.data(), n});
    }
    constexpr void back_to(std::size_t size) { size_ = size; }

private:
    constexpr void put(char c) {
        if (size_ == letters_.size())
            throw_error({"a parameter's name is longer than 255 letters: ", text()});
        letters_[size_++] = c;
    }
    std::array<char, 255> letters_{};
    std::size_t size_ = 0;
};

// The different types of a model's parameters, each once.
template <class M>
constexpr auto parameter_types();
template <class... Field>
constexpr auto parameter_types_of(field_list<Field...> const&) {
    return typename united<decltype(parameter_types<typename Field::type>())...>::type{};
}
// What an earlier refusal left behind has no parameters.
template <class M>
inline constexpr bool is_parameter = is_tensor_type<M> && !is_poison<M>;
template <class M>
inline constexpr bool has_fields = any_model<M> && !is_poison<M>;

template <class M>
constexpr auto parameter_types() {
    if constexpr (is_parameter<M>) {
        static_assert(
            M::bounded_count == 0,
            "meshwise: a parameter of this model has an axis of mw::up_to, whose extent a type does "
            "not know: give the parameter's axis a size, mw::axis<N>, and take as much of it as a "
            "batch needs with mw::slice");
        return list<M>{};
    } else if constexpr (is_poison<M>)
        return list<>{};
    else if constexpr (array_size<M> != 0)
        return parameter_types<typename M::value_type>();
    else if constexpr (!any_model<M>) {
        static_assert(
            never<M>,
            "meshwise: a model, and a field of a model that is no tensor and no std::array of them, lists its "
            "parameters: static constexpr auto parameters = mw::fields<&model::up, &model::down>();");
        return list<>{};
    } else {
        static_assert(M::parameters.names_differ,
                      "meshwise: two fields of this model have the same name, so a checkpoint could not tell "
                      "them apart: give each member once, and each name once");
        static_assert(
            M::parameters.starts_are_numbers,
            "meshwise: a parameter of this model starts with a number that is not finite, or with a "
            "negative deviation: give mw::normal a deviation of 0 or more, and both finite numbers");
        static_assert(M::parameters.members_differ,
                      "meshwise: this model lists one member under two names, so it would be updated twice a "
                      "step: give each member once");
        return parameter_types_of(M::parameters);
    }
}

// A type-erased traversal, compiled once per model and not once per visitor: the visitor is a function pointer; a tensor is
// its address and the index of its type in `Types`.
struct parameter_walk {
    void (*visit)(parameter_walk&, std::size_t type, untyped_tensor const*, initial);
    void* function = nullptr;
    path name{};
    std::size_t index = 0;
    // of the field that the walk is in, or of the innermost around it that says one
    role said = role::by_start;
    bool frozen = false;       // the field, or one around it
    unsigned char inputs = 1;  // of the field
};
template <class Types, class M>
void walk_parameters(M const& model, initial start, parameter_walk& walk);
template <class Types, class M, class... Field>
void walk_fields(M const& model, field_list<Field...> const& fields, parameter_walk& walk) {
    [[maybe_unused]] std::size_t const before = walk.name.size();
    [[maybe_unused]] role const around = walk.said;
    [[maybe_unused]] bool const frozen_around = walk.frozen;
    named_start const* next = fields.about.data();
    ((walk.name.add(next->name), walk.said = next->is == role::by_start ? around : next->is,
      walk.frozen = frozen_around || next->frozen, walk.inputs = next->inputs,
      walk_parameters<Types>(model.*static_cast<Field const&>(fields).member, next->start, walk),
      walk.name.back_to(before), walk.said = around, walk.frozen = frozen_around, ++next),
     ...);
}
template <class Types, class M>
void walk_parameters(M const& model, initial start, parameter_walk& walk) {
    if constexpr (is_parameter<M>) {
        walk.visit(walk, index_of<M, Types>, &model, start);
        ++walk.index;
    } else if constexpr (array_size<M> != 0) {
        std::size_t const before = walk.name.size();
        for (std::size_t i = 0; i < model.size(); ++i) {
            walk.name.add(i);
            walk_parameters<Types>(model[i], start, walk);
            walk.name.back_to(before);
        }
    } else if constexpr (has_fields<M>)
        walk_fields<Types>(model, M::parameters, walk);
}

// X is const where the model is
template <class X, class F>
void visit_parameter(parameter_walk& walk, untyped_tensor const* tensor, initial start) {
    (*static_cast<F*>(walk.function))(walk.index, walk.name.text(),
                                      *static_cast<X*>(const_cast<untyped_tensor*>(tensor)), start);
}
template <class Model, class F, class... X>
void visit_parameters(Model& model, F& f, list<X...>) {
    parameter_walk walk{[](parameter_walk& w, std::size_t type, untyped_tensor const* tensor, initial start) {
        using visitor = void (*)(parameter_walk&, untyped_tensor const*, initial);
        constexpr std::array<visitor, sizeof...(X)> visitors{
            &visit_parameter<std::conditional_t<std::is_const_v<Model>, X const, X>, F>...};
        visitors[type](w, tensor, start);
    }};
    walk.function = &f;
    walk_parameters<list<X...>>(model, initial{}, walk);
}

// The same with tensors that have lost their types, and what `about` says of each type.
template <class Model, class About, class F, class... X>
void visit_untyped_parameters(Model& model, About const& about, F& f, list<X...>) {
    std::array const said { about.template operator()<X>()... };
    struct visitor {
        F& f;
        decltype(said) const& about;
    } visits{f, said};
    using tensor = std::conditional_t<std::is_const_v<Model>, untyped_tensor const, untyped_tensor>;
    parameter_walk walk{[](parameter_walk& w, std::size_t type, untyped_tensor const* x, initial) {
        auto& v = *static_cast<visitor*>(w.function);
        v.f(w.index, w.name.text(), const_cast<tensor&>(*x), v.about[type]);
    }};
    walk.function = &visits;
    walk_parameters<list<X...>>(model, initial{}, walk);
}

// the name of parameter `index`, "" where there is none
template <class Model>
std::string parameter_name(Model const& model, std::size_t index) {
    struct searched {
        std::size_t index;
        std::string name{};
    } search{index};
    parameter_walk walk{[](parameter_walk& w, std::size_t, untyped_tensor const*, initial) {
        auto& s = *static_cast<searched*>(w.function);
        if (w.index == s.index) s.name = w.name.text();
    }};
    walk.function = &search;
    walk_parameters<decltype(parameter_types<Model>())>(model, initial{}, walk);
    return search.name;
}

template <class M>
constexpr std::size_t count_parameters();
template <class... Field>
constexpr std::size_t count_fields(field_list<Field...> const&) {
    return (std::size_t{0} + ... + count_parameters<typename Field::type>());
}
template <class M>
constexpr std::size_t count_parameters() {
    if constexpr (is_parameter<M>)
        return 1;
    else if constexpr (array_size<M> != 0)
        return array_size<M> * count_parameters<typename M::value_type>();
    else if constexpr (has_fields<M>)
        return count_fields(M::parameters);
    else
        return 0;
}

// f.template operator()<Tensor>() for the type of every parameter
template <class M, class F>
constexpr void visit_types(F& f);
template <class F, class... Field>
constexpr void visit_types_of(field_list<Field...> const&, F& f) {
    (visit_types<typename Field::type>(f), ...);
}
template <class M, class F>
constexpr void visit_types(F& f) {
    if constexpr (is_parameter<M>)
        f.template operator()<M>();
    else if constexpr (array_size<M> != 0)
        for (std::size_t i = 0; i < array_size<M>; ++i) visit_types<typename M::value_type>(f);
    else if constexpr (has_fields<M>)
        visit_types_of(M::parameters, f);
}
}  // namespace detail

/// f(index, name, tensor, initial) for every parameter, always in the same order.
template <class Model, class F>
void for_each_parameter(Model& model, F f) {
    constexpr auto types = detail::parameter_types<std::remove_const_t<Model>>();
    if constexpr (types.size != 0) detail::visit_parameters(model, f, types);
}

/// f(index, name, untyped tensor, about<Tensor>()) for every parameter, in the same order: for functions that treat all
/// alike. `about` says what they have to know of a type, so that they compile once per model and not once per type.
/// Example:
/// mw::for_each_parameter(
///     model, []<class X>() { return X::axis_count; },
///     [](std::size_t, std::string_view name, auto&, std::size_t axes) { std::cout << name << ' ' << axes << '\n'; });
template <class Model, class About, class F>
void for_each_parameter(Model& model, About about, F f) {
    constexpr auto types = detail::parameter_types<std::remove_const_t<Model>>();
    if constexpr (types.size != 0) detail::visit_untyped_parameters(model, about, f, types);
}

/// How many tensors a model's parameters are.
/// Example: static_assert(mw::parameter_count<my_model> > 10);
template <class Model>
inline constexpr std::size_t parameter_count = detail::count_parameters<Model>();

/// A copy of a model that is a constant wherever it is used: no gradient is asked of its parameters. A teacher is one.
/// Example: auto const teacher = mw::detached(model);
template <any_model Model>
Model detached(Model const& model) {
    Model constant = model;
    for_each_parameter(
        constant, []<class X>() { return 0; },
        [](std::size_t, std::string_view, detail::untyped_tensor& p, int) { p.set_constant(); });
    return constant;
}

namespace detail {
// What a model says of a parameter, or a tensor of itself.
struct parameter_traits {
    meshwise::role role = role::matrix;
    bool frozen = false, frozen_by_field = false;
    unsigned char inputs = 1;
};
template <class Model>
using traits_of_model = std::array<parameter_traits, parameter_count<Model>>;
template <class Model>
traits_of_model<Model> traits_of(Model const& model) {
    traits_of_model<Model> all{};
    parameter_walk walk{[](parameter_walk& w, std::size_t, untyped_tensor const* x, initial start) {
        (*static_cast<traits_of_model<Model>*>(w.function))[w.index] = {
            role_of(w.said, start), w.frozen || x->is_frozen(), w.frozen, w.inputs};
    }};
    walk.function = &all;
    walk_parameters<decltype(parameter_types<Model>())>(model, initial{}, walk);
    return all;
}
}  // namespace detail

}  // namespace meshwise
