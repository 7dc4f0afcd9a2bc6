// Strategies: a mesh and an ordered list of rules. Model code never names a mesh axis; it names tensor axes,
// and `strategy::layout_of<axes...>` says where such a value lives. A pure function of types.
#pragma once

#include <meshwise/core/layout.hpp>
#include <meshwise/core/verdict.hpp>

namespace meshwise {

/// Option of a strategy: contractions over split axes are always computed as V leaf products summed in a fixed
/// binary tree, so that every mesh whose axes divide V gives the same bits.
/// Example:
/// using same_bits = mw::strategy<mesh, mw::split<batch, dp>, mw::split<ffn, tp>, mw::reproducible<8>>;
template <std::size_t V>
struct reproducible {
    static_assert(V > 0 && (V & (V - 1)) == 0,
                  "meshwise: reproducible<V> needs a power of two, so that every mesh halves the same tree");
};

/// Option of a strategy: the backend of its tensors.
/// Example: using slow_and_simple = mw::strategy<mesh, mw::split<batch, dp>, mw::on<mw::serial>>;
template <class Backend>
struct on {
    using backend = Backend;
};

/// Option of a strategy: the element type of parameters and activations (float when nothing is said).
/// Example: using in_double = mw::strategy<mesh, mw::split<batch, dp>, mw::dtype<double>>;
template <class T>
struct dtype {};

/// Option of a strategy: the element type of the matrices and tables of a model (that of `dtype` when nothing is said).
/// With bfloat16 half as much memory is read for each token that is generated.
/// Example: using narrow = mw::strategy<mesh, mw::split<batch, dp>, mw::weight_dtype<mw::bfloat16>>;
template <class T>
struct weight_dtype {};

/// Option of a strategy: what matrix products and attention multiply (the type of `dtype` when nothing is said), and what is
/// kept of activations. Parameters, gradients, sums, norms, softmax and losses stay float.
/// Example: using mixed = mw::strategy<mesh, mw::split<batch, dp>, mw::precision<mw::bfloat16>>;
template <class T>
struct precision {};

/// The backend of a strategy without `mw::on`; tensor/default_backend.hpp chooses it.
/// Example: static_assert(std::is_same_v<S::backend_option, mw::default_backend>);
struct default_backend;  // the best one the machine's packages allow; chosen in tensor/default_backend.hpp

namespace detail {
template <class Axis, class M>
struct rule {
    using axis = Axis;
    using mesh_axis = M;
};

struct no_option {
    static constexpr bool known = true;
    using rules = list<>;
    using backend = list<>;
    using rest = list<>;
    using element = list<>;
    using weight = list<>;
    using product = list<>;
    static constexpr std::size_t leaves = 0;
};
template <class Option>
struct option : no_option {
    static constexpr bool known = false;
};
template <class A, class... M>
struct option<split<A, M...>> : no_option {
    using rules = list<rule<A, M>...>;
    using rest = list<split<A, M...>>;
};
template <class B>
struct option<on<B>> : no_option {
    using backend = list<B>;
};
template <std::size_t V>
struct option<reproducible<V>> : no_option {
    using rest = list<reproducible<V>>;
    static constexpr std::size_t leaves = V;
};
template <class T>
struct option<dtype<T>> : no_option {
    using rest = list<dtype<T>>;
    using element = list<T>;
};
template <class T>
struct option<weight_dtype<T>> : no_option {
    using rest = list<weight_dtype<T>>;
    using weight = list<T>;
};

template <class T>
struct option<precision<T>> : no_option {
    using rest = list<precision<T>>;
    using product = list<T>;
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
// of a type that is not an axis: the tensor that has it is refused
struct no_axis {
    static constexpr std::size_t size = 1, true_size = 1;
    static constexpr bool bounded = false;
};
template <class Axis, class... R>
struct splits_of<Axis, list<R...>> {
    using split_axis = std::conditional_t<any_axis<Axis>, Axis, no_axis>;
    template <class... M>
    using split_by = split<split_axis, M...>;
    using type =
        apply_to<split_by, concat<list<>, std::conditional_t<std::is_same_v<typename R::axis, Axis>,
                                                             list<typename R::mesh_axis>, list<>>...>>;
};
template <class Mesh, class... R>
constexpr bool within(list<R...>) {
    return (Mesh::template has<typename R::mesh_axis> && ...);
}

template <class T>
inline constexpr bool is_mesh = false;
template <class... M>
inline constexpr bool is_mesh<mesh<M...>> = true;
template <class Option>
inline constexpr bool splits_an_axis = true;
template <class A, class... M>
inline constexpr bool splits_an_axis<split<A, M...>> = any_axis<A> && (any_mesh_axis<M> && ...);

// The mesh and the rules of a strategy, or none of them where one of the assertions below fails.
template <class Mesh, class... Options>
struct strategy_parts {
    static constexpr bool begins = is_mesh<Mesh>;
    static constexpr bool known = (option<Options>::known && ...);
    static constexpr bool splits = (splits_an_axis<Options> && ...);
    using mesh = std::conditional_t<begins, Mesh, meshwise::mesh<>>;
    static constexpr bool inside = (within<mesh>(typename option<Options>::rules{}) && ...);
    using rules = std::conditional_t<begins && splits && inside,
                                     concat<list<>, typename option<Options>::rules...>, list<>>;
};
// In a class of its own, of which nothing else is asked: one mistake, one error.
template <class Mesh, class... Options>
struct strategy_check {
    using parts = strategy_parts<Mesh, Options...>;
    static constexpr bool splits = !parts::begins || !parts::known || parts::splits;
    static constexpr bool inside = !parts::begins || !parts::known || !parts::splits || parts::inside;
    static_assert(parts::begins, "meshwise: a strategy begins with its mesh: "
                                 "mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>>");
    static_assert(!parts::begins || parts::known,
                  "meshwise: a strategy is a mesh, then mw::split<axis, mesh_axis> rules, mw::on<backend>, "
                  "mw::dtype<type>, mw::weight_dtype<type>, mw::precision<type> and mw::reproducible<V>");
    static_assert(splits, "meshwise: a rule of a strategy names an axis of a tensor, then axes of the mesh: "
                          "mw::split<batch, dp>");
    static_assert(inside,
                  "meshwise: a rule of this strategy splits over a mesh axis that its mesh does not have, so "
                  "it would never apply: add the axis to the mesh, or take the rule out");
};
}  // namespace detail

/// A mesh, and in order: which tensor axis each mesh axis splits, wherever that axis is present.
/// Example:
/// using two_ways = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<ffn, tp>>;
template <class Mesh, class... Options>
struct strategy {
    static_assert(sizeof(detail::strategy_check<Mesh, Options...>) > 0);

