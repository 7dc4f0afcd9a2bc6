// Bodies of optimizer.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/optim/optimizer.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void refuse_optimizer(bool moved_from, std::source_location where) {
    if (moved_from)
        throw error(at_line(where) +
                    "this optimiser was moved from, so it has no moments: step the one that it was moved to");
    throw error(
        at_line(where) +
        "this optimiser took its last step with another model, whose moments it keeps: make one for each model, "
        "or say optimizer.retarget(model) where this one takes the other's place");
}

MESHWISE_BODY void check_all_options(char const* of, std::span<option_value const> all,
                                     std::source_location const* where) {
    for (option_value const& one : all)
        if (!one.range.has(one.value)) refuse_option(of, one, where);
}

MESHWISE_BODY void note_options(std::span<option_value const> all, std::span<parameter_group const> groups,
                                std::span<std::uint64_t const> more) {
    std::uint64_t hash = 0;
    for (option_value const& one : all) hash = hash_of({hash, bits_of(one.value)});
    for (parameter_group const& one : groups)
        hash = hash_of({hash, bits_of(one.learning_rate), bits_of(one.weight_decay)});
    for (std::uint64_t const one : more) hash = hash_of({hash, one});
    note_common(common_kind::options, {hash});
}

}  // namespace meshwise::detail
