// The largest of many errors. std::max and std::fmax pass over what is not a number; here it is the largest there is.
#pragma once
#include <limits>

inline double worse(double worst, double error) {
    if (error <= worst) return worst;
    return error == error ? error : std::numeric_limits<double>::infinity();
}
