// reduction: how operations that make one number of many run over a tensor, where that number is no sum that may be left
// pending: products, norms, variances, places of extremes. Each is a fold: a part is what is known of some elements, and
// two parts are joined to one.
// Guarantees: padding is no element. Pieces of 4096 elements are joined in an order that the number of elements fixes, so
// that threads change no bit; under reproducible<V> the leaves of a split axis are joined in their order.
// Costs: one pass over x, and a copy where the reduced axes are not the last; over a split axis one all-gather of one part
// for each element of the result.
#pragma once

#include <algorithm>
#include <vector>

#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>

namespace meshwise {

namespace detail {
template <class T>
inline constexpr bool counts_fractions = std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>;
// the exact type in which elements of T are compared and multiplied
template <class T>
using wide_element = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

struct left_pending {};
template <class S, class L, class Reduced>
struct reached_from {
    using verdict = same_mesh<L, layout<typename S::mesh>>;
    using pending = list<>;
};
template <class L, class Reduced>
struct reached_from<left_pending, L, Reduced> {
    using verdict = holds;
    using pending = typename splits_over<L, Reduced>::type;
};
template <class L, class... A>
struct reached_from<void, L, list<A...>> {
    using verdict = all_of<
        judge<split_of<L, A>::size == 0, reduced_axis_is_split, split_fact_of<value_is_split_by, A, L>>...>;
    using pending = list<>;
};
}  // namespace detail

/// One number of all elements along the axes Reduced of a value that is whole. Without a strategy (void) the axes are whole;
/// a strategy S reduces over ranks, too; mw::detail::left_pending leaves a sum over them.
/// Example: static_assert(mw::folding<void, mw::detail::list<embed>, decltype(x)::operand>::verdict::value);
template <class S, class Reduced, class X>
struct folding {
    using axes = as_axes<detail::without<detail::as_list<typename X::axes>, Reduced>>;
    using reached = detail::reached_from<S, typename X::layout, Reduced>;
    using layout = relayout<axes, typename reached::pending, typename X::layout>;
    using verdict = all_of<typename detail::present<value_lacks_axis, Reduced, typename X::axes>::type,
                           detail::not_pending<typename X::layout>, typename reached::verdict>;
};

namespace detail {
// `fractions`: of integers the result would be cut to one; `sums`: a split axis leaves the result pending
enum class reduces { anything, fractions, to_sums };
template <reduces What, class X, class... K>
struct reduction_of {
    using names = reduced_names<X, K...>;
    using relation =
        folding<std::conditional_t<What == reduces::to_sums, left_pending, typename names::strategy>,
                typename names::axes, typename X::operand>;
    using verdict = all_of<judge<What != reduces::fractions || counts_fractions<typename X::value_type>,
                                 function_of_integers, value_has_elements<typename X::value_type>>,
                           typename relation::verdict>;
};
template <reduces What, class X, class... K>
using reducible = all_of<not_refused<X>, typename std::conditional_t<misnamed<K...>, judged_names<K...>,
                                                                     reduction_of<What, X, K...>>::verdict>;

// What lies behind one another in a row once the kept axes are the first: extents of the reduced axes on this rank, and how
// many of them count. `leaves` parts of the first axis are folded each by itself.
struct reduced_block {
    static constexpr std::size_t piece = 4096;
    std::size_t leaves = 1, dims = 1;
    std::array<std::size_t, most_axes> extents{1}, counted{1};  // extents of one leaf

