#pragma once
// Verdicts: what the compiler says of a relation between types. Each relation is judged once, here in types;
// concepts, function bodies, static tests and the generated docs/rules.md all read the same verdict.
//
// A broken verdict names a rule (its sentence) and facts (incomplete templates that name the parts). Refusing
// it is one static_assert; what follows gets a `poison` that accepts everything: one mistake, one error.
#include <string_view>
#include <type_traits>

namespace meshwise {

template <class...>
inline constexpr bool never = false;

struct holds {
    static constexpr bool value = true;
};

template <class Rule, class... Facts>
struct broken {
    static constexpr bool value = false;
    using rule = Rule;
    using refusal = typename Rule::template because<Facts...>;
};

/// The result of a refused operation. Every operation accepts it and returns it.
struct poison {
    constexpr poison() = default;
    template <class... T>
    constexpr explicit poison(T const&...) {}
    template <class... T>
    constexpr poison operator()(T const&...) const {
        return {};
    }
};
template <class T>
inline constexpr bool is_poison = std::is_same_v<std::remove_cvref_t<T>, poison>;

/// Refuses a broken verdict: one error, the rule's sentence, the facts in the type.
template <class Verdict>
constexpr poison refuse() {
    static_assert(sizeof(typename Verdict::refusal) > 0);
    return {};
}

/// The first broken verdict of several, or `holds`.
namespace detail {
template <class... V>
struct first_broken {
    using type = holds;
};
template <class V, class... Rest>
struct first_broken<V, Rest...> : first_broken<Rest...> {};
template <class Rule, class... Facts, class... Rest>
struct first_broken<broken<Rule, Facts...>, Rest...> {
    using type = broken<Rule, Facts...>;
};
}  // namespace detail
template <class... V>
using all_of = typename detail::first_broken<V...>::type;

/// `holds` if Condition, else the broken rule with these facts.
template <bool Condition, class Rule, class... Facts>
using judge = std::conditional_t<Condition, holds, broken<Rule, Facts...>>;

}  // namespace meshwise
