// start_thread: a thread that cannot be started says which limit is reached.
// Guarantees: one sentence in place of the standard library's "Resource temporarily unavailable".
// Costs: nothing unless it fails; then the limits of process, user and cgroup are read.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// Throws the error of a thread that could not be started. `what_for`: "rank 1 (tp 1)".
[[noreturn]] void refuse_thread(std::string_view what_for, std::string_view reason);

/// start(), which starts one thread.
template <class Start>
auto start_thread(std::string_view what_for, Start const& start) {
    try {
        return start();
    } catch (std::system_error const& e) { refuse_thread(what_for, e.what()); }
}

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/start_thread.inl.hpp>
#endif
