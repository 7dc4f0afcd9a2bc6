#pragma once
// Strategies: a mesh and an ordered list of rules. Model code never names a mesh axis; it names tensor axes,
// and `strategy::layout_of<axes...>` says where such a value lives. A pure function of types.
#include "layout.hpp"
#include "verdict.hpp"

namespace meshwise {

/// Option of a strategy: contractions over split axes are always computed as V leaf products summed in a fixed
/// binary tree, so that every mesh whose axes divide V gives the same bits.
template <std::size_t V>
struct reproducible {
    static_assert(V > 0 && (V & (V - 1)) == 0,
                  "meshwise: reproducible<V> needs a power of two, so that every mesh halves the same tree");
};

/// Option of a strategy: the backend that crunches its numbers.
template <class Backend>
struct on {
    using backend = Backend;
};

/// Option of a strategy: the element type of parameters and activations (float when nothing is said).
template <class T>
struct elements {};

/// Option of a strategy: the element type of the matrices and tables of a model (that of `elements` when nothing is said).
/// Example: mw::weights<mw::bfloat16>, to read half as much memory for each token that is generated.
template <class T>
struct weights {};

struct default_backend;  // the best one the machine's packages allow; chosen in tensor/default_backend.hpp

namespace detail {
template <class Axis, class M>
struct rule {
    using axis = Axis;
    using mesh_axis = M;
};

template <class Option>
struct option {
    static_assert(never<Option>, "meshwise: a strategy is a mesh, then mw::split<axis, mesh_axis> rules, "
                                 "mw::on<backend>, mw::elements<type>, mw::weights<type> and "
                                 "mw::reproducible<V>");
};
template <class A, class... M>
struct option<split<A, M...>> {
    using rules = list<rule<A, M>...>;
    using backend = list<>;
    using rest = list<split<A, M...>>;
    using element = list<>;
    using weight = list<>;
    static constexpr std::size_t leaves = 0;
};
template <class B>
struct option<on<B>> {
    using rules = list<>;
    using backend = list<B>;
    using rest = list<>;
    using element = list<>;
    using weight = list<>;
    static constexpr std::size_t leaves = 0;
};
template <std::size_t V>
struct option<reproducible<V>> {
    using rules = list<>;
    using backend = list<>;
    using rest = list<reproducible<V>>;
    using element = list<>;
    using weight = list<>;
    static constexpr std::size_t leaves = V;
};
template <class T>
struct option<elements<T>> {
    using rules = list<>;
    using backend = list<>;
    using rest = list<elements<T>>;
    using element = list<T>;
    using weight = list<>;
    static constexpr std::size_t leaves = 0;
};
template <class T>
struct option<weights<T>> {
    using rules = list<>;
    using backend = list<>;
    using rest = list<weights<T>>;
    using element = list<>;
    using weight = list<T>;
    static constexpr std::size_t leaves = 0;
};

// walks the rules in order; a mesh axis goes to the first rule whose tensor axis is present
template <class Axes, class Rules, class... Taken>
struct taken {
    using type = list<Taken...>;
};
template <class Axes, class R, class... Rest, class... Taken>
struct taken<Axes, list<R, Rest...>, Taken...>
    : std::conditional_t<contains<typename R::axis, Axes> &&
                             !is_one_of<typename R::mesh_axis, typename Taken::mesh_axis...>,
                         taken<Axes, list<Rest...>, Taken..., R>, taken<Axes, list<Rest...>, Taken...>> {};

template <class Axis, class Rules>
struct splits_of;
template <class Axis, class... R>
struct splits_of<Axis, list<R...>> {
    template <class... M>
    using split_by = split<Axis, M...>;
    using type =
        apply_to<split_by, concat<list<>, std::conditional_t<std::is_same_v<typename R::axis, Axis>,
                                                             list<typename R::mesh_axis>, list<>>...>>;
};
template <class Mesh, class... R>
constexpr bool within(list<R...>) {
    return (Mesh::template has<typename R::mesh_axis> && ...);
}
}  // namespace detail

/// A mesh, and in order: which tensor axis each mesh axis splits, wherever that axis is present.
template <class Mesh, class... Options>
struct strategy {
    static_assert((detail::within<Mesh>(typename detail::option<Options>::rules{}) && ...),
                  "meshwise: a rule of this strategy splits over a mesh axis that its mesh does not have, so "
                  "it would never apply: add the axis to the mesh, or take the rule out");

    using mesh = Mesh;
    using rules = concat<list<>, typename detail::option<Options>::rules...>;
    using backend_option =
        first_of<concat<list<>, typename detail::option<Options>::backend..., list<default_backend>>>;
    using element = first_of<concat<list<>, typename detail::option<Options>::element..., list<float>>>;
    using weight = first_of<concat<list<>, typename detail::option<Options>::weight..., list<element>>>;
    static constexpr std::size_t leaves = [] {
        std::size_t most = 1;
        ((most = detail::option<Options>::leaves > most ? detail::option<Options>::leaves : most), ...);
        return most;
    }();

    /// Where a value with these axes lives.
    template <class... A>
    using layout_of =
        canonical<Mesh,
                  typename detail::splits_of<A, typename detail::taken<list<A...>, rules>::type>::type...>;

    /// The same strategy on another backend.
    template <class Backend>
    using on =
        apply_to<meshwise::strategy,
                 concat<list<Mesh>, typename detail::option<Options>::rest..., list<meshwise::on<Backend>>>>;
};

namespace detail {
template <class S, class AxesList>
struct layout_of_axes;
template <class S, template <class...> class List, class... A>
struct layout_of_axes<S, List<A...>> {
    using type = typename S::template layout_of<A...>;
};
}  // namespace detail

/// `S::layout_of<A...>` for axes<A...> or any list of axes.
template <class S, class AxesList>
using layout_for = typename detail::layout_of_axes<S, AxesList>::type;

}  // namespace meshwise
