// Everything of io/: weights in safetensors files, tensors in .npy files, and checkpoints of a whole run.
#pragma once

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/io/npy.hpp>
#include <meshwise/io/state_of.hpp>
#include <meshwise/io/weights.hpp>
