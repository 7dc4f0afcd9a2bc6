// Bodies of agree.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/communicator/agree.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::vector<std::string> gather_texts(communicator& team, std::string const& mine) {
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

MESHWISE_BODY void on_all_or_none(communicator& team, function_ref<void()> f, std::source_location where) {
    std::string failure;  // a character for its kind, then the reason
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
        // if all ranks give the same reason, no rank is named
        bool const same = std::all_of(failures.begin(), failures.end(),
                                      [&](auto const& one) { return one == failures[0]; });
        std::string const why = (same ? "" : describe(team.mesh(), rank) + ": ") + failures[rank].substr(1);
        if (failures[rank][0] == 'i') throw input_error(why);
        if (failures[rank][0] == 'o') throw output_error(why);
        throw error(why);
    }
}

}  // namespace meshwise::detail
