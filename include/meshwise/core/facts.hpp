// Facts: what the message of a rule says of the operands, in the names of incomplete templates.
#pragma once

#include <meshwise/core/type_list.hpp>

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
template <auto Count>
struct number_of_axes;
template <auto Count>
struct most_are;
template <auto Bytes>
struct bytes_needed;
template <auto Bytes>
struct bytes_allowed;
template <class... T>
struct left_element_type;
template <class... T>
struct right_element_type;
template <class Axes, class Layout>
struct result_would_have;
template <class T>
struct value_has_elements;
template <class T>
struct value_is_of_type;
template <class T>
struct is_no_axis;
template <class Strategy>
struct stands_behind_an_axis;
}  // namespace facts

}  // namespace meshwise
