// Bodies of finite_steps.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/optim/finite_steps.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::uint64_t replica_of::digest(untyped_tensor const& p, std::size_t turn) const {
    auto const* const bytes = static_cast<unsigned char const*>(p.memory().data());
    std::size_t const size = elements.operations->size, count = elements.size, step = count / 64 + 1;
    std::uint64_t hash = count;
    if (!computes || bytes == nullptr) return 0;
    for (std::size_t i = turn % step; i < count; i += step) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes + i * size, size);
        hash = (hash ^ word ^ hash >> 29U) * 0x9E3779B97F4A7C15U;
    }
    return hash ^ hash >> 31U;
}

MESHWISE_BODY double replica_of::share(untyped_tensor const& p, std::size_t turn) const {
    communicator const& team = *current().team;
    mesh_mask const copies = team.mesh().every_axis() & ~split_over;
    std::size_t const n = team.group_size(copies), i = team.group_index(copies);
    if (n == 1) return 0;
    double const last = -static_cast<double>(n - 1) * static_cast<double>(n) / 2;
    return (i + 1 < n ? static_cast<double>(i + 1) : last) * static_cast<double>(digest(p, turn) & 0xFFFFU);
}

MESHWISE_BODY std::size_t replica_of::first_replica(grid const& mesh, std::size_t rank) const {
    std::size_t first = 0;
    while (first < rank && mesh.group_index(first, split_over) != mesh.group_index(rank, split_over)) ++first;
    return first;
}

[[gnu::cold]] MESHWISE_BODY drift find_drift(communicator& team, replica_of const* types,
                                             std::uint64_t const* mine, std::size_t parameters,
                                             std::source_location where) {
    std::vector<std::uint64_t> all(parameters * team.size());
    team.all_gather(team.mesh().every_axis(), element_type::uint64, mine, all.data(), {1, parameters}, where);
    for (std::size_t i = 0; i < parameters; ++i)
        for (std::size_t other = 1; other < team.size(); ++other) {
            std::size_t const first = types[i].first_replica(team.mesh(), other);
            if (all[first * parameters + i] != all[other * parameters + i]) return {first, other, i};
        }
    return {0, 1, parameters};
}

[[gnu::cold]] MESHWISE_BODY not_finite find_not_finite(communicator& team, std::size_t own,
                                                       std::size_t summed, std::size_t parameters,
                                                       std::source_location where) {
    std::uint64_t const mine[] = {own, summed};
    std::vector<std::uint64_t> firsts(2 * team.size());
    team.all_gather(team.mesh().every_axis(), element_type::uint64, mine, firsts.data(), {1, 2}, where);
    // The sum of two finite parts may overflow; then no part is to blame, and the rank that holds the sum is named.
    for (std::size_t which = 0; which < 2; ++which)
        for (std::size_t rank = 0; rank < team.size(); ++rank)
            if (std::size_t const first = firsts[2 * rank + which]; first < parameters)
                return {rank, first, which == 1};
    throw error("the gradient's norm is beyond the range of double; parameters are as they were before; "
                "lower the learning rate");
}

[[gnu::cold]] MESHWISE_BODY std::string drift_text(communicator& team, std::size_t rank, std::size_t other,
                                                   std::string const& parameter, std::size_t turn) {
    return sentence(
        {"replicas have drifted apart: parameter ", parameter, " of ", describe(team.mesh(), rank),
         " and of ", describe(team.mesh(), other), " differ before step ", turn,
         " of this optimiser; every rank must start from the same values and change them alike: look for writes by "
         "hand, random numbers or data of one rank alone"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_gradient(unfit_gradient why,
                                                                std::source_location where) {
    std::string const line = at_line(where);
    switch (why) {
    case unfit_gradient::applied:
        throw_error(
            {line,
             "this gradient was applied in an earlier step, and a second step with it would move the model "
             "twice: call mw::value_and_gradient before each step"});
    case unfit_gradient::of_other_values: break;
    }
    throw_error(
        {line,
         "this gradient was found for another model, or for other values of this one's parameters, such as those "
         "before a step or a restore: call mw::value_and_gradient again, step the model that it was given, or "
         "say gradient.retarget(model) first"});
}

// Whether this name was not told of before; then it is noted, and the first rank tells.
[[gnu::cold]] inline bool is_news(std::string_view name) {
    context& here = current();
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    if (std::find(here.reported.begin(), here.reported.end(), hash) != here.reported.end()) return false;
    here.reported.push_back(hash);
    return here.team->rank() == 0;
}
[[gnu::cold]] MESHWISE_BODY void note_unreached(std::string_view name) {
    if (is_news(name))
        std::fprintf(
            stderr,
            "meshwise: no gradient came to parameter %.*s, so steps leave it as it is, without weight decay; if "
            "it is to be trained, the loss has to use it by the function's own argument (m, not model)\n",
            static_cast<int>(name.size()), name.data());
}
[[gnu::cold]] MESHWISE_BODY void note_unseen(std::string_view name) {
    if (is_news(name))
        std::fprintf(
            stderr,
            "meshwise: statistic %.*s did not change with this step, because the loss used it as it is; if it is "
            "to follow the batches, give its layer mw::training behind x\n",
            static_cast<int>(name.size()), name.data());
}

MESHWISE_BODY same_places twice_among(void const* const* addresses, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = i + 1; j < count; ++j)
            if (addresses[i] != nullptr && addresses[i] == addresses[j]) return {i, j, true};
    return {0, 0, false};
}

[[gnu::cold]] MESHWISE_BODY void note_tied(std::string_view one, std::string_view other) {
    if (is_news(sentence({one, "=", other})))
        std::fprintf(
            stderr,
            "meshwise: parameters %.*s and %.*s begin with the same values, and part at this step, because a "
            "copy is a value; if they are to stay tied, let the model have one member and use it twice\n",
            static_cast<int>(one.size()), one.data(), static_cast<int>(other.size()), other.data());
}

[[gnu::cold]] MESHWISE_BODY std::string not_finite_text(communicator& team, std::size_t rank,
                                                        std::string const& parameter, bool summed,
                                                        std::size_t skipped_in_a_row) {
    std::string text = "the gradient is not finite";
    if (skipped_in_a_row > 0) append(text, {", after ", skipped_in_a_row, " skipped steps in a row"});
    append(text, {(summed ? ": the sum over ranks overflows; it begins on " : ": it begins on "),
                  describe(team.mesh(), rank), " with parameter ", parameter,
                  "; parameters are as they were before; lower the learning rate, or look for a division by "
                  "zero in the model or in that rank's data"});
    return text;
}

}  // namespace meshwise::detail
