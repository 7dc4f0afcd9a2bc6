// The rules catalogue: one struct a rule; its sentence is what the compiler prints, its comment the manual
// entry, with a line that breaks the rule and the usual fix. docs/rules.md is generated from this text.
// The sentences stand on lines of their own, or compilers that quote the assertion would print them twice.
#pragma once

#include <meshwise/core/element_rules.hpp>
#include <meshwise/core/facts.hpp>
#include <meshwise/core/type_list.hpp>
#include <meshwise/core/verdict.hpp>

namespace meshwise {

inline namespace rules {
// clang-format off

/// f(a + b) is not f(a) + f(b): activations, normalisations, softmax and casts to fewer bits of a pending sum give
/// numbers that no later reduction can repair. A pending maximum is for `mw::reshard` and `mw::max` alone.
/// Wrong: `mw::gelu(mw::dot<ffn>(h, w))`
/// Right: `mw::gelu(mw::settle<S>(mw::dot<ffn>(h, w)))`
struct non_linear_operation_on_a_pending_sum {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this operation is not linear, so it needs the whole value, and its operand is a sum (or maximum) still pending over a mesh axis: reduce it first, with mw::settle<strategy>(x), then apply the operation");
    };
};

/// A bias added before the reduction is added once by every rank.
/// Wrong: `mw::dot<ffn>(h, w) + bias`
/// Right: `mw::settle<S>(mw::dot<ffn>(h, w)) + bias`
struct whole_value_added_to_a_pending_sum {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a pending sum and a value that is already whole cannot be added, the whole one would be counted once per rank: reduce the pending sum first, with mw::settle<strategy>(x), then add");
    };
};

/// (a1 + a2)(b1 + b2) is not a1 b1 + a2 b2.
/// Wrong: `mw::mul(p, q)`
/// Right: `mw::mul(mw::settle<S>(p), q)`
struct product_of_two_pending_sums {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: one factor is a sum still pending over a mesh axis that the other factor uses too, and the product of the summands is not the product of the sums: reduce the pending operand first, with mw::settle<strategy>(x)");
    };
};

/// An axis that both operands carry must be cut the same way in both, or the ranks combine unrelated pieces.
/// Wrong: `mw::dot<ffn>(split, whole)`
/// Right: `mw::dot<S, ffn>(split, whole)`
struct shared_axis_is_split_differently {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the operands disagree on how a shared axis is split, so the ranks hold pieces that do not belong together: bring them to one layout with mw::reshard, or write mw::dot<strategy, axis>(x, w), which does");
    };
};

/// One mesh axis can cut one tensor axis of a result.
/// Wrong: `mw::dot<embed>(x_by_token, w_by_ffn)`
/// Right: `mw::dot<S, embed>(x_by_token, w_by_ffn)`
struct operands_split_by_different_axes_on_one_mesh_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the operands are split by different axes over the same mesh axis, so each rank would hold only a diagonal piece of the result: gather one operand with mw::reshard, or write mw::dot<strategy, axis>(x, w), which does");
    };
};

/// Softmax and the norms need all elements of their axis.
/// Wrong: `mw::softmax<vocab>(logits)`
/// Right: `mw::softmax<vocab>(mw::reshard<whole>(logits))`
struct normalised_axis_is_split {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: softmax, norms, sorts, matrices and rotary positions need all elements of their axis, and this axis is split over a mesh axis: gather it with mw::reshard, or leave the axis out of the strategy");
    };
};

/// One mesh axis cuts one axis of a tensor.
/// Wrong: a tensor in `mw::canonical<mesh, mw::split<embed, tp>, mw::split<ffn, tp>>`
/// Right: `mw::canonical<mesh, mw::split<ffn, tp>>`
struct two_axes_on_one_mesh_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a mesh axis is used twice in one layout; a mesh axis can split one axis of a tensor, or hold one pending reduction: use a second mesh axis, or leave one placement out");
    };
};

/// Reducing what is already whole multiplies it by the number of ranks.
/// Wrong: `mw::all_reduce<tp>(whole)`
/// Right: `mw::all_reduce<tp>(pending)`
struct reduction_of_what_is_not_pending {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this value is not pending over the mesh axis, so reducing it would count it once per rank: remove the reduction, or use mw::settle<strategy>(x), which reduces only what is owed");
    };
};

/// Parameter, gradient and state move together, element by element.
/// Wrong: `mw::sgd_step(w, pending, 0.1)`
/// Right: `mw::sgd_step(w, mw::settle<S>(pending), 0.1)`
struct gradient_is_not_in_storage_layout {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: an optimiser step needs the gradient in the layout its parameter is stored in: reduce it with mw::reshard<parameter layout>(gradient), or hand the optimiser the gradient object of mw::value_and_gradient, which does");
    };
};

