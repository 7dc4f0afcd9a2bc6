// cross_entropy: the loss of a language model, for logits that may be split by vocabulary: two small
// reductions instead of gathering them. Padded columns of the vocabulary and ignored targets never count.
// Gradient: softmax minus one-hot, split as the logits, without communication; it is written into the logits'
// memory when no other tensor holds it.
// Cost: one pass over the logits forward, one backward; per row one maximum, then two sums over the mesh
// axes that split the vocabulary. Smoothed labels: a third sum in the same pass and reduction.
// Under reproducible<V> two more passes over split logits, and a copy of them, leaf by leaf.
#pragma once

#include <limits>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/core/ignore_index.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/ops/rows/checked_ids.hpp>
#include <meshwise/scalar/math.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

/// Where the probability goes that smoothed labels take from the target: in equal parts to all classes, the target among
/// them (epsilon / K each, as torch has it), or to the K - 1 others only (epsilon / (K - 1) each, as fairseq has it).
/// Example:
/// auto loss = mw::cross_entropy<vocab>(logits, targets, {.epsilon = 0.1, .over = mw::smoothing::over_others});
enum class smoothing { over_all, over_others };

/// Smoothed labels: a part of the target's probability goes to other classes. Source: Szegedy et al., Rethinking the Inception architecture, 2016.
/// Example: constexpr mw::label_smoothing labels{.epsilon = 0.1};
struct label_smoothing {
    double epsilon = 0;  // in [0, 1); 0: one class is right and the others are wrong
    smoothing over = smoothing::over_all;
};

namespace elementary {
// largest + log_of_sum is the logarithm of the normaliser. It is never formed: beside a large common offset of the logits
// its rounding would be as large as their differences.
struct log_of_sum {
    constexpr auto operator()(auto total, std::int32_t target) const {
        return select(target == ignore_index, decltype(total){0}, log(total));
    }
};
// a sum of exp(x - from) as one of exp(x - to); equal maxima may be infinite
struct moved_sum {
    constexpr auto operator()(auto total, auto from, auto to) const {
        return select(from == to, total, total * exp(from - to));
    }
};
// a sum of (x - from) over `count` elements as one of (x - to)
struct moved_differences {
    double count;
    constexpr auto operator()(auto sum, auto from, auto to) const {
        using T = decltype(sum);
        T const n = static_cast<T>(count);
        return select(from == to, sum, select(n == T{0}, T{0}, sum + n * (from - to)));
    }
};
struct loss_of_row {
    constexpr auto operator()(auto largest, auto log_sum, auto logit, std::int32_t target) const {
        return select(target == ignore_index, decltype(logit){0}, (largest - logit) + log_sum);
    }
};
// `differences`: the sum of x - largest
struct smoothed_loss_of_row {
    double target, each;
    constexpr auto operator()(auto largest, auto log_sum, auto logit, auto differences,
                              std::int32_t label) const {
        using T = decltype(logit);
        return select(label == ignore_index, T{0},
                      static_cast<T>(target) * (largest - logit) - static_cast<T>(each) * differences +
                          log_sum);
    }
};
struct counts {
    constexpr auto operator()(std::int32_t target) const { return select(target == ignore_index, 0, 1); }
};
}  // namespace elementary

