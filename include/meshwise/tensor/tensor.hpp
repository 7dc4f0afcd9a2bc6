// tensor: values with named axes, each rank holding the part its layout gives it.
// Guarantees: a copy is a value. Copies share memory until one of them is written, and that one gets memory of its own
// first, so a write is never seen through another tensor. Costs: a copy of the elements for the first write after a copy.
#pragma once

#include <array>
#include <source_location>
#include <span>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/named_axes.hpp>
#include <meshwise/core/relations.hpp>
#include <meshwise/tensor/carried_axes.hpp>
#include <meshwise/tensor/context.hpp>
#include <meshwise/tensor/index.hpp>
#include <meshwise/tensor/name.hpp>
#include <meshwise/tensor/span_with_padding.hpp>
#include <meshwise/tensor/untyped_tensor.hpp>

namespace meshwise {

/// Values with named axes. A tensor is a type for the elements, the axes, the layout and the backend. No operation changes
/// a tensor that exists, and a copy keeps its value whatever is written to the other.
/// Shape: `extent<A>()` elements over all ranks, `local_extent<A>()` on this one; row-major, the last axis fastest.
/// Example:
/// std::size_t const tokens = x.extent<batch>() * x.extent<token>();
/// float const first = x.local_span()[0];  // of this rank's part
template <class T, class Axes, class Layout = layout<mesh<>>, class Backend = best_backend>
class tensor;

namespace detail {
// Extents that were not given: right where all sizes are in the type.
template <std::size_t Bounded>
constexpr std::array<std::size_t, Bounded> no_extents() {
    constexpr bool sizes_are_known = Bounded == 0;
    static_assert(
        sizes_are_known,
        "meshwise: a tensor with an axis of mw::up_to is made without its extents, so it would have "
        "no elements: give them last, one for each such axis, as in "
        "mw::place<token, embed>(here, numbers, {7})");
    return {};
}
[[noreturn]] void refuse_extent(std::string_view axis, std::size_t extent, std::size_t bound,
                                std::size_t ranks);
[[noreturn]] void refuse_extents(std::string_view axis, std::size_t one, std::size_t another,
                                 std::source_location const* where);
}  // namespace detail

template <class T, any_axis... A, class L, class B>
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
    static tensor uninitialized(extents_type extents = detail::no_extents<bounded_count>()) {
        context& here = current();
        (void(&detail::is_carried<A>), ...);
        check_place<mesh, B>(here);
        tensor made(extents);
        made.memory_ = buffer(*here.pool, made.local_size() * sizeof(T), here.allocating_for);
        return made;
    }
    /// This memory, seen as a tensor.
    static tensor over(buffer memory, extents_type extents = detail::no_extents<bounded_count>()) {
        tensor made(extents);
        made.memory_ = std::move(memory);
        return made;
    }

