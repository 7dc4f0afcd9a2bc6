// embedding: rows of a table, looked up by id.
//   mw::embedding<vocab>(table, ids)     strict: local, or an error. A split vocab leaves a pending sum
//   mw::embedding<S, vocab>(table, ids)  follows the strategy: aligns the operands, settles the result
//   mw::embedding<vocab>(table, ids, {.scale = 16, .padding_id = 0})
// Rule: core/relations.hpp `contraction` of the table with a row of [id == v] for each id, cut for free.
// Gradient: the same contraction backwards, the rows of the gradient added to the rows of the table.
// Cost: one pass over the rows taken; no products. Backwards the same, and zeros for the table unless it has a gradient
// already. Under reproducible<V> the gradient is V tables summed in a tree.
#pragma once

#include <optional>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/rows/checked_ids.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

/// What happens to the rows on the way. Source: Vaswani et al., 2017, 3.4 (the scale).
/// Example: auto e = mw::embedding<vocab>(table, ids, {.scale = 5.65, .padding_id = 0});
struct embedding_options {
    double scale = 1;
    /// This id gives zeros, whatever its row holds, and its row gets no gradient.
    std::optional<std::int32_t> padding_id = std::nullopt;
};

namespace elementary {
// an id that no rank's rows have
struct without_id {
    std::int32_t left_out;
    constexpr auto operator()(std::int32_t id) const { return select(id == left_out, -1, id); }
};
// what adding the zero rows of other leaves does to a negative zero
struct plus_zero {
    constexpr auto operator()(auto a) const { return a + decltype(a){0}; }
};
}  // namespace elementary

/// A lookup as a contraction of its axes and layouts.
/// Example:
/// static_assert(mw::lookup<vocab, decltype(table)::operand, decltype(ids)::operand>::verdict::value);
template <class Vocab, class Table, class Ids>
struct lookup {
    using chosen_axes = as_axes<detail::concat<detail::as_list<typename Ids::axes>, detail::list<Vocab>>>;
    using chosen =
        operand<chosen_axes,
                relayout<chosen_axes, detail::list<>, typename Ids::layout, typename Table::layout>>;
    using axes =
        as_axes<detail::concat<detail::as_list<typename Ids::axes>,
                               detail::without<detail::as_list<typename Table::axes>, detail::list<Vocab>>>>;
    using forward = contraction<axes, chosen, Table>;
    using layout = typename forward::layout;
    using backward = contraction<typename Table::axes, chosen, operand<axes, without_partials<layout>>>;
    using verdict = all_of<
        detail::same_mesh<typename Table::layout, typename Ids::layout>,
        typename detail::present<left_operand_lacks_axis, detail::list<Vocab>, typename Table::axes>::type,
        detail::not_pending<typename Ids::layout>, typename forward::verdict>;
};

namespace detail {
// the rows of d added to the rows of `table` that their ids name
template <class Vocab, class Table, class Ids, class D>
void scatter_rows(Table& table, Ids const& ids, D const& d) {
    using B = typename D::backend;
    using T = typename D::value_type;
    std::size_t const rows = table.template local_extent<Vocab>(), width = table.local_size() / rows,
                      first = first_of_axis<Vocab>(table);
    if constexpr (B::leaves > 1) {
        using leaf = typename leaf_axis<typename Ids::layout, as_list<typename Ids::axes>>::type;
        if constexpr (!std::is_void_v<leaf>) {
            constexpr std::size_t leaves = leaves_of<B, typename Ids::layout, leaf>::here,
                                  at = index_of<leaf, typename Ids::axes>;
            auto const& extents = ids.local_extents();
            std::size_t outer = 1, inner = 1;
            for (std::size_t i = 0; i < extents.size(); ++i) (i < at ? outer : inner) *= extents[i];
            if (extents[at] % leaves != 0)
                throw_error({"reproducible<V> needs ", name_of<leaf>(),
                             " in a multiple of V elements; pad the input or choose a smaller V"});
            inner /= leaves;
            context& here = current();
            buffer const some_ids(*here.pool, outer * inner * sizeof(std::int32_t), here.allocating_for);
            buffer const some_rows(*here.pool, outer * inner * width * sizeof(T), here.allocating_for);
            auto const cut = [&]<class E>(E const* from, buffer const& room, std::size_t leaf_number,
                                          std::size_t elements) {
                if (outer == 1) return from + leaf_number * elements;
                iteration_space<1> l;
                l.dims = 2;
                l.extents = {outer, elements};
                l.out = {static_cast<std::ptrdiff_t>(elements), 1};
                l.in[0] = {static_cast<std::ptrdiff_t>(elements * leaves), 1};
                B::permute(l, static_cast<E*>(room.data()), from + leaf_number * elements);
                return static_cast<E const*>(room.data());
            };
            auto part = [&](std::size_t i, T* to) {
                B::fill(to, table.local_size(), T{});
                B::scatter_add_rows(outer * inner, cut(ids.raw_data(), some_ids, i, inner), first, rows,
                                    width, cut(d.raw_data(), some_rows, i, inner * width), to);
            };
            sum_of_leaves<B>(0, leaves, table.local_size(), table.mutable_data(), part);
            return;
        }
    }
    B::scatter_add_rows(ids.local_size(), ids.raw_data(), first, rows, width, d.raw_data(),
                        table.mutable_data());
}

template <class Table, class Ids>
using looked_up = all_of<same_backend<Table, Ids>, counts_in_int32<Ids>>;

// ids as the strategy has the rows of the result, as far as the table leaves mesh axes free
template <class S, class Aligned, class Ids>
struct ids_wanted {
    template <class... P>
    using in_mesh = canonical<typename S::mesh, P...>;
    using type = apply_to<in_mesh, typename cut_without<typename Aligned::target, typename Aligned::busy,
                                                        as_list<typename Ids::axes>>::type>;
};
template <class S, class Vocab, class Table, class Ids>
using looked_up_by =
    all_of<not_refused<Table, Ids>, same_mesh<typename Table::operand::layout, typename Ids::operand::layout>,
           same_mesh<typename Table::operand::layout, layout<typename S::mesh>>,
           typename present<left_operand_lacks_axis, list<Vocab>, typename Table::operand::axes>::type,
           not_pending<typename Ids::operand::layout>,
           few_axes<lookup<Vocab, typename Table::operand, typename Ids::operand>::axes::count>,
           looked_up<Table, Ids>>;
}  // namespace detail

