// The few things core/ asks of lists of types. Everything is constexpr; nothing is ever constructed.
#pragma once

// Every way into the library leads through this header. A file that is missing ends the compilation, so that this is the only
// line printed; after #error thousands would follow.
#if __cplusplus < 202002L
#define MESHWISE_LANGUAGE "meshwise needs C++20: compile with -std=c++20"
#include MESHWISE_LANGUAGE
#endif

#include <cstddef>
#include <type_traits>

namespace meshwise::detail {

// A list of types; never made as a value.
template <class... T>
struct list {
    static constexpr std::size_t size = sizeof...(T);
};

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
template <class... A, class... B>
struct concatenated<list<A...>, list<B...>> {
    using type = list<A..., B...>;
};
template <class... A, class... B, class... C>
struct concatenated<list<A...>, list<B...>, list<C...>> {
    using type = list<A..., B..., C...>;
};
// several at a time: each step is a class of its own for the compiler
template <class... A, class... B, class... C, class... D, class... Rest>
struct concatenated<list<A...>, list<B...>, list<C...>, list<D...>, Rest...>
    : concatenated<list<A..., B..., C..., D...>, Rest...> {};

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

// The first type of a list.
template <class List>
using first_of = typename first<List>::type;
// The last type of a list.
template <class List>
using last_of = typename last<List>::type;

// The lists one after the other.
template <class... Lists>
using concat = typename concatenated<Lists...>::type;

template <class List>
struct to_list;
template <template <class...> class List, class... T>
struct to_list<List<T...>> {
    using type = list<T...>;
};

// The members as a plain list.
template <class List>
using as_list = typename to_list<List>::type;

// `To<T...>` from any `List<T...>`.
template <template <class...> class To, class List>
using apply_to = typename apply<To, List>::type;

// Whether T is one of Ts.
template <class T, class... Ts>
inline constexpr bool is_one_of = (__is_same(T, Ts) || ...);

// Whether a list has the type T.
template <class T, class List>
inline constexpr bool contains = false;
template <class T, template <class...> class List, class... Ts>
inline constexpr bool contains<T, List<Ts...>> = is_one_of<T, Ts...>;

constexpr std::size_t first_true(std::size_t count, bool const* found) {
    std::size_t at = 0;
    while (at < count && !found[at]) ++at;
    return at;
}
template <class T, class... Ts>
constexpr std::size_t position() {
    bool const found[sizeof...(Ts) + 1] = {__is_same(T, Ts)...};
    return first_true(sizeof...(Ts), found);
}

// Position of T in the list, or the size of the list when it is not there.
template <class T, class List>
inline constexpr std::size_t index_of = 0;
template <class T, template <class...> class List, class... Ts>
inline constexpr std::size_t index_of<T, List<Ts...>> = position<T, Ts...>();

// The members of A that are not in B.
template <class A, class B>
struct difference;
template <template <class...> class List, class... T, class B>
struct difference<List<T...>, B> {
    using type = concat<list<>, std::conditional_t<contains<T, B>, list<>, list<T>>...>;
};
// The members of A that are not in B.
template <class A, class B>
using without = typename difference<A, B>::type;

// The members of A that are also in B, in A's order.
template <class A, class B>
struct intersection;
template <template <class...> class List, class... T, class B>
struct intersection<List<T...>, B> {
    using type = concat<list<>, std::conditional_t<contains<T, B>, list<T>, list<>>...>;
};
// The members of A that are also in B, in A's order.
template <class A, class B>
using common = typename intersection<A, B>::type;

// Whether every member of A is in B.
template <class A, class B>
inline constexpr bool is_subset = false;
template <template <class...> class List, class... T, class B>
inline constexpr bool is_subset<List<T...>, B> = (contains<T, B> && ...);

// Whether no type appears twice.
template <class... T>
inline constexpr bool all_different = true;
template <class Head, class... Tail>
inline constexpr bool all_different<Head, Tail...> = !is_one_of<Head, Tail...> && all_different<Tail...>;

}  // namespace meshwise::detail
