// std::mdspan on both sides, where the standard library has it (C++23): a tensor seen as one, without a copy, and arrays of any
// strides as tensors: a transposed matrix, every second column, a block of a larger array.
#pragma once
#include <version>
#if defined(__cpp_lib_mdspan)
#include <mdspan>
#include <vector>

#include <meshwise/tensor/shard.hpp>

namespace meshwise {

namespace detail {
template <class X>
struct span_of_axes;
template <class T, class... A, class L, class B>
struct span_of_axes<tensor<T, axes<A...>, L, B>> {
    using whole =
        std::mdspan<T const, std::extents<std::size_t, (A::bounded ? std::dynamic_extent : A::size)...>>;
    using local = std::mdspan<T const, std::dextents<std::size_t, sizeof...(A)>>;
};

template <class M>
concept any_mdspan = requires(M const& m) {
    typename M::layout_type;
    typename M::accessor_type;
    { m.extent(0) };
};
// of the axes that are mw::up_to
template <class X, class M>
typename X::extents_type given_extents(M const& m) {
    static_assert(M::rank() == X::axis_count,
                  "meshwise: this mdspan has another number of dimensions than the tensor has axes");
    static_assert(std::is_same_v<std::remove_const_t<typename M::element_type>, typename X::value_type>,
                  "meshwise: this mdspan has elements of another type than the tensor");
    typename X::extents_type found{};
    std::size_t axis = 0, next = 0;
    [[maybe_unused]] auto const one = [&]<class A>(A*) {
        if constexpr (A::bounded) found[next++] = static_cast<std::size_t>(m.extent(axis));
        ++axis;
    };
    [&]<class... A>(axes<A...>) { (one(static_cast<A*>(nullptr)), ...); }(typename X::axes{});
    return found;
}
// Each extent must be that of the array, else elements would come to stand in other rows.
template <class M, class Extents>
void check_mdspan(M const& m, Extents const& wanted, std::string_view what) {
    for (std::size_t i = 0; i < M::rank(); ++i)
        if (static_cast<std::size_t>(m.extent(i)) != wanted[i])
            throw_error({"an mdspan of ", static_cast<std::size_t>(m.extent(i)),
                         " elements in its dimension ", i, " was given for ", wanted[i], " of ", what});
}
template <class M>
bool lies_in_rows(M const& m) {
    std::size_t step = 1;
    for (std::size_t i = M::rank(); i-- > 0; step *= static_cast<std::size_t>(m.extent(i)))
        if (m.extent(i) > 1 && static_cast<std::size_t>(m.stride(i)) != step) return false;
    return true;
}
// f(m[...]) in the order of rows
template <class M, class F, class... I>
void for_each_element(M const& m, F& f, I... index) {
    if constexpr (sizeof...(I) == M::rank())
        f(m[index...]);
    else
        for (std::size_t i = 0; i < static_cast<std::size_t>(m.extent(sizeof...(I))); ++i)
            for_each_element(m, f, index..., i);
}
}  // namespace detail

/// A whole tensor as std::mdspan, in the order of its axes; it lives as long as x. Errors: what a rank holds a part or one summand of
/// does not compile: `local_mdspan` is the part.
/// Example (not compiled: needs C++23): float const corner = mw::as_mdspan(table)[3, 0];
template <class X>
    requires(!is_poison<X>)
auto as_mdspan(X const& x) {
    typename detail::span_of_axes<X>::local const local(x.data(), x.local_extents());
    return typename detail::span_of_axes<X>::whole(local);
}
/// What this rank holds of x, as `as_mdspan`.
/// Example (not compiled: needs C++23): auto const part = mw::local_mdspan(x);
template <class X>
    requires(!is_poison<X>)
auto local_mdspan(X const& x) {
    return typename detail::span_of_axes<X>::local(x.local_data(), x.local_extents());
}

/// This rank's part of a whole array that every rank can see, of any strides, as mw::cut_from of a span. The dimensions are the axes of
/// X, in this order. Cost: where rows do not lie one behind the other, a copy of the whole array on each rank.
/// Errors: another number of dimensions, or other elements, do not compile; other extents; ranks with different arrays.
/// Example (not compiled: needs C++23):
/// auto x = mw::from_mdspan<value<batch, embed>>(std::mdspan(numbers.data(), std::extents<int, 8, 32>{}));
template <class X, detail::any_mdspan M>
X from_mdspan(M const& whole) {
    using T = typename X::value_type;
    auto const extents = detail::given_extents<X>(whole);
    std::size_t axis = 0;
    [&]<class... A>(axes<A...>) {
        std::array<std::size_t, X::axis_count> const wanted{
            (A::bounded ? static_cast<std::size_t>(whole.extent(axis++)) : (++axis, A::size))...};
        detail::check_mdspan(whole, wanted, "the whole tensor");
    }(typename X::axes{});
    if constexpr (requires {
                      { whole.data_handle() } -> std::convertible_to<T const*>;
                  })
        if (whole.is_strided() && detail::lies_in_rows(whole))
            return cut_from<X>(std::span<T const>(whole.data_handle(), whole.size()), extents);
    auto const rows = std::make_unique<T[]>(whole.size());
    std::size_t next = 0;
    auto const keep = [&](T const& element) { rows[next++] = element; };
    detail::for_each_element(whole, keep);
    return cut_from<X>(std::span<T const>(rows.get(), next), extents);
}

/// A tensor over memory that holds this rank's part, as mw::view_of of a span; the memory outlives the tensor.
/// Errors: other extents than this rank's part has; elements that do not lie one behind the other.
/// Example (not compiled: needs C++23):
/// auto same_memory = mw::view_of_mdspan<value<batch, embed>>(std::mdspan(numbers.data(), std::extents<int, 4, 32>{}));
template <class X, detail::any_mdspan M>
X view_of_mdspan(M const& local) {
    static_assert(
        X::bounded_count == 0,
        "meshwise: a view of an mdspan needs axes whose sizes stand in their types; use mw::view_of");
    (void)detail::given_extents<X>(local);
    if (!local.is_strided() || !detail::lies_in_rows(local))
        detail::throw_error(
            {"a view of an mdspan needs elements that lie one behind the other, the last dimension innermost; "
             "mw::from_mdspan copies any"});
    X const example = X::over(buffer{}, {});
    detail::check_mdspan(local, example.local_extents(), "this rank's part");
    return view_of<X>(std::span<typename X::value_type>(local.data_handle(), local.size()));
}

}  // namespace meshwise
#endif
