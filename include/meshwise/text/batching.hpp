#pragma once
// batching: which examples stand together in a batch: so many rows, or so many tokens, of similar lengths.
// Guarantees: a function of the order, the lengths and the options alone, so that all ranks make the same batches;
// nothing is dropped or cut without being counted.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <meshwise/core/error.hpp>

namespace meshwise {

struct batching {
    std::size_t most_rows = 0;    // 0: no limit
    std::size_t most_tokens = 0;  // rows times the longest of them, as they will be padded; 0: no limit
    std::size_t rows_multiple =
        1;  // each batch has a multiple of so many rows, which data parallelism can share out
    std::size_t width_multiple = 1;  // what lengths are rounded up to when tokens are counted
    std::size_t bucket = 0;          // so many examples in a row are sorted by length first; 0: as ordered
    bool keep_incomplete = true;     // the last batch, which may have fewer rows than the others
};

struct batch_plan {
    std::vector<std::vector<std::size_t>> batches;  // of examples
    std::size_t dropped_long = 0;                   // too long even for a batch of rows_multiple rows
    std::size_t dropped_last = 0;        // too few for rows_multiple, or an incomplete batch not kept
    std::size_t tokens = 0, padded = 0;  // that count, and that batches take up

    /// One line: what is in the batches, what padding costs, what was dropped.
    std::string words() const {
        std::size_t rows = 0;
        for (auto const& one : batches) rows += one.size();
        std::string out = std::to_string(rows) + " examples in " + std::to_string(batches.size()) +
                          " batches, " + std::to_string(tokens) + " tokens in " + std::to_string(padded) +
                          " places";
        if (dropped_long > 0) out += "; " + std::to_string(dropped_long) + " longer than a batch dropped";
        if (dropped_last > 0) out += "; " + std::to_string(dropped_last) + " left over dropped";
        return out;
    }
};

/// Cuts an order of examples into batches. `lengths[example]` is its length as it will be padded: for pairs the
/// larger of both. With buckets short batches come before long ones: order the batches anew before training.
/// Errors: no limit at all; a limit of rows that is no multiple of rows_multiple.
inline batch_plan plan_batches(std::span<std::size_t const> order, std::span<std::size_t const> lengths,
                               batching const& how) {
    if ((how.most_rows == 0 && how.most_tokens == 0) || how.rows_multiple == 0 || how.width_multiple == 0)
        throw error("batches need a limit, most_rows or most_tokens, and multiples above 0");
    if (how.most_rows % how.rows_multiple != 0)
        throw error("batches of " + std::to_string(how.most_rows) + " rows are no multiple of " +
                    std::to_string(how.rows_multiple) + "; make most_rows one");
    batch_plan plan;
    auto const width = [&](std::size_t n) {
        return std::max<std::size_t>(1, (n + how.width_multiple - 1) / how.width_multiple) *
               how.width_multiple;
    };
    auto const fits = [&](std::size_t rows, std::size_t longest) {
        return (how.most_rows == 0 || rows <= how.most_rows) &&
               (how.most_tokens == 0 || rows * width(longest) <= how.most_tokens);
    };
    std::vector<std::size_t> arranged;
    for (std::size_t one : order) {
        if (one >= lengths.size())
            throw error("example " + std::to_string(one) + " has no length; there are " +
                        std::to_string(lengths.size()));
        if (fits(how.rows_multiple, lengths[one]))
            arranged.push_back(one);
        else
            ++plan.dropped_long;
    }
    for (std::size_t from = 0; how.bucket > 0 && from < arranged.size(); from += how.bucket) {
        std::vector<std::pair<std::size_t, std::size_t>>
            bucket;  // lengths and places, so that equal ones stay in order
        std::vector<std::size_t> const before(
            arranged.begin() + static_cast<std::ptrdiff_t>(from),
            arranged.begin() + static_cast<std::ptrdiff_t>(std::min(from + how.bucket, arranged.size())));
        for (std::size_t i = 0; i < before.size(); ++i) bucket.emplace_back(lengths[before[i]], i);
        std::sort(bucket.begin(), bucket.end());
        for (std::size_t i = 0; i < before.size(); ++i) arranged[from + i] = before[bucket[i].second];
    }
    std::vector<std::size_t> batch;
    std::size_t longest = 0;
    auto const finish = [&] {
        for (std::size_t one : batch) plan.tokens += lengths[one];
        plan.padded += batch.size() * width(longest);
        plan.batches.push_back(std::move(batch));
        batch.clear();
        longest = 0;
    };
    std::size_t const shared = arranged.size() / how.rows_multiple * how.rows_multiple;
    plan.dropped_last = arranged.size() - shared;
    for (std::size_t at = 0; at < shared; at += how.rows_multiple) {
        std::size_t here = 0;  // the longest of this group, which stays together
        for (std::size_t i = 0; i < how.rows_multiple; ++i) here = std::max(here, lengths[arranged[at + i]]);
        if (!batch.empty() && !fits(batch.size() + how.rows_multiple, std::max(longest, here))) finish();
        longest = std::max(longest, here);
        for (std::size_t i = 0; i < how.rows_multiple; ++i) batch.push_back(arranged[at + i]);
    }
    if (!batch.empty() && (how.keep_incomplete || how.most_rows == 0 || batch.size() == how.most_rows))
        finish();
    else
        plan.dropped_last += batch.size();
    return plan;
}

/// What limit_lengths did.
struct length_report {
    std::size_t kept = 0, dropped = 0, cut = 0;
    std::string words() const {
        return std::to_string(kept) + " texts kept, " + std::to_string(cut) + " of them cut, " +
               std::to_string(dropped) + " dropped";
    }
};
enum class too_long { drop, cut };

/// Leaves no row shorter than `least` or longer than `most`: short ones are dropped, long ones dropped or cut at their end.
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
