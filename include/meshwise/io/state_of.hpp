// state_of: the named parts of a program that a checkpoint contains, listed once for saving and for resuming.
//   auto const state = mw::state_of("model", model, "optimizer", optimizer, "data", position);
#pragma once

#include <array>
#include <charconv>
#include <string>
#include <tuple>

#include <meshwise/scalar/math.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

namespace detail {
// A number in `value`, which a checkpoint keeps where it is not zero, and which is zero where a checkpoint lacks it.
template <class T>
inline constexpr bool is_zero_if_absent = requires { typename T::zero_if_absent; };
// f(name, tensor or number) for all parts of x
template <class T, class F>
void visit_named(std::string const& name, T& x, F& f) {
    if constexpr (any_number<T> || is_tensor_type<T> || is_zero_if_absent<T>)
        f(name, x);
    else if constexpr (array_size<T> != 0)
        for (std::size_t i = 0; i < array_size<T>; ++i) visit_named(name + "." + std::to_string(i), x[i], f);
    else if constexpr (requires { x.visit_state([](auto const&, auto&) {}); })
        x.visit_state([&](auto const& part, auto& y) { visit_named(name + "." + std::string(part), y, f); });
    else {
        static_assert(any_model<T>,
                      "meshwise: what a checkpoint keeps is a number, a tensor, a model with `parameters`, a "
                      "type with `visit_state`, or a std::array of these");
        for_each_parameter(x, [&](std::size_t, std::string_view part, auto& p, initial) {
            f(name + "." + std::string(part), p);
        });
    }
}

// the shortest text that is parsed as the same number
template <any_number T>
std::string number_text(T value) {
    if constexpr (std::is_same_v<T, bool>)
        return value ? "1" : "0";
    else {
        std::array<char, 64> letters{};
        auto const end = std::to_chars(letters.data(), letters.data() + letters.size(), value).ptr;
        return {letters.data(), end};
    }
}
template <any_number T>
bool read_number(std::string const& text, T& value) {
    if constexpr (std::is_same_v<T, bool>)
        return value = text == "1", text == "0" || text == "1";
    else {
        auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
        return failed == std::errc() && end == text.data() + text.size() && !text.empty();
    }
}

// Weights, and what belongs to weights that lie elsewhere, such as the moments of an optimiser.
template <class T>
constexpr bool has_weights() {
    if constexpr (array_size<T> != 0)
        return has_weights<std::remove_cvref_t<decltype(std::declval<T&>()[0])>>();
    else
        return any_model<T> || is_tensor_type<T>;
}
template <class T>
constexpr bool needs_weights() {
    if constexpr (array_size<T> != 0)
        return needs_weights<std::remove_cvref_t<decltype(std::declval<T&>()[0])>>();
    else
        return requires { typename T::model_type; };
}

/// Names and references of parts of a program's state; see `state_of`.
template <class... T>
class named_state {
public:
    template <class... Pairs>
    explicit named_state(Pairs... parts) : parts_(parts...) {}

    std::array<std::string_view, sizeof...(T)> names() const {
        return std::apply([](auto const&... part) { return std::array{std::string_view(part.first)...}; },
                          parts_);
    }
    /// f(name, value) for every tensor and number, always in the same order.
    template <class F>
    void visit(F f) const {
        std::apply([&](auto const&... part) { (visit_named(std::string(part.first), *part.second, f), ...); },
                   parts_);
    }

private:
    std::tuple<std::pair<std::string_view, T*>...> parts_;
};

}  // namespace detail

/// Parts of a program's state: "name", part, ... A part is a number, a tensor, a model, an optimiser, a
/// data position, anything with `visit_state(f)` that calls f("name", part) for each of its own, or a std::array of
/// these. The parts must outlive the result.
/// Errors: an optimiser and no model among the parts does not compile: its moments are of no use to other weights.
template <class... NamesAndParts>
auto state_of(NamesAndParts&&... names_and_parts) {
    static_assert(sizeof...(NamesAndParts) > 0 && sizeof...(NamesAndParts) % 2 == 0,
                  "meshwise: state_of takes a name and a part, a name and a part, ...");
    auto const all = std::forward_as_tuple(names_and_parts...);
    constexpr bool has_the_model = (detail::has_weights<std::remove_cvref_t<NamesAndParts>>() || ...) ||
                                   !(detail::needs_weights<std::remove_cvref_t<NamesAndParts>>() || ...);
    static_assert(
        has_the_model,
        "meshwise: an optimiser without the model that it steps would go on with other weights: name the model, too, "
        "as in mw::state_of(\"model\", model, \"optimizer\", optimizer)");
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return detail::named_state<
            std::remove_reference_t<std::tuple_element_t<2 * I + 1, decltype(all)>>...>(
            std::pair(std::string_view(std::get<2 * I>(all)), &std::get<2 * I + 1>(all))...);
    }(std::make_index_sequence<sizeof...(NamesAndParts) / 2>{});
}

}  // namespace meshwise
