// What every program pays before its first line.
#include <meshwise/meshwise.hpp>
