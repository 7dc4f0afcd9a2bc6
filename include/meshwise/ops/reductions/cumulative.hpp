// cumsum and cumprod: each element becomes the sum or the product of those up to it along an axis.
// Rule: `running`: the axis is whole; a sum is linear, so that what is pending stays pending; a product needs values. Under a
// strategy a sum may run over an axis that ranks hold pieces of.
// Gradient: of a sum the sum from the other end; of a product also where elements are 0.
// Cost: one pass in double, and one backward; a copy each way where the axis is not the last.
#pragma once

#include <cstdint>

#include <meshwise/ops/elements/mapped_elements.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>

namespace meshwise {

/// A sum of what stands before each element along Axis, linear in all of them.
/// Example: static_assert(mw::running<embed, decltype(x)::operand>::verdict::value);
template <class Axis, class X>
struct running {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict = all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, axes>::type,
                           detail::no_maximum<layout>,
                           judge<split_of<layout, Axis>::size == 0, normalised_axis_is_split,
                                 detail::split_fact_of<value_is_split_by, Axis, layout>>>;
};

namespace detail {
// f(row's elements, a gradient's or the same, out, n) for each row of Axis
template <class Axis, class X, class F>
X for_each_row(X const& x, X const& more, F f) {
    using ordered = last_ordered<Axis, X>;
    using B = typename X::backend;
    auto const rows = with_last<Axis>(x), others = with_last<Axis>(more);
    auto out = result_of<ordered>(rows);
    std::size_t const n = rows.template local<Axis>(), count = n == 0 ? 0 : rows.size() / n;
    if constexpr (B::computes) {
        auto const *const from = rows.raw_data(), *const also = others.raw_data();
        auto* const to = out.mutable_data();
        B::parallel(count, 1 + 8192 / (n + 1), [&](std::size_t begin, std::size_t end) {
            for (std::size_t r = begin; r < end; ++r) f(from + r * n, also + r * n, to + r * n, n);
        });
    }
    auto in_place = in_order<X>(out);
    clear_padding(in_place);
    return in_place;
}

template <class T>
using sum_number = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

template <class Axis, bool FromTheEnd, class X>
X running_sum(X const& x) {
    using T = typename X::value_type;
    return for_each_row<Axis>(x, x, [](T const* from, T const*, T* to, std::size_t n) {
        sum_number<T> sum{};
        for (std::size_t i = 0; i < n; ++i) {
            std::size_t const at = FromTheEnd ? n - 1 - i : i;
            to[at] = static_cast<T>(sum += static_cast<sum_number<T>>(from[at]));
        }
    });
}
// the same of an axis that ranks hold pieces of: each adds what the pieces before its own sum up to
template <class Axis, bool FromTheEnd, class X>
X running_sum_over_ranks(X const& x, std::source_location where) {
    using T = typename X::value_type;
    using B = typename X::backend;
    X out = running_sum<Axis, FromTheEnd>(x);
    constexpr mesh_mask over = split_mask<typename X::layout, Axis>;
    context& here = current();
    std::size_t const ranks = here.team->group_size(over);
    if (ranks == 1) return out;
    auto totals = summed<one_per_row<Axis, X>, list<Axis>>(x);
    std::size_t const rows = totals.size();
    buffer const all(*here.pool, ranks * rows * sizeof(T), here.allocating_for),
        order(*here.pool, (ranks + 1) * sizeof(std::uint64_t), here.allocating_for);
    auto* const pieces = static_cast<std::uint64_t*>(order.data());
    std::uint64_t const own = piece_index<typename X::mesh>(*here.team, split_of<typename X::layout, Axis>{});
    if constexpr (B::computes) pieces[ranks] = own;
    here.team->all_gather(over, element_type_of<T>, totals.raw_data(), all.data(), {1, rows}, where);
    here.team->all_gather(over, element_type::uint64, pieces + ranks, pieces, {1, 1}, where);
    if constexpr (B::computes) {
        T* const before = totals.mutable_data();
        for (std::size_t r = 0; r < rows; ++r) {
            sum_number<T> sum{};
            for (std::size_t q = 0; q < ranks; ++q)
                if (FromTheEnd ? pieces[q] > own : pieces[q] < own)
                    sum += static_cast<sum_number<T>>(static_cast<T const*>(all.data())[q * rows + r]);
            before[r] = static_cast<T>(sum);
        }
    }
    auto const added = loops_over(out, out, totals);
    iteration_space<2> loops;
    loops.dims = added.dims, loops.extents = added.extents, loops.out = added.out;
    loops.in = {added.out, added.in[0]};
    B::map(
        loops, [](auto a, auto b) { return static_cast<T>(a + b); }, out.mutable_data(), out.raw_data(),
        totals.raw_data());
    clear_padding(out);
    return out;
}
template <class Axis, class X>
X running_product(X const& x) {
    using T = typename X::value_type;
    return for_each_row<Axis>(x, x, [](T const* from, T const*, T* to, std::size_t n) {
        sum_number<T> product{1};
        for (std::size_t i = 0; i < n; ++i)
            to[i] = static_cast<T>(product *= static_cast<sum_number<T>>(from[i]));
    });
}
// dx[k] = the sum over i >= k of d[i] times the product of all x up to i but x[k], as a recursion from the end:
// after(k) = d[k] + x[k + 1] after(k + 1), and dx[k] = before(k) after(k)
template <class Axis, class X>
X gradient_of_running_product(X const& x, X const& d) {
    using T = typename X::value_type;
    return for_each_row<Axis>(x, d, [](T const* from, T const* slopes, T* to, std::size_t n) {
        double before = 1, after = 0;
        for (std::size_t i = n; i-- > 0;) {
            after =
                static_cast<double>(slopes[i]) + (i + 1 < n ? static_cast<double>(from[i + 1]) * after : 0);
            to[i] = static_cast<T>(after);
        }
        for (std::size_t i = 0; i < n; before *= static_cast<double>(from[i++]))
            to[i] = static_cast<T>(before * static_cast<double>(to[i]));
    });
}
}  // namespace detail

/// The sum of all elements up to each along Axis. Integers wrap. Placement: Axis whole; all else is kept, pending sums included.
/// Communication: none. Example: auto totals = mw::cumsum<token>(x);
template <any_axis Axis, any_tensor X>
auto cumsum(X const& x, std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X>, detail::no_mask<X>, typename running<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        auto out = detail::running_sum<Axis, false>(x.detached());
        if (recorded)
            record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
                contribute(to, detail::running_sum<Axis, true>(d), pending);
            });
        return out;
    }
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of x; nothing pending.
/// Communication: one all-gather of the ranks' sums, and one backward. Example: auto totals = mw::cumsum<S, batch>(x);
template <any_strategy S, any_axis Axis, any_tensor X>
auto cumsum(X const& x, std::source_location where = std::source_location::current()) {
    using L = typename X::layout;
    using verdict =
        all_of<not_refused<X>, detail::no_mask<X>,
               typename detail::present<value_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               detail::not_pending<L>, detail::same_mesh<L, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        auto out = detail::running_sum_over_ranks<Axis, false>(x.detached(), where);
        if (recorded)
            record(out, where, [to = target_of(x), where](auto const& d) {
                contribute(to, detail::running_sum_over_ranks<Axis, true>(d, where));
            });
        return settle<S>(out, where);
    }
}

/// The product of all elements up to each along Axis. Integers wrap. Placement: Axis whole, nothing pending; all else is kept.
/// Communication: none. Example: auto growth = mw::cumprod<token>(x);
template <any_axis Axis, any_tensor X>
auto cumprod(X const& x, std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X>, detail::no_mask<X>, typename along<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        [[maybe_unused]] bool const recorded = is_recorded(where, x);
        auto out = detail::running_product<Axis>(x.detached());
        if constexpr (std::is_floating_point_v<typename X::value_type>) {
            if (recorded)
                record(out, where, [x](auto const& d) {
                    contribute(target_of(x), detail::gradient_of_running_product<Axis>(x.detached(), d));
                });
        } else
            detail::refuse_recorded("mw::cumprod", x);
        return out;
    }
}

// no axis, or a position
template <any_tensor X>
auto cumsum(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto cumsum(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

// no axis, or a position
template <any_tensor X>
auto cumprod(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto cumprod(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
