// parameter_info: a parameter by what it is and by its name, for functions that choose some of a model's: groups of an
// optimiser, what is frozen, a budget.
// Costs: names are compared as text. A part of a name that no parameter has is told of once.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

namespace detail {
/// The parts of names that were asked for, and whether a parameter has them.
struct asked_parts {
    std::vector<std::pair<std::string, bool>> parts{};
    void note(std::string_view part, bool found);
};
/// Where `is_in` notes them; null: nowhere.
inline asked_parts*& parts_asked_for() {
    thread_local asked_parts* parts = nullptr;
    return parts;
}
inline void note_part(std::string_view part, bool found) {
    if (asked_parts* const to = parts_asked_for(); to != nullptr) to->note(part, found);
}
/// Notes parts while it lives, the first time that these functions are asked of this type of model, and then tells of those
/// that no parameter has.
class part_search {
public:
    /// `who` begins the sentence: "the groups of an optimiser ask".
    part_search(char const* who, std::uint64_t functions_and_model);
    part_search(part_search const&) = delete;
    part_search& operator=(part_search const&) = delete;
    ~part_search() { parts_asked_for() = before_; }
    void tell() const;

private:
    asked_parts asked_{};
    char const* who_;
    asked_parts* before_;
};
}  // namespace detail

/// A parameter as groups of an optimiser and mw::freeze see it: its name ("blocks.3.mlp.up.weight") and what it is.
/// Example: static_assert(mw::parameter_info{"blocks.3.mlp.up.weight", mw::role::matrix}.is_in("mlp.up"));
struct parameter_info {
    std::string_view name;
    meshwise::role role = meshwise::role::matrix;

    /// Whether `part`, of one or more words, is a part of the name: "mlp.up" is one of "blocks.3.mlp.up.weight", "ml" is not.
    constexpr bool is_in(std::string_view part) const {
        bool const found = has(part);
        if (!std::is_constant_evaluated()) detail::note_part(part, found);
        return found;
    }

private:
    constexpr bool has(std::string_view part) const {
        for (std::size_t at = name.find(part); at != std::string_view::npos; at = name.find(part, at + 1)) {
            std::size_t const end = at + part.size();
            if ((at == 0 || name[at - 1] == '.') && (end == name.size() || name[end] == '.')) return true;
        }
        return false;
    }
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/parameter_info.inl.hpp>
#endif
