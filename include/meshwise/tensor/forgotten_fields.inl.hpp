// Bodies of forgotten_fields.hpp: see core/compiled.hpp.
#pragma once

#include <functional>

#include <meshwise/core/error.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/forgotten_fields.hpp>

namespace meshwise::detail {

MESHWISE_BODY void tensors_made::require_listed(std::string_view model, void const* bytes, std::size_t size,
                                                std::vector<listed_field> const& listed) const {
    std::less<void const*> const before;
    void const* const end = static_cast<char const*>(bytes) + size;
    for (untyped_tensor const* const one : all_) {
        // what was made on the way to the model's place is gone
        if (before(one, bytes) || !before(one, end) || one->has_value()) continue;
        listed_field const *behind = nullptr, *ahead = nullptr;  // the nearest ones
        for (listed_field const& field : listed) {
            if (before(one, field.tensor)) {
                if (ahead == nullptr || before(field.tensor, ahead->tensor)) ahead = &field;
            } else if (behind == nullptr || before(behind->tensor, field.tensor)) {
                behind = &field;
            }
        }
        if (behind != nullptr && behind->tensor == one) continue;
        listed_field const* const beside = behind != nullptr ? behind : ahead;
        throw_error(
            {"mw::fields of the model ", model, ", or of a model in it, does not list ",
             (behind != nullptr  ? "the tensor that is declared behind "
              : ahead != nullptr ? "the tensor that is declared before "
                                 : "a tensor"),
             (beside != nullptr ? std::string_view(beside->name) : std::string_view()),
             ", which would be neither initialised nor trained nor saved: list it, or give it a value "
             "where it is declared"});
    }
}

}  // namespace meshwise::detail
