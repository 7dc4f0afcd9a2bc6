// Collectives under a condition, or in a loop, that not all ranks may see alike.
// rule: steered_by_a_value_that_may_differ
// sentence: some would wait for ever in a collective that others skip
#include <meshwise/parallel/run.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

void program(mw::rank<S>& here, mw::tensor_of<S, float, batch> x, int lines_read) {
    auto const total = [&](auto...) { here.gather(x); };
#if REJECTED == 1
    // facts: value_is_of_type<per_rank<bool>>
    if (here.is_first()) total();
#elif REJECTED == 2
    // facts: value_is_of_type<per_rank<bool>>
    mw::when(here.coordinate<dp>() == 1 && lines_read > 0, total);
#elif REJECTED == 3
    // facts: value_is_of_type<int>
    mw::repeat(lines_read, total);
#elif REJECTED == 4
    // facts: value_is_of_type<bool>
    mw::when(lines_read > 0, total);
#elif REJECTED == 5
    // facts: value_is_of_type<per_rank<bool>>
    for (int line = 0; here.index() + line < lines_read; ++line) total();
#elif REJECTED == 6
    // facts: value_is_of_type<per_rank<
    for (std::size_t line = here.index(); line < 8; ++line) total();
#elif REJECTED == 7
    // facts: value_is_of_type<per_rank<
    for (int line(here.index() + 1); line < 8; ++line) total();
#elif REJECTED == 8
    // facts: value_is_of_type<per_rank<
    for (std::size_t line{here.coordinate<dp>()}; line < 8; ++line) total();
#elif REJECTED == 9
    // facts: value_is_of_type<per_rank<
    for (auto line = static_cast<int>(here.index() / 2); line < 8; ++line) total();
#elif REJECTED == 10
    // facts: value_is_of_type<per_rank<
    switch (here.index()) {
    case 0: total();
    }
#elif REJECTED == 11
    // facts: value_is_of_type<per_rank<
    double const share = here.index();
    lines_read += share > 1;
#elif REJECTED == 12
    // facts: value_is_of_type<per_rank<double>>
    double const share = here.index() / 2.0;
    lines_read += share > 1;
#elif REJECTED == 13
    // facts: value_is_of_type<per_rank<
    total(mw::seed{here.index()});
#elif REJECTED == 14
    // facts: value_is_of_type<per_rank<
    int const each[2] = {1, 2};
    lines_read += each[here.index()];
#else
    mw::when(here.any(here.index() == 1 && lines_read > 0), total);
    if (here.is_first().on_this_rank()) lines_read = 0;
    std::size_t const index = here.index().on_this_rank();
    lines_read += static_cast<int>(index);
    here.only_on_first([&] { lines_read = 0; });
    mw::when(!here.all(lines_read > 0), total);
    mw::repeat(here.agreed(lines_read), total);
    mw::repeat(mw::uniform<int>(3), total);
    mw::when(here.on_first([&] { return lines_read > 5; }), total);
#endif
}
