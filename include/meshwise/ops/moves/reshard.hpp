// reshard: the operation that communicates. From two layouts it derives the steps and runs them; its gradient
// runs them backwards, each contribution by its own kind: through an all-gather a pending one becomes a
// reduce-scatter, a complete one the rank's own slice.
//
// settle<S>(x): reshard to where the strategy puts x's axes. all_reduce<m>(x): exactly that, or an error.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/ops/moves/reshard_plan.hpp>

namespace meshwise {

namespace detail {

/// A tensor on this rank without its type: extents and memory.
struct raw_tensor {
    std::array<std::size_t, most_axes> extents{};
    std::size_t axes = 0;
    buffer memory;

    std::size_t before(std::size_t axis) const { return product(0, axis); }
    std::size_t after(std::size_t axis) const { return product(axis + 1, axes); }
    std::size_t size() const { return product(0, axes); }
    std::size_t product(std::size_t from, std::size_t to) const {
        std::size_t n = 1;
        for (std::size_t i = from; i < to; ++i) n *= extents[i];
        return n;
    }
};

/// The moves of raw tensors; compiled once per element type and backend.
template <class T, class B>
struct mover {
    static constexpr element_type type = element_type_of<T>;

    static buffer room(std::size_t elements) {
        context& here = current();
        return {*here.pool, elements * sizeof(T), here.allocating_for};
    }
    static T* write(buffer const& b) { return static_cast<T*>(b.data()); }
    static T const* read(buffer const& b) { return static_cast<T const*>(b.data()); }

    static raw_tensor all_reduce(raw_tensor x, mesh_mask mask, reduction how, std::source_location where) {
        buffer out = x.memory.is_unique() ? x.memory : room(x.size());
        current().team->all_reduce(mask, how, type, x.memory.data(), out.data(), x.size(), where);
        x.memory = std::move(out);
        return x;
    }
    static raw_tensor gather(raw_tensor x, mesh_mask mask, std::size_t ranks, std::size_t axis,
                             std::source_location where) {
        buffer const out = room(x.size() * ranks);
        current().team->all_gather(mask, type, x.memory.data(), out.data(),
                                   {x.before(axis), x.extents[axis] * x.after(axis)}, where);
        x.extents[axis] *= ranks;
        x.memory = out;
        return x;
    }
    static raw_tensor scatter(raw_tensor x, mesh_mask mask, std::size_t ranks, std::size_t axis,
                              std::source_location where) {
        x.extents[axis] /= ranks;
        buffer const out = room(x.size());
        current().team->reduce_scatter(mask, reduction::sum, type, x.memory.data(), out.data(),
                                       {x.before(axis), x.extents[axis] * x.after(axis)}, where);
        x.memory = out;
        return x;
    }
    static raw_tensor slice(raw_tensor x, mesh_mask mask, std::size_t ranks, std::size_t axis) {
        auto const whole = static_cast<std::ptrdiff_t>(x.extents[axis] * x.after(axis));
        x.extents[axis] /= ranks;
        std::size_t const run = x.extents[axis] * x.after(axis);
        buffer const out = room(x.size());
        iteration_space<1> l;
        l.dims = 2;
        l.extents = {x.before(axis), run};
        l.out = {static_cast<std::ptrdiff_t>(run), 1};
        l.in[0] = {whole, 1};
        B::permute(l, write(out), read(x.memory) + current().team->group_index(mask) * run);
        x.memory = out;
        return x;
    }
    // cut by `axis` -> cut by `to`: chunks of `to` go out, chunks of `axis` come in
    static raw_tensor exchange(raw_tensor x, mesh_mask mask, std::size_t ranks, std::size_t axis,
                               std::size_t to, std::source_location where) {
        std::size_t const size = x.size();
        buffer const packed = room(size), arrived = room(size);
        // the tensor with `to` divided in (ranks, rest), that rank axis moved to the front
        auto permute = [&](std::size_t divided, bool unpack, T* out, T const* in) {
            iteration_space<1> l;
            raw_tensor piece = x;
            piece.extents[divided] /= ranks;
            auto const inner = static_cast<std::ptrdiff_t>(piece.size());
            l.dims = 1 + x.axes;
            l.extents[0] = ranks;
            std::ptrdiff_t chunk = 1, whole = 1;
            for (std::size_t i = x.axes; i-- > 0;) {
                l.extents[i + 1] = piece.extents[i];
                (unpack ? l.in[0] : l.out)[i + 1] = chunk;
                (unpack ? l.out : l.in[0])[i + 1] = whole;
                if (i == divided)
                    (unpack ? l.out : l.in[0])[0] = whole * static_cast<std::ptrdiff_t>(piece.extents[i]);
                chunk *= static_cast<std::ptrdiff_t>(piece.extents[i]);
                whole *= static_cast<std::ptrdiff_t>(x.extents[i]);
            }
            (unpack ? l.in[0] : l.out)[0] = inner;
            B::permute(l, out, in);
        };
        permute(to, false, write(packed), read(x.memory));
        current().team->all_to_all(mask, type, packed.data(), arrived.data(), size / ranks, where);
        x.extents[to] /= ranks;
        x.extents[axis] *= ranks;
        buffer const out = room(size);
        permute(axis, true, write(out), read(arrived));
        x.memory = out;
        return x;
    }

