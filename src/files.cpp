// Bodies of files/, compiled once: see core/compiled.hpp.
#include <meshwise/files/file_calls.inl.hpp>
#include <meshwise/files/output_file.inl.hpp>
