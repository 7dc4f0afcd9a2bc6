// contract: sums of products over named axes, mapped to matrix products by strides. No copies: axes that lie
// behind one another in all operands are walked as one, what is left over is looped.
//
// Costs: 2 x (product of all local extents) operations. Under reproducible<V> a contraction over a split axis is
// computed as V leaf products in all, summed in a fixed binary tree: one more result-sized buffer per level.
#pragma once

#include <cstdint>
#include <vector>

#include <meshwise/autodiff/record.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/elements/mapped_elements.hpp>
#include <meshwise/ops/products/contract_into.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

namespace detail {

/// The sum of `leaves` equal parts, part(i, out) each, in a fixed binary tree; temporary memory comes from the pool.
template <class B, class T, class Part>
void sum_of_leaves(std::size_t first, std::size_t leaves, std::size_t size, T* out, Part& part) {
    if (leaves == 1) {
        part(first, out);
        return;
    }
    context& here = current();
    buffer const right(*here.pool, size * sizeof(T), here.allocating_for);
    sum_of_leaves<B>(first, leaves / 2, size, out, part);
    sum_of_leaves<B>(first + leaves / 2, leaves / 2, size, static_cast<T*>(right.data()), part);
    B::add_to(out, static_cast<T const*>(right.data()), size);
}

template <class L, class Axis>
inline constexpr bool is_cut = split_of<L, Axis>::size != 0;

// the one summed axis that reproducible<V> divides into leaves, or void
template <class L, class Summed>
struct leaf_axis;
template <class L, class... A>
struct leaf_axis<L, list<A...>> {
    using cut = concat<list<>, std::conditional_t<is_cut<L, A>, list<A>, list<>>...>;
    static_assert(cut::size <= 1,
                  "meshwise: under reproducible<V> one sum may run over one split axis; here it runs over "
                  "two (batch and token, say): leave one of the two rules out of the strategy");
    using type = first_of<concat<cut, list<void>>>;
};

/// How many leaves this rank computes of a sum over Axis, and their size.
template <class B, class L, class Axis>
struct leaves_of {
    static_assert(B::leaves % shards<L, Axis> == 0,
                  "meshwise: reproducible<V> needs a V that the ranks of every split divide");
    static_assert(Axis::bounded || Axis::size % B::leaves == 0,
                  "meshwise: reproducible<V> needs split axes of a multiple of V elements: choose a smaller "
                  "V or another size");
    static constexpr std::size_t here = B::leaves / shards<L, Axis>;