    std::size_t run() const { return extents[dims - 1]; }
    std::size_t pieces_of_run() const { return std::max<std::size_t>(1, (run() + piece - 1) / piece); }
    std::size_t size() const {
        std::size_t n = 1;
        for (std::size_t i = 0; i < dims; ++i) n *= extents[i];
        return n;
    }
    std::size_t pieces() const { return run() == 0 ? 0 : size() / run() * pieces_of_run(); }
    // the elements [first, first + count) of a leaf that are its piece number q; none where all of it is padding
    struct range {
        std::size_t first, count;
    };
    range piece_at(std::size_t leaf, std::size_t q) const {
        std::size_t const from = q % pieces_of_run() * piece, row = q / pieces_of_run();
        std::size_t end = extents[dims - 1], rest = row;
        for (std::size_t i = dims; i-- > 0;) {
            std::size_t const first = i == 0 ? leaf * extents[0] : 0;
            if (i == dims - 1) {
                end = std::min(end, counted[i] > first ? counted[i] - first : 0);
                continue;
            }
            if (first + rest % extents[i] >= counted[i]) return {0, 0};
            rest /= extents[i];
        }
        return {row * run() + from, end > from ? std::min(piece, end - from) : 0};
    }
};

// axes that are reduced as the last ones, the leaf axis of reproducible<V> as the first of them
template <class Reduced, class X, class Leaf = typename row_leaf<X, Reduced>::type>
struct reduced_order {
    using all = as_list<typename X::axes>;
    using kept = without<all, Reduced>;
    using leaf = std::conditional_t<std::is_void_v<Leaf>, list<>, list<Leaf>>;
    using type =
        with_place<X, as_axes<concat<kept, leaf, without<without<all, kept>, leaf>>>, typename X::layout>;
    static constexpr std::size_t leaves = leaves_here<Leaf, X>();
};

/// The reduced axes of x, which are all but the first Kept.
template <std::size_t Kept, class X>
reduced_block block_of(X const& x, std::size_t leaves) {
    reduced_block block;
    std::size_t at = 0, dims = 0;
    bool padded = false;
    auto const& local = x.local_extents();
    [[maybe_unused]] auto const one = [&]<class Axis>(Axis*) {
        if (at >= Kept) {
            std::size_t counted = local[at];
            if constexpr (is_padded_axis<Axis>()) {
                std::size_t const first = first_of_axis<Axis>(x);
                counted = std::min(counted, first >= Axis::true_size ? 0 : Axis::true_size - first);
                padded = true;
            }
            block.extents[dims] = local[at], block.counted[dims++] = counted;
        }
        ++at;
    };
    [&]<class... A>(axes<A...>) { (one(static_cast<A*>(nullptr)), ...); }(typename X::axes{});
    if (padded)
        block.dims = dims;
    else {
        std::size_t n = 1;
        for (std::size_t i = 0; i < dims; ++i) n *= block.extents[i];
        block.extents[0] = block.counted[0] = n;
    }
    if (block.extents[0] % leaves != 0)
        throw error(
            "a reduced axis has a number of elements that reproducible<V> cannot cut into equal leaves; pad it to "
            "a multiple");
    block.leaves = leaves;
    block.extents[0] /= leaves;
    return block;
}

/// out[r] = the part of the r-th leaf, of `count` that lie behind one another.
template <class B, class Fold, class T>
void fold_leaves(Fold const& fold, reduced_block const& block, std::size_t count, T const* x,
                 typename Fold::part* out) {
    using part = typename Fold::part;
    std::size_t const each = block.size(), pieces = block.pieces();
    auto const piece = [&](std::size_t row, std::size_t q) {
        auto const [first, n] = block.piece_at(row % block.leaves, q);
        return n == 0 ? Fold::none() : fold.of(x + row * each + first, n, row % block.leaves * each + first);
    };
    if (count >= 64 || pieces < 2)
        return B::parallel(count, 1 + 16384 / (each + 1), [&](std::size_t begin, std::size_t end) {
            for (std::size_t row = begin; row < end; ++row) {
                part all = Fold::none();
                for (std::size_t q = 0; q < pieces; ++q) fold.join(all, piece(row, q));
                out[row] = all;
            }
        });
    std::vector<part> parts(count * pieces, Fold::none());
    B::parallel(parts.size(), 4, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) parts[i] = piece(i / pieces, i % pieces);
    });
    for (std::size_t row = 0; row < count; ++row) {
        out[row] = Fold::none();
        for (std::size_t q = 0; q < pieces; ++q) fold.join(out[row], parts[row * pieces + q]);
    }
}

/// One part for each of `rows`, of all ranks along the mesh axes `over`.
template <class Fold, std::size_t Kept, class X>
buffer parts_of(Fold const& fold, X const& x, std::size_t rows, std::size_t leaves, mesh_mask over,
                std::source_location where) {
    using part = typename Fold::part;
    using B = typename X::backend;
    context& here = current();
    std::size_t const bytes = rows * leaves * sizeof(part), ranks = here.team->group_size(over);
    buffer own(*here.pool, bytes, here.allocating_for);
    if constexpr (B::computes) {
        std::fill_n(static_cast<part*>(own.data()), rows * leaves, Fold::none());
        if (x.local_size() != 0)
            fold_leaves<B>(fold, block_of<Kept>(x, leaves), rows * leaves, x.raw_data(),
                           static_cast<part*>(own.data()));
    }
    if (ranks * leaves == 1) return own;
    buffer all = own;
    if (ranks != 1) {
        all = buffer(*here.pool, ranks * bytes, here.allocating_for);
        here.team->all_gather(over, element_type::uint8, own.data(), all.data(), {1, bytes}, where);
    }
    buffer const joined(*here.pool, rows * sizeof(part), here.allocating_for);
    if constexpr (B::computes)
        for (std::size_t row = 0; row < rows; ++row) {
            part total = Fold::none();
            for (std::size_t i = 0; i < ranks * leaves; ++i)
                fold.join(total, static_cast<part const*>(
                                     all.data())[(i / leaves * rows + row) * leaves + i % leaves]);
            static_cast<part*>(joined.data())[row] = total;
        }
    return joined;
}

