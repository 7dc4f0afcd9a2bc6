// Tensors, operations, models and training. Umbrellas of what else there is:
//   <meshwise/generation.hpp>  sampling, greedy and beam search      <meshwise/io.hpp>      weights and checkpoints
//   <meshwise/plan.hpp>        what a program will do and cost       <meshwise/text.hpp>    texts, tokens and batches
//   <meshwise/report.hpp>      loss curves, progress, flight records
// Edges, each with a library of its own: <meshwise/communicator/mpi.hpp>, <meshwise/tensor/eigen.hpp>.
#pragma once

// first, in this order, because compilers print the way to the file of a refusal
#include <meshwise/core/element_rules.hpp>
#include <meshwise/core/rules.hpp>

#include <meshwise/tensor/tensor.hpp>

#include <meshwise/tensor/shard.hpp>

#include <meshwise/tensor/to_text.hpp>

#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/random_tensors.hpp>

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/core/relations.hpp>
#include <meshwise/core/strategy.hpp>
#include <meshwise/core/uniform.hpp>
#include <meshwise/nn/cast_weights.hpp>
#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/llama.hpp>
#include <meshwise/nn/text_classifier.hpp>
#include <meshwise/nn/token_tagger.hpp>
#include <meshwise/ops/activations.hpp>
#include <meshwise/ops/align.hpp>
#include <meshwise/ops/argmax.hpp>
#include <meshwise/ops/arithmetic.hpp>
#include <meshwise/ops/attention.hpp>
#include <meshwise/ops/bounds.hpp>
#include <meshwise/ops/cast.hpp>
#include <meshwise/ops/comparisons.hpp>
#include <meshwise/ops/concatenate.hpp>
#include <meshwise/ops/count_nonzero.hpp>
#include <meshwise/ops/cross_entropy.hpp>
#include <meshwise/ops/cumulative.hpp>
#include <meshwise/ops/dot.hpp>
#include <meshwise/ops/dropout.hpp>
#include <meshwise/ops/embedding.hpp>
#include <meshwise/ops/expand.hpp>
#include <meshwise/ops/functions.hpp>
#include <meshwise/ops/layer_norm.hpp>
#include <meshwise/ops/logsumexp.hpp>
#include <meshwise/ops/map.hpp>
#include <meshwise/ops/masks.hpp>
#include <meshwise/ops/max.hpp>
#include <meshwise/ops/mean.hpp>
#include <meshwise/ops/min.hpp>
#include <meshwise/ops/moving.hpp>
#include <meshwise/ops/norm.hpp>
#include <meshwise/ops/one_hot.hpp>
#include <meshwise/ops/prod.hpp>
#include <meshwise/ops/rename.hpp>
#include <meshwise/ops/reshape.hpp>
#include <meshwise/ops/reshard.hpp>
#include <meshwise/ops/rms_norm.hpp>
#include <meshwise/ops/rope.hpp>
#include <meshwise/ops/shift.hpp>
#include <meshwise/ops/slice.hpp>
#include <meshwise/ops/softmax.hpp>
#include <meshwise/ops/sort.hpp>
#include <meshwise/ops/stack.hpp>
#include <meshwise/ops/sum.hpp>
#include <meshwise/ops/take.hpp>
#include <meshwise/ops/triangle.hpp>
#include <meshwise/ops/variance.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/print.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/packed.hpp>
