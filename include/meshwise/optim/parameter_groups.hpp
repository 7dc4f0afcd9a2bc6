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

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/parameter_info.hpp>

namespace meshwise {

/// By what the options of an optimiser are multiplied for a parameter, and whether an optimiser of whole matrices, mw::muon,
/// takes it for one if its role is `matrix`. A parameter that is not to change at all is frozen instead: mw::freeze.
/// Example: constexpr mw::parameter_group slow{.learning_rate = 0.1};
struct parameter_group {
    double learning_rate = 1;
    double weight_decay = 1;
    bool as_matrix = true;
};

/// What is meant when nothing is said: matrices, tables and adapters are decayed, biases and gains are not.
/// Example: static_assert(mw::usual_group({"norm.gain", mw::role::gain}).weight_decay == 0);
constexpr parameter_group usual_group(parameter_info const& parameter) {
    bool const decays =
        parameter.role == role::matrix || parameter.role == role::table || parameter.role == role::adapter;
    return {.learning_rate = 1, .weight_decay = decays ? 1.0 : 0.0};
}

namespace detail {
using grouping = parameter_group (*)(parameter_info const&);

// What finds the groups of a model's parameters.
struct group_search {
    grouping group_of;
    parameter_group* groups;
    std::source_location where;
};
inline void find_group(parameter_walk& w, std::size_t, untyped_tensor const*, initial start) {
    auto const& search = *static_cast<group_search const*>(w.function);
    parameter_info const info{w.name.text(), role_of(w.said, start)};
    parameter_group const group = search.group_of(info);
    if (!at_least_zero.has(group.learning_rate) || !at_least_zero.has(group.weight_decay))
        check_options(sentence({"the mw::parameter_group of ", info.name}).c_str(),
                      {{"learning_rate", group.learning_rate, at_least_zero},
                       {"weight_decay", group.weight_decay, at_least_zero}},
                      &search.where);
    search.groups[w.index] = group;
}

// The group of every parameter. Errors: a factor out of its range, before anything is changed.
template <class Model>
std::array<parameter_group, parameter_count<Model>> groups_of(Model const& model, grouping group_of,
                                                              std::source_location where) {
    std::array<parameter_group, parameter_count<Model>> groups{};
    group_search all{group_of == nullptr ? &usual_group : group_of, groups.data(), where};
    parameter_walk walk{&find_group, &all};
    part_search const search("the groups of an optimiser ask",
                             hash_of({reinterpret_cast<std::uintptr_t>(all.group_of),
                                      reinterpret_cast<std::uintptr_t>(&type_tag<Model>)}));
    walk_parameters<decltype(parameter_types<Model>())>(model, initial{}, walk);
    search.tell();
    return groups;
}
}  // namespace detail

}  // namespace meshwise
