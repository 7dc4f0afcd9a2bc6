#pragma once
// The rules catalogue: one struct a rule; its sentence is what the compiler prints, its comment the manual
// entry, with a line that breaks the rule and the usual mend. docs/rules.md is generated from this text.
// The sentences stand on lines of their own, or compilers that quote the assertion would print them twice.
#include "type_list.hpp"
#include "verdict.hpp"

namespace meshwise {

/// Facts: incomplete on purpose, they only appear in messages.
inline namespace facts {
template <class Axis, class... MeshAxis>
struct left_operand_is_split_by;
template <class Axis, class... MeshAxis>
struct right_operand_is_split_by;
template <class Axis, class... MeshAxis>
struct value_is_split_by;
template <class MeshAxis>
struct value_is_a_pending_sum_over;
template <class MeshAxis>
struct left_operand_is_a_pending_sum_over;
template <class MeshAxis>
struct right_operand_is_a_pending_sum_over;
template <class MeshAxis>
struct left_operand_is_replicated_over;
template <class MeshAxis>
struct right_operand_is_replicated_over;
template <class MeshAxis>
struct value_is_not_pending_over;
template <class MeshAxis>
struct value_is_a_pending_maximum_over;
template <class MeshAxis>
struct left_operand_is_a_pending_maximum_over;
template <class MeshAxis>
struct right_operand_is_a_pending_maximum_over;
template <class Axis>
struct left_operand_has_whole;
template <class Axis>
struct right_operand_has_whole;
template <class Axis>
struct left_operand_lacks_axis;
template <class Axis>
struct right_operand_lacks_axis;
template <class Axis>
struct value_lacks_axis;
template <class Axis>
struct value_has_axis_twice;
template <class Axis, auto Size>
struct axis_of_size;
template <auto Count, class... MeshAxis>
struct cut_into;
template <class MeshAxis>
struct over_mesh_axis;
template <class Mesh>
struct left_operand_is_on;
template <class Mesh>
struct right_operand_is_on;
template <class Layout>
struct parameter_is_stored_as;
template <class Layout>
struct gradient_is_placed_as;
template <class Layout>
struct value_is_placed_as;
template <auto Bytes>
struct bytes_needed;
template <auto Bytes>
struct bytes_allowed;
template <class... T>
struct left_element_type;
template <class... T>
struct right_element_type;
template <class T>
struct value_is_of_type;
}  // namespace facts

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
                      "meshwise: softmax, a norm and rotary positions need all elements of their axis, and this axis is split over a mesh axis: gather it with mw::reshard, or leave the axis out of the strategy");
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
/// Wrong: `mw::merge_axes<mw::list<embed, ffn>, flat>(split_by_ffn)`
/// Right: `mw::merge_axes<mw::list<ffn, embed>, flat>(split_by_ffn)`
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

/// The local mean is the global mean only when every rank holds equally many valid elements.
/// Wrong: `mw::mean<batch>(x)`
/// Right: `mw::scale(mw::settle<S>(mw::sum<batch>(x)), 1.0 / batch::size)`
struct mean_of_a_split_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a mean over a split axis would divide by the local count: take mw::sum and the count, reduce both, then divide (mw::cross_entropy returns this pair)");
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

/// Numbers are crunched in one place.
/// Wrong: `mw::add(floats, doubles)`
/// Right: `mw::add(mw::cast<double>(floats), doubles)`
struct tensors_of_different_backends {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the operands live on different backends or have different element types: build both from one strategy, or convert with mw::cast<type>(x)");
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

/// Renaming and splitting axes keep the number of elements.
/// Wrong: `mw::rename<embed, ffn>(x)`
/// Right: an axis of the same size
struct sizes_differ {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the axes given and taken have different numbers of elements: rename and reshape keep every element");
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
                      "meshwise: this condition or count may differ between ranks, and some would wait for ever in a collective that others skip: make it equal with here.any(x), here.all(x) or here.agreed(x); a branch without collectives stands in here.only_on_first(f) or takes x.on_this_rank()");
    };
};

// clang-format on
}  // namespace rules

/// All rules, in the order of docs/rules.md.
using rules_catalogue =
    list<non_linear_operation_on_a_pending_sum, whole_value_added_to_a_pending_sum,
         product_of_two_pending_sums, shared_axis_is_split_differently,
         operands_split_by_different_axes_on_one_mesh_axis, normalised_axis_is_split,
         two_axes_on_one_mesh_axis, reduction_of_what_is_not_pending, gradient_is_not_in_storage_layout,
         axis_does_not_divide, reshape_cuts_a_split_axis, mesh_axes_in_different_order, mean_of_a_split_axis,
         tensors_of_different_meshes, tensors_of_different_backends, axis_is_missing, sizes_differ,
         memory_budget_exceeded, steered_by_a_value_that_may_differ>;

}  // namespace meshwise
