// Compiling is passing: layouts, strategies and relations on types alone.
#include <meshwise/core/relations.hpp>
#include <meshwise/core/strategy.hpp>
namespace mw = meshwise;
namespace {
struct batch : mw::axis<8> {};
struct token : mw::axis<16> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct odd : mw::axis<6> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<4> {};
using grid = mw::mesh<dp, tp>;
using S = mw::strategy<grid, mw::split<batch, dp>, mw::split<ffn, tp>, mw::split<token, tp>>;

static_assert(mw::padded<50257, 128>::size == 50304 && mw::padded<50257, 128>::true_size == 50257);
static_assert(grid::ranks == 8 && grid::bit<tp> == 2 && grid::group_ranks(3) == 8);

// canonical: the order in which placements are written does not matter
static_assert(std::is_same_v<mw::canonical<grid, mw::split<ffn, tp>, mw::split<batch, dp>>,
                             mw::layout<grid, mw::split<batch, dp>, mw::split<ffn, tp>>>);
static_assert(
    std::is_same_v<mw::canonical<grid, mw::split<ffn>, mw::partial<dp>>, mw::layout<grid, mw::partial<dp>>>);

// each mesh axis goes to the first rule whose axis is present
static_assert(std::is_same_v<S::layout_of<batch, token, embed>,
                             mw::layout<grid, mw::split<batch, dp>, mw::split<token, tp>>>);
static_assert(std::is_same_v<S::layout_of<batch, token, ffn>,
                             mw::layout<grid, mw::split<batch, dp>, mw::split<ffn, tp>>>);
static_assert(std::is_same_v<S::layout_of<embed>, mw::layout<grid>>);
using both = mw::strategy<grid, mw::split<ffn, tp>, mw::split<ffn, dp>>;
static_assert(std::is_same_v<both::layout_of<ffn, embed>, mw::layout<grid, mw::split<ffn, tp, dp>>>);
static_assert(mw::shards<both::layout_of<ffn>, ffn> == 8 && mw::local_extent<both::layout_of<ffn>, ffn> == 8);

template <class Axes, class L>
using op = mw::operand<Axes, L>;
using x = op<mw::axes<batch, token, embed>, S::layout_of<batch, embed>>;
using up = op<mw::axes<embed, ffn>, S::layout_of<embed, ffn>>;
using h = mw::contraction<mw::axes<batch, token, ffn>, x, up>;
static_assert(h::verdict::value && std::is_same_v<h::layout, S::layout_of<batch, token, ffn>>);
using down = op<mw::axes<ffn, embed>, S::layout_of<ffn, embed>>;
using y = mw::contraction<mw::axes<batch, token, embed>, op<mw::axes<batch, token, ffn>, h::layout>, down>;
static_assert(y::verdict::value &&
              std::is_same_v<y::layout, mw::layout<grid, mw::split<batch, dp>, mw::partial<tp>>>);
// the gradient of the weight is pending over dp, by the same rule
using dw = mw::contraction<mw::axes<embed, ffn>, x, op<mw::axes<batch, token, ffn>, h::layout>>;
static_assert(dw::verdict::value &&
              std::is_same_v<dw::layout, mw::layout<grid, mw::partial<dp>, mw::split<ffn, tp>>>);

// the diagnosis: which rule, which facts
using by_token = op<mw::axes<batch, token, embed>, S::layout_of<batch, token, embed>>;
static_assert(std::is_same_v<
              mw::contraction<mw::axes<batch, token, ffn>, by_token, up>::verdict,
              mw::broken<mw::operands_split_by_different_axes_on_one_mesh_axis,
                         mw::left_operand_is_split_by<token, tp>, mw::right_operand_is_split_by<ffn, tp>>>);
using whole = op<mw::axes<ffn, embed>, mw::layout<grid>>;
static_assert(
    std::is_same_v<mw::contraction<mw::axes<batch, token, embed>, op<mw::axes<batch, token, ffn>, h::layout>,
                                   whole>::verdict,
                   mw::broken<mw::shared_axis_is_split_differently, mw::left_operand_is_split_by<ffn, tp>,
                              mw::right_operand_has_whole<ffn>>>);
using pending = op<mw::axes<batch, token, embed>, y::layout>;
using bias = op<mw::axes<embed>, mw::layout<grid>>;
static_assert(std::is_same_v<
              mw::addition<pending, bias>::verdict,
              mw::broken<mw::whole_value_added_to_a_pending_sum, mw::left_operand_is_a_pending_sum_over<tp>,
                         mw::right_operand_is_replicated_over<tp>>>);
static_assert(
    std::is_same_v<mw::element_wise<pending>::verdict, mw::broken<mw::non_linear_operation_on_a_pending_sum,
                                                                  mw::value_is_a_pending_sum_over<tp>>>);
static_assert(mw::multiplication<pending, bias>::verdict::value);
// the axes of the operand that has most, the first of several, then those of the others in their order
using by_batch = op<mw::axes<batch>, S::layout_of<batch>>;
using by_ffn = op<mw::axes<ffn>, S::layout_of<ffn>>;
using outer = mw::multiplication<by_batch, by_ffn>;
static_assert(outer::verdict::value && std::is_same_v<outer::axes, mw::axes<batch, ffn>> &&
              std::is_same_v<outer::layout, S::layout_of<batch, ffn>>);
using of_three = mw::element_wise<by_ffn, bias, op<mw::axes<token, batch>, S::layout_of<batch>>>;
static_assert(of_three::verdict::value &&
              std::is_same_v<of_three::axes, mw::axes<token, batch, ffn, embed>> &&
              std::is_same_v<of_three::layout, S::layout_of<batch, ffn>>);
using owing = op<mw::axes<odd>, mw::layout<grid, mw::partial<tp>>>;
using both_owing = mw::addition<pending, owing>;
static_assert(both_owing::verdict::value &&
              std::is_same_v<both_owing::axes, mw::axes<batch, token, embed, odd>> &&
              std::is_same_v<both_owing::layout, y::layout>);
static_assert(
    std::is_same_v<mw::multiplication<pending, pending>::verdict,
                   mw::broken<mw::product_of_two_pending_sums, mw::left_operand_is_a_pending_sum_over<tp>,
                              mw::right_operand_is_a_pending_sum_over<tp>>>);
// a pending maximum is for mw::reshard alone
using largest = op<mw::axes<embed>, mw::layout<grid, mw::partial<tp, mw::maximum>>>;
using refused_maximum =
    mw::broken<mw::non_linear_operation_on_a_pending_sum, mw::value_is_a_pending_maximum_over<tp>>;
static_assert(std::is_same_v<mw::addition<largest, largest>::verdict, refused_maximum>);
static_assert(std::is_same_v<mw::multiplication<bias, largest>::verdict, refused_maximum>);
static_assert(std::is_same_v<mw::contraction<mw::axes<>, bias, largest>::verdict, refused_maximum>);
static_assert(std::is_same_v<mw::summation<mw::detail::list<embed>, largest>::verdict, refused_maximum>);
static_assert(std::is_same_v<mw::element_wise<largest>::verdict, refused_maximum>);
static_assert(std::is_same_v<mw::along<ffn, op<mw::axes<batch, token, ffn>, h::layout>>::verdict,
                             mw::broken<mw::normalised_axis_is_split, mw::value_is_split_by<ffn, tp>>>);
static_assert(std::is_same_v<mw::placeable<mw::axes<odd>, mw::layout<grid, mw::split<odd, tp>>>::verdict,
                             mw::broken<mw::axis_does_not_divide, mw::axis_of_size<odd, std::size_t{6}>,
                                        mw::cut_into<std::size_t{4}, tp>>>);
}  // namespace
