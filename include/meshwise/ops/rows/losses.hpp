// losses: the distance of a value from what it should be, as a pair (sum, count) that is divided when both are whole.
//   auto loss = mw::mse_loss(x, y);  // as value_and_gradient takes it
//   auto both = mw::settle<S>(mw::mse_loss(x, y)) + 0.1F * mw::settle<S>(mw::l1_loss(x, y));
// Rules: core/relations.hpp `element_wise` and `summation`: the sum is pending over the mesh axes that split the elements, so
// that the mean over a split batch is that of all of it. Gradients: those of `map` and `sum`.
// Cost: one pass forward, and one backward for each operand that wants a gradient.
#pragma once

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

/// Whether a loss is the mean of its elements or their sum.
/// Example: auto loss = mw::l1_loss(x, y, {.reduction = mw::loss_reduction::sum});
enum class loss_reduction : std::uint8_t { mean, sum };

/// Options of losses that have no others.
/// Example: constexpr mw::loss_options all{.reduction = mw::loss_reduction::sum};
struct loss_options {
    loss_reduction reduction = loss_reduction::mean;
};
/// Options of `huber_loss`. Example: auto loss = mw::huber_loss(x, y, {.delta = 0.5});
struct huber_options {
    double delta = 1;  // where squares become absolute values
    loss_reduction reduction = loss_reduction::mean;
};
/// Options of `binary_cross_entropy_with_logits`.
/// Example: auto loss = mw::binary_cross_entropy_with_logits(x, y > 0, {.pos_weight = 3});
struct binary_cross_entropy_options {
    double pos_weight = 1;  // what an element of the class 1 counts
    loss_reduction reduction = loss_reduction::mean;
};
/// Options of `kl_div`. Example: constexpr mw::kl_div_options options{.log_target = true};
struct kl_div_options {
    bool log_target = false;  // the target is given as logarithms, too
    loss_reduction reduction = loss_reduction::mean;
};
namespace elementary::losses {
struct square {
    constexpr auto operator()(auto x, auto y) const { return (x - y) * (x - y); }
};
struct distance {
    constexpr auto operator()(auto x, auto y) const { return meshwise::abs(x - y); }
};
template <class T>
struct huber {
    T delta;
    constexpr auto operator()(auto x, auto y) const {
        auto const d = x - y, size = meshwise::abs(d);
        return select(size > delta, delta * (size - T(0.5) * delta), T(0.5) * d * d);
    }
};
// log(1 + e^-x) for ones and log(1 + e^x) for zeros, which neither overflow nor lose a small one
template <class T>
struct binary_cross_entropy {
    T weight;
    constexpr auto operator()(auto x,
                              auto y) const {  // no difference: a loss near 0 keeps its digits, and its slope
        return (T{1} - y) * softplus(x) + weight * y * softplus(-x);
    }
};
struct kl {
    constexpr auto operator()(auto x, auto y) const {
        return select(y > 0, y * (meshwise::log(y) - x), decltype(y * x){0});
    }
};
struct kl_of_logarithms {
    constexpr auto operator()(auto x, auto y) const { return meshwise::exp(y) * (y - x); }
};
struct minus_chosen {
    constexpr auto operator()(auto x, std::int32_t target, std::int32_t column) const {
        return select(target == column, -x, decltype(x){0});
    }
};
// a factor and no quotient: a sum that is NaN leaves the gradient as it is
struct inverse {
    constexpr auto operator()(auto count) const { return select(count == 0, decltype(count){0}, 1 / count); }
};
}  // namespace elementary::losses

namespace detail {
// a number beside a pending sum: it stands on the first rank along the mesh axes `once`, and is zero on the others
template <class Total>
Total counted_once(double count, mesh_mask once) {
    Total out = Total::uninitialized();
    using T = typename Total::value_type;
    Total::backend::fill(out.mutable_data(), 1,
                         current().team->group_index(once) == 0 ? static_cast<T>(count) : T{});
    return out;
}
// the mean or the sum of what was found for each of `count` elements over all ranks
template <class X>
auto loss_of_count(X const& each, double count, loss_reduction how, std::source_location where) {
    auto const total = sum<>(each, where);
    using total_type = std::remove_const_t<decltype(total)>;
    return loss_parts{total, counted_once<total_type>(how == loss_reduction::mean ? count : 1,
                                                      sum_mask<typename total_type::layout>)};
}
template <class X>
double elements_that_count(X const& x) {
    return [&]<class... A>(axes<A...>) {
        return (1.0 * ... * static_cast<double>(true_extent<A>(x)));
    }(typename X::axes{});
}

// a value and its target: the same axes, in any order, cut alike, whole
template <class X, class Target>
using matched_with = all_of<not_refused<X, Target>,
                            typename present<right_operand_lacks_axis, typename X::operand::axes,
                                             typename Target::operand::axes>::type,
                            typename present<left_operand_lacks_axis, typename Target::operand::axes,
                                             typename X::operand::axes>::type,
                            takes_fractions<X, Target>>;

template <class F, class X, class Target>
auto mean_of_pairs(F const& f, X const& x, Target const& target, double count, loss_reduction how,
                   std::source_location where) {
    return loss_of_count(applied(f, x, target), count, how, where);
}
template <class F, class X, class Target>
auto mean_of_pairs(F const& f, X const& x, Target const& target, loss_reduction how,
                   std::source_location where) {
    return mean_of_pairs(f, x, target, elements_that_count(x), how, where);
}
// zeros and ones of any type
template <class X, class Target>
auto as_elements_of(Target const& target) {
    if constexpr (std::is_same_v<typename X::value_type, typename Target::value_type>)
        return target;
    else
        return cast<typename X::value_type>(target);
}
}  // namespace detail

