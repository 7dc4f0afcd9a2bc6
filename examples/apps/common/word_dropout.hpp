// word_dropout: tokens of a text hidden at random while a model learns, so that it looks at more than the one word that
// tells most. Guarantees: what is hidden follows from seed, step and place alone, so it is the same on every mesh.
// Source: Iyyer et al., Deep unordered composition rivals syntactic methods for text classification, 2015.
#pragma once

#include <cstdint>
#include <vector>

#include <meshwise/tensor/random.hpp>

namespace examples {

/// A chance for each place of a batch, of a name and a step: numbers in [0, 1).
class chances {
public:
    chances(std::uint64_t seed, std::string_view name, std::uint64_t step)
        : numbers_(meshwise::seed{seed}, name, step) {}

    double operator()(std::size_t row, std::size_t place) const {
        return numbers_.uniform(static_cast<std::uint64_t>(row) << 20U | place);
    }

private:
    meshwise::random_stream numbers_;
};

/// Puts the padding's id in the place of a share of the ids.
inline void hide_words(std::vector<std::int32_t>& ids, double share, std::int32_t pad, chances const& chance,
                       std::size_t row) {
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (chance(row, i) < share) ids[i] = pad;
}

}  // namespace examples
