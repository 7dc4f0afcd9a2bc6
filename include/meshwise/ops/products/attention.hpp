// attention: scaled dot-product attention, also with grouped heads (several query heads share a key and value head),
// causal or not, over its own tokens or over another sequence.
//   mw::attention<token>(q, k, v)            strict: local, or an error
//   mw::attention<S, token>(q, k, v)         follows the strategy: gathers what the rule needs whole, settles the result
//   mw::attention<token, source>(q, source_k, source_v)   the keys and values are those of another axis
// Rule: ops/products/attention_rule.hpp. Gradient: of k and v pending where the queries that share them are split.
// Cost: 4 x queries x keys x head_dim operations a head forward, 10 backward, half where causal; keeps q, k, v, the
// result and one number a query, never the weights. Under reproducible<V>, where the tokens or the group of q are split,
// each leaf of them is a call of its own. Of bfloat16 the sums are float.
#pragma once

#include <cmath>

#include <meshwise/backend/concept.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/products/attention_rule.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/padding.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

/// How an attention looks at its keys. Lengths: tensor<int32, axes<batch>>, split as q is (or, where a strategy places
/// the operands, as it places them).
/// Example: auto all_tokens = mw::attention<token>(q, k, v, {.causal = false, .key_lengths = lengths});
template <class Lengths, bool Causal>
struct attention_options {
    /// A query sees the keys up to its own position. Over its own tokens this is what is meant when nothing is said.
    bool causal = Causal;
    /// How many keys count in each text; all where it is not given.
    Lengths key_lengths{};
    /// Position of the whole axis's first query among the keys; other than 0 where earlier keys are kept in a cache.
    std::size_t first_query = 0;
    /// Factor of the scores; 0 stands for 1 / sqrt(head_dim).
    double scale = 0;
};

namespace detail {
// takes the place of lengths where there can be none
struct no_lengths {
    constexpr no_lengths() = default;
    template <class T>
    constexpr no_lengths(T const&) {}
    explicit constexpr operator bool() const { return false; }
};
// strict: split as q is
struct as_q_is {
    template <class Batch, class Q>
    using type = tensor<std::int32_t, axes<Batch>, relayout<axes<Batch>, list<>, typename Q::layout>,
                        typename Q::backend>;
};
template <class S>
struct as_strategy_says {
    template <class Batch, class Q>
    using type = tensor_of<S, std::int32_t, Batch>;
};
template <class Placed, class Q, class BatchList>
struct lengths_type {
    using type = no_lengths;
};
template <class Placed, class Q, class Batch>
struct lengths_type<Placed, Q, list<Batch>> {
    using type = typename Placed::template type<Batch, Q>;
};
template <class Placed, class Token, class Q>
struct lengths_for {
    using type = no_lengths;
};
template <class Placed, class Token, class T, class Axes, class L, class B>
struct lengths_for<Placed, Token, tensor<T, Axes, L, B>>
    : lengths_type<Placed, tensor<T, Axes, L, B>, axes_before<Axes, Token>> {};

template <class Token, class Key, class Q, class Placed = as_q_is>
using options_of =
    attention_options<typename lengths_for<Placed, Token, Q>::type, std::is_same_v<Token, Key>>;
}  // namespace detail

namespace detail {
template <class Token, class Key, class Q, class K, class V>
struct attention_of {
    using relation = attending<Token, Key, typename Q::operand, typename K::operand, typename V::operand>;
    using parts = typename relation::parts;
    using B = typename Q::backend;
    using T = typename Q::value_type;
    using number = attention_number<T>;  // of the log-sum-exps
    using options = options_of<Token, Key, Q>;
    using leaf = typename row_leaf<Q, typename relation::summed>::type;
    static constexpr std::size_t leaves = leaves_here<leaf, Q>();

    template <class X, class... A>
    static std::ptrdiff_t stride(X const& x, list<A...>) {
        return (std::ptrdiff_t{0} + ... + stride_of<A>(x));
    }
    template <class X, class... A>
    static std::size_t count(X const& x, list<A...>) {
        return (std::size_t{1} * ... * x.template local_extent<A>());
    }

    static attention_shape shape_of(Q const& q, K const& k, V const& v, options const& how) {
        using batch = typename parts::batch;
        using heads = typename parts::kv_heads;
        using last = first_of<typename parts::head_dim>;
        attention_shape s;
        s.batch = count(q, batch{}), s.kv_heads = count(q, heads{}),
        s.group = count(q, typename parts::group{});
        s.queries = q.template local_extent<Token>(), s.keys = k.template local_extent<Key>(),
        s.head_dim = q.template local_extent<last>();
        s.causal = how.causal;
        s.first_query = static_cast<std::ptrdiff_t>(how.first_query + first_of_axis<Token>(q));
        s.scale = how.scale != 0 ? how.scale : 1 / std::sqrt(static_cast<double>(true_extent<last>(q)));
        if constexpr (batch::size == 1)
            if (how.key_lengths.has_value()) s.key_lengths = how.key_lengths.raw_data();
        s.q_batch = stride(q, batch{}), s.q_token = stride_of<Token>(q), s.q_head = stride(q, heads{}),
        s.q_group = stride(q, typename parts::group{});
        s.k_batch = stride(k, batch{}), s.k_token = stride_of<Key>(k), s.k_head = stride(k, heads{});
        s.v_batch = stride(v, batch{}), s.v_token = stride_of<Key>(v), s.v_head = stride(v, heads{});
        return s;
    }

