// Bodies of optim/, compiled once: see core/compiled.hpp.
#include <meshwise/optim/finite_steps.inl.hpp>
#include <meshwise/optim/optimizer.inl.hpp>
#include <meshwise/optim/schedule.inl.hpp>
