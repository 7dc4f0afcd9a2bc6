// Any bytes as records of calls: refused, or one sentence about them.
#include <meshwise/report/flight_log.hpp>

#include "file_in_memory.hpp"

namespace mw = meshwise;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    try {
        mw::flight_log log;
        log.read(file_in_memory(bytes, size));
        if (log.verdict().empty()) std::abort();
    } catch (mw::input_error const&) {}
    return 0;
}