    static void check(K const& k, attention_shape const& s) {
        if (Key::size != Key::true_size && !s.causal && s.key_lengths == nullptr)
            throw_error({"axis ", name_of<Key>(),
                         " is padded, and attention would count its padding; give key_lengths"});
        if constexpr (B::computes)
            for (std::size_t i = 0; s.key_lengths != nullptr && i < s.batch; ++i)
                if (s.key_lengths[i] < 0 || static_cast<std::size_t>(s.key_lengths[i]) > s.keys)
                    throw_error({"attention was given a key length of ", s.key_lengths[i], ", but axis ",
                                 name_of<Key>(), " has ", k.template stored_extent<Key>(), " keys"});
        if constexpr (!std::is_void_v<leaf>)
            if ((std::is_same_v<leaf, Token> ? s.queries : s.group) % leaves != 0)
                throw_error({"reproducible<V> needs queries of a multiple of V in axis ", name_of<leaf>(),
                             "; pad it to a multiple"});
    }

    /// One leaf of the queries: its shape, and where it begins in q and in the log-sum-exps.
    struct piece {
        attention_shape shape;
        std::ptrdiff_t at_q = 0;
        std::size_t at_row = 0;
    };
    static piece leaf_of(attention_shape s, std::size_t i) {
        std::size_t& cut = std::is_same_v<leaf, Token> ? s.queries : s.group;
        cut /= leaves;
        std::size_t const first = i * cut;
        if (leaves > 1 && std::is_same_v<leaf, Token>) s.first_query += static_cast<std::ptrdiff_t>(first);
        return {s, static_cast<std::ptrdiff_t>(first) * (std::is_same_v<leaf, Token> ? s.q_token : s.q_group),
                i * s.batch * s.kv_heads * s.group * s.queries};
    }

    static Q forward(Q const& q, K const& k, V const& v, attention_shape const& s, number* lse) {
        auto out = result_of<Q>(q);
        for (std::size_t i = 0; i < leaves; ++i) {
            piece const p = leaf_of(s, i);
            B::attention(p.shape, q.raw_data() + p.at_q, k.raw_data(), v.raw_data(),
                         out.mutable_data() + p.at_q, lse + p.at_row);
        }
        clear_padding(out);  // of queries
        return out;
    }

    static void record_gradient(Q& out, Q const& q, K const& k, V const& v, attention_shape const& s,
                                buffer const& lse, options const& how, std::source_location where) {
        // the lengths are captured because the shape points into them
        record(out, where, [q, k, v, out = out.detached(), s, lse, lengths = how.key_lengths](auto const& d) {
            (void)lengths;
            auto const slope = cast<T>(d);
            auto dq = result_of<Q>(q);
            auto dk =
                result_of<with_place<K, typename K::axes, typename relation::template shared_gradient<K>>>(k);
            auto dv =
                result_of<with_place<V, typename V::axes, typename relation::template shared_gradient<V>>>(v);
            auto const rows = static_cast<number const*>(lse.data());
            auto const run = [&](std::size_t i, T* to_k, T* to_v) {
                piece const p = leaf_of(s, i);
                B::attention_gradient(p.shape, q.raw_data() + p.at_q, k.raw_data(), v.raw_data(),
                                      out.raw_data() + p.at_q, rows + p.at_row, slope.raw_data() + p.at_q,
                                      dq.mutable_data() + p.at_q, to_k, to_v);
            };
            if constexpr (leaves == 1)
                run(0, dk.mutable_data(), dv.mutable_data());
            else {
                context& here = current();
                std::size_t const n = dk.local_size();
                buffer const both(*here.pool, 2 * n * sizeof(T), here.allocating_for);
                T* const sums = static_cast<T*>(both.data());
                auto part = [&](std::size_t i, T* to) { run(i, to, to + n); };
                sum_of_leaves<B>(0, leaves, 2 * n, sums, part);
                B::copy(dk.mutable_data(), sums, n);
                B::copy(dv.mutable_data(), sums + n, n);
            }
            using sums = summed_as<T>;
            if (q.node() != 0) contribute(target_of(q), cast<sums>(dq));
            if (k.node() != 0) contribute(target_of(k), cast<sums>(dk));
            if (v.node() != 0) contribute(target_of(v), cast<sums>(dv));
        });
    }
};

template <class Token, class Key, class Q, class K, class V>
auto attended(Q const& q, K const& k, V const& v, options_of<Token, Key, Q> const& how,
              std::source_location where) {
    using verdict = all_of<not_refused<Q, K, V>,
                           typename attending<Token, Key, typename Q::operand, typename K::operand,
                                              typename V::operand>::verdict,
                           same_elements<Q, K>, same_elements<Q, V>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, q, k, v);
        using self = attention_of<Token, Key, Q, K, V>;
        check_options("mw::attention", {{"scale", how.scale, at_least_zero}}, &where);
        if constexpr (self::parts::batch::size == 1)
            if (how.key_lengths.has_value()) check_operands(where, q, how.key_lengths);
        attention_shape const s = self::shape_of(q, k, v, how);
        self::check(k, s);
        note_numbers<Q>(how.scale, how.first_query, how.causal);
        context& here = current();
        buffer const lse(*here.pool,
                         s.batch * s.kv_heads * s.group * s.queries * sizeof(typename self::number),
                         here.allocating_for);
        auto out = self::forward(q, k, v, s, static_cast<typename self::number*>(lse.data()));
        if (recorded) self::record_gradient(out, q, k, v, s, lse, how, where);
        return out;
    }
}

