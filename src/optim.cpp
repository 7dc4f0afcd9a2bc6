// Bodies of optim/, compiled once: see core/compiled.hpp.
#include <meshwise/optim/adamw.inl.hpp>
#include <meshwise/optim/finite_steps.inl.hpp>
#include <meshwise/optim/parameter_groups.inl.hpp>
#include <meshwise/optim/schedule.inl.hpp>
