#pragma once
// fields: how a model says what its parameters are called. Models are plain aggregates; names are global and know
// nothing of meshes ("blocks.3.mlp.up.weight").
//   static constexpr auto parameters = mw::fields("up", &feed_forward::up, "down", &feed_forward::down);
//   static constexpr auto parameters = mw::fields("weight", &linear::weight, mw::normal{0.02F}, "bias", &linear::bias);
#include <array>
#include <string_view>
#include <utility>

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

/// Initial values. What is not said is zero.
struct normal {
    float deviation = 0.02F;
};
struct constant {
    float value = 0;
};
struct initial {
    enum class kind : std::uint8_t { constant, normal } how = kind::constant;
    float number = 0;
    constexpr initial() = default;
    constexpr initial(normal n) : how(kind::normal), number(n.deviation) {}
    constexpr initial(constant c) : number(c.value) {}
};

namespace detail {
// what a field is called and how it starts; its type is elsewhere, so that all models share this
struct named_start {
    std::string_view name;
    initial start;
};
// argument I of `fields`, a pointer to a member
template <std::size_t I, class Pointer>
struct nth_field;
template <std::size_t I, class Owner, class Member>
struct nth_field<I, Member Owner::*> {
    using type = Member;
    Member Owner::*member = nullptr;
};

// Not a std::tuple: every model is walked by many functions, and std::apply would be most of what the compiler does.
template <class... Field>
struct field_list : Field... {
    std::array<named_start, sizeof...(Field)> about{};
};

template <class T>
inline constexpr std::size_t array_size = 0;
template <class T, std::size_t N>
inline constexpr std::size_t array_size<std::array<T, N>> = N;

struct fields_so_far {
    std::size_t names = 0, members = 0;
    constexpr void expect(bool holds) const {
        if (!holds)
            throw error("mw::fields takes a name, a member, and for tensors how they start, over and over");
    }
};
template <std::size_t I, class List, class T>
constexpr void put_field(List& list, fields_so_far& n, T what) {
    if constexpr (std::is_member_object_pointer_v<T>) {
        static_cast<nth_field<I, T>&>(list).member = what;
        n.expect(++n.members == n.names);
    } else if constexpr (std::is_convertible_v<T, std::string_view>) {
        n.expect(n.names++ == n.members);
        list.about[n.names - 1].name = what;
    } else {
        n.expect(n.names != 0 && n.names == n.members);
        list.about[n.names - 1].start = what;
    }
}
template <std::size_t... I, class... T>
constexpr auto fields_of(std::index_sequence<I...>, T... what) {
    using all =
        concat<std::conditional_t<std::is_member_object_pointer_v<T>, list<nth_field<I, T>>, list<>>...>;
    apply_to<field_list, all> made{};
    fields_so_far n;
    (put_field<I>(made, n, what), ...);
    n.expect(n.names == n.members);
    return made;
}
}  // namespace detail

/// Names, members and, for tensors, initial values, in one list.
template <class... T>
constexpr auto fields(T... what) {
    return detail::fields_of(std::index_sequence_for<T...>{}, what...);
}

/// A type with a list of fields.
template <class T>
concept a_model = requires {
    std::remove_cvref_t<T>::parameters;
};

