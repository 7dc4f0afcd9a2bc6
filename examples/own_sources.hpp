// The library's own headers and documents: a text that every checkout has.
#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include <meshwise/text/byte_text.hpp>

namespace examples {

/// All headers, then README and documents, in one fixed order.
/// Errors: input_error where the sources are gone.
inline std::vector<std::filesystem::path> own_sources() {
    namespace fs = std::filesystem;
    fs::path const root = MESHWISE_SOURCES;
    std::vector<fs::path> found;
    for (char const* folder : {"include", "docs"})
        if (fs::is_directory(root / folder))
            for (auto const& entry : fs::recursive_directory_iterator(root / folder))
                if (auto const kind = entry.path().extension(); kind == ".hpp" || kind == ".md")
                    found.push_back(entry.path());
    if (found.empty())
        throw meshwise::input_error("the library's sources are no longer at '" + root.string() +
                                    "'; give a text with --text FILE");
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace examples
