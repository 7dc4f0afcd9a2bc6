// Any bytes as a file of weights, an array or a manifest, the first byte says how: what is taken keeps its promises, or an error.
#include <cstdlib>

#include <meshwise/io/manifest.hpp>
#include <meshwise/io/npy.hpp>
#include <meshwise/io/safetensors.hpp>

#include "../unit/io/one_file.hpp"

namespace mw = meshwise;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    if (size == 0) return 0;
    one_file disk;
    disk.bytes.assign(reinterpret_cast<char const*>(bytes) + 1, size - 1);
    try {
        if (bytes[0] % 4 == 3) {
            mw::detail::npy_file const file("array.npy", disk);
            if (mw::detail::checked_bytes(file.shape(), file.type()).value() > disk.bytes.size())
                std::abort();
        } else if (bytes[0] % 4 == 0) {
            mw::detail::manifest::read(disk, "manifest");
        } else {
            if (bytes[0] % 4 == 1) {  // a header of the right length, and 64 bytes of data
                std::uint64_t const length = disk.bytes.size();
                std::string head(8, '\0');
                for (std::size_t i = 0; i < 8; ++i) head[i] = static_cast<char>(length >> (8 * i) & 0xff);
                disk.bytes = head + disk.bytes + std::string(64, 'x');
            }
            mw::detail::safetensors_file const file("weights", disk);
            for (auto const& tensor : file.tensors())
                if (tensor.begin > tensor.end || tensor.end > disk.bytes.size()) std::abort();
        }
    } catch (mw::input_error const&) {}
    return 0;
}
