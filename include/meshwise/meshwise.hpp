// Tensors, operations, models and training. Umbrellas of what else there is:
//   <meshwise/generation.hpp>  sampling, greedy and beam search      <meshwise/io.hpp>      weights and checkpoints
//   <meshwise/plan.hpp>        what a program will do and cost       <meshwise/text.hpp>    texts, tokens and batches
//   <meshwise/report.hpp>      loss curves, progress, flight records
// Edges, each with a library of its own: <meshwise/communicator/mpi.hpp>, <meshwise/tensor/eigen.hpp>,
// <meshwise/linear_algebra.hpp>.
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
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/moves/align.hpp>
#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/expand.hpp>
#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/moves/triangle.hpp>
#include <meshwise/ops/products/attention.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/products/einsum.hpp>
#include <meshwise/ops/reductions/argmax.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/logsumexp.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/reductions/norm.hpp>
#include <meshwise/ops/reductions/prod.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/ops/reductions/variance.hpp>
#include <meshwise/ops/rows/cosine.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>
#include <meshwise/ops/rows/embedding.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/losses.hpp>
#include <meshwise/ops/rows/one_hot.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/rope.hpp>
#include <meshwise/ops/rows/softmax.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/print.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/freeze.hpp>
#include <meshwise/tensor/packed.hpp>