    static raw_tensor forward(raw_tensor x, reshard_step const& s, std::source_location where) {
        if (s.ranks == 1) return x;
        switch (s.kind) {
        case step_kind::all_reduce: return all_reduce(std::move(x), s.mask, reduction::sum, where);
        case step_kind::all_reduce_max: return all_reduce(std::move(x), s.mask, reduction::max, where);
        case step_kind::reduce_scatter: return scatter(std::move(x), s.mask, s.ranks, s.axis, where);
        case step_kind::all_gather: return gather(std::move(x), s.mask, s.ranks, s.axis, where);
        case step_kind::all_to_all: return exchange(std::move(x), s.mask, s.ranks, s.axis, s.to_axis, where);
        case step_kind::slice: return slice(std::move(x), s.mask, s.ranks, s.axis);
        }
        return x;
    }
    // the gradient of one step; `pending` loses what is reduced on the way
    static raw_tensor backward(raw_tensor d, reshard_step const& s, mesh_mask& pending,
                               std::source_location where) {
        mesh_mask const owed = pending & s.mask;
        pending &= ~s.mask;
        if (s.ranks == 1) return d;
        switch (s.kind) {
        case step_kind::all_reduce:
        case step_kind::all_reduce_max:  // mw::max knows on which rank the largest element lies
            return owed == 0 ? d : all_reduce(std::move(d), owed, reduction::sum, where);
        case step_kind::reduce_scatter:
        case step_kind::slice: return gather(std::move(d), s.mask, s.ranks, s.axis, where);
        case step_kind::all_gather:
            return owed == 0 ? slice(std::move(d), s.mask, s.ranks, s.axis)
                             : scatter(std::move(d), s.mask, s.ranks, s.axis, where);
        case step_kind::all_to_all: return exchange(std::move(d), s.mask, s.ranks, s.to_axis, s.axis, where);
        }
        return d;
    }

    [[gnu::noinline]] static buffer forward(raw_tensor x, reshard_plan const& plan,
                                            std::source_location where) {
        for (std::size_t i = 0; i < plan.count; ++i) x = forward(std::move(x), plan.steps[i], where);
        return std::move(x.memory);
    }
    [[gnu::noinline]] static buffer backward(raw_tensor d, reshard_plan const& plan, mesh_mask& pending,
                                             std::source_location where) {
        for (std::size_t i = plan.count; i-- > 0;) d = backward(std::move(d), plan.steps[i], pending, where);
        return std::move(d.memory);
    }
};

[[gnu::noinline]] inline raw_tensor raw(std::span<std::size_t const> extents, buffer const& memory) {
    raw_tensor r;
    r.axes = extents.size();
    for (std::size_t i = 0; i < r.axes; ++i) r.extents[i] = extents[i];
    r.memory = memory;
    return r;
}
template <class X>
raw_tensor raw(X const& x) {
    return raw(x.local_extents(), x.memory());
}

template <class X, class To>
using movable = all_of<same_mesh<typename X::layout, To>,
                       judge<plan_of<typename X::layout, To, typename X::axes>.possible,
                             reduction_of_what_is_not_pending, value_is_placed_as<typename X::layout>>>;
}  // namespace detail

/// Brings x to the layout To. Placement: any to any, except that nothing becomes pending. Communication: the steps of
/// `plan_of`, none where the layouts are equal. Gradient: the steps backwards. Example: mw::reshard<S::layout_of<embed>>(x)
template <class To, any_tensor X>
auto reshard(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else if constexpr (std::is_same_v<To, typename X::layout>) {
        check_operands(where, x);
        return x;
    } else {
        using verdict = detail::movable<X, To>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using out_type = with_place<X, typename X::axes, To>;
            using move = detail::mover<typename X::value_type, typename X::backend>;
            static constexpr reshard_plan plan = plan_of<typename X::layout, To, typename X::axes>;
            bool const recorded = is_recorded(where, x);
            if (recorded)
                if (auto const* known =
                        current().recording->find_resharded(x.node(), &detail::type_tag<To>)) {
                    auto out = out_type::over(known->memory, x.extents());
                    out.set_node(known->result, current().recording_number);
                    return out;
                }
            auto out = out_type::over(move::forward(detail::raw(x), plan, where), x.extents());
            if (recorded) {
                record_linear(out, where, [to = target_of(x), where](auto const& d, mesh_mask pending) {
                    using back_move =
                        detail::mover<detail::summed_as<typename X::value_type>, typename X::backend>;
                    buffer back = back_move::backward(detail::raw(d), plan, pending, where);
                    contribute(to, gradient_of<X>::over(std::move(back), to.extents), pending);
                });
                current().recording->remember_resharded(
                    {x.node(), &detail::type_tag<To>, out.node(), out.memory()});
            } else
                out.set_constant_as(x);
            return out;
        }
    }
}

/// Brings x to where the strategy puts a value with its axes; pending reductions are made here.
/// Example: auto y = mw::settle<S>(mw::dot<ffn>(h, mw::transpose<mw::axes<ffn, embed>>(w)));
template <any_strategy S, any_tensor X>
auto settle(X const& x, std::source_location where = std::source_location::current()) {
    using to = layout_for<S, typename X::axes>;
    using verdict = all_of<not_refused<X>, detail::movable<X, to>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return reshard<to>(x, where);
}

/// The sum over mesh axis M of a value that is pending over it. Errors: a value that is not.
/// Example: auto y = mw::all_reduce<tp>(mw::sum<ffn>(h));
template <any_mesh_axis M, any_tensor X>
auto all_reduce(X const& x, std::source_location where = std::source_location::current()) {
    using L = typename X::layout;
    using verdict = all_of<not_refused<X>,
                           judge<detail::contains<M, detail::sums_of<L>>, reduction_of_what_is_not_pending,
                                 value_is_not_pending_over<M>, value_is_placed_as<L>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return reshard<relayout<typename X::axes, detail::without<detail::sums_of<L>, detail::list<M>>, L>>(
            x, where);
}

}  // namespace meshwise
