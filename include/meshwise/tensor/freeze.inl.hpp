// Bodies of freeze.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/freeze.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_to_unfreeze(std::string_view name,
                                                                   std::source_location where) {
    throw_error(
        {at_line(where), "parameter ", name,
         " is frozen by mw::frozen in the mw::fields of its model, so it is never trained: take it out there and "
         "freeze the parameter with mw::freeze(model, which)"});
}

}  // namespace meshwise::detail
