// Bodies of core/, compiled once: see core/compiled.hpp.
#include <meshwise/messages/sentence.inl.hpp>
