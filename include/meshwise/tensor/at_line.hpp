// at_line: how a message begins that is about a line of the program.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

#include <meshwise/messages/sentence.hpp>

namespace meshwise::detail {

// Is `file` a header of the library, which `own` is too? Only the ends of paths are compared: a compiler, a build or a
// cache may spell one folder in two ways, "/home/a/include" and "../include".
constexpr bool is_in_library(std::string_view file, std::string_view own) {
    constexpr std::string_view here = "tensor/at_line.hpp";
    if (!own.ends_with(here)) return file.substr(file.rfind('/') + 1) == own.substr(own.rfind('/') + 1);
    std::string_view folder = own.substr(0, own.size() - here.size());  // ".../include/meshwise/"
    std::size_t const inner = folder.size() < 2 ? folder.npos : folder.rfind('/', folder.size() - 2);
    std::size_t const outer = inner == folder.npos || inner == 0 ? folder.npos : folder.rfind('/', inner - 1);
    if (outer != folder.npos) folder.remove_prefix(outer + 1);
    return file.find(folder) != file.npos;
}

/// "at file.cpp:12 "; nothing for a line of the library, which is all that an operator such as + knows.
[[gnu::noinline]] inline std::string at_line(std::source_location where) {
    std::string_view const file = where.file_name();
    if (is_in_library(file, std::source_location::current().file_name())) return {};
    return sentence({"at ", file, ":", where.line(), " "});
}

}  // namespace meshwise::detail
