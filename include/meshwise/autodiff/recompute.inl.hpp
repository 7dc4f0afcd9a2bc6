// Bodies of recompute.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_recomputed(std::source_location where) {
    throw_error(
        {detail::at_line(where),
         "the function of mw::recompute gave another result in the backward pass than in the forward pass, so "
         "the gradient would be that of another function: it may not count its calls, draw from a generator of "
         "its own, or read what changes in between"});
}

}  // namespace meshwise::detail
