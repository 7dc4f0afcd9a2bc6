// batching: divides examples into batches by a number of rows or of tokens, with similar lengths together.
// Guarantees: the result depends only on the order, the lengths and the options, so all ranks make the same batches;
// everything that is dropped or cut is counted.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// How many rows and tokens a batch has.
/// Example: constexpr mw::batching how{.most_tokens = 4096, .rows_multiple = 2, .bucket = 1000};
struct batching {
    std::size_t most_rows = 0;    // 0: no limit
    std::size_t most_tokens = 0;  // rows times the padded length of the longest; 0: no limit
    std::size_t rows_multiple =
        1;  // the rows of each batch are a multiple of this, as data parallelism needs
    std::size_t width_multiple = 1;  // lengths are rounded up to a multiple of this when tokens are counted
    std::size_t bucket = 0;       // this many consecutive examples are sorted by length first; 0: no sorting
    bool keep_incomplete = true;  // the last batch, which may have fewer rows than the others
};

/// Which examples each batch has, and what padding costs.
/// Example:
/// std::vector<std::size_t> const order{2, 0, 1}, sizes{5, 7, 3};
/// mw::batch_plan const plan = mw::plan_batches(order, sizes, {.most_rows = 2});
/// std::cout << plan.words() << '\n';
struct batch_plan {
    std::vector<std::vector<std::size_t>> batches;  // of examples
    std::size_t dropped_long = 0;                   // too long even for a batch of rows_multiple rows
    std::size_t dropped_last = 0;        // too few for rows_multiple, or an incomplete batch not kept
    std::size_t tokens = 0, padded = 0;  // tokens of the examples; tokens of the batches with their padding

    /// One line about the batches, the cost of padding, and the examples that were dropped.
    std::string words() const;
};

/// Divides an order of examples into batches. `lengths[example]` is the length that is padded: for pairs the larger
/// of both. With buckets short batches come before long ones, so shuffle the batches before training.
/// Errors: no limit is given; the limit of rows is not a multiple of rows_multiple.
/// Example:
/// std::vector<std::size_t> const order{2, 0, 1}, sizes{5, 7, 3};
/// auto const plan = mw::plan_batches(order, sizes, {.most_rows = 2});
batch_plan plan_batches(std::span<std::size_t const> order, std::span<std::size_t const> lengths,
                        batching const& how);

/// The result of limit_lengths.
/// Example:
/// mw::id_rows rows{{5, 6, 7}, {8}};
/// mw::length_report const done = mw::limit_lengths(rows, 2, mw::too_long::cut);
/// std::cout << done.words() << '\n';
struct length_report {
    std::size_t kept = 0, dropped = 0, cut = 0;
    std::string words() const;
};
/// What limit_lengths does with a row that is too long.
/// Example: constexpr auto what = mw::too_long::drop;
enum class too_long { drop, cut };

/// Drops rows shorter than `least`, and drops rows longer than `most` or cuts them at their end.
/// Example:
/// mw::id_rows rows{{5, 6, 7}, {8}};
/// mw::limit_lengths(rows, 2, mw::too_long::drop);
template <class Rows>
length_report limit_lengths(Rows& rows, std::size_t most, too_long what, std::size_t least = 1) {
    length_report report;
    std::erase_if(rows, [&](auto& row) {
        bool const gone = row.size() < least || (row.size() > most && what == too_long::drop);
        if (gone) {
            ++report.dropped;
        } else if (row.size() > most) {
            row.resize(most);
            ++report.cut;
        }
        return gone;
    });
    report.kept = rows.size();
    return report;
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/batching.inl.hpp>
#endif
