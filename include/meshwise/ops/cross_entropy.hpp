#pragma once
// cross_entropy: the loss of a language model, for logits that may be split by vocabulary: two small
// reductions instead of gathering them. Padded columns of the vocabulary and ignored targets never count.
// Gradient: softmax minus one-hot, split as the logits, without communication; it is written into the logits'
// memory when nobody else holds it.
// Cost: one pass over the logits forward, one backward; per row one maximum, then two sums over the mesh
// axes that split the vocabulary. Smoothed labels: one more pass, and a third sum in the same reduction.
// Under reproducible<V> two more passes over split logits, and a copy of them, leaf by leaf.
#include <limits>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/backend/math.hpp>
#include <meshwise/ops/checked_ids.hpp>
#include <meshwise/ops/dot.hpp>
#include <meshwise/ops/sum.hpp>

namespace meshwise {

/// Where the probability goes that smoothed labels take from the target: in equal parts to all classes, the target among
/// them (epsilon / K each, as torch has it), or to the K - 1 others only (epsilon / (K - 1) each, as fairseq has it).
enum class smoothing { over_all, over_others };

/// Labels that are not quite sure. Source: Szegedy et al., Rethinking the Inception architecture, 2016.
struct label_smoothing {
    double epsilon = 0;  // in [0, 1); 0: one class is right and the others are wrong
    smoothing over = smoothing::over_all;
};

namespace elementary {
struct log_normalizer {
    constexpr auto operator()(auto largest, auto total, std::int32_t target) const {
        return select(target == ignored_target, decltype(largest){0}, largest + log(total));
    }
};
// a sum of exp(x - from) as one of exp(x - to); equal maxima may be infinite
struct moved_sum {
    constexpr auto operator()(auto total, auto from, auto to) const {
        return select(from == to, total, total * exp(from - to));
    }
};
struct loss_of_row {
    constexpr auto operator()(auto normalizer, auto logit, std::int32_t target) const {
        return select(target == ignored_target, decltype(logit){0}, normalizer - logit);
    }
};
struct smoothed_loss_of_row {
    double target, each;
    constexpr auto operator()(auto normalizer, auto logit, auto all_logits, std::int32_t label) const {
        using T = decltype(logit);
        return select(label == ignored_target, T{0},
                      normalizer - static_cast<T>(target) * logit - static_cast<T>(each) * all_logits);
    }
};
struct counts {
    constexpr auto operator()(std::int32_t target) const { return select(target == ignored_target, 0, 1); }
};
}  // namespace elementary

/// Logits and their targets: the same rows, cut the same way; the vocabulary may be split.
template <class Vocab, class Logits, class Targets>
struct target_rows {
    using rows = without<as_list<typename Logits::axes>, list<Vocab>>;
    using layout = relayout<as_axes<rows>, list<>, typename Targets::layout>;
    using verdict =
        all_of<detail::same_mesh<typename Logits::layout, typename Targets::layout>,
               typename detail::present<left_operand_lacks_axis, list<Vocab>, typename Logits::axes>::type,
               typename detail::present<right_operand_lacks_axis, rows, typename Targets::axes>::type,
               typename detail::present<left_operand_lacks_axis, typename Targets::axes,
                                        typename Logits::axes>::type,
               detail::not_pending<typename Logits::layout>, detail::not_pending<typename Targets::layout>,
               typename detail::same_cuts<typename Logits::layout, typename Targets::layout, rows>::type>;
};

namespace detail {

template <class Vocab, class Logits, class Targets>
using scored =
    all_of<typename target_rows<Vocab, typename Logits::operand, typename Targets::operand>::verdict,
           judge<std::is_same_v<typename Logits::backend, typename Targets::backend> &&
                     std::is_same_v<typename Targets::value_type, std::int32_t>,
                 tensors_of_different_backends, left_element_type<std::int32_t>,
                 right_element_type<typename Targets::value_type>>>;

template <std::size_t Inputs>
loops<Inputs> one_behind_the_other(std::size_t n) {
    loops<Inputs> l;
    l.dims = 1;
    l.extents[0] = n;
    l.out[0] = 1;
    for (auto& strides : l.in) strides[0] = 1;
    return l;
}

/// The columns of a vocabulary that this rank holds: [first, first + here), of which `counting` are true.
struct vocab_columns {
    std::size_t first, here, true_size;
    std::size_t counting() const { return first >= true_size ? 0 : std::min(here, true_size - first); }
    vocab_columns piece(std::size_t number, std::size_t of) const {
        return {first + number * (here / of), here / of, true_size};
    }
};

template <class T>
struct row_numbers {
    buffer memory;
    T* data() const { return static_cast<T*>(memory.data()); }
    explicit row_numbers(std::size_t n) : memory(*current().pool, n * sizeof(T), current().allocating_for) {}
};

// one result a row, from the columns that count
inline loops<1> counting_columns(std::size_t rows, vocab_columns const& columns) {
    loops<1> l;
    l.dims = 2;
    l.extents = {rows, columns.counting()};
    l.out = {1, 0};
    l.in[0] = {static_cast<std::ptrdiff_t>(columns.here), 1};
    return l;
}

template <class B, class T>
void largest_logits(std::size_t rows, vocab_columns const& columns, T const* x, T* out) {
    if (columns.counting() == 0) return B::fill(out, rows, -std::numeric_limits<T>::infinity());
    B::max(counting_columns(rows, columns), out, x);
}

template <class B, class T>
void sum_of_logits(std::size_t rows, vocab_columns const& columns, T const* x, T* out) {
    if (columns.counting() == 0) return B::fill(out, rows, T{});
    B::sum(counting_columns(rows, columns), out, x);
}

inline expected_probability expected_of(label_smoothing const& how, std::size_t classes,
                                        std::string_view vocab) {
    if (!(how.epsilon >= 0 && how.epsilon < 1))
        throw error("the labels of " + std::string(vocab) + " were to be smoothed by " +
                    std::to_string(how.epsilon) + "; give 0 (not at all) or more, and less than 1");
    if (how.epsilon == 0 || classes == 1) return {};
    double const k = static_cast<double>(classes);
    double const each = how.epsilon / (how.over == smoothing::over_all ? k : k - 1);
    return {1 - how.epsilon - (how.over == smoothing::over_all ? 0 : each), each};
}

/// Sums of exp(x - from) become sums of exp(x - to).
template <class B, class T>
void move_sums(std::size_t rows, T* sums, T const* from, T const* to) {
    B::map(one_behind_the_other<3>(rows), elementary::moved_sum{}, sums, static_cast<T const*>(sums), from,
           to);
}

/// The targets' logits, the sums of exp(x - largest) and, where labels are smoothed, the sums of all logits that count:
/// 2 or 3 x rows numbers. `largest` is found here; `over_ranks(largest)` makes it the maximum of all ranks.
/// Leaves > 1: leaf by leaf in a fixed tree, each with a maximum of its own.
template <class B, std::size_t Leaves, class T, class OverRanks>
void logits_and_sums(std::size_t rows, vocab_columns const& columns, T const* x, T* largest,
                     std::int32_t const* targets, bool smoothed, T* out, OverRanks const& over_ranks) {
    row_numbers<T> const own(rows);
    if constexpr (Leaves == 1) {
        B::target_and_exp_sum(rows, columns.here, columns.counting(), x, targets, columns.first, own.data(),
                              out, out + rows);
        B::copy(largest, static_cast<T const*>(own.data()), rows);
        over_ranks(largest);
        move_sums<B>(rows, out + rows, static_cast<T const*>(own.data()), static_cast<T const*>(largest));
        if (smoothed) sum_of_logits<B>(rows, columns, x, out + 2 * rows);
    } else {
        largest_logits<B>(rows, columns, x, largest);
        over_ranks(largest);
        auto part = [&](std::size_t i, T* to) {
            auto const leaf = columns.piece(i, Leaves);
            row_numbers<T> const copy(rows * leaf.here);
            loops<1> l;
            l.dims = 2;
            l.extents = {rows, leaf.here};
            l.out = {static_cast<std::ptrdiff_t>(leaf.here), 1};
            l.in[0] = {static_cast<std::ptrdiff_t>(columns.here), 1};
            B::permute(l, copy.data(), x + i * leaf.here);
            T const* const from = copy.data();
            B::target_and_exp_sum(rows, leaf.here, leaf.counting(), from, targets, leaf.first, own.data(), to,
                                  to + rows);
            move_sums<B>(rows, to + rows, static_cast<T const*>(own.data()), static_cast<T const*>(largest));
            if (smoothed) sum_of_logits<B>(rows, leaf, from, to + 2 * rows);
        };
        sum_of_leaves<B>(0, Leaves, (smoothed ? 3 : 2) * rows, out, part);
    }
}
}  // namespace detail

/// The sum of -log softmax(logits)[target] and how many targets count, a pair divided when both are whole.
/// Placement: logits [..., Vocab], whole or split by any axis; targets (int32) with the other axes, split
/// alike. Sum and count are pending over the mesh axes that split rows.
/// Communication: where Vocab is split, a maximum and one sum of two numbers per row (three where labels are
/// smoothed); backwards none.
/// Errors: a target outside [0, Vocab::true_size) that is not mw::ignored_target; an epsilon outside [0, 1).
/// Source: Shoeybi et al., Megatron-LM, 2019 (the split softmax).
/// Example: return mw::cross_entropy<vocab>(logits, next);  or  mw::cross_entropy<vocab>(logits, next, {.epsilon = 0.1})
template <tensor_axis Vocab, a_tensor Logits, a_tensor Targets>
auto cross_entropy(Logits const& logits, Targets const& targets, label_smoothing const& labels = {},
                   std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<Logits, Targets>)
        return poison{};
    else {
        using relation = target_rows<Vocab, typename Logits::operand, typename Targets::operand>;
        using B = typename Logits::backend;
        using T = typename Logits::value_type;
        using verdict = detail::scored<Vocab, Logits, Targets>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using rows_axes = as_axes<typename relation::rows>;
            static_assert(
                index_of<Vocab, typename Logits::axes> + 1 == Logits::axis_count &&
                    std::is_same_v<rows_axes, typename Targets::axes>,
                "meshwise: mw::cross_entropy needs the vocabulary as the last axis of the logits, and the "
                "targets' axes in the order of the logits': bring them there with mw::transpose");
            using L = typename Logits::layout;
            using losses_type = tensor<T, rows_axes, typename relation::layout, B>;
            using total = summation<typename relation::rows, typename losses_type::operand>;
            using total_type = tensor<T, axes<>, typename total::layout, B>;
            constexpr mesh_mask over = split_mask<L, Vocab>;
            constexpr std::size_t leaves = [] {
                if constexpr (B::leaves > 1 && detail::is_cut<L, Vocab>)
                    return detail::leaves_of<B, L, Vocab>::here;
                else
                    return std::size_t{1};
            }();

            detail::check_ids<Vocab>(targets, "target", ignored_target);
            std::size_t const rows = targets.size();
            detail::vocab_columns const columns{first_of_axis<Vocab>(logits), logits.template local<Vocab>(),
                                                Vocab::true_size};
            communicator& team = *current().team;
            bool const split = team.group_size(over) > 1;

            expected_probability const expected =
                detail::expected_of(labels, Vocab::true_size, name_of<Vocab>());
            bool const smoothed = expected.each != 0;
            std::size_t const numbers = (smoothed ? 3 : 2) * rows;

            detail::row_numbers<T> const normalizer(rows), parts(numbers);
            detail::logits_and_sums<B, leaves>(rows, columns, logits.data(), normalizer.data(),
                                               targets.data(), smoothed, parts.data(), [&](T* largest) {
                                                   if (split)
                                                       team.all_reduce(over, reduction::max,
                                                                       element_type_of<T>, largest, largest,
                                                                       rows, where);
                                               });
            if (split)
                team.all_reduce(over, reduction::sum, element_type_of<T>, parts.data(), parts.data(), numbers,
                                where);
            T const* const of_target = parts.data();

            auto losses = result_of<losses_type>(targets), counted = result_of<losses_type>(targets);
            B::map(detail::one_behind_the_other<3>(rows), elementary::log_normalizer{}, normalizer.data(),
                   static_cast<T const*>(normalizer.data()), of_target + rows, targets.data());
            if (smoothed)
                B::map(detail::one_behind_the_other<4>(rows),
                       elementary::smoothed_loss_of_row{expected.target, expected.each},
                       losses.mutable_data(), static_cast<T const*>(normalizer.data()), of_target,
                       of_target + 2 * rows, targets.data());
            else
                B::map(detail::one_behind_the_other<3>(rows), elementary::loss_of_row{},
                       losses.mutable_data(), static_cast<T const*>(normalizer.data()), of_target,
                       targets.data());
            B::map(detail::one_behind_the_other<1>(rows), elementary::counts{}, counted.mutable_data(),
                   targets.data());
            auto sum = detail::summed<total_type, typename relation::rows>(losses);
            auto const count = detail::summed<total_type, typename relation::rows>(counted);

            if (is_recorded(logits))
                record(sum, where,
                       [to = target_of(logits), x = logits, normalizer, targets, columns,
                        expected](auto const& d) {
                           auto const scale = detail::repeated<losses_type>(d, targets);
                           auto gradient = x.memory().is_unique()
                                               ? gradient_of<Logits>::over(x.memory(), to.extents)
                                               : gradient_of<Logits>::uninitialized(to.extents);
                           B::cross_entropy_gradient(targets.size(), columns.here, columns.counting(),
                                                     x.data(), normalizer.data(), targets.data(),
                                                     columns.first, scale.data(), expected,
                                                     gradient.mutable_data());
                           contribute(to, gradient);
                       });
            return loss_parts{sum, count};
        }
    }
}

/// The same under a strategy: the logits are settled, the targets split as they are.
template <a_strategy S, tensor_axis Vocab, a_tensor Logits, a_tensor Targets>
auto cross_entropy(Logits const& logits, Targets const& targets, label_smoothing const& labels = {},
                   std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<Logits, Targets>)
        return poison{};
    else {
        using to = layout_for<S, typename Logits::axes>;
        using beside = relayout<typename Targets::axes, list<>, to>;
        using verdict = all_of<detail::movable<Logits, to>, detail::movable<Targets, beside>,
                               detail::scored<Vocab, with_place<Logits, typename Logits::axes, to>,
                                              with_place<Targets, typename Targets::axes, beside>>>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return cross_entropy<Vocab>(reshard<to>(logits, where), reshard<beside>(targets, where), labels,
                                        where);
    }
}

}  // namespace meshwise
