#pragma once
// The few things core/ asks of lists of types. Everything is constexpr; nothing is ever constructed.
#include <cstddef>
#include <type_traits>

namespace meshwise {

template <class... T>
struct list {
    static constexpr std::size_t size = sizeof...(T);
};

namespace detail {
template <class List>
struct first;
template <template <class...> class List, class Head, class... Tail>
struct first<List<Head, Tail...>> {
    using type = Head;
};

template <class... Lists>
struct concatenated {
    using type = list<>;
};
template <class... A>
struct concatenated<list<A...>> {
    using type = list<A...>;
};
template <class... A, class... B, class... Rest>
struct concatenated<list<A...>, list<B...>, Rest...> : concatenated<list<A..., B...>, Rest...> {};

template <class List>
struct last;
template <class T>
struct last<list<T>> {
    using type = T;
};
template <class T, class... Rest>
struct last<list<T, Rest...>> : last<list<Rest...>> {};

template <template <class...> class To, class List>
struct apply;
template <template <class...> class To, template <class...> class List, class... T>
struct apply<To, List<T...>> {
    using type = To<T...>;
};
}  // namespace detail

template <class List>
using first_of = typename detail::first<List>::type;
template <class List>
using last_of = typename detail::last<List>::type;

/// The lists one after the other.
template <class... Lists>
using concat = typename detail::concatenated<Lists...>::type;

namespace detail {
template <class List>
struct to_list;
template <template <class...> class List, class... T>
struct to_list<List<T...>> {
    using type = list<T...>;
};
}  // namespace detail

/// The members as a plain list.
template <class List>
using as_list = typename detail::to_list<List>::type;

/// `To<T...>` from any `List<T...>`.
template <template <class...> class To, class List>
using apply_to = typename detail::apply<To, List>::type;

/// Whether T is one of Ts.
template <class T, class... Ts>
inline constexpr bool is_one_of = (std::is_same_v<T, Ts> || ...);

template <class T, class List>
inline constexpr bool contains = false;
template <class T, template <class...> class List, class... Ts>
inline constexpr bool contains<T, List<Ts...>> = is_one_of<T, Ts...>;

/// Position of T in the list, or the size of the list when it is not there.
template <class T, class List>
inline constexpr std::size_t index_of = 0;
template <class T, template <class...> class List, class... Ts>
inline constexpr std::size_t index_of<T, List<Ts...>> = [] {
    std::size_t at = 0, found = sizeof...(Ts);
    ((std::is_same_v<T, Ts> && found == sizeof...(Ts) ? found = at : 0, ++at), ...);
    return found;
}();

/// The members of A that are not in B.
template <class A, class B>
struct difference;
template <template <class...> class List, class... T, class B>
struct difference<List<T...>, B> {
    using type = concat<list<>, std::conditional_t<contains<T, B>, list<>, list<T>>...>;
};
template <class A, class B>
using without = typename difference<A, B>::type;

/// The members of A that are also in B, in A's order.
template <class A, class B>
struct intersection;
template <template <class...> class List, class... T, class B>
struct intersection<List<T...>, B> {
    using type = concat<list<>, std::conditional_t<contains<T, B>, list<T>, list<>>...>;
};
template <class A, class B>
using common = typename intersection<A, B>::type;

template <class A, class B>
inline constexpr bool is_subset = false;
template <template <class...> class List, class... T, class B>
inline constexpr bool is_subset<List<T...>, B> = (contains<T, B> && ...);

/// Whether no type appears twice.
template <class... T>
inline constexpr bool all_different = true;
template <class Head, class... Tail>
inline constexpr bool all_different<Head, Tail...> = !is_one_of<Head, Tail...> && all_different<Tail...>;

}  // namespace meshwise