    /// Elements of an axis, over all ranks. A padded axis has two such numbers, and `extent` of it does not compile:
    /// `true_extent` without the padding, by which a sum is divided, and `stored_extent`. `local_extent`: on this rank, as stored.
    template <any_axis Axis>
    std::size_t extent() const {
        constexpr bool is_padded = Axis::size != Axis::true_size;
        static_assert(!is_padded,
                      "meshwise: x.extent<axis>() of a padded axis could mean two numbers: "
                      "x.true_extent<axis>() without its padding, x.stored_extent<axis>() with it");
        return stored_extent<Axis>();
    }
    template <any_axis Axis>
    std::size_t stored_extent() const {
        static_assert(detail::is_one_of<Axis, A...>, "meshwise: the tensor has no such axis");
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
    template <any_axis Axis>
    std::size_t local_extent() const {
        return stored_extent<Axis>() / shards<L, Axis>;
    }
    template <any_axis Axis>
    std::size_t true_extent() const {
        return Axis::bounded ? stored_extent<Axis>() : Axis::true_size;
    }
    decltype(auto) local_extents() const {
        if constexpr (bounded_count == 0)
            return (fixed_extents);
        else
            return std::array{local_extent<A>()...};
    }
    extents_type const& extents() const { return extents_; }
    /// Elements over all ranks, without padding: by this a sum over all is divided. `local_size`: on this rank, as stored.
    /// `size` is both, and of a value that is split or padded it does not compile.
    std::size_t true_size() const { return (std::size_t{1} * ... * true_extent<A>()); }
    std::size_t local_size() const {
        if constexpr (bounded_count == 0)
            return (std::size_t{1} * ... * meshwise::local_extent<L, A>);
        else
            return (std::size_t{1} * ... * local_extent<A>());
    }
    std::size_t size() const {
        constexpr bool is_one_number = ((shards<L, A> == 1 && A::size == A::true_size) && ...);
        static_assert(is_one_number,
                      "meshwise: x.size() of a value that is split or padded could mean two numbers: "
                      "x.true_size() over all ranks, without padding, x.local_size() on this rank");
        return true_size();
    }

    /// The elements of a value that every rank holds whole.
    /// Errors: a value of which this rank holds a part, or one summand, does not compile; a tensor without a value; a value
    /// that is recorded, because no gradient would come through its numbers: x.detached() says that none is wanted.
    T const* data(std::source_location where = std::source_location::current()) const {
        check_settled(), check_whole();
        return readable(where);
    }
    std::span<T const> span(std::source_location where = std::source_location::current()) const {
        check_settled(), check_whole();
        return {readable(where), local_size()};
    }
    /// The elements to write by hand, a `writable_span`: all ranks write the same. Copies of the tensor keep their value. What is
    /// written to the padding of an axis becomes zero when the span ends; until then no operation takes such a tensor.
    /// Errors: as `data`; the tensor is a value of the recording under way, whose gradient would not know of the change.
    auto mutable_span(std::source_location where = std::source_location::current()) {
        check_settled(), check_whole();
        return writable(where);
    }

    /// The number of a value without axes, such as a settled loss. In a plan it is 0.
    /// Errors: a value with axes, or a pending sum, does not compile; the value is recorded, and no gradient would come
    /// through the number: x.detached().item() says that none is wanted.
    T item(std::source_location where = std::source_location::current()) const {
        constexpr bool is_number = sizeof...(A) == 0;
        static_assert(is_number, "meshwise: x.item() is the number of a tensor without axes; "
                                 "x.at(mw::index<axis>(i), ...) is one element of a tensor with axes");
        check_settled();
        check_readable(where);
        return B::computes ? *raw_data() : T{};
    }
    /// One element of a value that every rank holds whole, by an index along each of its axes, in any order.
    /// Errors: as `data` and `item`; an index outside of its axis.
    /// Example: float const one = gain.at(mw::index<embed>(0));
    template <any_axis... I>
    T at(index<I>... i) const {
        constexpr bool names_each_once = sizeof...(I) == sizeof...(A) &&
                                         (detail::is_one_of<I, A...> && ...) && detail::all_different<I...>;
        static_assert(names_each_once, "meshwise: x.at() is given one index along each axis of x: "
                                       "x.at(mw::index<batch>(0), mw::index<embed>(2))");
        static_assert(
            is_whole || !names_each_once,
            "meshwise: x.at() reads an element of a whole value, and a rank holds a part or one summand of "
            "this one: here.gather(x) is the whole, in the order of the axes");
        if constexpr (names_each_once && is_whole) {
            check_readable(std::source_location::current());
            std::size_t const place = detail::place_of({detail::index_along{
                name_of<I>(), i.value, I::bounded ? stored_extent<I>() : I::true_size, step_along<I>()}...});
            if (B::computes) return raw_data()[place];
        }
        return T{};
    }

    /// The part that this rank holds of a value, or the whole where it is not split.
    /// Errors: a pending sum does not compile; otherwise as `data`.
    T const* local_data(std::source_location where = std::source_location::current()) const {
        check_settled();
        return readable(where);
    }
    std::span<T const> local_span(std::source_location where = std::source_location::current()) const {
        check_settled();
        return {readable(where), local_size()};
    }
    auto mutable_local_span(std::source_location where = std::source_location::current()) {
        check_settled();
        return writable(where);
    }

    /// Of a pending sum the summand of this rank: no value of the program before it is settled.
    std::span<T const> summand_span(std::source_location where = std::source_location::current()) const {
        return {readable(where), local_size()};
    }

    /// For operations: the memory of this rank, whatever it stands for; to write it, valid until the tensor is copied; to
    /// write over values that no other tensor needs.
    T const* raw_data() const { return static_cast<T const*>(memory_.data()); }
    T* mutable_data() { return static_cast<T*>(mutable_bytes()); }
    T* overwritten_data() { return static_cast<T*>(memory_.overwritten()); }

    /// The same value, of which no gradient is asked.
    tensor detached() const {
        tensor same = *this;
        same.set_constant();
        return same;
    }

    /// Whether no reduction is owed, and whether each rank holds all elements.
    static constexpr bool is_settled = !is_partial<L> || L::mesh::ranks == 1;
    static constexpr bool is_whole = is_settled && ((shards<L, A> == 1) && ...);

private:
    static constexpr void check_settled() {
        static_assert(
            is_settled,
            "meshwise: this value is a pending sum, and a rank holds one summand of it: settle it first with "
            "mw::settle<strategy>(x); x.summand_span() is the summand");
    }
    static constexpr void check_whole() {
        static_assert(is_whole || !is_settled,
                      "meshwise: x.data() and x.span() are a whole value, and this rank holds a part of it: "
                      "x.local_span() is the part, here.gather(x) the whole");
    }
    void check_readable(std::source_location where) const {
        if (!memory_ || node_ != 0 || memory_.was_leaf())
            untyped_tensor::check_readable(detail::names_of(static_cast<axes*>(nullptr)), where);
    }
    T const* readable(std::source_location where) const {
        check_readable(where);
        return raw_data();
    }
    template <class Axis>
    std::size_t step_along() const {
        std::size_t step = 1, behind = 0;
        ((step *= behind != 0 ? stored_extent<A>() : 1, behind += std::is_same_v<A, Axis>), ...);
        return step;
    }
    auto writable(std::source_location where) {
        if (!memory_) check_readable(where);
        T* const elements = mutable_data();
        auto const alike = B::computes ? detail::alike_along<L> : 0;
        if constexpr (detail::has_padding(axes{}))
            return detail::span_with_padding<tensor>(memory_, elements, tensor(extents_), alike);
        else
            return writable_span<T>(memory_, elements, local_size(), alike);
    }

    explicit tensor(extents_type extents) : extents_(extents) {
        if constexpr (bounded_count != 0) (check_extent<A>(), ...);
    }
    template <class Axis>
    void check_extent() const {
        if constexpr (Axis::bounded)
            if (stored_extent<Axis>() > Axis::size || stored_extent<Axis>() % shards<L, Axis> != 0)
                detail::refuse_extent(name_of<Axis>(), stored_extent<Axis>(), Axis::size, shards<L, Axis>);
    }

    static constexpr std::array<std::size_t, sizeof...(A)> fixed_extents{
        (A::bounded ? 0 : meshwise::local_extent<L, A>)...};
    [[no_unique_address]] extents_type extents_{};
};

// one of the axes is none
template <class T, class... A, class L, class B>
    requires(!(any_axis<A> && ...))
class tensor<T, axes<A...>, L, B> : public refuse<typename detail::judged_names<A...>::verdict> {};

namespace detail {
template <class T>
inline constexpr bool is_tensor_type = false;
template <class T, class A, class L, class B>
inline constexpr bool is_tensor_type<tensor<T, A, L, B>> = true;
}  // namespace detail

/// A tensor, or what a refused operation left behind.
/// Example: static_assert(mw::any_tensor<decltype(x)>);
template <class T>
concept any_tensor = detail::is_tensor_type<std::remove_cvref_t<T>> || is_poison<T>;
/// Whether one of several operands is what a refused operation left behind.
/// Example: static_assert(!mw::any_poison<decltype(x), decltype(bias)>);
template <class... T>
inline constexpr bool any_poison = (is_poison<T> || ...);

/// A tensor of these axes where the strategy puts them.
/// Example: using activations = mw::tensor_of<S, float, batch, token, embed>;
template <class S, class T, class... A>
using tensor_of = tensor<T, axes<A...>, typename S::template layout_of<A...>, backend_of<S>>;

/// The same kind of tensor with other axes and layout, or other elements.
/// Example: using whole = mw::with_place<decltype(x), mw::axes<embed>, mw::layout<mesh>>;
template <class X, class Axes, class Layout>
using with_place = tensor<typename X::value_type, Axes, Layout, typename X::backend>;
/// The same kind of tensor with other elements.
/// Example: using narrow = mw::with_elements<decltype(x), mw::bfloat16>;
template <class X, class T>
using with_elements = tensor<T, typename X::axes, typename X::layout, typename X::backend>;

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/tensor.inl.hpp>
#endif