namespace detail {
// a name under construction, without the heap
class path {
public:
    std::string_view text() const { return {letters_.data(), size_}; }
    std::size_t size() const { return size_; }
    void add(std::string_view part) {
        if (size_ != 0) put('.');
        for (char c : part) put(c);
    }
    void add(std::size_t index) {
        std::array<char, 20> digits{};
        std::size_t n = 0;
        do digits[n++] = static_cast<char>('0' + index % 10);
        while ((index /= 10) != 0);
        std::array<char, 20> turned{};
        for (std::size_t i = 0; i < n; ++i) turned[i] = digits[n - 1 - i];
        add(std::string_view{turned.data(), n});
    }
    void back_to(std::size_t size) { size_ = size; }

private:
    void put(char c) {
        if (size_ == letters_.size())
            throw error("a parameter's name is longer than 255 letters: " + std::string(text()));
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
template <class M>
constexpr auto parameter_types() {
    if constexpr (is_tensor_type<M>)
        return list<M>{};
    else if constexpr (array_size<M> != 0)
        return parameter_types<typename M::value_type>();
    else {
        static_assert(
            a_model<M>,
            "meshwise: a field of a model is a tensor, a model with `parameters`, or a std::array of these");
        return parameter_types_of(M::parameters);
    }
}

// A walk over a model's parameters compiles once per model, not once per function that is called for them: it knows
// the function as this, and a tensor by its address and the position of its type among Types.
struct parameter_walk {
    void (*visit)(parameter_walk&, std::size_t type, untyped_tensor const*, initial);
    void* function = nullptr;
    path name{};
    std::size_t index = 0;
};
template <class Types, class M>
void walk_parameters(M const& model, initial start, parameter_walk& walk);
template <class Types, class M, class... Field>
void walk_fields(M const& model, field_list<Field...> const& fields, parameter_walk& walk) {
    [[maybe_unused]] std::size_t const before = walk.name.size();
    named_start const* next = fields.about.data();
    ((walk.name.add(next->name),
      walk_parameters<Types>(model.*static_cast<Field const&>(fields).member, next->start, walk),
      walk.name.back_to(before), ++next),
     ...);
}
template <class Types, class M>
void walk_parameters(M const& model, initial start, parameter_walk& walk) {
    if constexpr (is_tensor_type<M>) {
        walk.visit(walk, index_of<M, Types>, &model, start);
        ++walk.index;
    } else if constexpr (array_size<M> != 0) {
        std::size_t const before = walk.name.size();
        for (std::size_t i = 0; i < model.size(); ++i) {
            walk.name.add(i);
            walk_parameters<Types>(model[i], start, walk);
            walk.name.back_to(before);
        }
    } else
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
void visit_untyped_parameters(Model const& model, About const& about, F& f, list<X...>) {
    std::array const said{about.template operator()<X>()...};
    struct visitor {
        F& f;
        decltype(said) const& about;
    } visits{f, said};
    parameter_walk walk{[](parameter_walk& w, std::size_t type, untyped_tensor const* tensor, initial) {
        auto& v = *static_cast<visitor*>(w.function);
        v.f(w.index, w.name.text(), *const_cast<untyped_tensor*>(tensor), v.about[type]);
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
    if constexpr (is_tensor_type<M>)
        return 1;
    else if constexpr (array_size<M> != 0)
        return array_size<M> * count_parameters<typename M::value_type>();
    else
        return count_fields(M::parameters);
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
    if constexpr (is_tensor_type<M>)
        f.template operator()<M>();
    else if constexpr (array_size<M> != 0)
        for (std::size_t i = 0; i < array_size<M>; ++i) visit_types<typename M::value_type>(f);
    else
        visit_types_of(M::parameters, f);
}
}  // namespace detail

/// f(index, name, tensor, initial) for every parameter, always in the same order.
template <class Model, class F>
void for_each_parameter(Model& model, F f) {
    detail::visit_parameters(model, f, detail::parameter_types<std::remove_const_t<Model>>());
}

/// f(index, name, untyped tensor, about<Tensor>()) for every parameter, in the same order: for functions that treat all
/// alike. `about` says what they have to know of a type, so that they compile once per model and not once per type.
/// Example: for_each_parameter(model, []<class X>() { return X::axis_count; }, [&](auto, auto name, auto& x, std::size_t axes) {});
template <class Model, class About, class F>
void for_each_parameter(Model& model, About about, F f) {
    static_assert(!std::is_const_v<Model>, "meshwise: the untyped tensors may be written to");
    detail::visit_untyped_parameters(model, about, f, detail::parameter_types<Model>());
}

/// How many tensors a model's parameters are.
template <class Model>
inline constexpr std::size_t parameter_count = detail::count_parameters<Model>();

}  // namespace meshwise
