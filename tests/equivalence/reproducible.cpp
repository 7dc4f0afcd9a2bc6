// Level D2: under reproducible<V> 50 training steps end with the same bits on 1, 2, 4 and 8 ranks, for tp, dp and both.
#include <doctest/doctest.h>

#include "meshes.hpp"
#include "sanitizers.hpp"

namespace {

namespace mw = meshwise;

template <std::size_t Dp, std::size_t Tp>
tiny::outcome fifty_steps() {
    return tiny::train<tiny::gpt, tiny::exact_on<Dp, Tp>>(under_address_sanitizer ? 5 : 50);
}

TEST_CASE("reproducible<8>: the same bits after 50 steps on every mesh") {
    auto const one = fifty_steps<1, 1>();
    if (!one.left_out) CHECK(one.losses.back() != one.losses.front());  // the ids are noise: nothing to learn
    SUBCASE("tp 2") { tiny::check_same_bits(one, fifty_steps<1, 2>()); }
    SUBCASE("tp 4") { tiny::check_same_bits(one, fifty_steps<1, 4>()); }
    SUBCASE("tp 8") { tiny::check_same_bits(one, fifty_steps<1, 8>()); }
    SUBCASE("dp 2") { tiny::check_same_bits(one, fifty_steps<2, 1>()); }
    SUBCASE("dp 4") { tiny::check_same_bits(one, fifty_steps<4, 1>()); }
    SUBCASE("dp 8") { tiny::check_same_bits(one, fifty_steps<8, 1>()); }
    SUBCASE("dp 2 x tp 2") { tiny::check_same_bits(one, fifty_steps<2, 2>()); }
    SUBCASE("dp 2 x tp 4") { tiny::check_same_bits(one, fifty_steps<2, 4>()); }
    SUBCASE("dp 4 x tp 2") { tiny::check_same_bits(one, fifty_steps<4, 2>()); }
}

template <std::size_t Tp>
struct group_split {
    struct tp : mw::mesh_axis<Tp> {};
    using strategy = mw::strategy<mw::mesh<tp>, mw::split<tiny::group, tp>, mw::split<tiny::ffn, tp>,
                                  mw::split<tiny::vocab, tp>, mw::reproducible<4>>;
};

// The group of q lies between the other two axes that its projection sums over.
TEST_CASE("reproducible<4>: grouped heads, the group split") {
    auto const one = tiny::train<tiny::llama, group_split<1>::strategy>(5);
    SUBCASE("tp 2") { tiny::check_same_bits(one, tiny::train<tiny::llama, group_split<2>::strategy>(5)); }
    SUBCASE("tp 4") { tiny::check_same_bits(one, tiny::train<tiny::llama, group_split<4>::strategy>(5)); }
}

TEST_CASE("without the option the bits differ: the test can fail") {
    auto const one = tiny::train<tiny::gpt, tiny::places<1, 1>::tensor_parallel<>>(3),
               two = tiny::train<tiny::gpt, tiny::places<1, 2>::tensor_parallel<>>(3);
    bool all_same = true;
    for (std::size_t i = 0; i < one.weights.size(); ++i)
        all_same = all_same && tiny::same_bits(one.weights[i], two.weights[i]);
    CHECK_FALSE(all_same);
}

}  // namespace
