// checked_ids: every id is compared with the true size of its axis on every rank, before anything is masked,
// so that a wrong id is an error and never a row of zeros. Cost: one pass over the ids.
#pragma once

#include <cstdint>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise::detail {

/// "batch 1, token 3": where an element of this rank's part lies in the whole tensor.
[[gnu::cold]] inline std::string position_in_words(std::span<std::string_view const> names,
                                                   std::span<std::size_t const> extents,
                                                   std::span<std::size_t const> first, std::size_t local) {
    std::string words;
    for (std::size_t i = names.size(); i-- > 0; local /= extents[i])
        words = sentence({names[i], " ", first[i] + local % extents[i], (words.empty() ? "" : ", "), words});
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

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_id(char const* what, std::int32_t id,
                                                             std::string const& at, std::string_view axis,
                                                             std::size_t count, std::int32_t allowed) {
    std::string text = sentence({what, " ", id, " at ", at, " is outside of ", axis});
    if (count == 0)
        append(text, {" without elements: allowed is none"});
    else
        append(text, {": allowed are 0 to ", count - 1});
    if (allowed < 0) append(text, {" and ", allowed, ", which does not count"});
    throw_error(
        {text,
         "; if it was read as a number, correct the data, and if a tokenizer made it, take the one whose "
         "vocabulary is the model's"});
}

/// Throws where an id is outside [0, count), and not `allowed` either, if that is negative.
template <class Axis, class Ids>
void check_ids(Ids const& ids, char const* what, std::int32_t allowed, std::size_t count = Axis::true_size) {
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: ids are int32, and this axis has more elements");
    if constexpr (Ids::backend::computes) {
        auto const values = std::span(ids.raw_data(), ids.local_size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            if ((values[i] == allowed && allowed < 0) ||
                (values[i] >= 0 && static_cast<std::size_t>(values[i]) < count))
                continue;
            refuse_id(what, values[i], position_in_words(ids, i), name_of<Axis>(), count, allowed);
        }
    }
}

/// Throws where a length is not one of Token, of which every text has `tokens`.
template <class Token, class Lengths>
void check_lengths(Lengths const& lengths, char const* operation, std::size_t tokens) {
    if constexpr (Lengths::backend::computes) {
        auto const values = std::span(lengths.raw_data(), lengths.local_size());
        for (std::size_t i = 0; i < values.size(); ++i)
            if (values[i] < 0 || static_cast<std::size_t>(values[i]) > tokens)
                throw_error({operation, " was given a length of ", values[i], " at ",
                             position_in_words(lengths, i), ", but axis ", name_of<Token>(), " has ", tokens,
                             " tokens: a length is a number of tokens from 0 to that, as "
                             "mw::tensor_of_lengths gives it"});
    }
}

}  // namespace meshwise::detail
