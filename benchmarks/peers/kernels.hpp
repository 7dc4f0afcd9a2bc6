// kernels: single operations in PyTorch, as peers/torch_kernels.py does them: one child for each number of threads.
#pragma once
#include <algorithm>
#include <memory>
#include <optional>

#include "child.hpp"

namespace bench::peers {

/// What there is of PyTorch on so many threads; null where there is none.
inline child* torch_kernels(std::size_t threads) {
    static std::map<std::size_t, std::unique_ptr<child>> children;
    auto const at = children.find(threads);
    if (at != children.end()) return at->second.get();
    return (children[threads] = torch("torch_kernels.py", {std::to_string(threads)})).get();
}

/// PyTorch's way to do `what`, or nothing where it is not there. Throws where eight elements of its result, taken at
/// equal distances, are not those of `result`.
inline std::optional<contender> torch_kernel(std::size_t threads, std::string const& what,
                                             float const* result, std::size_t count) {
    child* const peer = torch_kernels(threads);
    if (peer == nullptr) return {};
    auto const theirs = peer->ask("prepare " + what);
    double largest = 0;
    for (std::size_t i = 0; i < count; ++i)
        largest = std::max(largest, std::abs(static_cast<double>(result[i])));
    for (std::size_t i = 0; i < theirs.size(); ++i) {
        double const ours = static_cast<double>(result[i * count / theirs.size()]);
        if (!(std::abs(ours - theirs[i]) <= 1e-4 * largest))
            throw std::runtime_error(what + ": " + std::to_string(ours) + " is " + std::to_string(theirs[i]) +
                                     " in PyTorch");
    }
    return contender{"PyTorch", [peer] { return peer->ask("run").at(0); }};
}

}  // namespace bench::peers
