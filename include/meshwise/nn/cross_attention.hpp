// Attention with lengths as masks: over another text (cross_attention), and over all tokens of the same text (bidirectional).
#pragma once

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>

namespace meshwise {

namespace detail {
template <class X>
X taken_rows(X const& x, std::span<std::int32_t const> which) {
    using batch = first_of<typename X::axes>;
    static_assert(batch::bounded && X::bounded_count <= 2 && split_of<typename X::layout, batch>::size == 0,
                  "meshwise: rows are taken from a batch that is mw::up_to and whole on every rank");
    if (auto const where = std::source_location::current(); is_recorded(where, x))
        refuse_without_gradient("taking rows of a memory", where);
    auto extents = x.extents();
    extents[0] = which.size();
    X taken = X::uninitialized(extents);
    std::size_t const rows = x.template stored_extent<batch>(), width = rows == 0 ? 0 : x.local_size() / rows;
    X::backend::gather_rows(which.size(), which.data(), 0, rows, width, x.raw_data(), taken.mutable_data());
    return taken;
}
}  // namespace detail

namespace detail {
struct whole_texts {};
}  // namespace detail

/// Given to a self-attention: each token sees all of its text, later ones too, up to the text's length, or all tokens
/// where there are no lengths, as in mw::bidirectional{}.
/// Lengths: int32, (batch), where the strategy puts it. Example: model.blocks[0](x, mw::bidirectional{lengths});
template <class Lengths = detail::whole_texts>
struct bidirectional {
    Lengths lengths{};

    std::size_t next(std::size_t) const { return 0; }

    template <any_strategy S, class Q, class K, class V>
    auto attend(Q const& q, K const& k, V const& v) const {
        using token = detail::token_axis_of<Q>;
        if constexpr (std::is_same_v<Lengths, detail::whole_texts>)
            return attention<S, token>(q, k, v, {.causal = false});
        else
            return attention<S, token>(q, k, v, {.causal = false, .key_lengths = lengths});
    }
};

/// Keys and values of a memory, projected once for all decoding steps that attend to it. Both are (batch, source, heads, head_dim).
/// Example:
/// auto cross = here.init<mw::cross_attention<S, embed, heads, head_dim>>(mw::seed{1});
/// auto const once = cross.project_memory(mw::rename<token, key>(x));  // keys and values, for many steps
template <class Keys, class Values>
struct projected_memory {
    Keys keys;
    Values values;

    /// Row i is what row which[i] was: for a batch axis that is mw::up_to and whole on every rank. Cost: one copy.
    projected_memory rows(std::span<std::int32_t const> which) const {
        return {detail::taken_rows(keys, which), detail::taken_rows(values, which)};
    }
};

/// Each token of x (batch, token, embed) sees the first lengths[batch] tokens of `memory` (batch, source, embed), or
/// of what `project_memory(memory)` has made of it.
/// Source: Vaswani et al., Attention is all you need, 2017.
/// Example:
/// auto cross = here.init<mw::cross_attention<S, embed, heads, head_dim>>(mw::seed{1});
/// auto y = cross(x, mw::rename<token, key>(x), lengths);
template <any_strategy S, any_axis Embed, any_axis Heads, any_axis HeadDim>
struct cross_attention {
    linear<S, Embed, axes<Heads, HeadDim>> query, key, value;
    linear<S, axes<Heads, HeadDim>, Embed> out;

    auto project_memory(any_tensor auto const& memory) const {
        return projected_memory{key(memory), value(memory)};
    }

    template <any_tensor X, any_tensor Memory, any_tensor Lengths>
    auto operator()(X const& x, Memory const& memory, Lengths const& lengths) const {
        return (*this)(x, project_memory(memory), lengths);
    }
    template <any_tensor X, class Keys, class Values, any_tensor Lengths>
    auto operator()(X const& x, projected_memory<Keys, Values> const& memory, Lengths const& lengths) const {
        using token = detail::token_axis_of<X>;
        using source = detail::token_axis_of<Keys>;
        return out(attention<S, token, source>(query(x), memory.keys, memory.values,
                                               {.causal = false, .key_lengths = lengths}));
    }

    static constexpr auto parameters = fields<&cross_attention::query, &cross_attention::key,
                                              &cross_attention::value, &cross_attention::out>();
};

}  // namespace meshwise
