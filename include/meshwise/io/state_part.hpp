// state_part: one tensor or number of a program's state, without its C++ type, so that saving and loading are
// compiled once and not for every type of tensor.
#pragma once

#include <meshwise/core/layout.hpp>
#include <meshwise/io/box.hpp>
#include <meshwise/io/state_of.hpp>
#include <meshwise/io/stored_type.hpp>

namespace meshwise::detail {

struct state_part {
    std::string name;
    stored_type type = stored_type::F32;
    void* data = nullptr;                        // this rank's elements, or the number
    std::vector<std::uint64_t> whole{};          // of a tensor: its global extents, without padding
    box here{};                                  // the part of this rank, padding included
    mesh_mask held_alike = 0;                    // the mesh axes along which all ranks hold the same part
    std::string (*text)(void const*) = nullptr;  // prints a number; null for a tensor
    bool (*read)(std::string const&,
                 void*) = nullptr;  // false for what is not a number of its type; null: only looks

    bool zero_if_absent = false;  // of a number: not kept where it is zero

    bool is_tensor() const { return text == nullptr; }
    bool is_absent() const { return zero_if_absent && text(data) == "0"; }
};

// allocates memory for a tensor that has none; padding becomes zero
template <class X>
void make_room(X& x) {
    allocating_for const parameters(purpose::parameters);
    if (!x.has_value()) x = X::uninitialized(typename X::extents_type{});
    bool const padded = [&]<class... A>(axes<A...>) {
        return ((!A::bounded && A::true_size != A::size) || ...);
    }(typename X::axes{});
    if (padded) std::fill_n(x.mutable_data(), x.local_size(), typename X::value_type{});
}

// `to_write`: the count of writes is increased, so that packed forms of the old value are not used any more
template <class X>
state_part part_of(std::string_view name, X& x, bool to_write = false) {
    state_part part{.name = std::string(name)};
    if constexpr (is_zero_if_absent<X>) {
        part = part_of(name, x.value);
        part.zero_if_absent = true;
    } else if constexpr (any_number<std::remove_const_t<X>>) {
        using T = std::remove_const_t<X>;
        part.type = stored_type_of<T>();
        part.data = const_cast<T*>(&x);
        part.text = [](void const* number) { return number_text(*static_cast<T const*>(number)); };
        part.read = [](std::string const& text, void* number) {
            T ignored{};
            return read_number(text, number == nullptr ? ignored : *static_cast<T*>(number));
        };
    } else {
        using T = typename X::value_type;
        static_assert(!is_partial<typename X::layout>,
                      "meshwise: a checkpoint keeps whole values; a pending sum has none");
        part.type = stored_type_of<T>();
        part.data = const_cast<T*>(x.raw_data());
        if constexpr (!std::is_const_v<X>)
            if (to_write) part.data = x.mutable_data();
        part.whole = true_shape(x);
        part.here = local_box(x);
        part.held_alike =
            current().team->mesh().every_axis() & ~mask_of<typename X::mesh>(used_of<typename X::layout>{});
    }
    return part;
}

/// All parts of a state, in its order. `with_room`: the parts will be written; tensors without memory get some, and
/// padding becomes zero.
template <class State>
std::vector<state_part> parts_of(State const& state, bool with_room = false) {
    std::vector<state_part> parts;
    state.visit([&]<class X>(std::string const& name, X& x) {
        if constexpr (is_tensor_type<X> && !std::is_const_v<X>)
            if (with_room) make_room(x);
        parts.push_back(part_of(name, x, with_room));
    });
    return parts;
}
/// The parameters of a model.
template <class Model>
std::vector<state_part> parameter_parts(Model& model, bool with_room = false) {
    std::vector<state_part> parts;
    for_each_parameter(model, [&]<class X>(std::size_t, std::string_view name, X& p, initial) {
        if constexpr (!std::is_const_v<X>)
            if (with_room) make_room(p);
        parts.push_back(part_of(name, p, with_room));
    });
    return parts;
}

}  // namespace meshwise::detail
