// members: what a model has beside its parameters goes with it when a function makes a model of another type of it.
// Guarantees: every member arrives, also those that mw::fields does not list (an epsilon, a flag); a model whose members cannot be
// seen is refused by the compiler.
// Costs: for each type of model as many questions to the compiler as it has members, where models are made of others only.
#pragma once

#include <type_traits>
#include <utility>

#include <meshwise/tensor/fields.hpp>

namespace meshwise::detail {

struct too_many_members {};
// becomes a T only where T is a base of M
template <class M>
struct as_base_of {
    template <class T>
        requires(std::is_base_of_v<T, M> && !std::is_same_v<T, M>)
    operator T() const;
};
template <class M>
constexpr bool members_are_seen() {
    if constexpr (!std::is_aggregate_v<M>)
        return false;
    else
        return !requires { M{as_base_of<M>{}}; };
}
template <class... Field>
constexpr std::size_t bytes_of_fields(field_list<Field...> const&) {
    return (std::size_t{0} + ... + sizeof(typename Field::type));
}
// all that a model has is in its list: tensors leave no gaps
template <class M>
constexpr bool has_fields_only() {
    if constexpr (any_model<M>)
        return sizeof(M) == bytes_of_fields(M::parameters);
    else
        return false;
}

/// visit(members...) of an aggregate without bases, in the order of their declaration. Braces count them, because each pair starts a
/// whole member, be it an array.
template <class M, class F>
auto with_members(M& model, F visit) {
    using T = std::remove_const_t<M>;
    if constexpr (!requires { T{{}}; })
        return visit();
    else if constexpr (!requires { T{{}, {}}; }) {
        auto& [a] = model;
        return visit(a);
    } else if constexpr (!requires { T{{}, {}, {}}; }) {
        auto& [a, b] = model;
        return visit(a, b);
    } else if constexpr (!requires { T{{}, {}, {}, {}}; }) {
        auto& [a, b, c] = model;
        return visit(a, b, c);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d] = model;
        return visit(a, b, c, d);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e] = model;
        return visit(a, b, c, d, e);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f] = model;
        return visit(a, b, c, d, e, f);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g] = model;
        return visit(a, b, c, d, e, f, g);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h] = model;
        return visit(a, b, c, d, e, f, g, h);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i] = model;
        return visit(a, b, c, d, e, f, g, h, i);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j] = model;
        return visit(a, b, c, d, e, f, g, h, i, j);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
    } else if constexpr (!requires { T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}; }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w);
    } else if constexpr (!requires {
                             T{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {},
                               {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
                         }) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x] = model;
        return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
    } else
        return visit(too_many_members{});
}

enum class carried : unsigned char { whole, unseen, too_many, other_members, other_type };
// what becomes of a From as a To: the way that carry_member goes
template <class To, class From, class Tensors>
constexpr carried how_carried();
template <class Tensors, class... To, class... From>
constexpr carried how_all_are_carried(list<To...>, list<From...>) {
    if constexpr (sizeof...(To) != sizeof...(From))
        return carried::other_members;
    else {
        carried worst = carried::whole;
        ((worst = worst == carried::whole ? how_carried<To, From, Tensors>() : worst), ...);
        return worst;
    }
}
template <class Tensors, class... To, class... From>
constexpr carried how_fields_are_carried(field_list<To...> const&, field_list<From...> const&) {
    return how_all_are_carried<Tensors>(list<typename To::type...>{}, list<typename From::type...>{});
}
struct list_members {
    template <class... T>
    constexpr list<T...> operator()(T&...) const {
        return {};
    }
    constexpr list<too_many_members> operator()(too_many_members) const { return {}; }
};
template <class M>
using members_of = decltype(with_members(std::declval<M&>(), list_members{}));

