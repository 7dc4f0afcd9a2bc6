// Bodies of call.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/call.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise {

MESHWISE_BODY bool same_place(call const& a, call const& b) {
    char const* const left = a.where.file_name();
    char const* const right = b.where.file_name();
    return a.where.line() == b.where.line() && (left == right || std::strcmp(left, right) == 0);
}

[[gnu::cold]] MESHWISE_BODY std::string different_data(grid const& mesh, std::size_t rank, std::size_t other,
                                                       noted_common const& of_rank,
                                                       noted_common const& of_other,
                                                       std::source_location const& where) {
    struct words {
        char const *what, *remedy;
    };
    static constexpr words kinds[] = {
        {"were given different batches",
         "give every rank the whole batch, in the same order, and each takes its own part"},
        {"gave mw::place different arrays", "give every rank the whole array, and each takes its own part"},
        {"made initial values from different seeds", "give mw::init the same seed on every rank"},
        {"use dropout with different probabilities, seeds, names or steps", "give every rank the same ones"},
        {"use different options of an optimiser, a schedule or a loss scale",
         "compute them alike on every rank, or make them equal with here.agreed or here.on_first"},
        {"multiply or add different numbers, or give them to an operation (x * n, n / x, mw::clamp, an epsilon, a "
         "scale, a constant)",
         "compute the numbers alike on every rank, or make them equal with here.agreed or here.on_first"},
        {"loaded different weights", "give every rank the same files"},
        {"generate with different prompts or options", "give every rank the same ones"},
        {"gave one value different elements with mw::cut_from, mw::view_of, mw::fill_by_index, mutable_span or "
         "mutable_local_span",
         "give it the same ones on every rank, or split it over the mesh axis along which they differ"}};
    static_assert(sizeof kinds / sizeof *kinds == std::tuple_size_v<noted_common>);
    std::size_t kind = 0;
    while (kind + 1 < of_rank.size() && of_rank[kind] == of_other[kind]) ++kind;
    if (of_rank[kind] == of_other[kind]) kind = 0;
    return detail::sentence({describe(mesh, rank), " and ", describe(mesh, other), " ", kinds[kind].what,
                             ", as their call at ", where.file_name(), ":", where.line(), " shows; ",
                             kinds[kind].remedy});
}

[[gnu::cold]] MESHWISE_BODY std::string describe(grid const& mesh, call const& made) {
    std::string text = made.started ? "start_" : "";
    detail::append(text, {name_of(made.what), "("});
    if (made.reduces()) detail::append(text, {name_of(made.how), ", "});
    if (made.what != operation::barrier) detail::append(text, {name_of(made.type), ", "});
    switch (made.what) {
    case operation::reduce_scatter:
    case operation::all_gather: detail::append(text, {made.outer, " x ", made.inner, " per rank"}); break;
    case operation::all_to_all: detail::append(text, {made.inner, " per peer"}); break;
    case operation::broadcast: detail::append(text, {made.inner, ", root ", made.root}); break;
    case operation::all_reduce: detail::append(text, {made.inner}); break;
    case operation::barrier: break;
    }
    detail::append(text, {") over ", describe_axes(mesh, made.mask), " at "});
    detail::append(text, {made.where.file_name(), ":", made.where.line()});
    return text;
}

}  // namespace meshwise
