// uniform: a value that is known to be equal on all ranks, because of where it comes from.
//   mw::uniform<bool> const late = here.any(std::chrono::steady_clock::now() > end);
//   mw::when(late, [&] { mw::save_weights(here, model, "model.safetensors"); });
// Guarantees: made of constants and by collectives over the whole mesh, never of an ordinary value. Costs: nothing.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <meshwise/core/rules.hpp>

namespace meshwise {

/// Reads as a T. Made by a constant (`mw::uniform<int> n = 3`), `here.any`, `here.all`, `here.agreed`, `here.on_first`, and
/// `.applied` of an optimiser's step.
/// Example:
/// mw::uniform<int> const steps = 100;
/// mw::uniform<bool> const late = here.any(std::chrono::steady_clock::now() > end);
template <class T>
class uniform {
public:
    /// A constant of the program is the same on all ranks.
    consteval uniform(T constant)
        requires std::is_scalar_v<T>
        : value_(constant) {}

    /// For code that has made the value equal on all ranks, by a collective over the whole mesh.
    static constexpr uniform equal_by_construction(T value) { return uniform(std::move(value), 0); }

    constexpr T const& value() const { return value_; }
    constexpr operator T const&() const { return value_; }
    constexpr uniform<bool> operator!() const
        requires std::is_same_v<T, bool>
    {
        return uniform<bool>::equal_by_construction(!value_);
    }

private:
    constexpr uniform(T value, int) : value_(std::move(value)) {}
    T value_;
};

namespace detail {
template <class T>
inline constexpr bool is_uniform = false;
template <class T>
inline constexpr bool is_uniform<uniform<T>> = true;
template <class T>
using judged_uniform =
    judge<is_uniform<std::remove_cvref_t<T>>, steered_by_a_value_that_may_differ, value_is_of_type<T>>;
}  // namespace detail

/// Calls f, which may make collectives, if the condition holds: on all ranks or on none.
/// Errors: a condition that is not `uniform` does not compile.
/// Example:
/// mw::when(here.any(std::chrono::steady_clock::now() > end), [&] { mw::save_weights(here, model, "last.safetensors"); });
template <class Condition, class F>
constexpr void when(Condition const& condition, F&& f) {
    if constexpr (detail::judged_uniform<Condition>::value) {
        if (condition) f();
    } else
        refuse<detail::judged_uniform<Condition>>();
}

/// Calls f(i) for i < count, equally often on all ranks.
/// Errors: a count that is not `uniform` does not compile.
/// Example:
/// mw::repeat(mw::uniform<int>(3), [&](auto) { mw::save_weights(here, model, "last.safetensors"); });
template <class Count, class F>
constexpr void repeat(Count const& count, F&& f) {
    if constexpr (detail::judged_uniform<Count>::value)
        for (std::remove_cvref_t<decltype(count.value())> i = 0; i < count.value(); ++i) f(i);
    else
        refuse<detail::judged_uniform<Count>>();
}

}  // namespace meshwise
