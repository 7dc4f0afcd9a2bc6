// Everything of generation: sampling from a decoder, greedy and beam search for encoder-decoders.
#pragma once

#include <meshwise/core/element_rules.hpp>  // first, because compilers print the way to the file of a refusal
#include <meshwise/core/rules.hpp>

#include <meshwise/nn/generate.hpp>
#include <meshwise/nn/search.hpp>
