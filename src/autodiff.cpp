// Bodies of autodiff/, compiled once: see core/compiled.hpp.
#include <meshwise/autodiff/dead_captures.inl.hpp>
#include <meshwise/autodiff/gradient_buckets.inl.hpp>
#include <meshwise/autodiff/model_gradient.inl.hpp>
#include <meshwise/autodiff/pullback_arena.inl.hpp>
#include <meshwise/autodiff/recompute.inl.hpp>
#include <meshwise/autodiff/record.inl.hpp>
#include <meshwise/autodiff/tape.inl.hpp>
#include <meshwise/autodiff/value_and_gradient.inl.hpp>
