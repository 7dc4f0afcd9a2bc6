#pragma once
// agree: work that each rank does alone and that may fail, such as reading a file, without leaving the others behind.
// Guarantees: all ranks go on, or all throw the same error, which names the first rank that failed and its reason. The
// team stays whole.
// Costs: one small all-reduce; the reasons are exchanged only when there are any.
#include <algorithm>
#include <string>
#include <vector>

#include <meshwise/communicator/concept.hpp>

namespace meshwise {

/// The text of every rank, on every rank. Communication: two gathers over the mesh.
inline std::vector<std::string> gather_texts(communicator& team, std::string const& mine) {
    mesh_mask const all = team.mesh().every_axis();
    std::uint64_t const length = mine.size();
    std::vector<std::uint64_t> lengths(team.size());
    team.all_gather(all, element_type::uint64, &length, lengths.data(), {1, 1});
    std::size_t longest = 0;
    for (std::uint64_t l : lengths) longest = std::max<std::size_t>(longest, l);
    std::string padded = mine, together(longest * team.size(), '\0');
    padded.resize(longest);
    team.all_gather(all, element_type::uint8, padded.data(), together.data(), {1, longest});
    std::vector<std::string> texts;
    for (std::size_t rank = 0; rank < team.size(); ++rank)
        texts.push_back(together.substr(rank * longest, lengths[rank]));
    return texts;
}

/// Calls f on every rank, alone; returns when it worked on all.
/// Errors: what f threw, on every rank: input_error, output_error or error. A collective inside f is one.
template <class F>
void on_all_or_none(communicator& team, F f, std::source_location where = std::source_location::current()) {
    std::string failure;  // a letter for its kind, then the reason
    try {
        communicator::alone const scope(team);
        f();
    } catch (input_error const& e) { failure = std::string("i") + e.what(); } catch (output_error const& e) {
        failure = std::string("o") + e.what();
    } catch (std::exception const& e) { failure = std::string("e") + e.what(); }
    std::uint32_t const failed = failure.empty() ? 0 : 1;
    std::uint32_t any = 0;
    team.all_reduce(team.mesh().every_axis(), reduction::max, element_type::uint32, &failed, &any, 1, where);
    if (any == 0) return;
    auto const failures = gather_texts(team, failure);
    for (std::size_t rank = 0; rank < failures.size(); ++rank) {
        if (failures[rank].empty()) continue;
        // where all say the same, no rank is to blame
        bool const same = std::all_of(failures.begin(), failures.end(),
                                      [&](auto const& one) { return one == failures[0]; });
        std::string const why = (same ? "" : describe(team.mesh(), rank) + ": ") + failures[rank].substr(1);
        if (failures[rank][0] == 'i') throw input_error(why);
        if (failures[rank][0] == 'o') throw output_error(why);
        throw error(why);
    }
}

}  // namespace meshwise
