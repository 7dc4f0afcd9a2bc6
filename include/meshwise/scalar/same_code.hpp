// same_code: marks a kernel that must be compiled to machine code exactly once.
// Why: if a kernel is inlined in two places, or cloned for a constant argument, the copies may round differently: the
// compiler may fuse a multiplication with an addition in one and not in the other.
// Costs: one call per row or block.
#pragma once

/// Stands before a function, or after the parameters of a lambda.
#if defined(__clang__)
#define MESHWISE_SAME_CODE __attribute__((noinline))
#else
#define MESHWISE_SAME_CODE __attribute__((noinline, noclone))
#endif
