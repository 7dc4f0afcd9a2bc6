// llama continues texts from a cache as it does without, on any mesh; with fewer key and value heads than ranks too.
#include "speaking.hpp"

namespace {

namespace mw = meshwise;
using speaking::check_spoken, speaking::speak, speaking::tokens;

template <std::size_t Kv, std::size_t Group, class... More>
using grouped = tiny::on_serial<typename tiny::grouped_places<Kv, Group>::template tensor_parallel<More...>>;
using precise = mw::dtype<double>;

TEST_CASE("llama in double: 8 query heads, 2 key and value heads") {
    using alone_type = grouped<1, 1, precise>;
    auto const alone = speak<tiny::llama, alone_type>();
    check_spoken(alone, alone, 1e-12);
    if (!alone.left_out) {
        CHECK(alone.likeliest == speaking::likeliest_without_cache<tiny::llama, alone_type>(3, tokens - 3));
        CHECK(alone.slid == speaking::likeliest_without_cache<tiny::llama, alone_type>(tokens, 6));
    }
    SUBCASE("key and value heads over 2 ranks") {
        check_spoken(alone, speak<tiny::llama, grouped<2, 1, precise>>(), 1e-12);
    }
    SUBCASE("over 2, their groups over 2") {
        check_spoken(alone, speak<tiny::llama, grouped<2, 2, precise>>(), 1e-12);
    }
}

TEST_CASE("llama in float, sequence parallel over 2 ranks") {
    using S = tiny::on_serial<tiny::places<1, 2>::sequence_parallel<>>;
    check_spoken(speak<tiny::llama, grouped<1, 1>>(), speak<tiny::llama, S>(), 1e-5);
}

}  // namespace
