#pragma once
// Verdicts: what the compiler says of a relation between types. Each relation is judged once, here in types;
// concepts, function bodies, static tests and the generated docs/rules.md all read the same verdict.
//
// A broken verdict names a rule (its sentence) and facts (incomplete templates that name the parts). Refusing
// it is one static_assert; what follows gets a `poison` that accepts everything: one mistake, one error.
// Each template between the user's line and that assertion costs him up to three lines of output. Therefore
// `refuse` names the class that holds the assertion, and operations built on others judge before they call them.
#include <type_traits>

namespace meshwise {

template <class...>
inline constexpr bool never = false;

/// The result of a refused operation. Every operation accepts it and returns it, and what one does with a tensor by
/// hand can be done with it too: what follows a mistake is silent.
struct poison {
    using value_type = float;
    struct extents_type {};

    constexpr poison() = default;
    template <class... T>
    constexpr explicit poison(T const&...) {}
    template <class... T>
    constexpr poison operator()(T const&...) const {
        return {};
    }
    template <class T>
    operator T() const;  // never defined: a program with a poison in it was refused

    constexpr unsigned long size() const { return 0; }
    template <class Axis>
    constexpr unsigned long extent() const {
        return 0;
    }
    template <class Axis>
    constexpr unsigned long local() const {
        return 0;
    }
    constexpr poison span() const { return {}; }
    constexpr poison detached() const { return {}; }
    constexpr float const* data() const { return nullptr; }
    constexpr float const* begin() const { return nullptr; }
    constexpr float const* end() const { return nullptr; }
    constexpr float operator[](unsigned long) const { return 0; }
};
template <class T>
inline constexpr bool is_poison = std::is_base_of_v<poison, std::remove_cvref_t<T>>;

/// What the assertion of a rule is about; compilers print it with the facts: "acceptable<...> evaluates to false".
template <class... Facts>
inline constexpr bool acceptable = false;

struct holds {
    static constexpr bool value = true;
    using refusal = poison;
};

template <class Rule, class... Facts>
struct broken {
    static constexpr bool value = false;
    using rule = Rule;
    using refusal = typename Rule::template because<Facts...>;
};

/// `return refuse<verdict>();` refuses a broken verdict: one error, the rule's sentence, the facts in the type.
template <class Verdict>
using refuse = typename Verdict::refusal;

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
