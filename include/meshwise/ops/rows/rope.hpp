// rope: rotary positions: pairs of a head's elements turn by an angle that grows with the position of their token.
// Rule: head_dim is whole. Positions are global: where a split token axis begins comes from the type.
// Gradient: the inverse rotation, of each contribution by its kind. Cost: one pass each way, keeps nothing.
#pragma once

#include <meshwise/backend/concept.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// How rope turns: pair i of a head by position / base^(2i / head_dim). `first_position` is that of the first token of
/// the whole axis, other than 0 where a text is continued.
/// Example: constexpr mw::rope_options how{.base = 500000, .pairing = mw::rope_pairing::halves};
struct rope_options {
    double base = 10000;
    rope_pairing pairing = rope_pairing::adjacent;
    std::size_t first_position = 0;
};

/// Rotary positions: head_dim whole, any other axis split, a pending sum stays pending.
/// Example: static_assert(mw::rotation<token, head_dim, decltype(q)::operand>::verdict::value);
template <class Token, class HeadDim, class X>
struct rotation {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Token, HeadDim>, axes>::type,
               judge<split_of<layout, HeadDim>::size == 0, normalised_axis_is_split,
                     detail::split_fact_of<value_is_split_by, HeadDim, layout>>,
               judge<detail::maxima_of<layout>::size == 0, non_linear_operation_on_a_pending_sum,
                     value_is_placed_as<layout>>>;
};

namespace detail {
template <class Token, class HeadDim, class X>
X rotated(X const& x, rope_options const& how, bool inverse) {
    using B = typename X::backend;
    auto const rows = with_last<HeadDim>(x);
    using rows_type = std::remove_const_t<decltype(rows)>;
    auto const& extents = rows.local_extents();
    constexpr std::size_t at = index_of<Token, typename rows_type::axes>;
    std::size_t outer = 1, heads = 1;
    for (std::size_t i = 0; i < at; ++i) outer *= extents[i];
    for (std::size_t i = at + 1; i + 1 < extents.size(); ++i) heads *= extents[i];
    auto y = result_of<rows_type>(rows);
    B::rope(outer, extents[at], heads, extents.back(), how.first_position + first_of_axis<Token>(x), how.base,
            how.pairing, inverse, rows.raw_data(), y.mutable_data());
    return in_order<X>(y);
}
}  // namespace detail

/// x turned by its positions. x: (batch..., token, heads..., head_dim).
/// Placement: head_dim whole; the rest kept. Communication: none. Errors: head_dim is even.
/// Source: Su et al., RoFormer: enhanced transformer with rotary position embedding, 2021.
/// Example: auto turned = mw::rope<token, head_dim>(q, {.pairing = mw::rope_pairing::halves});
template <any_axis Token, any_axis HeadDim, any_tensor X>
auto rope(X const& x, rope_options how = {}, std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename rotation<Token, HeadDim, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return cast<bfloat16>(rope<Token, HeadDim>(cast<float>(x, where), how, where), where);
    else {
        bool const recorded = is_recorded(where, x);
        static_assert(HeadDim::size % 2 == 0,
                      "meshwise: rotary positions turn pairs of elements: give head_dim an even size");
        detail::refuse_padding<HeadDim>();  // which pairs turn, and how fast, follows from the size
        detail::check_options("mw::rope",
                              {{"base", how.base, detail::above_zero},
                               {"first_position", static_cast<double>(how.first_position), detail::a_count}},
                              &where);
        detail::note_numbers<X>(how.base, how.first_position);
        auto out = detail::rotated<Token, HeadDim>(x.detached(), how, false);
        if (recorded)
            record_linear(out, where, [to = target_of(x), how](auto const& d, mesh_mask pending) {
                contribute(to, detail::rotated<Token, HeadDim>(d, how, true), pending);
            });
        return out;
    }
}

}  // namespace meshwise
