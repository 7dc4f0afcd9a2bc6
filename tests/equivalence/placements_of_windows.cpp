// conv and pooling on every placement of their operands, on mesh axes of 1, 2, 3 and 4 ranks: what is accepted equals one rank, forward
// and backward, and plain loops. Windows of 12 elements reach over several pieces. What is refused is what a contraction of
// windows refuses, which every_placement.cpp shows to be wrong.
#include <meshwise/ops/products/conv.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>

#include "placements.hpp"

namespace {

namespace mw = meshwise;
using namespace placements;

using i = axis<'i'>;
using j = axis<'j'>;
using k = axis<'k'>;
using t = axis<'t'>;
using plains = std::vector<plain>;

constexpr std::size_t before = 5;  // elements of a window before its own
// f(element of i that the result is of, tap, element of i that it sees)
template <class F>
void for_windows(std::size_t elements, std::size_t taps, F f) {
    for (std::size_t at = 0; at < elements; ++at)
        for (std::size_t tap = 0; tap < taps; ++tap)
            if (at + tap >= before && at + tap - before < elements) f(at, tap, at + tap - before);
}

struct conv_of {
    static constexpr char const* name = "conv";
    static constexpr double tolerance = 0;
    static constexpr bool local = false,
                          differentiable = true;  // the plain operation on a piece knows of no neighbours
    using x = mw::axes<i, k>;
    using y = mw::axes<t, k, j>;
    using z = mw::axes<>;
    using window = mw::same_window<i, t>;
    template <class X, class Y, class>
    using verdict = mw::detail::strict_conv_verdict<X, Y, k, window>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::conv<k, window>(one, two); }
    static maybe plainly(plains const& in) {
        std::size_t const rows = in[0].extents[0], summed = in[0].extents[1], taps = in[1].extents[0],
                          columns = in[1].extents[2];
        if (summed != in[1].extents[1]) return {};
        plain out{"ij", {rows, columns}, numbers(rows * columns)};
        for_windows(rows, taps, [&](std::size_t at, std::size_t tap, std::size_t from) {
            for (std::size_t n = 0; n < summed * columns; ++n)
                out.values[at * columns + n % columns] +=
                    in[0].values[from * summed + n / columns] * in[1].values[tap * summed * columns + n];
        });
        return out;
    }
};

struct taps : mw::axis<12> {};
template <bool Largest>
struct pool_of {
    static constexpr char const* name = Largest ? "max_pool" : "avg_pool";
    static constexpr double tolerance = Largest ? 0 : 1e-6;
    static constexpr bool local = false, differentiable = true;
    using x = mw::axes<i, j>;
    using y = mw::axes<>;
    using z = mw::axes<>;
    using window = mw::same_window<i, taps>;
    template <class X, class, class>
    using verdict = mw::detail::poolable<!Largest, X, window>;
    static auto run(auto const& one, auto const&, auto const&) {
        if constexpr (Largest)
            return mw::max_pool<window>(one);
        else
            return mw::avg_pool<window>(one);
    }
    static maybe plainly(plains const& in) {
        std::size_t const columns = in[0].extents[1];
        plain out = in[0];
        std::fill(out.values.begin(), out.values.end(),
                  Largest ? -std::numeric_limits<double>::infinity() : 0);
        for_windows(in[0].extents[0], taps::size, [&](std::size_t at, std::size_t, std::size_t from) {
            for (std::size_t c = 0; c < columns; ++c) {
                double& result = out.values[at * columns + c];
                double const element = in[0].values[from * columns + c];
                result = Largest ? std::max(result, element) : result + element / 12;
            }
        });
        return out;
    }
};

using names = std::vector<std::string>;
void expect(tally const& count, std::size_t tried, std::size_t accepted, names const& refused) {
    CHECK(count.tried == tried);
    CHECK(count.accepted == accepted);
    CHECK(count.right_on_one_rank == refused.size());
    names on_each_size;  // 2, 3 and 4 ranks say the same
    for (int size = 0; size < 3; ++size)
        on_each_size.insert(on_each_size.end(), refused.begin(), refused.end());
    CHECK(count.conservative == on_each_size);
}

TEST_CASE("conv, every placement") {
    names refused;
    for (std::string const of_x : {"whole", "cut i", "cut k", "pending"})
        for (std::string const of_w : {"whole", "cut t", "cut k", "cut j", "pending"})
            if (!(of_w == "whole" && of_x != "cut k") &&
                !(of_x == "whole" && (of_w == "cut j" || of_w == "pending")) &&
                !(of_x == "cut k" && of_w == "cut k"))
                refused.push_back("conv of " + of_x + ", " + of_w);
    expect(try_operation<conv_of>(), 4 * 20, 4 * 6, refused);
}

TEST_CASE("max_pool and avg_pool, every placement") {
    expect(try_operation<pool_of<true>>(), 4 * 4, 4 * 3, {"max_pool of pending"});
    expect(try_operation<pool_of<false>>(), 4 * 4, 4 * 4, {});
}

}  // namespace
