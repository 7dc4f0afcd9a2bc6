// budget: how many bytes a model's parameters and its training need on one rank, from its types alone, so that a plan
// is checked before it runs:   mw::require_fits<my_model, 80_GB>();
// Counts parameters, gradients and moments; activations depend on the batch and are not counted.
#pragma once

#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

inline namespace literals {
consteval std::size_t operator""_MB(unsigned long long n) { return n * 1'000'000; }
consteval std::size_t operator""_GB(unsigned long long n) { return n * 1'000'000'000; }
}  // namespace literals

namespace detail {
// a bounded axis counts with its bound
template <class M>
consteval std::size_t bytes_per_rank() {
    std::size_t bytes = 0;
    auto add = [&]<class X>() {
        bytes += []<class... A>(axes<A...>) {
            return (sizeof(typename X::value_type) * ... * local_extent<typename X::layout, A>);
        }(typename X::axes{});
    };
    visit_types<M>(add);
    return bytes;
}
}  // namespace detail

/// Bytes of the parameters that one rank holds.
/// Example: static_assert(mw::parameter_bytes_per_rank<my_model> < 1_MB);
template <class Model>
inline constexpr std::size_t parameter_bytes_per_rank = detail::bytes_per_rank<Model>();

/// Bytes of parameters, gradients and the two moments of Adam, all in the parameters' element type and layout.
/// Example: static_assert(mw::training_bytes_per_rank<my_model> < 80_GB);
template <class Model>
inline constexpr std::size_t training_bytes_per_rank = 4 * parameter_bytes_per_rank<Model>;

/// Whether training the model fits Bytes on each rank, as a verdict: static_assert(mw::fits<my_model, 80_GB>::value);
/// Example: static_assert(mw::fits<my_model, 80_GB>::value);
template <class Model, std::size_t Bytes>
using fits = judge<(training_bytes_per_rank<Model> <= Bytes), memory_budget_exceeded,
                   bytes_needed<training_bytes_per_rank<Model>>, bytes_allowed<Bytes>>;

/// Does not compile where training the model needs more than Bytes on a rank; the message has both numbers.
/// Example: mw::require_fits<my_model, 80_GB>();
template <class Model, std::size_t Bytes>
constexpr void require_fits() {
    static_assert(sizeof(refuse<fits<Model, Bytes>>) > 0);
}

}  // namespace meshwise
