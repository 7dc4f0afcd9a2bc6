// Any bytes as a file of weights or a manifest, the first byte says how: what is taken keeps its promises, or an error.
#include <cstdlib>
#include <cstring>

#include <meshwise/io/manifest.hpp>
#include <meshwise/io/safetensors.hpp>

namespace mw = meshwise;

namespace {

struct one_file : mw::file_calls {
    std::string bytes;
    int open(std::string const&, int) override { return 1000; }
    int close(int) override { return 0; }
    std::int64_t size(int) override { return static_cast<std::int64_t>(bytes.size()); }
    std::int64_t pread(int, void* to, std::size_t n, std::uint64_t at) override {
        if (at >= bytes.size()) return 0;
        n = std::min<std::size_t>(n, bytes.size() - at);
        std::memcpy(to, bytes.data() + at, n);
        return static_cast<std::int64_t>(n);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    if (size == 0) return 0;
    one_file disk;
    disk.bytes.assign(reinterpret_cast<char const*>(bytes) + 1, size - 1);
    try {
        if (bytes[0] % 3 == 0) {
            mw::manifest::read(disk, "manifest");
        } else {
            if (bytes[0] % 3 == 1) {  // a header of the right length, and 64 bytes of data
                std::uint64_t const length = disk.bytes.size();
                std::string head(8, '\0');
                for (std::size_t i = 0; i < 8; ++i) head[i] = static_cast<char>(length >> (8 * i) & 0xff);
                disk.bytes = head + disk.bytes + std::string(64, 'x');
            }
            mw::safetensors_file const file("weights", disk);
            for (auto const& tensor : file.tensors())
                if (tensor.begin > tensor.end || tensor.end > disk.bytes.size()) std::abort();
        }
    } catch (mw::input_error const&) {}
    return 0;
}
