// tbb: the fast backend for host memory: oneTBB threads and vector instructions.
// Guarantees: the concept `any_backend`; position independent kernels, whose results do not depend on the number of
// threads.
// Costs: products run near the peak of the processor, all else near the bandwidth of the memory. Compile with -O3 and
// -march=native, or the -march of the processor that runs the program.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/tbb/elements.hpp>
#include <meshwise/backend/tbb/permutations.hpp>
#include <meshwise/backend/tbb/products.hpp>
#include <meshwise/backend/tbb/reductions.hpp>
#include <meshwise/backend/tbb/rotary_embedding.hpp>
#include <meshwise/backend/tbb/rows.hpp>
#include <meshwise/backend/tbb/tables.hpp>
#include <meshwise/backend/tbb/threads.hpp>

namespace meshwise {

/// The tbb backend for one instruction set: see backend/concept.hpp for its members. The instruction set is part of
/// the type, so parts of a program that are compiled for different processors do not share kernels.
/// Example: using anywhere = mw::tbb_for<mw::simd::portable>;
template <class Instructions>
struct tbb_for : tbb_kernels::threads<Instructions>,
                 tbb_kernels::products<Instructions>,
                 tbb_kernels::elements<Instructions>,
                 tbb_kernels::permutations<Instructions>,
                 tbb_kernels::reductions<Instructions>,
                 tbb_kernels::rows<Instructions>,
                 tbb_kernels::rotary_embedding<Instructions>,
                 tbb_kernels::tables<Instructions> {
    static constexpr std::string_view name = "tbb";
    using memory_is_host = std::true_type;
    static constexpr std::size_t leaves = 1;
    static constexpr bool computes = true;
};

/// The tbb backend for the instruction set that the compiler targets.
/// Example: using fast = mw::strategy<mesh, mw::split<batch, dp>, mw::on<mw::tbb>>;
using tbb = tbb_for<simd::native>;

static_assert(any_backend<tbb>);

}  // namespace meshwise