/// out = the fold of this rank's part of x, for results that stay pending.
template <class Reduced, class Fold, class X, class Out>
void fold_here(Fold const& fold, X const& x, Out& out) {
    using order = reduced_order<Reduced, X>;
    buffer const parts = parts_of<Fold, order::kept::size>(
        fold, in_order<typename order::type>(x), out.local_size(), 1, 0, std::source_location::current());
    if constexpr (X::backend::computes) {
        auto const* const part = static_cast<typename Fold::part const*>(parts.data());
        auto* const to = out.mutable_data();
        for (std::size_t i = 0; i < out.local_size(); ++i) to[i] = fold.result(part[i], 0);
    }
}

/// The gradient of a fold: each element has the fold's slope at it.
template <class Reduced, class Fold, class X, class D>
gradient_of<X> gradient_of_fold(Fold const& fold, X const& x, D const& d, buffer const& parts,
                                std::size_t count) {
    using B = typename X::backend;
    using ordered = typename reduced_order<Reduced, X>::type;
    auto const rows = in_order<ordered>(x);
    auto gradient = result_of<ordered>(rows);
    if constexpr (B::computes) {
        std::size_t const each = d.local_size() == 0 ? 0 : rows.local_size() / d.local_size();
        auto const* const part = static_cast<typename Fold::part const*>(parts.data());
        auto const *const from = rows.raw_data(), *const slopes = d.raw_data();
        auto* const to = gradient.mutable_data();
        B::parallel(rows.local_size(), 16384, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end;) {
                std::size_t const row = i / each, last = std::min(end, (row + 1) * each);
                auto const slope = fold.slope(part[row], slopes[row], count);
                for (; i < last; ++i) to[i] = slope(from[i]);
            }
        });
    }
    auto out = in_order<gradient_of<X>>(gradient);
    clear_padding(out);
    return out;
}

template <class Fold>
concept has_slope_of_parts = requires(Fold const& fold, typename Fold::part const& part) {
    fold.slope(part, typename Fold::element{}, std::size_t{});
};

template <class Fold>
concept finds_places = requires { Fold::gradient_goes_to_one_element; };

/// A reduction whose verdict holds.
template <reduces What, class... K, class Fold, class X>
auto reduced(Fold const& fold, X const& x, std::source_location where) {
    using names = reduced_names<X, K...>;
    using S = typename names::strategy;
    using Reduced = typename names::axes;
    using relation = typename reduction_of<What, X, K...>::relation;
    using order = reduced_order<Reduced, X>;
    bool const recorded = is_recorded(where, x);
    constexpr bool differentiable = has_slope_of_parts<Fold> || finds_places<Fold>;
    if constexpr (!differentiable)
        if (recorded) refuse_without_gradient(Fold::name, where);
    using R = decltype(fold.result(Fold::none(), std::size_t{}));
    auto out =
        result_of<tensor<R, typename relation::axes, typename relation::layout, typename X::backend>>(x);
    std::size_t const count = [&]<class... A>(list<A...>) {
        return (std::size_t{1} * ... * true_extent<A>(x));
    }(Reduced{});
    buffer const parts = parts_of<Fold, relation::axes::count>(
        fold, in_order<typename order::type>(x), out.local_size(), order::leaves,
        What == reduces::to_sums
            ? 0
            : mask_of<typename X::mesh>(typename splits_over<typename X::layout, Reduced>::type{}),
        where);
    if constexpr (X::backend::computes) {
        auto const* const part = static_cast<typename Fold::part const*>(parts.data());
        R* const to = out.mutable_data();
        for (std::size_t i = 0; i < out.local_size(); ++i) to[i] = fold.result(part[i], count);
    }
    clear_padding(out);
    if constexpr (differentiable && std::is_floating_point_v<typename X::value_type>) {
        if (!recorded) {
        } else if constexpr (finds_places<Fold>)
            record(out, where, [x, fold, where](auto const& d) {
                contribute(target_of(x), fold.template gradient<Reduced>(x, d, where));
            });
        else
            record(out, where, [x, parts, fold, count](auto const& d) {
                contribute(target_of(x), gradient_of_fold<Reduced>(fold, x.detached(), d, parts, count));
            });
    } else if constexpr (differentiable)
        refuse_recorded(Fold::name, x);
    if constexpr (std::is_void_v<S>)
        return out;
    else
        return settle<S>(out, where);
}
}  // namespace detail

}  // namespace meshwise