/// Every rank holds the same number of elements.
/// Wrong: `struct heads : mw::axis<6> {}` split over `struct tp : mw::mesh_axis<4> {}`
/// Right: 8 heads, or a mesh axis of 2 ranks
struct axis_does_not_divide {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: an axis does not divide evenly over the ranks it is split over: choose another mesh size, store it as mw::padded<size, multiple>, or split a group of axes over several mesh axes");
    };
};

/// Reshaping moves names, never elements between ranks.
/// Wrong: `mw::merge_axes<mw::axes<embed, ffn>, flat>(split_by_ffn)`
/// Right: `mw::merge_axes<mw::axes<ffn, embed>, flat>(split_by_ffn)`
struct reshape_cuts_a_split_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a reshape may keep a split axis whole or merge it as the outermost of a group; this one would move elements between ranks: reshard first, or choose another order of axes");
    };
};

/// split<a, m1, m2> and split<a, m2, m1> hold different elements on the same rank.
/// Wrong: `mw::add(x, y)` of layouts with `mw::split<ffn, dp, tp>` and `mw::split<ffn, tp, dp>`
/// Right: one order in the rules of the strategy
struct mesh_axes_in_different_order {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: both operands split the shared axis over the same mesh axes, but in a different order, so the ranks hold different pieces: reshard one of them, or give the strategy's rules one order");
    };
};

/// A product, a variance or the place of a maximum over ranks is no sum that could stay pending.
/// Wrong: `mw::variance<batch>(x)`
/// Right: `mw::variance<S, batch>(x)`
struct reduced_axis_is_split {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this axis is split, so its reduction needs all ranks: write the strategy first, as in mw::variance<strategy, axis>(x), which reduces over them; mw::sum, mw::mean and mw::max leave a split axis pending");
    };
};

/// A mesh is part of a tensor's type.
/// Wrong: `mw::add(on_two_ranks, on_four_ranks)`
/// Right: tensors of one strategy
struct tensors_of_different_meshes {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the operands live on different meshes, and ranks of one mesh mean nothing on the other: build both from one strategy");
    };
};

/// The values of a program live where its rank computes. A plan runs the program on a backend that computes nothing.
/// Wrong: `mw::init<model<strategy>>(here, s)`
/// Right: `[]<class S>(mw::rank<S>& here) { mw::init<model<S>>(here, s); }`
struct tensors_of_different_backends {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a model or a tensor of one strategy meets values or a rank of another, which computes elsewhere: take the strategy from the rank that runs the program, as in []<class S>(mw::rank<S>& here) { ... }, and write S where another one is named; mw::explain<strategy> runs the program under a strategy that computes nothing");
    };
};

/// Axes are matched by name, never by position.
/// Wrong: `mw::dot<ffn>(x_of_embed, w)`
/// Right: `mw::dot<embed>(x_of_embed, w)`
struct axis_is_missing {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: an axis named here is not an axis of the operand, or an operand carries an axis the result lacks: check the spelling, or give it that name with mw::rename<from, to>(x)");
    };
};

/// An assignment does not change the type of a variable, and axes and placement are in the type.
/// Wrong: `bias += x`
/// Right: `auto y = bias + x`
struct result_of_another_type {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: +=, -=, *= and /= keep the type of the variable, and this result has other axes or another placement: give it a variable of its own, as in auto z = x + y");
    };
};

/// An operation is told its axes by name.
/// Wrong: `mw::sum(x)`, `mw::sum<0>(x)`
/// Right: `mw::sum<batch, embed>(x)`
struct axis_is_not_named {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this operation needs the names of its axes, which are types, not positions: write them between < and >, as in mw::sum<batch, embed>(x) or mw::softmax<vocab>(x)");
    };
};

/// Layers and operations take tensors: values that the ranks hold.
/// Wrong: `up(std::vector<float>(512))`
/// Right: `up(here.place<batch, embed>(std::vector<float>(512)))`
struct not_a_tensor {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a tensor belongs here, and this value is none: put values on the ranks with here.place<axes...>(values)");
    };
};

/// Renaming and splitting axes keep the number of elements.
/// Wrong: `mw::rename<embed, ffn>(x)`
/// Right: an axis of the same size
struct sizes_differ {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the axes given and taken have different numbers of elements: rename and reshape keep every element, and a square matrix has as many rows as columns");
    };
};

