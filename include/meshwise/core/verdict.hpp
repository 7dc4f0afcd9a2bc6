// Verdicts: what the compiler says of a relation between types. Each relation is judged once, here in types;
// concepts, function bodies, static tests and the generated docs/rules.md all read the same verdict.
//
// A broken verdict names a rule (its sentence) and facts (incomplete templates that name the parts). Refusing
// it is one static_assert; what follows gets a `poison` that accepts everything: one mistake, one error.
// Each template between the user's line and that assertion adds up to three lines to the message. Therefore
// `refuse` names the class that holds the assertion, and operations built on others judge before they call them.
#pragma once

#include <type_traits>

#include <meshwise/core/layout.hpp>

namespace meshwise {

/// False, but only once the template that says it is used: for assertions.
/// Example: static_assert(!mw::never<int>);
template <class...>
inline constexpr bool never = false;

/// The result of a refused operation. Every operation accepts it and returns it, and what one does with a tensor by
/// hand can be done with it too: what follows a mistake is silent.
/// Example:
/// mw::poison const refused;
/// auto const silent = mw::gelu(refused) + x;
struct poison {
    using value_type = float;
    struct extents_type {};
    // what relations ask of an operand; `not_refused` answers before they do
    using axes = meshwise::axes<>;
    using layout = meshwise::layout<meshwise::mesh<>>;
    using operand = meshwise::operand<axes, layout>;
    using backend = void;

    constexpr poison() = default;
    template <class... T>
    constexpr explicit poison(T const&...) {}
    template <class... T>
    constexpr poison operator()(T const&...) const {
        return {};
    }
    template <class T>
    operator T() const;  // never defined: a program with a poison in it was refused

    constexpr bool has_value() const { return true; }
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
    constexpr poison local_span() const { return {}; }
    constexpr poison summand_span() const { return {}; }
    constexpr float const* local_data() const { return nullptr; }
    constexpr poison detached() const { return {}; }
    constexpr float item() const { return 0; }
    template <class... Index>
    constexpr float at(Index const&...) const {
        return 0;
    }
    constexpr float const* data() const { return nullptr; }
    constexpr float const* begin() const { return nullptr; }
    constexpr float const* end() const { return nullptr; }
    constexpr float operator[](unsigned long) const { return 0; }
};
/// Whether T is what a refused operation left behind.
/// Example: static_assert(mw::is_poison<mw::poison> && !mw::is_poison<decltype(x)>);
template <class T>
inline constexpr bool is_poison = std::is_base_of_v<poison, std::remove_cvref_t<T>>;

/// What the assertion of a rule is about; compilers print it with the facts: "acceptable<...> evaluates to false".
/// Example: static_assert(!mw::acceptable<mw::value_lacks_axis<embed>>);
template <class... Facts>
inline constexpr bool acceptable = false;

/// The verdict of a relation that holds.
/// Example: static_assert(mw::holds::value);
struct holds {
    static constexpr bool value = true;
    using refusal = poison;
};

/// The verdict of a relation that a rule refuses, with the facts that its message names.
/// Example: static_assert(!mw::broken<mw::axis_is_missing, mw::value_lacks_axis<embed>>::value);
template <class Rule, class... Facts>
struct broken {
    static constexpr bool value = false;
    using rule = Rule;
    using refusal = typename Rule::template because<Facts...>;
};

/// `return refuse<verdict>();` refuses a broken verdict: one error, the rule's sentence, the facts in the type.
/// Example:
/// auto const stands_for_the_result = mw::refuse<mw::holds>();  // a broken verdict would not compile
template <class Verdict>
using refuse = typename Verdict::refusal;

/// The verdict on the result of an earlier refusal: nothing more is said, so that one mistake gives one error.
/// Example: static_assert(!mw::refused_before::value);
struct refused_before {
    static constexpr bool value = false;
    using refusal = poison;
};
namespace detail {
template <class... X>
struct operands_not_refused : std::conditional<(is_poison<X> || ...), refused_before, holds> {};
}  // namespace detail
/// `holds` where no operand comes from a refused operation. It stands first in the verdict of every operation:
///   using verdict = all_of<not_refused<X, Y>, typename addition<typename X::operand, typename Y::operand>::verdict>;
/// Example: static_assert(mw::not_refused<decltype(x), decltype(bias)>::value);
template <class... X>
using not_refused = typename detail::operands_not_refused<X...>::type;

/// The first broken verdict of several, or `holds`.
namespace detail {
template <class... V>
struct first_broken {
    using type = holds;
};
template <class V, class... Rest>
struct first_broken<V, Rest...> : first_broken<Rest...> {};
template <class... Rest>
struct first_broken<refused_before, Rest...> {
    using type = refused_before;
};
template <class Rule, class... Facts, class... Rest>
struct first_broken<broken<Rule, Facts...>, Rest...> {
    using type = broken<Rule, Facts...>;
};
}  // namespace detail
/// The first broken verdict of several, or `holds`.
/// Example: static_assert(mw::all_of<mw::holds, mw::holds>::value);
template <class... V>
using all_of = typename detail::first_broken<V...>::type;

/// `holds` if Condition, else the broken rule with these facts.
/// Example:
/// using verdict = mw::judge<(embed::size > 8), mw::axis_is_missing, mw::value_lacks_axis<embed>>;
/// static_assert(verdict::value);
template <bool Condition, class Rule, class... Facts>
using judge = std::conditional_t<Condition, holds, broken<Rule, Facts...>>;

}  // namespace meshwise
