#pragma once
// fields: how a model says what its parameters are called. Models are plain aggregates; names are global and know
// nothing of meshes ("blocks.3.mlp.up.weight").
//   static constexpr auto parameters = mw::fields("up", &feed_forward::up, "down", &feed_forward::down);
//   static constexpr auto parameters = mw::fields("weight", &linear::weight, mw::normal{0.02F}, "bias", &linear::bias);
#include <array>
#include <string_view>
#include <tuple>

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

template <class Owner, class Member>
struct field {
    std::string_view name;
    Member Owner::*member;
    initial start;
};

namespace detail {
constexpr std::tuple<> fields_from() { return {}; }
template <class Owner, class Member, class... Rest>
constexpr auto fields_from(std::string_view name, Member Owner::*member, Rest... rest);
template <class Owner, class Member, class Start, class... Rest>
    requires std::is_convertible_v<Start, initial> &&
        (!std::is_convertible_v<Start, std::string_view>)constexpr auto fields_from(std::string_view name,
                                                                                    Member Owner::*member,
                                                                                    Start start,
                                                                                    Rest... rest) {
        return std::tuple_cat(std::tuple(field<Owner, Member>{name, member, start}), fields_from(rest...));
    }
    template <class Owner, class Member, class... Rest>
    constexpr auto fields_from(std::string_view name, Member Owner::*member, Rest... rest) {
        return std::tuple_cat(std::tuple(field<Owner, Member>{name, member, {}}), fields_from(rest...));
    }

    template <class T>
    inline constexpr std::size_t array_size = 0;
    template <class T, std::size_t N>
    inline constexpr std::size_t array_size<std::array<T, N>> = N;
}  // namespace detail

/// Names, members and, for tensors, initial values, in one list.
template <class... T>
constexpr auto fields(T... what) {
    return detail::fields_from(what...);
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
    std::size_t add(std::string_view part) {
        std::size_t const before = size_;
        if (size_ != 0) put('.');
        for (char c : part) put(c);
        return before;
    }
    std::size_t add(std::size_t index) {
        std::array<char, 20> digits{};
        std::size_t n = 0;
        do digits[n++] = static_cast<char>('0' + index % 10);
        while ((index /= 10) != 0);
        std::array<char, 20> turned{};
        for (std::size_t i = 0; i < n; ++i) turned[i] = digits[n - 1 - i];
        return add(std::string_view{turned.data(), n});
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

template <class Member, class F>
void visit_parameters(Member& member, initial start, path& name, std::size_t& index, F& f) {
    using M = std::remove_cvref_t<Member>;
    if constexpr (is_tensor_type<M>)
        f(index++, name.text(), member, start);
    else if constexpr (array_size<M> != 0) {
        for (std::size_t i = 0; i < array_size<M>; ++i) {
            std::size_t const before = name.add(i);
            visit_parameters(member[i], start, name, index, f);
            name.back_to(before);
        }
    } else {
        static_assert(
            a_model<M>,
            "meshwise: a field of a model is a tensor, a model with `parameters`, or a std::array of these");
        auto one = [&](auto const& field) {
            std::size_t const before = name.add(field.name);
            visit_parameters(member.*field.member, field.start, name, index, f);
            name.back_to(before);
        };
        std::apply([&](auto const&... field) { (one(field), ...); }, M::parameters);
    }
}

template <class M>
constexpr std::size_t count_parameters() {
    if constexpr (is_tensor_type<M>)
        return 1;
    else if constexpr (array_size<M> != 0)
        return array_size<M> * count_parameters<typename M::value_type>();
    else
        return std::apply(
            []<class... Owner, class... Member>(field<Owner, Member> const&...) {
                return (std::size_t{0} + ... + count_parameters<Member>());
            },
            M::parameters);
}
// f.template operator()<Tensor>() for the type of every parameter
template <class M, class F>
constexpr void visit_types(F&& f) {
    if constexpr (is_tensor_type<M>)
        f.template operator()<M>();
    else if constexpr (array_size<M> != 0)
        for (std::size_t i = 0; i < array_size<M>; ++i) visit_types<typename M::value_type>(f);
    else
        std::apply([&]<class... Owner, class... Member>(
                       field<Owner, Member> const&...) { (visit_types<Member>(f), ...); },
                   M::parameters);
}
}  // namespace detail

/// f(index, name, tensor, initial) for every parameter, always in the same order.
template <class Model, class F>
void for_each_parameter(Model& model, F f) {
    detail::path name;
    std::size_t index = 0;
    detail::visit_parameters(model, initial{}, name, index, f);
}

/// How many tensors a model's parameters are.
template <class Model>
inline constexpr std::size_t parameter_count = detail::count_parameters<Model>();

}  // namespace meshwise
