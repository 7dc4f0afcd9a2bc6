// tbb: the fast backend for host memory: oneTBB threads and vector instructions.
// Guarantees: the concept `backend`; position independent kernels, whose results do not depend on the number
// of threads.
// Costs: products near the peak of the processor, everything else near that of the memory; compile with -O3
// and -march=native (or what the program is to run on).
#pragma once

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/map.hpp>
#include <meshwise/backend/permute.hpp>
#include <meshwise/backend/reduce.hpp>
#include <meshwise/backend/rope.hpp>
#include <meshwise/backend/rows.hpp>
#include <meshwise/backend/tables.hpp>
#include <meshwise/backend/tbb_products.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace meshwise {

/// The tbb backend for one instruction set: see backend/concept.hpp for its members. The instruction set is
/// part of the type, so parts of a program that are compiled for different processors do not mix their
/// kernels up.
template <class Instructions>
struct tbb_for : tbb_threads<Instructions>,
                 tbb_products<Instructions>,
                 tbb_elements<Instructions>,
                 tbb_permute<Instructions>,
                 tbb_reduce<Instructions>,
                 tbb_rows<Instructions>,
                 tbb_rope<Instructions>,
                 tbb_tables<Instructions> {
    static constexpr std::string_view name = "tbb";
    using memory_is_host = std::true_type;
    static constexpr std::size_t leaves = 1;
    static constexpr bool computes = true;
};

/// The tbb backend for the instruction set that is being compiled for.
using tbb = tbb_for<fast::native>;

static_assert(backend<tbb>);

}  // namespace meshwise
