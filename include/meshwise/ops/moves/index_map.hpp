// index_map: operations along one axis as a map of indices: each element of the result is one element of the operand, or
// zero. Flips, shifts, padding, steps, repetitions and windows are such maps, and differ in a few numbers.
// Guarantees: elements are copied, never computed with: NaN and infinity stay where they belong, and zeros are zeros. The
// gradient is the same map backwards; where an element was taken several times, its gradients are added in one fixed order.
// Costs: one copy of the result; backwards one pass for each time that an element is taken.
#pragma once

#include <algorithm>

#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

/// Axis, whole on every rank, gives way to the axes of a list; all other axes lie as they are, pending sums included.
/// Example: static_assert(mw::rearranging<token, mw::detail::list<key>, decltype(x)::operand>::verdict::value);
template <class Axis, class New, class X>
struct rearranging {
    template <class A>
    using named = std::conditional_t<std::is_same_v<A, Axis>, New, detail::list<A>>;
    template <class... A>
    using all_named = as_axes<detail::concat<detail::list<>, named<A>...>>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using layout = typename X::layout;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               detail::no_maximum<layout>,
               judge<split_of<layout, Axis>::size == 0, reshape_cuts_a_split_axis,
                     detail::split_fact_of<value_is_split_by, Axis, layout>>,
               detail::few_axes<X::axes::count + New::size - 1>>;
};

namespace detail {

/// Part of a map: element out + i * out_step[0] + j * out_step[1] of the result is element in + i * in_step[0] +
/// j * in_step[1] of the operand, for i < count and j < times. For one j, no element of the operand is taken twice.
struct index_run {
    std::size_t count = 0;
    std::ptrdiff_t out = 0, in = 0;
    std::size_t times = 1;
    std::ptrdiff_t out_step[2]{1, 0}, in_step[2]{1, 0};
    bool zeros = false;
};

/// A map along one axis of row-major tensors: `outer` elements before it, `inner` behind it.
struct index_map {
    std::size_t outer = 1, inner = 1, result = 0, operand = 0;
    index_run runs[4]{};
    std::size_t used = 0;

    /// Of `result` elements along Axis of x.
    template <class Axis, class X>
    static index_map of(X const& x, std::size_t result) {
        constexpr std::size_t at = index_of<Axis, typename X::axes>;
        auto const& extents = x.local_extents();
        index_map map;
        for (std::size_t i = 0; i < extents.size(); ++i)
            if (i != at) (i < at ? map.outer : map.inner) *= extents[i];
        map.operand = extents[at];
        map.result = result;
        return map;
    }
    index_map& add(index_run const& run) {
        if (run.count != 0) runs[used++] = run;
        return *this;
    }
    index_map& add_zeros(std::size_t out, std::size_t count) {
        return add({.count = count, .out = static_cast<std::ptrdiff_t>(out), .zeros = true});
    }

    template <class B, class T>
    [[gnu::noinline]] void apply(T* out, T const* in) const {
        for (std::size_t i = 0; i < used; ++i) {
            index_run const& run = runs[i];
            if (repeats_elements(run)) {
                repeat_elements<B>(out, in, run.times);
                continue;
            }
            iteration_space<1> l = space(run);
            if (!run.zeros) {
                B::permute(l, out + start(run.out), in + start(run.in));
                continue;
            }
            context& here = current();
            buffer const zero(*here.pool, sizeof(T), here.allocating_for);
            B::fill(static_cast<T*>(zero.data()), 1, T{});
            l.in[0] = {};
            B::permute(l, out + start(run.out), static_cast<T const*>(zero.data()));
        }
    }

    /// dx: what the elements of d that were taken from it add up to.
    template <class B, class T>
    [[gnu::noinline]] void pull_back(T* dx, T const* d) const {
        std::size_t taken = 0;
        for (std::size_t i = 0; i < used; ++i) taken += runs[i].zeros ? 0 : runs[i].count;
        if (taken != operand) B::fill(dx, outer * operand * inner, T{});
        for (std::size_t i = 0; i < used; ++i) {
            index_run const& run = runs[i];
            if (run.zeros) continue;
            for (std::size_t j = 0; j < run.times; ++j) {
                auto const nth = static_cast<std::ptrdiff_t>(j);
                T* const to = dx + start(run.in + nth * run.in_step[1]);
                T const* const from = d + start(run.out + nth * run.out_step[1]);
                index_run once = run;
                once.times = 1;
                iteration_space<1> const l = space(once);
                iteration_space<2> back{.dims = l.dims, .extents = l.extents, .out = l.in[0]};
                back.in[0] = l.in[0], back.in[1] = l.out;
                if (j == 0)
                    B::permute({.dims = l.dims, .extents = l.extents, .out = l.in[0], .in = {l.out}}, to,
                               from);
                else
                    B::map(back, [](auto a, auto b) { return a + b; }, to, static_cast<T const*>(to), from);
            }
        }
    }

private:
    // each element of the last axis several times in a row
    bool repeats_elements(index_run const& run) const {
        auto const times = static_cast<std::ptrdiff_t>(run.times);
        return inner == 1 && run.count == operand && result == operand * run.times && run.in_step[0] == 1 &&
               run.in_step[1] == 0 && run.out_step[0] == times && run.out_step[1] == 1;
    }
    template <class B, class T>
    void repeat_elements(T* out, T const* in, std::size_t times) const {
        if constexpr (B::computes)
            B::parallel(outer * operand, 16384, [=](std::size_t begin, std::size_t end) {
                if (times == 2)  // of a number that the compiler knows it makes vectors
                    for (std::size_t i = begin; i < end; ++i) out[2 * i] = out[2 * i + 1] = in[i];
                else
                    for (std::size_t i = begin; i < end; ++i) std::fill_n(out + i * times, times, in[i]);
            });
    }
    std::ptrdiff_t start(std::ptrdiff_t element) const {
        return element * static_cast<std::ptrdiff_t>(inner);
    }
    iteration_space<1> space(index_run const& run) const {
        auto const whole_out = start(static_cast<std::ptrdiff_t>(result)),
                   whole_in = start(static_cast<std::ptrdiff_t>(operand));
        // the inner loop is the long one, or writes one element behind the other
        std::size_t const last =
            inner < 16 ? (run.count < run.times ? 1 : 0) : (run.out_step[0] > run.out_step[1] ? 1 : 0);
        std::size_t const first = 1 - last;
        std::size_t const extents[2]{run.count, run.times};
        iteration_space<1> l;
        l.dims = 4;
        l.extents = {outer, extents[first], extents[last], inner};
        l.out = {whole_out, start(run.out_step[first]), start(run.out_step[last]), 1};
        l.in[0] = {whole_in, start(run.in_step[first]), start(run.in_step[last]), 1};
        return l;
    }
};

/// The operation that a map is, with its gradient.
template <class Out, class X>
Out moved(X const& x, typename Out::extents_type extents, index_map const& map, std::source_location where) {
    using B = typename X::backend;
    bool const recorded = is_recorded(where, x);
    auto out = Out::uninitialized(extents);
    map.template apply<B>(out.mutable_data(), x.raw_data());
    if (recorded)
        record_linear(out, where, [to = target_of(x), map](auto const& d, mesh_mask pending) {
            auto gradient = gradient_of<X>::uninitialized(to.extents);
            map.template pull_back<B>(gradient.mutable_data(), d.raw_data());
            contribute(to, gradient, pending);
        });
    return out;
}

}  // namespace detail
}  // namespace meshwise
