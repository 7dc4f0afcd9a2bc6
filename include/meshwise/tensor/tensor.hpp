#pragma once
// tensor: values with named axes, each rank holding the part its layout gives it. A value once made does not
// change: copying a tensor shares its memory, and whoever writes (optimisers, loaders) says so.
#include <array>
#include <span>
#include <string>
#include <vector>

#include <meshwise/core/relations.hpp>
#include <meshwise/tensor/context.hpp>
#include <meshwise/tensor/name.hpp>

namespace meshwise {

/// Place on a tape; 0 means that no gradient is asked for.
using node_id = std::uint32_t;

template <class T, class Axes, class Layout = layout<mesh<>>, class Backend = best_backend>
class tensor;

namespace detail {
// what all tensors have, whatever their types
class untyped_tensor {
public:
    explicit operator bool() const { return static_cast<bool>(memory_); }
    buffer const& memory() const { return memory_; }
    void* mutable_bytes() { return memory_.mutable_data(); }
    node_id node() const { return node_; }
    void set_node(node_id node) { node_ = node; }

protected:
    untyped_tensor() = default;

    buffer memory_;
    node_id node_ = 0;
};

[[noreturn, gnu::noinline]] inline void refuse_extent(std::string_view axis, std::size_t extent,
                                                      std::size_t bound, std::size_t ranks) {
    std::string const begin = "axis " + std::string(axis), given = std::to_string(extent) + " elements";
    if (extent > bound)
        throw error(begin + " was given " + given + ", but its bound is " + std::to_string(bound) +
                    "; shorten the input or raise mw::up_to<...>");
    throw error(begin + " of " + given + " does not divide over " + std::to_string(ranks) +
                " ranks; pad it to a multiple, or leave the axis out of the strategy");
}
[[noreturn, gnu::noinline]] inline void refuse_extents(std::string_view axis, std::size_t one,
                                                       std::size_t another) {
    throw error("axis " + std::string(axis) + " has " + std::to_string(one) +
                " elements in one operand and " + std::to_string(another) +
                " in another; they must be equal");
}
}  // namespace detail

template <class T, tensor_axis... A, class L, class B>
class tensor<T, axes<A...>, L, B> : public detail::untyped_tensor {
    static_assert(sizeof(refuse<typename placeable<meshwise::axes<A...>, L>::verdict>) > 0);

public:
    using value_type = T;
    using axes = meshwise::axes<A...>;
    using layout = L;
    using mesh = typename L::mesh;
    using backend = B;
    using operand = meshwise::operand<axes, layout>;
    static constexpr std::size_t axis_count = sizeof...(A);
    static constexpr std::size_t bounded_count = (std::size_t{0} + ... + (A::bounded ? 1 : 0));
    /// Run-time extents of the bounded axes, in the order of axes; empty where all sizes are in the type.
    using extents_type = std::array<std::size_t, bounded_count>;

    tensor() = default;
    /// Room for the elements of this rank, not set to anything.
    static tensor uninitialized(extents_type extents = {}) {
        context& here = current();
        check_place<mesh, B>(here);
        tensor made(extents);
        made.memory_ = buffer(*here.pool, made.size() * sizeof(T), here.allocating_for);
        return made;
    }
    /// This memory, seen as a tensor.
    static tensor over(buffer memory, extents_type extents = {}) {
        tensor made(extents);
        made.memory_ = std::move(memory);
        return made;
    }

    /// Elements of an axis, over all ranks / on this rank.
    template <tensor_axis Axis>
    std::size_t extent() const {
        static_assert(is_one_of<Axis, A...>, "meshwise: the tensor has no such axis");
        if constexpr (!Axis::bounded)
            return Axis::size;
        else {
            constexpr std::size_t at = [] {
                std::size_t before = 0;
                bool found = false;
                ((found = found || std::is_same_v<A, Axis>, before += !found && A::bounded ? 1 : 0), ...);
                return before;
            }();
            return extents_[at];
        }
    }
    template <tensor_axis Axis>
    std::size_t local() const {
        return extent<Axis>() / shards<L, Axis>;
    }
    decltype(auto) local_extents() const {
        if constexpr (bounded_count == 0)
            return (fixed_extents);
        else
            return std::array{local<A>()...};
    }
    extents_type const& extents() const { return extents_; }
    /// Elements on this rank.
    std::size_t size() const {
        if constexpr (bounded_count == 0)
            return (std::size_t{1} * ... * local_extent<L, A>);
        else
            return (std::size_t{1} * ... * local<A>());
    }

    T const* data() const { return static_cast<T const*>(memory_.data()); }
    /// For those who write: a fresh result, an optimiser's parameter. All copies of the tensor see it.
    T* mutable_data() { return static_cast<T*>(memory_.mutable_data()); }
    std::span<T const> span() const { return {data(), size()}; }
    std::span<T> mutable_span() { return {mutable_data(), size()}; }

