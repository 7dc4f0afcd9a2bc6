// Bodies of value_and_gradient.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_loss(std::source_location where) {
    throw_error(
        {detail::at_line(where),
         "the loss does not depend on the parameters of the model that mw::value_and_gradient was given, so "
         "there is no gradient: compute it with the function's own argument (m, not model), and without "
         "x.detached(), here.gather(x) or mw::without_recording on the way"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_frozen_model(std::source_location where) {
    throw error(
        at_line(where) +
        "every parameter of this model is frozen, so there is no gradient: leave one to train, by mw::unfreeze(model, "
        "which) or without mw::frozen in mw::fields");
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_count(double sum, std::source_location where) {
    throw_error(
        {at_line(where), "the loss counts 0 elements, but their sum is ", std::to_string(sum),
         ", so there is no mean to train: give mw::loss_parts the number of elements that were summed"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_recorded_count(std::source_location where) {
    throw_error(
        {at_line(where),
         "the count of this loss was computed from the parameters, and the loss would be divided by it without its "
         "gradient: give mw::loss_parts{sum, count.detached()} where the count is a constant, or return the quotient of "
         "the settled sums as the loss"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_micro_batches(std::size_t count,
                                                                     std::source_location where) {
    throw_error({at_line(where),
                 "ranks gave mw::value_and_gradient different numbers of micro-batches, this one ", count,
                 ", and each counts as one part of the same step: give every rank as many"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_no_micro_batches(std::source_location where) {
    throw error(
        at_line(where) +
        "mw::value_and_gradient_over was given no micro-batches, so there is neither a loss nor a gradient, "
        "and a step would change the moments: leave the step out where there is no data");
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_change_of_copy(std::source_location where) {
    throw error(
        at_line(where) +
        "a member of the model was written while its loss was computed, and mw::value_and_gradient gives the "
        "function a copy of the model, with which the change is lost: a running statistic is a parameter of "
        "mw::role::statistic that mw::follow_statistic moves; keep all else in a variable outside of the model");
}

}  // namespace meshwise::detail
