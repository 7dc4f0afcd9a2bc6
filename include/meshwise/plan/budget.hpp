// budget: how many bytes a model's parameters and its training need on one rank, from its types alone, so that a plan
// is checked before it runs:   mw::require_fits<my_model, 80_GB>();
// Counts parameters, gradients and moments; activations depend on the batch and are not counted.
#pragma once

#include <meshwise/tensor/parameter_info.hpp>

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

template <class M>
consteval std::size_t elements_over_all_ranks() {
    std::size_t elements = 0;
    auto add = [&]<class X>() {
        elements +=
            []<class... A>(axes<A...>) { return (std::size_t{1} * ... * A::true_size); }(typename X::axes{});
    };
    visit_types<M>(add);
    return elements;
}

// what a budget knows of the field that it is in
struct budget_walk {
    bool (*frozen)(parameter_info const&);
    path name{};
    role said = role::by_start;
    bool in_frozen = false;
    std::size_t bytes = 0;
};
template <class M>
constexpr void add_trained(budget_walk& walk, initial start);
template <class... Field>
constexpr void add_trained_fields(field_list<Field...> const& fields, budget_walk& walk) {
    std::size_t const before = walk.name.size();
    role const around = walk.said;
    bool const in_frozen = walk.in_frozen;
    named_start const* next = fields.about.data();
    ((walk.name.add(next->name), walk.said = next->is == role::by_start ? around : next->is,
      walk.in_frozen = in_frozen || next->frozen, add_trained<typename Field::type>(walk, next->start),
      walk.name.back_to(before), walk.said = around, walk.in_frozen = in_frozen, ++next),
     ...);
}
template <class M>
constexpr void add_trained(budget_walk& walk, initial start) {
    if constexpr (is_parameter<M>) {
        role const is = role_of(walk.said, start);
        if (!walk.in_frozen && is != role::statistic && !walk.frozen({walk.name.text(), is}))
            walk.bytes += bytes_per_rank<M>();
    } else if constexpr (array_size<M> != 0) {
        std::size_t const before = walk.name.size();
        for (std::size_t i = 0; i < array_size<M>; ++i) {
            walk.name.add(i);
            add_trained<typename M::value_type>(walk, start);
            walk.name.back_to(before);
        }
    } else if constexpr (has_fields<M>)
        add_trained_fields(M::parameters, walk);
}
template <class Model>
consteval std::size_t trained_bytes_per_rank(bool (*frozen)(parameter_info const&)) {
    budget_walk walk{frozen};
    add_trained<Model>(walk, initial{});
    return walk.bytes;
}
}  // namespace detail

/// Of a budget: nothing is frozen but what mw::fields says. Another function of this kind says what mw::freeze freezes.
/// Example: static_assert(mw::training_bytes_per_rank<my_model, mw::nothing_more_is_frozen> < 80_GB);
constexpr bool nothing_more_is_frozen(parameter_info const&) { return false; }

/// How many numbers the parameters of a model are, over all ranks and without padding: sum(p.numel() for p in parameters).
/// Example: static_assert(mw::parameter_elements<mw::linear<S, embed, ffn>> == 32 * 64 + 64);
template <class Model>
inline constexpr std::size_t parameter_elements = detail::elements_over_all_ranks<Model>();

/// Bytes of the parameters that one rank holds.
/// Example: static_assert(mw::parameter_bytes_per_rank<my_model> < 1_MB);
template <class Model>
inline constexpr std::size_t parameter_bytes_per_rank = detail::bytes_per_rank<Model>();

/// Bytes of parameters and, of those that are trained, of gradients and the two moments of Adam, all in the parameters' element type
/// and layout. Statistics are not trained. `Frozen` chooses the parameters that mw::freeze freezes, besides those that mw::fields says are frozen.
/// Example:
/// constexpr auto backbone = [](mw::parameter_info const& p) { return p.is_in("blocks"); };
/// static_assert(mw::training_bytes_per_rank<my_model, backbone> < mw::training_bytes_per_rank<my_model>);
template <class Model, auto Frozen = &nothing_more_is_frozen>
inline constexpr std::size_t training_bytes_per_rank =
    parameter_bytes_per_rank<Model> + 3 * detail::trained_bytes_per_rank<Model>(Frozen);

/// Whether training the model fits Bytes on each rank, as a verdict: static_assert(mw::fits<my_model, 80_GB>::value);
/// Example: static_assert(mw::fits<my_model, 80_GB>::value);
template <class Model, std::size_t Bytes, auto Frozen = &nothing_more_is_frozen>
using fits = judge<(training_bytes_per_rank<Model, Frozen> <= Bytes), memory_budget_exceeded,
                   bytes_needed<training_bytes_per_rank<Model, Frozen>>, bytes_allowed<Bytes>>;

/// Does not compile where training the model needs more than Bytes on a rank; the message has both numbers.
/// Example: mw::require_fits<my_model, 80_GB>();
template <class Model, std::size_t Bytes, auto Frozen = &nothing_more_is_frozen>
constexpr void require_fits() {
    static_assert(sizeof(refuse<fits<Model, Bytes, Frozen>>) > 0);
}

}  // namespace meshwise
