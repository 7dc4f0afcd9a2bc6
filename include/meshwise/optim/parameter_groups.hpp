// parameter_groups: which parameters an optimiser treats otherwise than others, by what they are or by their names.
//   mw::adamw optimizer(model, {.weight_decay = 0.1, .groups = [](mw::parameter_info const& p) {
//                                   auto group = mw::usual_group(p);
//                                   if (p.role == mw::role::table) group.weight_decay = 0;
//                                   if (p.is_in("head")) group.learning_rate = 0.1;
//                                   return group;
//                               }});
// Costs: one walk over the names of the parameters for each step. A part of a name that no parameter has is told of once.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

namespace detail {
/// The parts of names that groups asked for, and whether a parameter has them.
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
/// Notes parts while it lives, the first time that these groups are found for this type of model, and then tells of those
/// that no parameter has.
class part_search {
public:
    explicit part_search(std::uint64_t groups_and_model);
    part_search(part_search const&) = delete;
    part_search& operator=(part_search const&) = delete;
    ~part_search() { parts_asked_for() = before_; }
    void tell() const;

private:
    asked_parts asked_{};
    asked_parts* before_;
};
}  // namespace detail

/// A parameter as an optimiser knows it: its name ("blocks.3.mlp.up.weight") and what it is.
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

/// By what the options of an optimiser are multiplied for a parameter.
/// Example: constexpr mw::parameter_group slow{.learning_rate = 0.1};
struct parameter_group {
    double learning_rate = 1;
    double weight_decay = 1;
};

/// What is meant when nothing is said: matrices and tables are decayed, biases and gains are not.
/// Example: static_assert(mw::usual_group({"norm.gain", mw::role::gain}).weight_decay == 0);
constexpr parameter_group usual_group(parameter_info const& parameter) {
    bool const decays = parameter.role == role::matrix || parameter.role == role::table;
    return {.learning_rate = 1, .weight_decay = decays ? 1.0 : 0.0};
}

namespace detail {
using grouping = parameter_group (*)(parameter_info const&);

// The group of every parameter. Errors: a factor out of its range, before anything is changed.
template <class Model>
std::array<parameter_group, parameter_count<Model>> groups_of(Model const& model, grouping group_of,
                                                              std::source_location where) {
    struct searched {
        std::array<parameter_group, parameter_count<Model>> groups{};
        grouping group_of;
        std::source_location where;
    } all{{}, group_of == nullptr ? &usual_group : group_of, where};
    parameter_walk walk{[](parameter_walk& w, std::size_t, untyped_tensor const*, initial start) {
        auto& found = *static_cast<searched*>(w.function);
        parameter_info const info{w.name.text(), role_of(w.said, start)};
        parameter_group const group = found.group_of(info);
        if (!at_least_zero.has(group.learning_rate) || !at_least_zero.has(group.weight_decay))
            check_options(("the mw::parameter_group of " + std::string(info.name)).c_str(),
                          {{"learning_rate", group.learning_rate, at_least_zero},
                           {"weight_decay", group.weight_decay, at_least_zero}},
                          &found.where);
        found.groups[w.index] = group;
    }};
    walk.function = &all;
    part_search const search(hash_of({reinterpret_cast<std::uintptr_t>(all.group_of),
                                      reinterpret_cast<std::uintptr_t>(&type_tag<Model>)}));
    walk_parameters<decltype(parameter_types<Model>())>(model, initial{}, walk);
    search.tell();
    return all.groups;
}
}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/optim/parameter_groups.inl.hpp>
#endif
