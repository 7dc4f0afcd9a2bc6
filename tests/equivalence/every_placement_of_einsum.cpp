// einsum of three operands on every placement of them, on mesh axes of 2 and 3 ranks: what is accepted equals one rank,
// forward and backward; what is refused is shown to be wrong by an oracle on plain arrays.
#include <meshwise/ops/products/einsum.hpp>

#include "placements.hpp"

namespace {

namespace mw = meshwise;
using namespace placements;

using i = axis<'i'>;
using j = axis<'j'>;
using k = axis<'k'>;

// k is in one operand only, i in all of them
struct einsum_of {
    static constexpr char const* name = "einsum";
    using x = mw::axes<i, j>;
    using y = mw::axes<j, i, k>;
    using z = mw::axes<i>;
    using out = mw::axes<i>;
    static constexpr double tolerance = 0;
    static constexpr bool local = true, differentiable = true;
    template <class X, class Y, class Z>
    using verdict = typename mw::contraction_of_all<out, typename X::operand, typename Y::operand,
                                                    typename Z::operand>::verdict;
    static auto run(auto const& one, auto const& two, auto const& three) {
        auto const y = mw::einsum<out>(one, two, three);
        using relation = mw::contraction_of_all<out, typename std::remove_cvref_t<decltype(one)>::operand,
                                                typename std::remove_cvref_t<decltype(two)>::operand,
                                                typename std::remove_cvref_t<decltype(three)>::operand>;
        static_assert(std::is_same_v<typename decltype(y)::layout, typename relation::layout>);
        return y;
    }
    static maybe plainly(std::vector<plain> const& in) {
        return elements("i", [](auto const& a) { return a[0] * a[1] * a[2]; }, {in[0], in[1], in[2]});
    }
};

TEST_CASE("einsum of three operands on every placement") {
    auto const count = try_operation<einsum_of, einsum_of, 2, 3>();
    CHECK(count.tried == 2 * 4 * 5 * 3);
    CHECK(count.accepted == 2 * 7);
    CHECK(count.conservative == std::vector<std::string>{});
}

}  // namespace
