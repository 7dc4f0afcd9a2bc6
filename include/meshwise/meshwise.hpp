#pragma once
// Everything of meshwise that needs only the C++ library, Eigen and oneTBB. Rooms, each using only those above it:
#include <meshwise/core/rules.hpp>  // first, because compilers print the way to the file of a refusal

#include <meshwise/core/relations.hpp>
#include <meshwise/core/strategy.hpp>
#include <meshwise/core/uniform.hpp>

#include <meshwise/tensor/eigen.hpp>
#include <meshwise/tensor/packed.hpp>
#include <meshwise/tensor/random.hpp>
#include <meshwise/tensor/shard.hpp>
#include <meshwise/tensor/tensor.hpp>

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/autodiff/value_and_gradient.hpp>

#include <meshwise/ops/activations.hpp>
#include <meshwise/ops/align.hpp>
#include <meshwise/ops/arithmetic.hpp>
#include <meshwise/ops/attention.hpp>
#include <meshwise/ops/cast.hpp>
#include <meshwise/ops/concatenate.hpp>
#include <meshwise/ops/cross_entropy.hpp>
#include <meshwise/ops/dot.hpp>
#include <meshwise/ops/dropout.hpp>
#include <meshwise/ops/embedding.hpp>
#include <meshwise/ops/layer_norm.hpp>
#include <meshwise/ops/map.hpp>
#include <meshwise/ops/mean.hpp>
#include <meshwise/ops/rename.hpp>
#include <meshwise/ops/reshape.hpp>
#include <meshwise/ops/reshard.hpp>
#include <meshwise/ops/rms_norm.hpp>
#include <meshwise/ops/rope.hpp>
#include <meshwise/ops/slice.hpp>
#include <meshwise/ops/softmax.hpp>
#include <meshwise/ops/sum.hpp>

#include <meshwise/parallel/rank.hpp>

#include <meshwise/nn/cast_weights.hpp>
#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/generate.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/llama.hpp>
#include <meshwise/nn/search.hpp>
#include <meshwise/nn/text_classifier.hpp>
#include <meshwise/nn/token_tagger.hpp>

#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/optim/sgd.hpp>

#include <meshwise/text/blocks.hpp>

#include <meshwise/report/budget.hpp>
#include <meshwise/report/draw.hpp>
#include <meshwise/report/explain.hpp>
#include <meshwise/report/flight_log.hpp>
#include <meshwise/report/loss_curve.hpp>
#include <meshwise/report/progress_bar.hpp>