    /// The same value, of which no gradient is asked.
    tensor detached() const {
        tensor same = *this;
        same.node_ = 0;
        return same;
    }

private:
    explicit tensor(extents_type extents) : extents_(extents) {
        if constexpr (bounded_count != 0) (check_extent<A>(), ...);
    }
    template <class Axis>
    void check_extent() const {
        if constexpr (Axis::bounded)
            if (extent<Axis>() > Axis::size || extent<Axis>() % shards<L, Axis> != 0)
                detail::refuse_extent(name_of<Axis>(), extent<Axis>(), Axis::size, shards<L, Axis>);
    }

    static constexpr std::array<std::size_t, sizeof...(A)> fixed_extents{
        (A::bounded ? 0 : local_extent<L, A>)...};
    [[no_unique_address]] extents_type extents_{};
};

namespace detail {
template <class T>
inline constexpr bool is_tensor_type = false;
template <class T, class A, class L, class B>
inline constexpr bool is_tensor_type<tensor<T, A, L, B>> = true;
}  // namespace detail

/// A tensor, or what a refused operation left behind.
template <class T>
concept a_tensor = detail::is_tensor_type<std::remove_cvref_t<T>> || is_poison<T>;
template <class... T>
inline constexpr bool any_poison = (is_poison<T> || ...);

/// A tensor of these axes where the strategy puts them.
template <class S, class T, class... A>
using tensor_of = tensor<T, axes<A...>, typename S::template layout_of<A...>, backend_of<S>>;

/// The same kind of tensor with other axes and layout, or other elements.
template <class X, class Axes, class Layout>
using with_place = tensor<typename X::value_type, Axes, Layout, typename X::backend>;
template <class X, class T>
using with_elements = tensor<T, typename X::axes, typename X::layout, typename X::backend>;

namespace detail {
template <class Axis, class X, class... Rest>
std::size_t extent_among(X const& x, Rest const&... rest) {
    if constexpr (contains<Axis, typename X::axes>)
        return x.template extent<Axis>();
    else
        return extent_among<Axis>(rest...);
}
template <class Axis, class X>
void check_agrees(std::size_t extent, X const& x) {
    if constexpr (contains<Axis, typename X::axes>)
        if (x.template extent<Axis>() != extent)
            refuse_extents(name_of<Axis>(), extent, x.template extent<Axis>());
}
template <class Out, class... A, class... X>
typename Out::extents_type result_extents(axes<A...>, X const&... x) {
    typename Out::extents_type extents{};
    std::size_t at = 0;
    [[maybe_unused]] auto one = [&]<class Axis>(Axis*) {
        if constexpr (Axis::bounded) {
            extents[at] = extent_among<Axis>(x...);
            (check_agrees<Axis>(extents[at], x), ...);
            ++at;
        }
    };
    (one(static_cast<A*>(nullptr)), ...);
    (void)at;
    return extents;
}
}  // namespace detail

/// Room for a result whose axes come from these operands.
template <class Out, class... X>
Out result_of(X const&... operands) {
    if constexpr (Out::bounded_count == 0)
        return Out::uninitialized();
    else
        return Out::uninitialized(detail::result_extents<Out>(typename Out::axes{}, operands...));
}

namespace detail {
// What is known of axes at run time needs no types: tables of positions, and plain functions over them.
template <class List, class Axes>
inline constexpr int positions = 0;
template <template <class...> class List, class... A, class Axes>
inline constexpr std::array<std::size_t, sizeof...(A)> positions<List<A...>, Axes>{index_of<A, Axes>...};
// stride of each axis whose position in a row-major tensor of these extents is given; 0 where it is not among them
[[gnu::noinline]] inline void strides_at(std::span<std::size_t const> positions,
                                         std::span<std::size_t const> extents, std::ptrdiff_t* strides) {
    for (std::size_t const position : positions) {
        std::size_t step = position < extents.size() ? 1 : 0;
        for (std::size_t i = position + 1; i < extents.size(); ++i) step *= extents[i];
        *strides++ = static_cast<std::ptrdiff_t>(step);
    }
}
}  // namespace detail

/// Strides in memory of the axes in a list; 0 for an axis that the tensor lacks (the value repeats along it).
template <class List, class X>
auto strides_along(X const& x) {
    constexpr auto const& at = detail::positions<List, typename X::axes>;
    std::array<std::ptrdiff_t, at.size()> strides{};
    detail::strides_at(at, x.local_extents(), strides.data());
    return strides;
}

/// Stride of one axis in memory; 0 when the tensor lacks it.
template <class Axis, class X>
std::ptrdiff_t stride_of(X const& x) {
    return strides_along<list<Axis>>(x)[0];
}

}  // namespace meshwise