/// The mean of all elements as a loss, for losses of your own. Placement: the sum is pending over the mesh axes that split x.
/// Communication: none; value_and_gradient reduces sum and count together.
/// Example: auto loss = mw::loss_of(mw::map([](auto d) { return mw::max(0.9F * d, -0.1F * d); }, y - x));
template <any_tensor X>
auto loss_of(X const& x, loss_options const& how = {},
             std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X>,
               typename summation<detail::as_list<typename X::operand::axes>, typename X::operand>::verdict,
               detail::has_a_mean<X>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::loss_of_count(x, detail::elements_that_count(x), how.reduction, where);
}

/// The mean of (input - target)^2 over all elements.
/// Placement: input and target of the same axes, split alike; the sum is pending over the mesh axes that split them.
/// Communication: none; value_and_gradient reduces sum and count together. Errors: a pending sum, and a target that lacks an
/// axis of the input or has another, do not compile. Example: auto loss = mw::mse_loss(x, y);
template <any_tensor X, any_tensor Target>
auto mse_loss(X const& input, Target const& target, loss_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict = detail::matched_with<X, Target>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::mean_of_pairs(elementary::losses::square{}, input, target, how.reduction, where);
}

/// The mean of |input - target| over all elements. As `mse_loss`.
/// Example: auto loss = mw::l1_loss(x, y);
template <any_tensor X, any_tensor Target>
auto l1_loss(X const& input, Target const& target, loss_options const& how = {},
             std::source_location where = std::source_location::current()) {
    using verdict = detail::matched_with<X, Target>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::mean_of_pairs(elementary::losses::distance{}, input, target, how.reduction, where);
}

/// Half the square of a difference up to delta, and delta (|difference| - delta / 2) beyond. As `mse_loss`.
/// Errors: a delta that is not above 0. Source: Huber, Robust estimation of a location parameter, 1964.
/// Example: auto loss = mw::huber_loss(x, y, {.delta = 0.5});
template <any_tensor X, any_tensor Target>
auto huber_loss(X const& input, Target const& target, huber_options const& how = {},
                std::source_location where = std::source_location::current()) {
    using verdict = detail::matched_with<X, Target>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::huber_loss", {{"delta", how.delta, detail::above_zero}}, &where);
        detail::note_numbers<X>(how.delta);
        using T = detail::computed_in<X>;
        return detail::mean_of_pairs(elementary::losses::huber<T>{static_cast<T>(how.delta)}, input, target,
                                     how.reduction, where);
    }
}

/// -log sigmoid(input) where the target is 1 and -log(1 - sigmoid(input)) where it is 0, or a mixture of both for a target in
/// between. The target is a mask, integers, or numbers. As `mse_loss`.
/// Errors: a pos_weight that is negative or not finite.
/// Example: auto loss = mw::binary_cross_entropy_with_logits(x, y > 0);
template <any_tensor X, any_tensor Target>
auto binary_cross_entropy_with_logits(X const& input, Target const& target,
                                      binary_cross_entropy_options const& how = {},
                                      std::source_location where = std::source_location::current()) {
    using verdict = detail::matched_with<X, Target>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::binary_cross_entropy_with_logits",
                              {{"pos_weight", how.pos_weight, detail::at_least_zero}}, &where);
        detail::note_numbers<X>(how.pos_weight);
        using T = detail::computed_in<X>;
        return detail::mean_of_pairs(
            elementary::losses::binary_cross_entropy<T>{static_cast<T>(how.pos_weight)}, input,
            detail::as_elements_of<X>(target), how.reduction, where);
    }
}