    using mesh = typename detail::strategy_parts<Mesh, Options...>::mesh;
    using rules = typename detail::strategy_parts<Mesh, Options...>::rules;
    using backend_option =
        detail::first_of<detail::concat<detail::list<>, typename detail::option<Options>::backend...,
                                        detail::list<default_backend>>>;
    using element = detail::first_of<
        detail::concat<detail::list<>, typename detail::option<Options>::element..., detail::list<float>>>;
    using weight = detail::first_of<
        detail::concat<detail::list<>, typename detail::option<Options>::weight..., detail::list<element>>>;
    /// What products multiply.
    using product = detail::first_of<
        detail::concat<detail::list<>, typename detail::option<Options>::product..., detail::list<element>>>;
    static constexpr std::size_t leaves = [] {
        std::size_t most = 1;
        ((most = detail::option<Options>::leaves > most ? detail::option<Options>::leaves : most), ...);
        return most;
    }();

    /// Where a value with these axes lives.
    template <class... A>
    using layout_of =
        canonical<mesh, typename detail::splits_of<
                            A, typename detail::taken<detail::list<A...>, rules>::type>::type...>;

    /// The same strategy on another backend.
    template <class Backend>
    using on = detail::apply_to<meshwise::strategy,
                                detail::concat<detail::list<Mesh>, typename detail::option<Options>::rest...,
                                               detail::list<meshwise::on<Backend>>>>;
};

namespace detail {
template <class T>
inline constexpr bool is_strategy = false;
template <class Mesh, class... Options>
inline constexpr bool is_strategy<strategy<Mesh, Options...>> = true;

template <class S, class AxesList>
struct layout_of_axes;
template <class S, template <class...> class List, class... A>
struct layout_of_axes<S, List<A...>> {
    using type = typename S::template layout_of<A...>;
};
}  // namespace detail

/// A strategy. As the first template argument it tells the two forms of an operation apart: mw::dot<embed>(x, w) is local or
/// does not compile, mw::dot<S, embed>(x, w) moves values as S says.
/// Example: static_assert(mw::any_strategy<S>);
template <class T>
concept any_strategy = detail::is_strategy<T>;

/// What a program sees of the rank it runs as; see parallel/rank.hpp. It is the first argument of functions that have to know
/// where: mw::load_weights(here, model, path).
template <any_strategy S>
class rank;

/// `S::layout_of<A...>` for axes<A...> or any list of axes.
/// Example: static_assert(std::is_same_v<mw::layout_for<S, mw::axes<batch, ffn>>, S::layout_of<batch, ffn>>);
template <class S, class AxesList>
using layout_for = typename detail::layout_of_axes<S, AxesList>::type;

}  // namespace meshwise
