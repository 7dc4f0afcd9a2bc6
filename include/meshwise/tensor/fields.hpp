// fields: how a model says which members are its parameters, and how they start. Models are plain aggregates; names are
// global and know nothing of meshes ("blocks.3.mlp.up.weight").
//   struct feed_forward {
//       mw::linear<S, embed, ffn> up;
//       mw::linear<S, ffn, embed> down;
//       static constexpr auto parameters = mw::fields<&feed_forward::up, &feed_forward::down>();
//   };
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include <meshwise/core/type_list.hpp>
#include <meshwise/core/verdict.hpp>
#include <meshwise/tensor/name.hpp>

namespace meshwise {

/// Initial values. What is not said is zero.
/// Example: constexpr mw::initial start = mw::normal{0.02F};
struct normal {
    float deviation = 0.02F;
};
/// Every element starts as this number.
/// Example: constexpr mw::initial start = mw::constant{1};
struct constant {
    float value = 0;
};
/// How a parameter starts: `normal` or `constant`.
/// Example: constexpr mw::initial start = mw::constant{1};
struct initial {
    enum class kind : std::uint8_t { constant, normal } how = kind::constant;
    float number = 0;
    constexpr initial() = default;
    constexpr initial(normal n) : how(kind::normal), number(n.deviation) {}
    constexpr initial(constant c) : number(c.value) {}
};

/// What a parameter is. Optimisers ask for it: biases and gains are not decayed. A field says it in `mw::fields`, or its start
/// does: random numbers are those of a matrix, zeros those of a bias, another constant is that of a gain. An adapter is
/// what fine-tuning adds to a model that is frozen. A statistic is not trained: it follows what a
/// layer sees, as a running mean does (`follow_statistic`).
/// Example: struct words_and_offset {
///              mw::parameter<S, vocab, embed> words;
///              mw::parameter<S, embed> offset;
///              static constexpr auto parameters = mw::fields<&words_and_offset::words, mw::normal{0.02F}, mw::role::table,
///                                                            &words_and_offset::offset>();
///          };
enum class role : std::uint8_t { by_start, matrix, table, bias, gain, adapter, statistic };

namespace detail {
struct frozen_field {};
}  // namespace detail
/// In `mw::fields`: the parameters of this field are not trained. They have initial values and are kept in checkpoints; no
/// gradient is computed or communicated for them, an optimiser keeps no moments, and a budget knows it.
/// Example: struct tuned {
///              mw::linear<S, embed, ffn> base;
///              mw::parameter<S, ffn> shift;
///              static constexpr auto parameters = mw::fields<&tuned::base, mw::frozen, &tuned::shift>();
///          };
inline constexpr detail::frozen_field frozen{};

/// In `mw::fields`: how many of the first axes of a weight are summed in its product; 1 when nothing is said. Optimisers
/// that treat a weight as one matrix take these as its rows.
/// Example: struct joined {
///              mw::parameter<S, heads, head_dim, embed> out;
///              static constexpr auto parameters = mw::fields<&joined::out, mw::normal{0.02F}, mw::inputs{2}>();
///          };
struct inputs {
    unsigned char axes = 1;
};

namespace detail {
constexpr role role_of(role said, initial start) {
    if (said != role::by_start) return said;
    if (start.how == initial::kind::normal) return role::matrix;
    return start.number == 0 ? role::bias : role::gain;
}

// what a field is called, how it starts and what it is; its type is elsewhere, so that all models share this
struct named_start {
    std::string_view name;
    initial start;
    role is = role::by_start;
    bool frozen = false;
    unsigned char inputs = 1;
};
// argument I of `fields`, a pointer to a member
template <std::size_t I, class Pointer>
struct nth_field;
template <std::size_t I, class Owner, class Member>
struct nth_field<I, Member Owner::*> {
    using type = Member;
    Member Owner::* member = nullptr;
};

// Not a std::tuple: every model is walked by many functions, and std::apply would be most of what the compiler does.
template <class... Field>
struct field_list : Field... {
    std::array<named_start, sizeof...(Field)> about{};
    bool names_differ = true, members_differ = true, starts_are_numbers = true;
};

template <class T>
inline constexpr std::size_t array_size = 0;
template <class T, std::size_t N>
inline constexpr std::size_t array_size<std::array<T, N>> = N;

// name_of, for members: "up" of &feed_forward::up
template <auto Member>
constexpr std::string_view name_of_member() {
    std::string_view text = pretty_value<Member>();
    auto stop = text.rfind("; std::string_view");  // g++ closes with this and "]", clang with "]"
    if (stop == std::string_view::npos) stop = text.rfind(']');
    auto const start = text.rfind(':', stop) + 1;
    return text.substr(start, stop - start);
}

// What an argument of `fields` is: 'n' a name, 'm' a member, 's' a start, 'r' a role, 'f' frozen, 'i' inputs. Overloads, because every model has
// many members of different types and traits would be most of what the compiler does.
template <class Owner, class Member>
    requires requires { static_cast<Member(*)[1]>(nullptr); }  // no function
consteval char kind_at(Member Owner::* const*) {
    return 'm';
}
consteval char kind_at(meshwise::normal const*) { return 's'; }
consteval char kind_at(meshwise::constant const*) { return 's'; }
consteval char kind_at(meshwise::initial const*) { return 's'; }
consteval char kind_at(meshwise::role const*) { return 'r'; }
consteval char kind_at(frozen_field const*) { return 'f'; }
consteval char kind_at(meshwise::inputs const*) { return 'i'; }
consteval char kind_at(char const* const*) { return 'n'; }
consteval char kind_at(std::string_view const*) { return 'n'; }
consteval char kind_at(void const*) { return '?'; }
template <class T>
consteval char kind_of() {
    return kind_at(static_cast<T const*>(nullptr));
}

// What stands where among the arguments of `fields`: behind a member what is said of it, each kind once, in any order.
template <class... T>
constexpr bool in_order(bool names) {
    constexpr char kinds[] = {kind_of<T>()..., 'e'};
    constexpr std::string_view of_a_field = "srfi";
    bool said[of_a_field.size()] = {};
    char before = 'e';
    bool in_a_field = false;
    for (char const now : kinds) {
        if (std::size_t const kind = of_a_field.find(now); kind != std::string_view::npos) {
            if (!in_a_field || std::exchange(said[kind], true)) return false;
        } else {
            bool const right = now == 'm'   ? !names || before == 'n'
                               : now == 'n' ? names && before != 'n'
                                            : now == 'e' && before != 'n';
            if (!right) return false;
            in_a_field = now == 'm';
            for (bool& one : said) one = false;
        }
        before = now;
    }
    return true;
}

template <class P, class Q>
constexpr int equal_members(P a, Q b) {
    if constexpr (__is_same(P, Q))
        return a == b ? 1 : 0;
    else
        return 0;
}
template <class P, class... Field>
constexpr int count_member(P member, field_list<Field...> const& list) {
    return (0 + ... + equal_members(member, static_cast<Field const&>(list).member));
}
template <class... Field>
constexpr void find_faults(field_list<Field...>& list, bool members) {
    for (std::size_t i = 0; i < sizeof...(Field); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (list.about[i].name == list.about[j].name) list.names_differ = false;
    if (members)
        list.members_differ = ((count_member(static_cast<Field const&>(list).member, list) == 1) && ...);
}

// finite, and no negative deviation; by comparisons, because arithmetic with NaN is no constant expression
constexpr bool is_a_start(initial start) {
    constexpr float most = std::numeric_limits<float>::max();
    return start.number >= (start.how == initial::kind::normal ? 0 : -most) && start.number <= most;
}
template <std::size_t I, class List, class T>
constexpr void put_field(List& list, std::size_t& members, T what) {
    if constexpr (kind_of<T>() == 'm')
        static_cast<nth_field<I, T>&>(list).member = what, ++members;
    else if constexpr (kind_of<T>() == 's')
        list.about[members - 1].start = what, list.starts_are_numbers &= is_a_start(what);
    else if constexpr (kind_of<T>() == 'r')
        list.about[members - 1].is = what;
    else if constexpr (kind_of<T>() == 'f')
        list.about[members - 1].frozen = true;
    else if constexpr (kind_of<T>() == 'i')
        list.about[members - 1].inputs = what.axes;
    else
        list.about[members].name = what;
}
template <std::size_t I, class Owner, class Member>
list<nth_field<I, Member Owner::*>> field_at(Member Owner::* const*);
template <std::size_t I>
list<> field_at(void const*);
template <std::size_t... I, class... T>
constexpr auto fields_of(std::index_sequence<I...>, T... what) {
    using all = concat<decltype(field_at<I>(static_cast<T const*>(nullptr)))...>;
    apply_to<field_list, all> made{};
    [[maybe_unused]] std::size_t members = 0;
    (put_field<I>(made, members, what), ...);
    return made;
}
template <auto What, class List>
constexpr void put_name(List& list, std::size_t& members) {
    if constexpr (kind_of<decltype(What)>() == 'm') list.about[members++].name = name_of_member<What>();
}
}  // namespace detail

/// The parameters of a model: its members, in order, each followed by how it starts if that is not zero, by what it is
/// (`mw::role`) if its start does not tell, and by `mw::frozen` if it is not trained. A field is a tensor, a model, or a std::array of these; it is called as the
/// member is. A role of a field that is a model is that of all its parameters that do not say theirs; where it is frozen,
/// all of them are.
/// Errors: arguments in another order, and a member that is given twice, do not compile.
/// Example: struct pair {
///              mw::parameter<S, embed> gain, bias;
///              static constexpr auto parameters = mw::fields<&pair::gain, mw::constant{1}, &pair::bias>();
///          };
template <auto... What>
constexpr auto fields() {
    if constexpr (detail::in_order<decltype(What)...>(false)) {
        auto made = detail::fields_of(std::index_sequence_for<decltype(What)...>{}, What...);
        [[maybe_unused]] std::size_t members = 0;
        (detail::put_name<What>(made, members), ...);
        detail::find_faults(made, false);
        return made;
    } else {
        static_assert(never<decltype(What)...>,
                      "meshwise: mw::fields<...>() takes pointers to members, each followed by how it starts "
                      "if that is not zero, and by its mw::role or mw::frozen if that is to be said: "
                      "mw::fields<&layer::up, mw::normal{0.02F}, &layer::down>()");
        return detail::field_list<>{};
    }
}

/// The same with names of their own: a name, a member, how it starts and its role, over and over.
/// Errors: arguments in another order, and a member or a name that is given twice, do not compile.
/// Example: struct renamed {
///              mw::parameter<S, embed> g, b;
///              static constexpr auto parameters = mw::fields("gain", &renamed::g, mw::constant{1}, "bias", &renamed::b);
///          };
template <class First, class... T>
constexpr auto fields(First first, T... what) {
    if constexpr (detail::in_order<First, T...>(true)) {
        auto made = detail::fields_of(std::index_sequence_for<First, T...>{}, first, what...);
        detail::find_faults(made, true);
        return made;
    } else {
        static_assert(
            never<First, T...>,
            "meshwise: mw::fields(...) takes a name, a member, and how it starts if that is not zero, "
            "and its mw::role or mw::frozen if that is to be said, over and over: mw::fields(\"up\", &layer::up, mw::normal{0.02F}, \"down\", &layer::down)");
        return detail::field_list<>{};
    }
}

/// A type with a list of fields.
/// Example: static_assert(mw::any_model<my_model> && !mw::any_model<int>);
template <class T>
concept any_model = requires { std::remove_cvref_t<T>::parameters; };

}  // namespace meshwise
