// Bodies of batching.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <meshwise/text/batches/batching.hpp>

namespace meshwise {

MESHWISE_BODY std::string batch_plan::words() const {
    std::size_t rows = 0;
    for (auto const& one : batches) rows += one.size();
    std::string out = std::to_string(rows) + " examples in " + std::to_string(batches.size()) + " batches, " +
                      std::to_string(tokens) + " tokens in " + std::to_string(padded) + " places";
    if (dropped_long > 0) out += "; " + std::to_string(dropped_long) + " longer than a batch dropped";
    if (dropped_last > 0) out += "; " + std::to_string(dropped_last) + " left over dropped";
    return out;
}

MESHWISE_BODY batch_plan plan_batches(std::span<std::size_t const> order,
                                      std::span<std::size_t const> lengths, batching const& how) {
    if ((how.most_rows == 0 && how.most_tokens == 0) || how.rows_multiple == 0 || how.width_multiple == 0)
        throw error("batches need a limit, most_rows or most_tokens, and multiples above 0");
    if (how.most_rows % how.rows_multiple != 0)
        throw error("batches of " + std::to_string(how.most_rows) + " rows are not a multiple of " +
                    std::to_string(how.rows_multiple) + "; choose a multiple for most_rows");
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
            bucket;  // lengths and positions, so that examples of equal length stay in order
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
        std::size_t here = 0;  // the longest of this group of rows, which is not divided
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

MESHWISE_BODY std::string length_report::words() const {
    return std::to_string(kept) + " texts kept, " + std::to_string(cut) + " of them cut, " +
           std::to_string(dropped) + " dropped";
}

}  // namespace meshwise
