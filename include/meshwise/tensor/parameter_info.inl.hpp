// Bodies of parameter_info.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdio>

#include <meshwise/tensor/parameter_info.hpp>

namespace meshwise::detail {

MESHWISE_BODY void asked_parts::note(std::string_view part, bool found) {
    auto const at =
        std::find_if(parts.begin(), parts.end(), [&](auto const& one) { return one.first == part; });
    if (at == parts.end())
        parts.emplace_back(part, found);
    else
        at->second = at->second || found;
}

MESHWISE_BODY part_search::part_search(char const* who, std::uint64_t functions_and_model)
    : who_(who),
      before_(std::exchange(parts_asked_for(), nullptr)) {
    auto& reported = current().reported;
    if (std::find(reported.begin(), reported.end(), functions_and_model) != reported.end()) return;
    reported.push_back(functions_and_model);
    parts_asked_for() = &asked_;
}

MESHWISE_BODY void part_search::tell() const {
    if (current().team->rank() != 0) return;
    for (auto const& [part, found] : asked_.parts)
        if (!found)
            std::fprintf(
                stderr,
                "meshwise: %s for \"%s\", which is in the name of none of the "
                "parameters that they ask it of, so they treat none otherwise for it; names are those of "
                "mw::fields, joined by dots, and a part is whole words\n",
                who_, part.c_str());
}

}  // namespace meshwise::detail
