// Bodies of core/, compiled once: see core/compiled.hpp.
#include <meshwise/core/sentence.inl.hpp>
