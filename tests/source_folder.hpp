// The folder of the sources, for tests that read a file of it. Defined in tests/main.cpp: __FILE__ elsewhere may be a
// relative path (ccache makes it one), and only that file is then compiled anew for another checkout.
#pragma once
#include <filesystem>

std::filesystem::path source_folder();