/// The rows of `table` (axes<Vocab, ...>) that `ids` (int32, any axes) name. Axes: those of ids, then the
/// table's others.
/// Placement: a table split by Vocab where ids are whole gives a pending sum (rows of other ranks are zero);
/// a whole table with split ids gives a split result. Communication: none. Rows of bfloat16 become float.
/// Errors: an id outside [0, Vocab::true_size), checked on every rank before anything is masked.
/// Example: auto e = mw::embedding<S, vocab>(table, ids);
template <any_axis Vocab, any_tensor Table, any_tensor Ids>
auto embedding(Table const& table, Ids const& ids, embedding_options const& how = {},
               std::source_location where = std::source_location::current()) {
    using relation = lookup<Vocab, typename Table::operand, typename Ids::operand>;
    using verdict =
        all_of<not_refused<Table, Ids>, typename relation::verdict, detail::looked_up<Table, Ids>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        static_assert(detail::index_of<Vocab, typename Table::axes> == 0,
                      "meshwise: mw::embedding takes whole rows: the axis looked up must be the table's "
                      "first, so declare it axes<vocab, embed>");
        using B = typename Table::backend;
        using element = detail::summed_as<typename Table::value_type>;
        using out_type = tensor<element, typename relation::axes, typename relation::layout, B>;
        bool const recorded = is_recorded(where, table);
        check_operands(where, table, ids);
        detail::check_ids<Vocab>(ids, "id", 0);
        detail::check_options("mw::embedding", {{"scale", how.scale, detail::finite}}, &where);
        auto taken = ids;
        if (how.padding_id) {
            taken = result_of<Ids>(ids);
            B::map(detail::element_loops(taken, ids), elementary::without_id{*how.padding_id},
                   taken.mutable_data(), ids.raw_data());
        }
        auto out = result_of<out_type>(ids, table);
        std::size_t const rows = table.template local_extent<Vocab>();
        auto const gather = [&](auto& to) {
            B::gather_rows(ids.local_size(), taken.raw_data(), first_of_axis<Vocab>(table), rows,
                           table.local_size() / rows, table.raw_data(), to.mutable_data());
        };
        if constexpr (std::is_same_v<element, typename Table::value_type>)
            gather(out);
        else {
            auto narrow = result_of<with_elements<out_type, bfloat16>>(ids, table);
            gather(narrow);
            B::cast(out.mutable_data(), narrow.raw_data(), out.local_size());
        }
        if constexpr (B::leaves > 1 && detail::is_cut<typename Table::layout, Vocab>)
            B::map(detail::element_loops(out, out), elementary::plus_zero{}, out.mutable_data(),
                   out.raw_data());
        detail::clear_padding(out);  // of axes of ids
        double const factor = how.scale;
        detail::note_numbers<Table>(factor, how.padding_id.value_or(-1));
        if (factor != 1) B::scale(out.mutable_data(), out.local_size(), static_cast<element>(factor));
        if (recorded)
            record(out, where, [to = target_of(table), taken, factor](auto const& d) {
                using back = tensor<element, typename Table::axes, typename relation::backward::layout, B>;
                // A tied table has the gradient of the other use by now: a few rows of it change, the rest stays.
                auto there = B::leaves > 1 ? buffer{}
                                           : detail::tape_going_backwards()->take(
                                                 to.node, detail::sum_mask<typename back::layout>);
                bool const first = !there;
                auto gradient =
                    first ? back::uninitialized(to.extents) : back::over(std::move(there), to.extents);
                if (first)
                    B::fill(gradient.mutable_data(), gradient.local_size(), typename back::value_type{});
                detail::scatter_rows<Vocab>(gradient, taken, factor == 1 ? d : scale(d, factor));
                contribute(to, gradient);
            });
        return out;
    }
}

namespace detail {
// table and ids are brought together; the result is not settled
template <class S, class Vocab, class Table, class Ids>
auto aligned_embedding(Table const& table, Ids const& ids, embedding_options const& how,
                       std::source_location where) {
    using relation = lookup<Vocab, typename Table::operand, typename Ids::operand>;
    using aligned = alignment<S, typename relation::chosen, Table, typename relation::axes, Vocab>;
    return embedding<Vocab>(reshard<typename aligned::template wanted<Table>::type>(table, where),
                            reshard<typename ids_wanted<S, aligned, Ids>::type>(ids, where), how, where);
}
}  // namespace detail

/// The same under a strategy: table and ids are brought together, the result goes where S puts its axes.
/// Communication: what `reshard` derives; with a table split by vocab the reduction that settles it.
template <any_strategy S, any_axis Vocab, any_tensor Table, any_tensor Ids>
auto embedding(Table const& table, Ids const& ids, embedding_options const& how = {},
               std::source_location where = std::source_location::current()) {
    using verdict = detail::looked_up_by<S, Vocab, Table, Ids>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(detail::aligned_embedding<S, Vocab>(table, ids, how, where), where);
}

}  // namespace meshwise
