// log_softmax: the logarithm of softmax, where the weights themselves would round to 0.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending; under a strategy it may be split.
// Gradient: d - softmax times the sum of d. Cost: two passes forward, two backward; keeps the result.
#pragma once

#include <meshwise/ops/reductions/logsumexp.hpp>

namespace meshwise {

namespace detail {
template <class T>
struct total_fold {
    struct part {
        double total;
    };
    static part none() { return {0}; }
    static part of(T const* x, std::size_t n, std::size_t) {
        return {cpu::reduce_row<cpu::plus, T>(n, [](T a) { return a; }, x)};
    }
    static void join(part& all, part const& more) { all.total += more.total; }
};

// row(fold of a row over all ranks, its first element, n, from, to) for rows along Axis of x; the result has Axis last
template <class Axis, class Fold, class X, class Row>
auto mapped_rows(Fold const& fold, X const& x, std::source_location where, Row row) {
    using order = reduced_order<list<Axis>, X>;
    using B = typename X::backend;
    auto const rows = in_order<typename order::type>(x);
    auto out = result_of<typename order::type>(rows);
    std::size_t const n = rows.template local_extent<Axis>(), count = n == 0 ? 0 : rows.local_size() / n;
    buffer const parts = parts_of<Fold, order::kept::size>(fold, rows, count, order::leaves,
                                                           split_mask<typename X::layout, Axis>, where);
    if constexpr (B::computes) {
        auto const* const part = static_cast<typename Fold::part const*>(parts.data());
        auto const* const from = rows.raw_data();
        auto* const to = out.mutable_data();
        B::parallel(count, 1 + 16384 / (n + 1), [&](std::size_t begin, std::size_t end) {
            for (std::size_t r = begin; r < end; ++r) row(part[r], r * n, n, from + r * n, to + r * n);
        });
    }
    return out;
}

template <class Axis, class X>
auto log_softmax_of(X const& x, std::source_location where) {
    using T = typename X::value_type;
    using fold = logsumexp_fold<T>;
    using number = typename fold::number;
    bool const recorded = is_recorded(where, x);
    auto y = mapped_rows<Axis>(
        fold{}, x.detached(), where,
        [](typename fold::part const& all, std::size_t, std::size_t n, T const* from, T* to) {
            if (all.sum == 0) {  // of nothing but -inf, whose weights are 0
                std::copy_n(from, n, to);
                return;
            }
            auto const shift = static_cast<number>(all.largest);
            auto const rest = static_cast<number>(shift - shift == 0 ? std::log(all.sum) : std::nan(""));
            cpu::map_row(
                n, to, [=](T a) { return static_cast<T>((static_cast<number>(a) - shift) - rest); }, from);
        });
    auto out = in_order<X>(y);
    clear_padding(out);
    if constexpr (std::is_floating_point_v<T>) {
        if (recorded)
            record(out, where, [to = target_of(x), y, where](auto const& d) {
                auto const* const logarithms = y.raw_data();
                auto dx = mapped_rows<Axis>(
                    total_fold<T>{}, d.detached(), where,
                    [&](typename total_fold<T>::part const& all, std::size_t first, std::size_t n,
                        T const* slope, T* into) {
                        auto const total = static_cast<T>(all.total);
                        cpu::map_row(
                            n, into, [total](T a, T log) { return a - meshwise::exp(log) * total; }, slope,
                            logarithms + first);
                    });
                auto gradient = in_order<gradient_of<X>>(dx);
                clear_padding(gradient);
                contribute(to, gradient);
            });
    } else
        refuse_recorded("mw::log_softmax", x);
    return out;
}

template <class S, class Axis, class X>
using log_softmaxed =
    all_of<not_refused<X>,
           judge<counts_fractions<typename X::value_type>, function_of_integers,
                 value_has_elements<typename X::value_type>>,
           typename std::conditional_t<std::is_void_v<S>, along<Axis, typename X::operand>,
                                       folding<S, list<Axis>, typename X::operand>>::verdict>;
}  // namespace detail

/// x - log(sum of exp(x)) over Axis, exact where the weight itself would be 0; a row that is all -inf stays so; padding has no weight.
/// Placement: x split by other axes only, kept. Communication: none. Example: auto logarithms = mw::log_softmax<key>(scores);
template <any_axis Axis, any_tensor X>
auto log_softmax(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::log_softmaxed<void, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::log_softmax_of<Axis>(x, where);
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of x; nothing pending.
/// Communication: one all-gather of the ranks' maxima and sums, and one backward.
/// Example: auto logarithms = mw::log_softmax<S, vocab>(logits);
template <any_strategy S, any_axis Axis, any_tensor X>
auto log_softmax(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::log_softmaxed<S, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(detail::log_softmax_of<Axis>(x, where), where);
}

// no axis, or a position
template <any_tensor X>
auto log_softmax(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto log_softmax(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
