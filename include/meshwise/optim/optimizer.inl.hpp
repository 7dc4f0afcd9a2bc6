// Bodies of optimizer.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/optim/optimizer.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_optimizer(bool moved_from,
                                                                 std::source_location where) {
    if (moved_from)
        throw_error(
            {at_line(where),
             "this optimiser was moved from, so it has no moments: step the one that it was moved to"});
    throw_error(
        {at_line(where),
         "this optimiser took its last step with another model, whose moments it keeps: make one for each model, "
         "or say optimizer.retarget(model) where this one takes the other's place"});
}

MESHWISE_BODY void check_all_options(char const* of, option_value const* all, std::size_t count,
                                     std::source_location const* where) {
    for (std::size_t i = 0; i < count; ++i)
        if (!all[i].range.has(all[i].value)) refuse_option(of, all[i], where);
}

MESHWISE_BODY void note_options(option_value const* all, std::size_t count, parameter_group const* groups,
                                std::size_t parameters, std::uint64_t hash) {
    for (std::size_t i = 0; i < count; ++i) hash = hash_of({hash, bits_of(all[i].value)});
    for (std::size_t i = 0; i < parameters; ++i)
        hash = hash_of({hash, bits_of(groups[i].learning_rate), bits_of(groups[i].weight_decay),
                        groups[i].as_matrix ? 1U : 0U});
    note_common(common_kind::options, {hash});
}

}  // namespace meshwise::detail
