// Any bytes as a JSON file: read, or refused by an error. What is read has the text it was given.
#include <meshwise/parse/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    try {
        auto const file = meshwise::json::parse({reinterpret_cast<char const*>(bytes), size}, "fuzz");
        if (file.is(meshwise::json::kind::number)) static_cast<void>(file.number("it"));
    } catch (meshwise::input_error const&) {}
    return 0;
}
