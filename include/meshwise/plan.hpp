// Everything of plan/: what a program will do, hold and send, before it runs.
#pragma once

#include <meshwise/core/element_rules.hpp>  // first, because compilers print the way to the file of a refusal
#include <meshwise/core/rules.hpp>

#include <meshwise/plan/budget.hpp>
#include <meshwise/plan/draw.hpp>
#include <meshwise/plan/explain.hpp>
