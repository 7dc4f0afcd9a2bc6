#pragma once
// error: what every failed check of meshwise throws: one sentence that says what, where and what to do.
#include <stdexcept>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error                                                                                                       \
    "meshwise: -ffast-math makes isnan(NaN) false and reorders sums; compile without -ffast-math and -ffinite-math-only"
#endif

namespace meshwise {

class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace meshwise
