// Bodies of plan/, compiled once: see core/compiled.hpp.
#include <meshwise/plan/explain.inl.hpp>