template <class S, class Token, class Key, class Q, class K, class V>
auto attended_by(Q const& q, K const& k, V const& v,
                 options_of<Token, Key, Q, as_strategy_says<S>> const& how, std::source_location where) {
    using relation = attending<Token, Key, typename Q::operand, typename K::operand, typename V::operand>;
    using verdict = all_of<not_refused<Q, K, V>, typename relation::parts::verdict,
                           same_mesh<typename Q::layout, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using to_q = typename relation::template wanted_q<layout_for<S, typename Q::axes>>;
        using to_kv = typename relation::template wanted_kv<to_q>;
        if constexpr (narrows<S> && !(std::is_same_v<typename Q::value_type, typename S::product> &&
                                      std::is_same_v<typename K::value_type, typename S::product> &&
                                      std::is_same_v<typename V::value_type, typename S::product>))
            return attended_by<S, Token, Key>(brought<S, to_q>(q, where), brought<S, to_kv>(k, where),
                                              brought<S, to_kv>(v, where), how, where);
        else {
            auto const at_q = reshard<to_q>(q, where);
            options_of<Token, Key, std::remove_const_t<decltype(at_q)>> placed{
                how.causal, {}, how.first_query, how.scale};
            if constexpr (relation::parts::batch::size == 1)
                if (how.key_lengths.has_value())
                    placed.key_lengths =
                        reshard<typename decltype(placed.key_lengths)::layout>(how.key_lengths, where);
            return settle<S>(
                attended<Token, Key>(at_q, reshard<to_kv>(k, where), reshard<to_kv>(v, where), placed, where),
                where);
        }
    }
}
}  // namespace detail

/// softmax(scale q k^T) v, on what each rank holds. q: (batch, token, kv_heads, group, head_dim); k, v: (batch, token,
/// kv_heads, head_dim); batch, kv_heads and group may be absent. The result is as q. A query that sees no key gives 0.
/// Placement: batch and kv_heads split alike in all; head_dim and the keys whole; token and group of q split where k and
/// v are whole. Communication: none. Errors: a key length below 0 or above the number of keys.
/// Source: Vaswani et al., Attention is all you need, 2017; Ainslie et al., GQA, 2023; Dao et al., FlashAttention, 2022.
/// Example: auto y = mw::attention<token>(q, k, v, {.key_lengths = lengths});
template <any_axis Token, any_tensor Q, any_tensor K, any_tensor V>
auto attention(Q const& q, K const& k, V const& v, detail::options_of<Token, Token, Q> how = {},
               std::source_location where = std::source_location::current()) {
    return detail::attended<Token, Token>(q, k, v, how, where);
}
/// The same over the keys and values of another axis; causal only where that is said.
template <any_axis Token, any_axis Key, any_tensor Q, any_tensor K, any_tensor V>
auto attention(Q const& q, K const& k, V const& v, detail::options_of<Token, Key, Q> how = {},
               std::source_location where = std::source_location::current()) {
    return detail::attended<Token, Key>(q, k, v, how, where);
}

/// The same under a strategy: q goes where S puts its axes, k and v beside it with their keys whole, the result where S
/// puts it. Communication: what `reshard` derives: an all-gather of k and v where the strategy splits their tokens.
template <any_strategy S, any_axis Token, any_tensor Q, any_tensor K, any_tensor V>
auto attention(Q const& q, K const& k, V const& v,
               detail::options_of<Token, Token, Q, detail::as_strategy_says<S>> how = {},
               std::source_location where = std::source_location::current()) {
    return detail::attended_by<S, Token, Token>(q, k, v, how, where);
}
/// Both: another axis, under a strategy.
template <any_strategy S, any_axis Token, any_axis Key, any_tensor Q, any_tensor K, any_tensor V>
auto attention(Q const& q, K const& k, V const& v,
               detail::options_of<Token, Key, Q, detail::as_strategy_says<S>> how = {},
               std::source_location where = std::source_location::current()) {
    return detail::attended_by<S, Token, Key>(q, k, v, how, where);
}

}  // namespace meshwise
