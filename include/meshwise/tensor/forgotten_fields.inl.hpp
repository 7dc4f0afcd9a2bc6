// Bodies of forgotten_fields.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <functional>

#include <meshwise/core/error.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/forgotten_fields.hpp>

namespace meshwise::detail {

MESHWISE_BODY void tensors_made::require_listed(std::string_view model, void const* bytes, std::size_t size,
                                                std::vector<listed_field> listed) const {
    std::less<void const*> const before;
    std::sort(listed.begin(), listed.end(),
              [&](auto const& a, auto const& b) { return before(a.tensor, b.tensor); });
    void const* const end = static_cast<char const*>(bytes) + size;
    for (untyped_tensor const* const one : all_) {
        // what was made on the way to the model's place is gone
        if (before(one, bytes) || !before(one, end)) continue;
        auto const next = std::upper_bound(listed.begin(), listed.end(), static_cast<void const*>(one),
                                           [&](void const* a, auto const& b) { return before(a, b.tensor); });
        if ((next != listed.begin() && std::prev(next)->tensor == one) || one->has_value()) continue;
        std::string const place = next != listed.begin()
                                      ? "the tensor that is declared behind " + std::prev(next)->name
                                  : next != listed.end() ? "the tensor that is declared before " + next->name
                                                         : std::string("a tensor");
        throw_error(
            {"mw::fields of the model ", model, ", or of a model in it, does not list ", place,
             ", which would be neither initialised nor trained nor saved: list it, or give it a value "
             "where it is declared"});
    }
}

}  // namespace meshwise::detail