/// A plan is checked before it runs.
/// Wrong: `mw::require_fits<model, 1'000>()`
/// Right: `mw::require_fits<model, 80'000'000'000>()`, or a larger mesh
struct memory_budget_exceeded {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the parameters, gradients and optimiser state of this model do not fit the stated bytes per rank: split more axes, use more ranks, or raise the budget");
    };
};

/// A collective needs all its ranks, so what decides whether or how often it is called is equal on all of them.
/// Wrong: `mw::when(clock::now() > end, save)`
/// Right: `mw::when(here.any(clock::now() > end), save)`
struct steered_by_a_value_that_may_differ {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this condition, count or number may differ between ranks, and some would wait for ever in a collective that others skip: make it equal with here.any(x), here.all(x) or here.agreed(x); what decides no collective takes x.on_this_rank(), or stands in here.only_on_first(f)");
    };
};

/// An axis is a struct of its own, and its size stands in its type.
/// Wrong: `struct embed {};`
/// Right: `struct embed : mw::axis<768> {};`
struct not_an_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a type that stands here as an axis of a tensor is none: derive the struct from mw::axis<size>, as in struct embed : mw::axis<768> {};");
    };
};

/// A strategy says where the result goes; axes say what is done.
/// Wrong: `mw::dot<embed, S>(x, w)`
/// Right: `mw::dot<S, embed>(x, w)`
struct strategy_stands_behind_axes {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the strategy stands before the axes: write mw::dot<strategy, axis>(x, w), not mw::dot<axis, strategy>(x, w)");
    };
};

/// A weight is a tensor, and a tensor carries each axis once.
/// Wrong: `mw::linear<S, embed, embed>`
/// Right: `mw::linear<S, embed, out>` with `struct out : mw::axis<embed::size> {};`
struct layer_from_an_axis_to_itself {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a layer needs another axis for its output than for its input, because its weight carries both: declare struct out : mw::axis<in::size> {}; for the output, and give the result the old name with mw::rename<out, in>(y)");
    };
};

/// A tensor carries each axis once. Ids that choose from an axis stand for other elements than that axis has.
/// Wrong: `mw::take<token>(x, order)` with an order of `token`
/// Right: `mw::take<token>(x, mw::rename<token, place>(order))`
struct axis_stands_twice {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: an axis would stand twice in one tensor: mw::rename<from, to>(x) gives it another name in one operand, such as in ids that choose from the axis they count along");
    };
};

/// A layer reads the axis that stands first in its type.
/// Wrong: `down(x)` with `mw::linear<S, ffn, embed> down` and an x of `batch` and `embed`
/// Right: `down(up(x))` with `mw::linear<S, embed, ffn> up`
struct input_lacks_the_axis_of_the_layer {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this layer reads an axis that its input lacks: check the order of the layers and of the layer's axes (input first, then output), or give the input that name with mw::rename<from, to>(x)");
    };
};

/// Kernels and moves between ranks keep their loops in tables of a fixed length, `mw::most_axes`.
/// Wrong: `mw::dot<k>(x, w)`, where x has six axes, w has six, and they share k alone
/// Right: `mw::dot<k>(mw::merge_axes<mw::axes<a, b, c, d>, abcd>(x), w)`
struct more_axes_than_a_tensor_may_have {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a tensor has at most 8 axes, and this one would have more: join axes that are never looked at apart with mw::merge_axes, or sum over some before this operation");
    };
};

// clang-format on
}  // namespace rules

/// All rules, in the order of docs/rules.md.
/// Example: static_assert(mw::detail::contains<mw::product_of_two_pending_sums, mw::rules_catalogue>);
using rules_catalogue =
    detail::list<non_linear_operation_on_a_pending_sum, whole_value_added_to_a_pending_sum,
                 product_of_two_pending_sums, shared_axis_is_split_differently,
                 operands_split_by_different_axes_on_one_mesh_axis, normalised_axis_is_split,
                 two_axes_on_one_mesh_axis, reduction_of_what_is_not_pending,
                 gradient_is_not_in_storage_layout, axis_does_not_divide, reshape_cuts_a_split_axis,
                 mesh_axes_in_different_order, reduced_axis_is_split, tensors_of_different_meshes,
                 tensors_of_different_backends, axis_is_missing, result_of_another_type, axis_is_not_named,
                 not_a_tensor, sizes_differ, memory_budget_exceeded, steered_by_a_value_that_may_differ,
                 not_an_axis, strategy_stands_behind_axes, layer_from_an_axis_to_itself, axis_stands_twice,
                 input_lacks_the_axis_of_the_layer, more_axes_than_a_tensor_may_have,
                 elements_of_different_types, function_of_integers, arithmetic_on_a_mask, not_a_mask>;

}  // namespace meshwise
