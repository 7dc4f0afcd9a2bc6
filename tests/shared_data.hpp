// Public data that is no part of the project and not on every machine: $MESHWISE_DATA, or shared/data beside the sources.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>

#include "source_folder.hpp"

/// A file or folder of it; nothing, with a note, where it is not there.
inline std::optional<std::filesystem::path> shared_data(std::string const& name) {
    namespace fs = std::filesystem;
    char const* const told = std::getenv("MESHWISE_DATA");
    fs::path const root = told != nullptr ? fs::path(told) : source_folder() / "../shared/data";
    if (fs::exists(root / name)) return root / name;
    std::cout << "skipped: no " << (root / name).string()
              << "; MESHWISE_DATA names the folder of the public data\n";
    return std::nullopt;
}