/// The sum of target (log target - input) over Axis, which is the divergence of a distribution from that of which input is the
/// logarithm, as a mean over all distributions: what torch calls 'batchmean'. A target of 0 adds 0.
/// Placement: as `mse_loss`; Axis may be split. Communication: none.
/// Source: Kullback and Leibler, On information and sufficiency, 1951.
/// Example: auto loss = mw::kl_div<embed>(x - mw::logsumexp<embed>(x), mw::softmax<embed>(y));
template <any_axis Axis, any_tensor X, any_tensor Target>
auto kl_div(X const& input, Target const& target, kl_div_options const& how = {},
            std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X, Target>,
                           typename detail::present<left_operand_lacks_axis, detail::list<Axis>,
                                                    typename X::operand::axes>::type,
                           detail::matched_with<X, Target>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        double const elements = detail::elements_that_count(input),
                     each = static_cast<double>(detail::true_extent<Axis>(input));
        double const count = each == 0 ? 0 : elements / each;
        if (how.log_target)
            return detail::mean_of_pairs(elementary::losses::kl_of_logarithms{}, input, target, count,
                                         how.reduction, where);
        return detail::mean_of_pairs(elementary::losses::kl{}, input, target, count, how.reduction, where);
    }
}
template <any_tensor X, class... Others>
auto kl_div(X const&, Others const&...) {
    return refuse<detail::unnamed_axis<X>>();
}

/// -input[target] along Vocab, where input are logarithms of probabilities, as a mean over the targets that are not
/// mw::ignore_index. Of logits, mw::cross_entropy is more exact and faster.
/// Placement: as `cross_entropy`; the sum is also pending over the mesh axes that split Vocab. Communication: none.
/// Errors: a target outside [0, Vocab::true_size) that is not mw::ignore_index.
/// Example: auto loss = mw::nll_loss<vocab>(logits - mw::logsumexp<S, vocab>(logits), targets);
template <any_axis Vocab, any_tensor X, any_tensor Targets>
auto nll_loss(X const& input, Targets const& targets, loss_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X, Targets>, detail::scored<Vocab, X, Targets>, detail::takes_fractions<X>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using B = typename X::backend;
        check_operands(where, input, targets);
        detail::check_ids<Vocab>(targets, "target", ignore_index);
        using columns_type =
            tensor<std::int32_t, axes<Vocab>, relayout<axes<Vocab>, detail::list<>, typename X::layout>, B>;
        auto columns = result_of<columns_type>(input);
        detail::fill_elements(columns, [](std::size_t i) { return static_cast<std::int32_t>(i); });
        auto const total =
            sum<>(detail::applied(elementary::losses::minus_chosen{}, input, targets, columns), where);
        using total_type = std::remove_const_t<decltype(total)>;
        constexpr mesh_mask pending = detail::sum_mask<typename total_type::layout>;
        if (how.reduction == loss_reduction::sum)
            return loss_parts{total, detail::counted_once<total_type>(1, pending)};
        // each rank counts its own rows
        double const counted = detail::host_value(sum<>(map(elementary::counts{}, targets), where));
        constexpr mesh_mask of_vocab = detail::split_mask<typename X::layout, Vocab>;
        return loss_parts{total, detail::counted_once<total_type>(counted, of_vocab)};
    }
}
template <any_tensor X, class... Others>
auto nll_loss(X const&, Others const&...) {
    return refuse<detail::unnamed_axis<X>>();
}

// beside what is no tensor
template <any_tensor X, class Target>
    requires(!any_tensor<Target>)
auto mse_loss(X const&, Target const&, loss_options const& = {}) {
    return refuse<all_of<not_refused<X>, detail::no_tensor<Target>>>();
}
template <any_tensor X, class Target>
    requires(!any_tensor<Target>)
auto l1_loss(X const&, Target const&, loss_options const& = {}) {
    return refuse<all_of<not_refused<X>, detail::no_tensor<Target>>>();
}
template <any_tensor X, class Target>
    requires(!any_tensor<Target>)
auto huber_loss(X const&, Target const&, huber_options const& = {}) {
    return refuse<all_of<not_refused<X>, detail::no_tensor<Target>>>();
}
template <any_tensor X, class Target>
    requires(!any_tensor<Target>)
auto binary_cross_entropy_with_logits(X const&, Target const&, binary_cross_entropy_options const& = {}) {
    return refuse<all_of<not_refused<X>, detail::no_tensor<Target>>>();
}

/// A loss as a number on every rank, which can be added to others or printed. Communication: sum and count, where pending.
/// Example: auto both = mw::settle<S>(mw::mse_loss(x, y)) + mw::settle<S>(mw::l1_loss(x, y)) * 0.1;
template <any_strategy S, class Sum, class Count>
auto settle(loss_parts<Sum, Count> const& loss,
            std::source_location where = std::source_location::current()) {
    using verdict = not_refused<Sum, Count>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(loss.sum, where) *
               map(elementary::losses::inverse{}, settle<S>(loss.count, where).detached());
}

}  // namespace meshwise
