// agree: work that each rank does alone and that may fail, such as reading a file, with one outcome for all ranks.
// Guarantees: all ranks go on, or all throw the same error, which names the first rank that failed and its reason. The
// team stays whole.
// Costs: one small all-reduce; the reasons are exchanged only when there are any.
#pragma once

#include <string>
#include <vector>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/core/function_ref.hpp>

namespace meshwise::detail {

/// The text of every rank, on every rank. Communication: two gathers over the mesh.
std::vector<std::string> gather_texts(communicator& team, std::string const& mine);

/// Calls f on every rank, alone, and returns when it has succeeded on all.
/// Errors: what f threw, on every rank: input_error, output_error or error. A collective inside f is one.
void on_all_or_none(communicator& team, function_ref<void()> f,
                    std::source_location where = std::source_location::current());

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/agree.inl.hpp>
#endif
