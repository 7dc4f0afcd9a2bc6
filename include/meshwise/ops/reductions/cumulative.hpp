// cumsum and cumprod: each element becomes the sum or the product of those up to it along an axis.
// Rule: `running`: the axis is whole; a sum is linear, so that what is pending stays pending; a product needs values. Under a
// strategy both may run over an axis that ranks hold pieces of.
// Guarantees: under reproducible<V> each leaf of a split axis is gone along by itself, from what the leaves before it make, so that
// every mesh gives the same bits.
// Gradient: of a sum the sum from the other end; of a product also where elements are 0.
// Cost: one pass in double, and one backward; a copy each way where the axis is not the last.
#pragma once

#include <cstdint>

#include <meshwise/ops/elements/mapped_elements.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/reductions/stretches.hpp>
#include <meshwise/ops/reductions/sum.hpp>

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
template <class T>
using sum_number = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

// start(stretch) is what stands before it in its row
template <class Axis, bool FromTheEnd, class X, class Start>
X running_sum_from(X const& x, Start start) {
    using T = typename X::value_type;
    // Each sum waits for the one before it: eight elements are summed up by themselves while those before them still are.
    return for_rows<Axis>(
        x, x, [start](T const* from, T const*, T* to, std::size_t n, std::size_t r, std::size_t end) {
            constexpr std::size_t run = 8;
            for (; r < end; ++r) {
                sum_number<T> total = start(r);
                auto const at = [r, n](std::size_t i) { return r * n + (FromTheEnd ? n - 1 - i : i); };
                std::size_t i = 0;
                for (; i + run <= n; i += run) {
                    cpu::fetch_ahead<run>(from + at(i));
                    sum_number<T> sum{}, sums[run];
                    for (std::size_t j = 0; j < run; ++j)
                        sums[j] = sum += static_cast<sum_number<T>>(from[at(i + j)]);
                    for (std::size_t j = 0; j < run; ++j) to[at(i + j)] = static_cast<T>(total + sums[j]);
                    total += sum;
                }
                for (; i < n; ++i)
                    to[at(i)] = static_cast<T>(total += static_cast<sum_number<T>>(from[at(i)]));
            }
        });
}
template <class Axis, bool FromTheEnd, class X>
X running_sum(X const& x) {
    return running_sum_from<Axis, FromTheEnd>(
        x, [](std::size_t) { return sum_number<typename X::value_type>{}; });
}
// the same of an axis that ranks hold pieces of: each begins with what the pieces before its own sum up to
template <class Axis, bool FromTheEnd, class X>
X running_sum_over_ranks(X const& x, std::source_location where) {
    using T = typename X::value_type;
    using N = sum_number<T>;
    if (!has_leaves<Axis, X> && current().team->group_size(split_mask<typename X::layout, Axis>) == 1)
        return running_sum<Axis, FromTheEnd>(x);
    auto const pieces = [&] {
        if constexpr (!has_leaves<Axis, X>) {
            auto const totals = summed<one_per_row<Axis, X>, list<Axis>>(x);
            auto const* const total = totals.raw_data();
            return pieces_of_rows<Axis, X, N>(
                x, [total](std::size_t r) { return static_cast<N>(total[r]); }, where);
        } else {
            auto const rows = with_last<Axis>(x);
            std::size_t const n = length_of_stretch<Axis>(x);
            return pieces_of_rows<Axis, X, N>(
                x,
                [from = rows.raw_data(), n](std::size_t s) {
                    N total{};
                    for (std::size_t i = s * n; i < (s + 1) * n; ++i) total += static_cast<N>(from[i]);
                    return total;
                },
                where);
        }
    }();
    return running_sum_from<Axis, FromTheEnd>(x, [&](std::size_t r) {
        N sum{};
        auto const add = [&](N more) { sum += more; };
        if constexpr (FromTheEnd)
            pieces.behind(r, add);
        else
            pieces.before(r, add);
        return sum;
    });
}

