// gpt on every factorisation of 4 ranks into dp x tp x cp (24 divides by all of them), against one rank.
#include "meshes.hpp"

namespace {

template <std::size_t Dp, std::size_t Tp, std::size_t Cp>
tiny::outcome three_steps() {
    return tiny::train<tiny::gpt,
                       tiny::on_serial<typename tiny::places<Dp, Tp, Cp>::template context_parallel<>>>(3);
}

TEST_CASE("gpt on 4 ranks equals one rank") {
    auto const one = tiny::train<tiny::gpt, tiny::one_rank>(3);
    if (!one.left_out) CHECK(one.losses[2] < one.losses[0]);
    SUBCASE("dp 4, tp 1, cp 1") { tiny::check_equal(one, three_steps<4, 1, 1>()); }
    SUBCASE("dp 1, tp 4, cp 1") { tiny::check_equal(one, three_steps<1, 4, 1>()); }
    SUBCASE("dp 1, tp 1, cp 4") { tiny::check_equal(one, three_steps<1, 1, 4>()); }
    SUBCASE("dp 2, tp 2, cp 1") { tiny::check_equal(one, three_steps<2, 2, 1>()); }
    SUBCASE("dp 2, tp 1, cp 2") { tiny::check_equal(one, three_steps<2, 1, 2>()); }
    SUBCASE("dp 1, tp 2, cp 2") { tiny::check_equal(one, three_steps<1, 2, 2>()); }
}

}  // namespace