    static std::size_t extent(std::size_t local) {
        if (Axis::bounded && local % here != 0)
            throw_error({"axis ", name_of<Axis>(), " has ", local,
                         " elements on this rank, which reproducible<V> cannot cut into ", here,
                         " equal leaves; pad it to a multiple"});
        return local / here;
    }
};

// Which summed axes are one run of products follows from the types alone, so that bits do not depend on whether an axis
// between them has one element on a rank: neighbours in both operands, and a leaf only as the first of its run.
template <class Leaf, class X, class Y, class... A>
constexpr std::array<std::size_t, sizeof...(A)> runs_of(list<A...>) {
    std::array<std::size_t, sizeof...(A)> const x{index_of<A, as_list<typename X::axes>>...},
        y{index_of<A, as_list<typename Y::axes>>...};
    std::array<bool, sizeof...(A)> const is_leaf{std::is_same_v<A, Leaf>...};
    std::array<std::size_t, sizeof...(A)> runs{};
    for (std::size_t i = 0; i < sizeof...(A); ++i) {
        std::size_t first = i;
        for (bool joined = true; joined && !is_leaf[first];) {
            joined = false;
            for (std::size_t before = 0; before < sizeof...(A) && !joined; ++before)
                if (x[before] + 1 == x[first] && y[before] + 1 == y[first]) first = before, joined = true;
        }
        runs[i] = x[first] + 1;
    }
    return runs;
}

// an operand's shape on this rank, and where it has the axes of a contraction
struct placed_axes {
    std::span<std::size_t const> positions, extents;
    bool has(std::size_t i) const { return positions[i] < extents.size(); }
};
[[gnu::noinline]] inline void describe_axes(std::span<contraction_axis> all, placed_axes x, placed_axes y,
                                            placed_axes out) {
    std::array<std::ptrdiff_t, 2 * most_axes> a{}, b{}, c{};
    strides_at(x.positions, x.extents, a.data());
    strides_at(y.positions, y.extents, b.data());
    strides_at(out.positions, out.extents, c.data());
    for (std::size_t i = 0; i < all.size(); ++i) {
        placed_axes const& carrier = x.has(i) ? x : y;
        all[i] = {.extent = carrier.extents[carrier.positions[i]], .a = a[i], .b = b[i], .c = c[i]};
    }
}

template <class R, class Out, class Relation, class X, class Y>
auto contracted(X const& x, Y const& y, bias_of_columns<R>* bias = nullptr) {
    using result = tensor<R, Out, typename Relation::layout, typename X::backend>;
    using B = typename X::backend;
    auto out = result_of<result>(x, y);
    using every = concat<as_list<Out>, typename Relation::contracted>;
    static_assert(every::size <= 2 * most_axes);
    std::array<contraction_axis, every::size> all{};
    auto const& in_x = x.local_extents();
    auto const& in_y = y.local_extents();
    auto const& in_out = out.local_extents();
    describe_axes(all, {positions<every, typename X::axes>, in_x}, {positions<every, typename Y::axes>, in_y},
                  {positions<every, Out>, in_out});
    if constexpr (B::leaves > 1) {
        using leaf = typename leaf_axis<typename X::layout, typename Relation::contracted>::type;
        [&]<class... A>(list<A...>) {
            [[maybe_unused]] constexpr auto runs = runs_of<leaf, X, Y>(list<A...>{});
            std::size_t i = 0;
            ((all[index_of<A, every>].run = runs[i++]), ...);
        }(typename Relation::contracted{});
        if constexpr (!std::is_void_v<leaf>) {
            constexpr std::size_t leaves = leaves_of<B, typename X::layout, leaf>::here;
            auto& cut = all[index_of<leaf, every>];
            cut.extent = leaves_of<B, typename X::layout, leaf>::extent(cut.extent);
            auto part = [&](std::size_t i, R* to) {
                auto const step = static_cast<std::ptrdiff_t>(i * cut.extent);
                contract_into<B>(all, x.raw_data() + step * cut.a, y.raw_data() + step * cut.b, y.memory(),
                                 to);
            };
            sum_of_leaves<B>(0, leaves, out.local_size(), out.mutable_data(), part);
            return out;
        }
    }
    contract_into<B>(all, x.raw_data(), y.raw_data(), y.memory(), out.mutable_data(), bias);
    return out;
}

// bfloat16 multiplies with itself and with float, and is summed in float
template <class X, class Y>
using same_kind =
    all_of<same_backend<X, Y>, no_mask<X, Y>,
           judge<std::is_same_v<summed_as<typename X::value_type>, summed_as<typename Y::value_type>>,
                 elements_of_different_types, left_element_type<typename X::value_type>,
                 right_element_type<typename Y::value_type>>>;

template <class Out, class X, class Y>
struct contractible {
    using verdict =
        all_of<typename contraction<Out, typename X::operand, typename Y::operand>::verdict, same_kind<X, Y>>;
};

// A contraction of gradients, without recording: `contract` would instantiate the pullbacks of pullbacks.
template <class Out, class X, class Y>
auto contract_gradients(X const& x, Y const& y) {
    using verdict = typename contractible<Out, X, Y>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return contracted<summed_as<typename X::value_type>, Out,
                          contraction<Out, typename X::operand, typename Y::operand>>(x, y);
}

template <class Out, class X, class Y>
void record_contraction(Out& out, X const& x, Y const& y, std::source_location where) {
    record(out, where, [x, y](auto const& d) {
        if constexpr (std::is_same_v<typename X::value_type, bfloat16> ||
                      std::is_same_v<typename Y::value_type, bfloat16>) {
            // rounded once for both products
            using D = std::remove_cvref_t<decltype(d)>;
            auto slope = result_of<with_elements<D, bfloat16>>(d);
            D::backend::cast(slope.mutable_data(), d.raw_data(), d.local_size());
            if (x.node() != 0) contribute(target_of(x), contract_gradients<typename X::axes>(slope, y));
            if (y.node() != 0) contribute(target_of(y), contract_gradients<typename Y::axes>(x, slope));
        } else {
            if (x.node() != 0) contribute(target_of(x), contract_gradients<typename X::axes>(d, y));
            if (y.node() != 0) contribute(target_of(y), contract_gradients<typename Y::axes>(x, d));
        }
    });
}
}  // namespace detail

/// The contraction of x and y that keeps the axes Out, in that order; all other axes are summed.
/// Placement: local or an error; a summed axis that is split leaves a pending sum. Communication: none.
/// Element types: the same, or float and bfloat16; bfloat16 is summed in float, and float beside it is rounded to
/// bfloat16 first. Gradient: the same rule applied to the backward contractions, in float also for an operand of bfloat16.
/// Example: auto h = mw::contract<mw::axes<batch, token, ffn>>(x, w);  // embed is summed
template <class Out, any_tensor X, any_tensor Y>
auto contract(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using relation = contraction<Out, typename X::operand, typename Y::operand>;
    using verdict = all_of<not_refused<X, Y>, typename detail::contractible<Out, X, Y>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x, y);
        auto out = detail::contracted<detail::summed_as<typename X::value_type>, Out, relation>(x, y);
        if (recorded) detail::record_contraction(out, x, y, where);
        return out;
    }
}

namespace detail {
template <class X, class Y, class... K>
struct dot_axes {
    // all of x but the contracted, then what only y has
    using type = as_axes<concat<without<as_list<typename X::axes>, list<K...>>,
                                without<without<as_list<typename Y::axes>, list<K...>>, typename X::axes>>>;
};
}  // namespace detail

}  // namespace meshwise