template <class Axis, class X, class Start>
X running_product_from(X const& x, Start start) {
    using T = typename X::value_type;
    return for_rows<Axis>(
        x, x, [start](T const* from, T const*, T* to, std::size_t n, std::size_t r, std::size_t end) {
            for (; r < end; ++r) {
                sum_number<T> product = start(r);
                for (std::size_t i = r * n; i < (r + 1) * n; ++i)
                    to[i] = static_cast<T>(product *= static_cast<sum_number<T>>(from[i]));
            }
        });
}
template <class Axis, class X>
auto product_of_row(X const& rows, std::size_t n) {
    using N = sum_number<typename X::value_type>;
    return [from = rows.raw_data(), n](std::size_t r) {
        N product{1};
        for (std::size_t i = 0; i < n; ++i) product *= static_cast<N>(from[r * n + i]);
        return product;
    };
}
template <class Axis, class X>
X running_product(X const& x, std::source_location where) {
    using N = sum_number<typename X::value_type>;
    auto const rows = with_last<Axis>(x);
    pieces_of_rows<Axis, X, N> const pieces(x, product_of_row<Axis>(rows, length_of_stretch<Axis>(x)), where);
    return running_product_from<Axis>(x, [&](std::size_t r) {
        N product{1};
        pieces.before(r, [&](N more) { product *= more; });
        return product;
    });
}
// dx[k] = the sum over i >= k of d[i] times the product of all x up to i but x[k], as a recursion from the end:
// after(k) = d[k] + x[k + 1] after(k + 1), and dx[k] = before(k) after(k). Of a piece of the axis, x after at its first element is
// sum + product * (the same of the next piece).
template <class Axis, class X>
X gradient_of_running_product(X const& x, X const& d, std::source_location where) {
    using T = typename X::value_type;
    struct piece {
        double sum, product;
    };
    auto const rows = with_last<Axis>(x), slopes_of_rows = with_last<Axis>(d);
    std::size_t const length = length_of_stretch<Axis>(x);
    auto const *const all = rows.raw_data(), *const all_slopes = slopes_of_rows.raw_data();
    pieces_of_rows<Axis, X, piece> const pieces(
        x,
        [&](std::size_t r) {
            piece own{0, 1};
            for (std::size_t i = (r + 1) * length; i-- > r * length;) {
                auto const factor = static_cast<double>(all[i]);
                own.sum = factor * (static_cast<double>(all_slopes[i]) + own.sum);
                own.product *= factor;
            }
            return own;
        },
        where);
    return for_rows<Axis>(
        x, d, [&](T const* from, T const* slopes, T* to, std::size_t n, std::size_t r, std::size_t end) {
            for (; r < end; ++r) {
                double before = 1, after = 0;
                pieces.behind(r, [&](piece const& next) { after = next.sum + next.product * after; });
                pieces.before(r, [&](piece const& one) { before *= one.product; });
                std::size_t const first = r * n, last = first + n;
                for (std::size_t i = last; i-- > first; after *= static_cast<double>(from[i]))
                    to[i] = static_cast<T>(after += static_cast<double>(slopes[i]));
                for (std::size_t i = first; i < last; before *= static_cast<double>(from[i++]))
                    to[i] = static_cast<T>(before * static_cast<double>(to[i]));
            }
        });
}

// of a value that is whole along Axis, or that S puts somewhere
template <class S, class Axis, class X>
using multiplies_along =
    all_of<not_refused<X>, no_mask<X>,
           std::conditional_t<std::is_void_v<S>, typename along<Axis, typename X::operand>::verdict,
                              typename folding<S, list<Axis>, typename X::operand>::verdict>>;
template <class Axis, class X>
auto running_product_with_gradient(X const& x, std::source_location where) {
    [[maybe_unused]] bool const recorded = is_recorded(where, x);
    auto out = running_product<Axis>(x.detached(), where);
    if constexpr (std::is_floating_point_v<typename X::value_type>) {
        if (recorded)
            record(out, where, [x, where](auto const& d) {
                contribute(target_of(x), gradient_of_running_product<Axis>(x.detached(), d, where));
            });
    } else
        refuse_recorded("mw::cumprod", x);
    return out;
}
}  // namespace detail

/// The sum of all elements up to each along Axis; of integers 64 bits. Placement: Axis whole; all else is kept, pending sums included.
/// Communication: none. Example: auto totals = mw::cumsum<token>(x);
template <any_axis Axis, any_tensor X>
auto cumsum(X const& x, std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X>, detail::no_mask<X>, typename running<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (detail::is_added_as_int64<X>)
        return cumsum<Axis>(cast<std::int64_t>(x, where), where);
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
    else if constexpr (detail::is_added_as_int64<X>)
        return cumsum<S, Axis>(cast<std::int64_t>(x, where), where);
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

/// The product of all elements up to each along Axis; of integers 64 bits. Placement: Axis whole, nothing pending; all else is kept.
/// Communication: none. Example: auto growth = mw::cumprod<token>(x);
template <any_axis Axis, any_tensor X>
auto cumprod(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::multiplies_along<void, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (detail::is_added_as_int64<X>)
        return cumprod<Axis>(cast<std::int64_t>(x, where), where);
    else
        return detail::running_product_with_gradient<Axis>(x, where);
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of x; nothing pending.
/// Communication: one all-gather of the ranks' products, and one backward. Example: auto growth = mw::cumprod<S, batch>(x);
template <any_strategy S, any_axis Axis, any_tensor X>
auto cumprod(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::multiplies_along<S, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (detail::is_added_as_int64<X>)
        return cumprod<S, Axis>(cast<std::int64_t>(x, where), where);
    else
        return settle<S>(detail::running_product_with_gradient<Axis>(x, where), where);
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
