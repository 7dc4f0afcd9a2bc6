#pragma once
// checked_ids: every id is compared with the true size of its axis on every rank, before anything is masked,
// so that a wrong id is an error and never a row of zeros. Cost: one pass over the ids.
#include <cstdint>

#include <meshwise/tensor/shard.hpp>

namespace meshwise::detail {

/// "batch 1, token 3": where an element of this rank's part lies in the whole tensor.
inline std::string position_in_words(std::span<std::string_view const> names,
                                     std::span<std::size_t const> extents, std::span<std::size_t const> first,
                                     std::size_t local) {
    std::string words;
    for (std::size_t i = names.size(); i-- > 0; local /= extents[i])
        words = std::string(names[i]) + " " + std::to_string(first[i] + local % extents[i]) +
                (words.empty() ? "" : ", ") + words;
    return words;
}
template <class X>
std::string position_in_words(X const& x, std::size_t local) {
    shard<X> const part(x);
    return [&]<class... A>(axes<A...>) {
        std::array<std::string_view, sizeof...(A)> const names{name_of<A>()...};
        return position_in_words(names, part.local, part.first, local);
    }(typename X::axes{});
}

/// Throws where an id is outside [0, Axis::true_size), and not `allowed` either.
template <class Axis, class Ids>
void check_ids(Ids const& ids, char const* what, std::int32_t allowed) {
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: ids are int32, and this axis has more elements");
    if constexpr (Ids::backend::computes) {
        auto const values = ids.span();
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i] == allowed ||
                (values[i] >= 0 && static_cast<std::size_t>(values[i]) < Axis::true_size))
                continue;
            throw error(std::string(what) + " " + std::to_string(values[i]) + " at " +
                        position_in_words(ids, i) + " is outside of " + std::string(name_of<Axis>()) +
                        ", which has " + std::to_string(Axis::true_size) +
                        " elements; check that the text was encoded with this model's tokenizer");
        }
    }
}

}  // namespace meshwise::detail
