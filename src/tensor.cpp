// Bodies of tensor/, compiled once: see core/compiled.hpp.
#include <meshwise/tensor/constants.inl.hpp>
#include <meshwise/tensor/context.inl.hpp>
#include <meshwise/tensor/forgotten_fields.inl.hpp>
#include <meshwise/tensor/freeze.inl.hpp>
#include <meshwise/tensor/memory_pool.inl.hpp>
#include <meshwise/tensor/option_range.inl.hpp>
#include <meshwise/tensor/packed_blocks.inl.hpp>
#include <meshwise/tensor/parameter_info.inl.hpp>
#include <meshwise/tensor/tensor.inl.hpp>
#include <meshwise/tensor/to_text.inl.hpp>
