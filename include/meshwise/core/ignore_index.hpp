// ignore_index: the label of a position that counts in no loss and in no score.
// Guarantees: one number for kernels, losses, collations and scores, the one that torch and transformers use.
#pragma once

#include <cstdint>

namespace meshwise {

/// A target or label with this value takes no part in a loss, a gradient or a score.
/// Example: std::vector<std::int32_t> labels{17, 4, mw::ignore_index};
inline constexpr std::int32_t ignore_index = -100;

}  // namespace meshwise
