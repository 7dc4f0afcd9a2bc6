// stretches: how what goes along an axis sees a tensor: as stretches of rows. A row of a whole axis is one stretch; of a split
// axis each rank holds one, and under reproducible<V> one for each leaf, so that what is known of stretches, and joined in their
// order, has the same bits on every mesh.
// Costs: two all-gathers of one number for each stretch.
#pragma once

#include <algorithm>

#include <meshwise/ops/reductions/reduction.hpp>

namespace meshwise::detail {

// The leaves of Axis under reproducible<V> that this rank holds; 1 otherwise. A row of Axis is so many stretches, one behind the
// other, and a stretch is a row of its own to what follows.
template <class Axis, class X>
inline constexpr bool has_leaves = !std::is_void_v<typename row_leaf<X, list<Axis>>::type>;
template <class Axis, class X>
inline constexpr std::size_t stretches = leaves_here<typename row_leaf<X, list<Axis>>::type, X>();
template <class Axis, class X>
std::size_t length_of_stretch(X const& x) {
    if constexpr (stretches<Axis, X> == 1)
        return x.template local_extent<Axis>();
    else
        return leaves_of<typename X::backend, typename X::layout, Axis>::extent(
            x.template local_extent<Axis>());
}

// f(elements, a gradient's or the same, out, n, first, end) for runs of stretches of Axis
template <class Axis, class X, class F>
X for_rows(X const& x, X const& more, F f) {
    using ordered = last_ordered<Axis, X>;
    using B = typename X::backend;
    auto const rows = with_last<Axis>(x), others = with_last<Axis>(more);
    auto out = result_of<ordered>(rows);
    std::size_t const n = length_of_stretch<Axis>(rows), count = n == 0 ? 0 : rows.local_size() / n;
    if constexpr (B::computes) {
        auto const *const from = rows.raw_data(), *const also = others.raw_data();
        auto* const to = out.mutable_data();
        B::parallel(count, 1 + 8192 / (n + 1),
                    [&](std::size_t begin, std::size_t end) { f(from, also, to, n, begin, end); });
    }
    auto in_place = in_order<X>(out);
    clear_padding(in_place);
    return in_place;
}

// Of every stretch one `number`, whatever it is, from all ranks that hold pieces of Axis, in the order of the stretches.
template <class Axis, class X, class N>
class pieces_of_rows {
public:
    using number = N;
    // own(stretch) -> N, of this rank's part
    template <class Own>
    pieces_of_rows(X const& x, Own own, std::source_location where) {
        using B = typename X::backend;
        constexpr mesh_mask over = split_mask<typename X::layout, Axis>;
        context& here = current();
        ranks_ = here.team->group_size(over);
        std::size_t const n = length_of_stretch<Axis>(x);
        rows_ = n == 0 ? 0 : x.local_size() / n;
        if (ranks_ * each == 1) return;
        own_ = piece_index<typename X::mesh>(*here.team, split_of<typename X::layout, Axis>{});
        buffer const mine(*here.pool, rows_ * sizeof(N) + sizeof(std::uint64_t), here.allocating_for);
        all_ = buffer(*here.pool, ranks_ * rows_ * sizeof(N), here.allocating_for);
        order_ = buffer(*here.pool, ranks_ * sizeof(std::uint64_t), here.allocating_for);
        auto* const piece = static_cast<std::uint64_t*>(mine.data());
        auto* const numbers = static_cast<N*>(static_cast<void*>(piece + 1));
        if constexpr (B::computes) {
            *piece = own_;
            for (std::size_t r = 0; r < rows_; ++r) numbers[r] = own(r);
        }
        if (ranks_ == 1) {
            if constexpr (B::computes) {
                std::copy_n(numbers, rows_, static_cast<N*>(all_.data()));
                *static_cast<std::uint64_t*>(order_.data()) = 0;
            }
            return;
        }
        here.team->all_gather(over, element_type::uint8, numbers, all_.data(), {1, rows_ * sizeof(N)}, where);
        here.team->all_gather(over, element_type::uint64, piece, order_.data(), {1, 1}, where);
    }
    /// f(number of a stretch) for those before this one in its row, first to last, or for those behind it, last to first.
    template <class F>
    void before(std::size_t stretch, F f) const {
        for (std::size_t i = 0; i < place(stretch); ++i) f(at(i, stretch));
    }
    template <class F>
    void behind(std::size_t stretch, F f) const {
        for (std::size_t i = ranks_ * each; i-- > place(stretch) + 1;) f(at(i, stretch));
    }

private:
    static constexpr std::size_t each = stretches<Axis, X>;
    std::size_t place(std::size_t stretch) const { return own_ * each + stretch % each; }
    // number i of the row that this stretch is of
    N const& at(std::size_t i, std::size_t stretch) const {
        auto const* const order = static_cast<std::uint64_t const*>(order_.data());
        std::size_t rank = 0;
        while (order[rank] != i / each) ++rank;
        return static_cast<N const*>(all_.data())[rank * rows_ + stretch / each * each + i % each];
    }
    buffer all_, order_;
    std::size_t ranks_ = 1, rows_ = 0, own_ = 0;
};

}  // namespace meshwise::detail
