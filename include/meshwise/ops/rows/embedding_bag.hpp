// embedding_bag: the rows of a table that the ids of each bag name, summed or as their mean.
//   mw::embedding_bag<vocab, token>(table, ids)      strict: local, or an error. A split vocab leaves a pending sum
//   mw::embedding_bag<S, vocab, token>(table, ids)   follows the strategy
// Rule and gradient: those of `embedding`, `sum` and a product with a constant.
// Cost: the rows of all ids in memory once, then one pass over them.
#pragma once

#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/ops/rows/embedding.hpp>

namespace meshwise {

/// What becomes of the rows of a bag. Example: constexpr auto how = mw::bag_mode::sum;
enum class bag_mode : std::uint8_t { mean, sum };

/// Options of `embedding_bag`.
/// Example: auto e = mw::embedding_bag<S, vocab, token>(table, ids, {.mode = mw::bag_mode::sum, .padding_id = 0});
struct embedding_bag_options {
    bag_mode mode = bag_mode::mean;
    /// This id is none: it adds nothing, and does not count in a mean.
    std::optional<std::int32_t> padding_id = std::nullopt;
};

namespace elementary {
struct is_in_bag {
    bool all;
    std::int32_t left_out;
    constexpr std::int32_t operator()(std::int32_t id) const { return all || id != left_out ? 1 : 0; }
};
// what a row counts in a bag of so many; a bag of nothing is zero
template <class T>
struct share_in_bag {
    bool mean;
    constexpr T operator()(std::int64_t count) const {
        return !mean ? T{1} : count == 0 ? T{} : T{1} / static_cast<T>(count);
    }
};
}  // namespace elementary

namespace detail {
// rows (.., Token, ..), pending or not, of ids that lie alike
template <class Token, class Rows, class Ids>
auto bags_of(Rows const& rows, Ids const& ids, embedding_bag_options const& how, std::source_location where) {
    using T = typename Rows::value_type;
    auto const total = sum<Token>(rows, where);
    auto const counts =
        sum<Token>(map(elementary::is_in_bag{!how.padding_id, how.padding_id.value_or(0)}, ids), where);
    using total_layout = typename decltype(total)::layout;
    auto const beside =
        reshard<relayout<typename decltype(counts)::axes, list<>, total_layout>>(counts, where);
    return total * map(elementary::share_in_bag<T>{how.mode == bag_mode::mean}, beside);
}
}  // namespace detail

/// The mean, or the sum, over Token of the rows of `table` (axes<Vocab, ...>) that `ids` (int32) name. Axes: those of ids but
/// Token, then the table's others. Bags of different sizes are filled up with an id that is `padding_id`.
/// Placement: Token whole on every rank; else as `embedding`: a table split by Vocab gives a pending sum. Communication: none.
/// Errors: those of `embedding`.
/// Example: auto e = mw::embedding_bag<vocab, token>(table, ids);
template <any_axis Vocab, any_axis Token, any_tensor Table, any_tensor Ids>
auto embedding_bag(Table const& table, Ids const& ids, embedding_bag_options const& how = {},
                   std::source_location where = std::source_location::current()) {
    using relation = lookup<Vocab, typename Table::operand, typename Ids::operand>;
    using verdict = all_of<not_refused<Table, Ids>, typename relation::verdict, detail::looked_up<Table, Ids>,
                           typename folding<void, detail::list<Token>, typename Ids::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::bags_of<Token>(embedding<Vocab>(table, ids, {.padding_id = how.padding_id}, where),
                                      ids, how, where);
}

/// The same under a strategy: table and ids are brought together, Token may be split, the result goes where S puts its axes.
/// Communication: what `reshard` derives; the sums of the bags, where vocab or Token is split.
template <any_strategy S, any_axis Vocab, any_axis Token, any_tensor Table, any_tensor Ids>
auto embedding_bag(Table const& table, Ids const& ids, embedding_bag_options const& how = {},
                   std::source_location where = std::source_location::current()) {
    using verdict = all_of<detail::looked_up_by<S, Vocab, Table, Ids>,
                           typename detail::present<right_operand_lacks_axis, detail::list<Token>,
                                                    typename Ids::operand::axes>::type>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(detail::bags_of<Token>(detail::aligned_embedding<S, Vocab>(
                                                    table, ids, {.padding_id = how.padding_id}, where),
                                                ids, how, where),
                         where);
}

}  // namespace meshwise
