// The tbb backend's reductions, rows, rotary embeddings, tables and losses: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/reductions.inl.hpp>
#include <meshwise/backend/tbb/rotary_embedding.inl.hpp>
#include <meshwise/backend/tbb/rows.inl.hpp>
#include <meshwise/backend/tbb/tables.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using native_reductions = tbb_kernels::reductions<simd::native>;
MESHWISE_REDUCTIONS(native_reductions, float)
MESHWISE_REDUCTIONS(native_reductions, double)
MESHWISE_SUM(native_reductions, int)
MESHWISE_SUM(native_reductions, long)
MESHWISE_SUM(native_reductions, unsigned long)
MESHWISE_SUM(native_reductions, long long)
MESHWISE_SUM(native_reductions, unsigned long long)

using native_rows = tbb_kernels::rows<simd::native>;
MESHWISE_ROWS(native_rows, float)
MESHWISE_ROWS(native_rows, double)

using native_rope = tbb_kernels::rotary_embedding<simd::native>;
MESHWISE_ROPE(native_rope, float)
MESHWISE_ROPE(native_rope, double)

using native_tables = tbb_kernels::tables<simd::native>;
MESHWISE_NUMBERS(MESHWISE_GATHER, native_tables)
MESHWISE_SCATTER(native_tables, float)
MESHWISE_SCATTER(native_tables, double)
MESHWISE_SCATTER(native_tables, bfloat16)
MESHWISE_LOSSES(native_tables, float)
MESHWISE_LOSSES(native_tables, double)

}  // namespace meshwise
#endif
