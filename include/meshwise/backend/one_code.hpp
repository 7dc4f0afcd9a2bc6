// one_code: marks a kernel that must exist once in machine code.
// Why: inlined into two places, or cloned for a constant argument, a kernel may be rounded differently in
// each: the compiler is free to fuse a multiplication with an addition here and not there.
// Costs: one call per row or block.
#pragma once

/// Before a function, or behind the parameters of a lambda.
#if defined(__clang__)
#define MESHWISE_ONE_CODE __attribute__((noinline))
#else
#define MESHWISE_ONE_CODE __attribute__((noinline, noclone))
#endif