template <class To, class From, class Tensors>
constexpr carried how_carried() {
    if constexpr (std::is_array_v<To> && std::is_array_v<From>)
        return how_carried<std::remove_extent_t<To>, std::remove_extent_t<From>, Tensors>();
    else if constexpr (std::is_same_v<To, From> || Tensors::template takes<To, From>())
        return std::is_copy_assignable_v<To> ? carried::whole : carried::other_type;
    else if constexpr (array_size<To> != 0 && array_size<To> == array_size<From>)
        return how_carried<typename To::value_type, typename From::value_type, Tensors>();
    else if constexpr (std::is_enum_v<To> && std::is_enum_v<From>)
        return carried::whole;
    else if constexpr (!std::is_class_v<To> || !std::is_class_v<From> ||
                       (!any_model<To> && std::is_convertible_v<From const&, To>))
        return std::is_convertible_v<From const&, To> ? carried::whole : carried::other_type;
    else if constexpr (members_are_seen<To>() && members_are_seen<From>()) {
        using members = members_of<To>;
        if constexpr (std::is_same_v<members, list<too_many_members>>)
            return carried::too_many;
        else
            return how_all_are_carried<Tensors>(members{}, members_of<From>{});
    } else if constexpr (has_fields_only<To>() && has_fields_only<From>())
        return how_fields_are_carried<Tensors>(To::parameters, From::parameters);
    else
        return any_model<To> ? carried::unseen : carried::other_type;
}

template <class To, class From, class Tensors>
constexpr bool check_carried() {
    constexpr carried how = how_carried<To, From, Tensors>();
    // names, because clang evaluates a comparison in three lines more
    constexpr bool few = how != carried::too_many;
    constexpr bool same_members = how != carried::other_members;
    constexpr bool seen = how != carried::unseen;
    constexpr bool same_types = how != carried::other_type;
    static_assert(few,
                  "meshwise: a model that is made anew as another type has more than 24 members: put some of "
                  "them into a struct of their own");
    static_assert(same_members, "meshwise: a model is made anew as another one that has other members");
    static_assert(
        seen, "meshwise: a model is made anew as another type, but it has a base class, a constructor or "
              "private data, so members that mw::fields does not list would be lost: make it a plain struct");
    static_assert(
        same_types,
        "meshwise: a model is made anew as another type, but a member that mw::fields does not list "
        "has another type there that it cannot be converted to: give both the same type");
    return how == carried::whole;
}

/// `from` as `to`, its member of another type. tensors.template takes<To, From>() says what of two types tensors(to, from)
/// does itself. For what check_carried accepts.
template <class To, class From, class Tensors>
void carry_member(To& to, From const& from, Tensors const& tensors);
template <class To, class From, class Tensors, class... ToField, class... FromField>
void carry_fields(To& to, From const& from, Tensors const& tensors, field_list<ToField...> const& to_fields,
                  field_list<FromField...> const& from_fields) {
    (carry_member(to.*static_cast<ToField const&>(to_fields).member,
                  from.*static_cast<FromField const&>(from_fields).member, tensors),
     ...);
}
template <class To, class From, class Tensors>
void carry_member(To& to, From const& from, Tensors const& tensors) {
    if constexpr (std::is_array_v<To>)
        for (std::size_t i = 0; i < std::extent_v<To>; ++i) carry_member(to[i], from[i], tensors);
    else if constexpr (std::is_same_v<To, From>)
        to = from;
    else if constexpr (Tensors::template takes<To, From>())
        tensors(to, from);
    else if constexpr (array_size<To> != 0)
        for (std::size_t i = 0; i < to.size(); ++i) carry_member(to[i], from[i], tensors);
    else if constexpr ((std::is_enum_v<To> && std::is_enum_v<From>) ||
                       (!any_model<To> && std::is_convertible_v<From const&, To>))
        to = static_cast<To>(from);
    else if constexpr (members_are_seen<To>())
        with_members(to, [&](auto&... t) {
            with_members(from, [&](auto const&... f) { (carry_member(t, f, tensors), ...); });
        });
    else
        carry_fields(to, from, tensors, To::parameters, From::parameters);
}

}  // namespace meshwise::detail