/// Logits and their targets: the same rows, cut the same way; the vocabulary may be split.
/// Example:
/// static_assert(mw::target_rows<vocab, decltype(logits)::operand, decltype(targets)::operand>::verdict::value);
template <class Vocab, class Logits, class Targets>
struct target_rows {
    using rows = detail::without<detail::as_list<typename Logits::axes>, detail::list<Vocab>>;
    using layout = relayout<as_axes<rows>, detail::list<>, typename Targets::layout>;
    using verdict = all_of<
        detail::same_mesh<typename Logits::layout, typename Targets::layout>,
        typename detail::present<left_operand_lacks_axis, detail::list<Vocab>, typename Logits::axes>::type,
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
           same_backend<Logits, Targets>, counts_in_int32<Targets>>;

template <std::size_t Inputs>
iteration_space<Inputs> one_behind_the_other(std::size_t n) {
    iteration_space<Inputs> l;
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
inline iteration_space<1> counting_columns(std::size_t rows, vocab_columns const& columns) {
    iteration_space<1> l;
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

inline smoothed_target expected_of(label_smoothing const& how, std::size_t classes, std::string_view vocab) {
    if (!below_one.has(how.epsilon))
        check_options(("mw::label_smoothing over " + std::string(vocab)).c_str(),
                      {{"epsilon", how.epsilon, below_one}});
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

/// The targets' logits, the sums of exp(x - largest) and, where labels are smoothed, the sums of x - largest over the columns
/// that count: 2 or 3 x rows numbers. `largest` is found here; `over_ranks(largest)` makes it the maximum of all ranks.
/// Leaves > 1: leaf by leaf in a fixed tree, each with a maximum of its own.
template <class B, std::size_t Leaves, class T, class OverRanks>
void logits_and_sums(std::size_t rows, vocab_columns const& columns, T const* x, T* largest,
                     std::int32_t const* targets, bool smoothed, T* out, OverRanks const& over_ranks) {
    row_numbers<T> const own(rows);
    auto const sums_of = [&](vocab_columns const& some, T const* from, T* to) {
        B::target_and_exp_sum(rows, some.here, some.counting(), from, targets, some.first, own.data(), to,
                              to + rows, smoothed ? to + 2 * rows : nullptr);
    };
    // by the maximum of all ranks instead of the own one
    auto const moved = [&](vocab_columns const& some, T* to) {
        move_sums<B>(rows, to + rows, static_cast<T const*>(own.data()), static_cast<T const*>(largest));
        if (smoothed)
            B::map(one_behind_the_other<3>(rows),
                   elementary::moved_differences{static_cast<double>(some.counting())}, to + 2 * rows,
                   static_cast<T const*>(to + 2 * rows), static_cast<T const*>(own.data()),
                   static_cast<T const*>(largest));
    };
    if constexpr (Leaves == 1) {
        sums_of(columns, x, out);
        B::copy(largest, static_cast<T const*>(own.data()), rows);
        over_ranks(largest);
        moved(columns, out);
    } else {
        largest_logits<B>(rows, columns, x, largest);
        over_ranks(largest);
        auto part = [&](std::size_t i, T* to) {
            auto const leaf = columns.piece(i, Leaves);
            row_numbers<T> const copy(rows * leaf.here);
            iteration_space<1> l;
            l.dims = 2;
            l.extents = {rows, leaf.here};
            l.out = {static_cast<std::ptrdiff_t>(leaf.here), 1};
            l.in[0] = {static_cast<std::ptrdiff_t>(columns.here), 1};
            B::permute(l, copy.data(), x + i * leaf.here);
            sums_of(leaf, copy.data(), to);
            moved(leaf, to);
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
/// Errors: a target outside [0, Vocab::true_size) that is not mw::ignore_index; an epsilon outside [0, 1).
/// Source: Shoeybi et al., Megatron-LM, 2019 (the split softmax).
/// Example:
/// auto loss = mw::cross_entropy<vocab>(logits, targets);
/// auto smoothed = mw::cross_entropy<vocab>(logits, targets, {.epsilon = 0.1});
template <any_axis Vocab, any_tensor Logits, any_tensor Targets>
auto cross_entropy(Logits const& logits, Targets const& targets, label_smoothing const& labels = {},
                   std::source_location where = std::source_location::current()) {
    using relation = target_rows<Vocab, typename Logits::operand, typename Targets::operand>;
    using B = typename Logits::backend;
    using T = typename Logits::value_type;
    using verdict = all_of<not_refused<Logits, Targets>, detail::scored<Vocab, Logits, Targets>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename Logits::value_type, bfloat16>)
        return cross_entropy<Vocab>(cast<float>(logits, where), targets, labels, where);
    else {
        using rows_axes = as_axes<typename relation::rows>;
        static_assert(
            detail::index_of<Vocab, typename Logits::axes> + 1 == Logits::axis_count &&
                std::is_same_v<rows_axes, typename Targets::axes>,
            "meshwise: mw::cross_entropy needs the vocabulary as the last axis of the logits, and the "
            "targets' axes in the order of the logits': bring them there with mw::transpose");
        using L = typename Logits::layout;
        using losses_type = tensor<T, rows_axes, typename relation::layout, B>;
        using total = summation<typename relation::rows, typename losses_type::operand>;
        using total_type = tensor<T, axes<>, typename total::layout, B>;
        constexpr mesh_mask over = detail::split_mask<L, Vocab>;
        constexpr std::size_t leaves = [] {
            if constexpr (B::leaves > 1 && detail::is_cut<L, Vocab>)
                return detail::leaves_of<B, L, Vocab>::here;
            else
                return std::size_t{1};
        }();

        []<class... A>(axes<A...>) { detail::refuse_padding<A...>(); }(rows_axes{});
        bool const recorded = is_recorded(where, logits);
        check_operands(where, logits, targets);
        detail::check_ids<Vocab>(targets, "target", ignore_index);
        std::size_t const rows = targets.local_size();
        detail::vocab_columns const columns{first_of_axis<Vocab>(logits),
                                            logits.template local_extent<Vocab>(), Vocab::true_size};
        communicator& team = *current().team;
        bool const split = team.group_size(over) > 1;

        smoothed_target const expected = detail::expected_of(labels, Vocab::true_size, name_of<Vocab>());
        bool const smoothed = expected.each != 0;
        detail::note_numbers<Logits>(expected.target, expected.each);
        std::size_t const numbers = (smoothed ? 3 : 2) * rows;

        detail::row_numbers<T> const largest_of_row(rows), log_sum(rows), parts(numbers);
        detail::logits_and_sums<B, leaves>(rows, columns, logits.raw_data(), largest_of_row.data(),
                                           targets.raw_data(), smoothed, parts.data(), [&](T* largest) {
                                               if (split)
                                                   team.all_reduce(over, reduction::max, element_type_of<T>,
                                                                   largest, largest, rows, where);
                                           });
        if (split)
            team.all_reduce(over, reduction::sum, element_type_of<T>, parts.data(), parts.data(), numbers,
                            where);
        T const* const of_target = parts.data();

        auto losses = result_of<losses_type>(targets), counted = result_of<losses_type>(targets);
        B::map(detail::one_behind_the_other<2>(rows), elementary::log_of_sum{}, log_sum.data(),
               of_target + rows, targets.raw_data());
        auto const* const largest = static_cast<T const*>(largest_of_row.data());
        auto const* const of_sum = static_cast<T const*>(log_sum.data());
        if (smoothed)
            B::map(detail::one_behind_the_other<5>(rows),
                   elementary::smoothed_loss_of_row{expected.target, expected.each}, losses.mutable_data(),
                   largest, of_sum, of_target, of_target + 2 * rows, targets.raw_data());
        else
            B::map(detail::one_behind_the_other<4>(rows), elementary::loss_of_row{}, losses.mutable_data(),
                   largest, of_sum, of_target, targets.raw_data());
        B::map(detail::one_behind_the_other<1>(rows), elementary::counts{}, counted.mutable_data(),
               targets.raw_data());
        auto sum = detail::summed<total_type, typename relation::rows>(losses);
        auto const count = detail::summed<total_type, typename relation::rows>(counted);

        if (recorded)
            record(sum, where,
                   [to = target_of(logits), x = logits, largest_of_row, log_sum, targets, columns,
                    expected](auto const& d) {
                       auto const scale = detail::repeated<losses_type>(d, targets);
                       // in place where no other holder needs the logits
                       auto gradient = x.memory().is_unique()
                                           ? gradient_of<Logits>::over(x.memory(), to.extents)
                                           : gradient_of<Logits>::uninitialized(to.extents);
                       B::cross_entropy_gradient(targets.local_size(), columns.here, columns.counting(),
                                                 x.raw_data(), largest_of_row.data(), log_sum.data(),
                                                 targets.raw_data(), columns.first, scale.raw_data(),
                                                 expected, gradient.overwritten_data());
                       contribute(to, gradient);
                   });
        return loss_parts{sum, count};
    }
}

/// The same under a strategy: the logits are settled, the targets split as they are.
template <any_strategy S, any_axis Vocab, any_tensor Logits, any_tensor Targets>
auto cross_entropy(Logits const& logits, Targets const& targets, label_smoothing const& labels = {},
                   std::source_location where = std::source_location::current()) {
    using to = layout_for<S, typename Logits::axes>;
    using beside = relayout<typename Targets::axes, detail::list<>, to>;
    using verdict =
        all_of<not_refused<Logits, Targets>, detail::movable<Logits, to>, detail::movable<Targets, beside>,
               detail::scored<Vocab, with_place<Logits, typename Logits::axes, to>,
                              with_place<Targets, typename Targets::axes, beside>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return cross_entropy<Vocab>(reshard<to>(logits, where), reshard<beside>(targets, where), labels,
                                    where);
}

// no axis
template <any_tensor Logits, class Targets>
auto cross_entropy(Logits const&, Targets const&, label_smoothing const& = {}) {
    return refuse<detail::unnamed_axis<Logits>>();
}

}  // namespace meshwise
