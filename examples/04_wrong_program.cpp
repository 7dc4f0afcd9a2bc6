// A wrong program, and what the compiler says of it: a bias that every rank would add.
//
// As it stands the file compiles and runs. The wrong one is asked for by
//     g++ -std=c++20 -DREJECTED=1 -Iinclude -fsyntax-only examples/04_wrong_program.cpp
// and is refused with one error, which begins with
//     error: static assertion failed: meshwise: a pending sum and a value that is already whole cannot be added, the
//     whole one would be counted once per rank: reduce the pending sum first, with mw::settle<strategy>(x), then add
// and names left_operand_is_a_pending_sum_over<tp> and right_operand_is_replicated_over<tp>. The tests compile both.
//
// rule: whole_value_added_to_a_pending_sum
// sentence: the whole one would be counted once per rank
// facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_replicated_over<tp>
#include <meshwise/meshwise.hpp>

#include <algorithm>
#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<2> {};
struct embed : mw::axis<3> {};
struct ffn : mw::axis<8> {};
struct tp : mw::mesh_axis<4> {};
using strategy = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

using hidden = mw::tensor_of<strategy, float, batch, ffn>;    // (batch, ffn / tp)
using weight = mw::tensor_of<strategy, float, ffn, embed>;    // (ffn / tp, embed)
using bias_type = mw::tensor_of<strategy, float, embed>;      // (embed), the same on every rank
using result = mw::tensor_of<strategy, float, batch, embed>;  // (batch, embed), the same on every rank

result down(hidden const& h, weight const& w, bias_type const& bias) {
#if REJECTED == 1
    return mw::dot<ffn>(h, w) + bias;
#else
    return mw::settle<strategy>(mw::dot<ffn>(h, w)) + bias;
#endif
}

// The diagnosis is a type like any other: a test, or a library built on this one, can ask for it.
using product = mw::contraction<mw::axes<batch, embed>, hidden::operand, weight::operand>;
using wrong = mw::addition<mw::operand<product::axes, product::layout>, bias_type::operand>::verdict;
static_assert(!wrong::value && std::is_same_v<wrong::rule, mw::whole_value_added_to_a_pending_sum>);

template <class Rule, class... Facts>
void print(mw::broken<Rule, Facts...>) {
    auto const line = [](std::string_view before, std::string_view name) {
        std::printf("%s%.*s\n", before.data(), static_cast<int>(name.size()), name.data());
    };
    line("", mw::name_of<Rule>());
    (line("  ", mw::name_of<Facts>()), ...);
}

int main() {
    std::puts("dot<ffn>(h, w) + bias would be refused:");
    print(wrong{});

    bool right = false;
    mw::run<strategy>(mw::threads{}, [&](auto& here) {
        auto const ones = [](std::size_t n) { return std::vector<float>(n, 1); };
        auto const h = mw::place<batch, ffn>(here, ones(batch::size * ffn::size));
        auto const w = mw::place<ffn, embed>(here, ones(ffn::size * embed::size));
        auto const bias = mw::place<embed>(here, ones(embed::size));
        auto const y = here.gather(down(h, w, bias));
        // 8 products and one bias; the wrong program would have counted 4 of them
        here.only_on_first(
            [&] { right = std::ranges::all_of(y, [](float value) { return value == ffn::size + 1; }); });
    });
    std::puts(right ? "settled first: as expected" : "WRONG");
    return right && std::fflush(stdout) == 0 ? 0 : 1;
}
