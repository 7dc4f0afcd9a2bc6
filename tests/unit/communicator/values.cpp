// The plain parts of communicator/: element types, grids, calls, the fixed tree, one rank and the simulated
// rank.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include <meshwise/communicator/flight/record.hpp>
#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/communicator/shared_memory/fixed_tree.hpp>
#include <meshwise/communicator/simulated.hpp>

namespace mw = meshwise;

TEST_CASE("element types know their C++ type, size and name") {
    static_assert(mw::element_type_of<float> == mw::element_type::float32);
    static_assert(mw::element_type_of<double const> == mw::element_type::float64);
    static_assert(mw::element_type_of<mw::bfloat16> == mw::element_type::bfloat16);
    static_assert(mw::element_type_of<int> == mw::element_type::int32);
    static_assert(mw::element_type_of<std::int64_t> == mw::element_type::int64);
    static_assert(mw::element_type_of<long long> == mw::element_type::int64);
    static_assert(mw::element_type_of<std::size_t> == mw::element_type::uint64);
    static_assert(mw::element_type_of<unsigned> == mw::element_type::uint32);
    static_assert(mw::element_type_of<bool> == mw::element_type::uint8);
    static_assert(mw::size_of(mw::element_type::bfloat16) == 2);
    static_assert(mw::size_of(mw::element_type::uint8) == 1);
    mw::with_element_type(mw::element_type::int64,
                          [](auto value) { CHECK(std::is_same_v<decltype(value), std::int64_t>); });
    CHECK(mw::name_of(mw::element_type::bfloat16) == "bfloat16");
    CHECK(mw::name_of(mw::reduction::max) == "max");
    CHECK_THROWS_AS(mw::size_of(static_cast<mw::element_type>(77)), mw::error);
}

TEST_CASE("a grid numbers ranks row-major, last axis fastest") {
    constexpr mw::grid mesh{3, {2, 3, 4}, {"pp", "dp", "tp"}};
    static_assert(mesh.ranks() == 24);
    static_assert(mesh.every_axis() == 7);
    std::size_t rank = 0;
    for (std::size_t pp = 0; pp < 2; ++pp)
        for (std::size_t dp = 0; dp < 3; ++dp)
            for (std::size_t tp = 0; tp < 4; ++tp, ++rank) {
                CHECK(mesh.coordinate(rank, 0) == pp);
                CHECK(mesh.coordinate(rank, 1) == dp);
                CHECK(mesh.coordinate(rank, 2) == tp);
                CHECK(mesh.group_index(rank, 0) == 0);
                CHECK(mesh.group_index(rank, 5) == pp * 4 + tp);
                CHECK(mesh.group_index(rank, 7) == rank);
                for (std::size_t other = 0; other < 8; ++other)
                    CHECK(mesh.group_member(rank, 5, other) == other / 4 * 12 + dp * 4 + other % 4);
            }
    CHECK(mesh.group_size(3) == 6);
    CHECK(mw::describe(mesh, 23) == "rank 23 (pp 1, dp 2, tp 3)");
    CHECK(mw::describe_axes(mesh, 5) == "pp x tp");
    CHECK(mw::grid{}.ranks() == 1);
    CHECK(mw::describe(mw::grid{}, 0) == "rank 0");
    CHECK(mw::grid{3, {2, 1, 2}, {"a", "b", "c"}}.without_ones(7) == 5);
    CHECK_THROWS_AS((mw::grid{1, {0}, {"tp"}}.check()), mw::error);
    CHECK_THROWS_AS((mw::grid{9, {}, {}}.check()), mw::error);
    CHECK_THROWS_WITH_AS(mesh.check(8), doctest::Contains("mesh axis 3"), mw::error);
}

TEST_CASE("calls differ in every part that matters, and in nothing else") {
    auto const here = std::source_location::current();
    auto const there = std::source_location::current();
    mw::call const base{mw::operation::broadcast, {}, mw::element_type::float32, 1, 1, 8, 0, 3, here};
    std::vector<mw::call> others(8, base);
    others[0].what = mw::operation::all_gather;
    others[1].type = mw::element_type::int32;
    others[2].mask = 2;
    others[3].outer = 2;
    others[4].inner = 9;
    others[5].root = 1;
    others[6].sequence = 4;
    others[7].common = 1;
    for (auto const& other : others) {
        CHECK_FALSE(mw::same_work(base, other));
        CHECK(mw::fingerprint(base, false) != mw::fingerprint(other, false));
    }
    auto reduced = base;
    reduced.how = mw::reduction::max;
    CHECK(mw::same_work(base, reduced));  // a broadcast has no reduction
    CHECK(mw::fingerprint(base, true) == mw::fingerprint(reduced, true));
    auto sum = base, max = reduced;
    sum.what = max.what = mw::operation::all_reduce;
    CHECK_FALSE(mw::same_work(sum, max));
    CHECK(mw::fingerprint(sum, false) != mw::fingerprint(max, false));
    auto moved = base;
    moved.where = there;
    CHECK(mw::same_work(base, moved));
    CHECK(mw::same_place(base, base));
    CHECK_FALSE(mw::same_place(base, moved));
    CHECK(mw::fingerprint(base, false) == mw::fingerprint(moved, false));
    CHECK(mw::fingerprint(base, true) != mw::fingerprint(moved, true));
}

TEST_CASE("bytes sent follow the ring formulas") {
    auto const bytes = [](mw::operation what, std::size_t outer, std::size_t inner, std::size_t ranks) {
        return mw::bytes_sent({what, {}, mw::element_type::float32, 1, outer, inner, 0, 0, {}}, ranks);
    };
    CHECK(bytes(mw::operation::all_reduce, 1, 1000, 4) == 2 * 4000 * 3 / 4);
    CHECK(bytes(mw::operation::reduce_scatter, 2, 100, 4) == 3200 * 3 / 4);
    CHECK(bytes(mw::operation::all_gather, 2, 100, 4) == 3200 * 3 / 4);
    CHECK(bytes(mw::operation::all_to_all, 1, 100, 4) == 6400 * 3 / 16);  // the whole tensor is 4 x 4 chunks
    CHECK(bytes(mw::operation::broadcast, 1, 100, 4) == 400);
    CHECK(bytes(mw::operation::barrier, 1, 0, 4) == 0);
    CHECK(bytes(mw::operation::all_reduce, 1, 1000, 1) == 0);
}

TEST_CASE("a finer division by a power of two has the same sum") {
    // Eight leaves in one tree equal two or four ranks that each add their leaves in the same tree first.
    std::vector<std::vector<float>> leaves(8, std::vector<float>(700));
    for (std::size_t rank = 0; rank < 8; ++rank)
        for (std::size_t i = 0; i < 700; ++i)
            leaves[rank][i] =
                1.0F / float(1 + (rank * 37 + i * 11) % 101) * (i % 2 == 0 ? 1.0F : -1000.0F * float(rank));
    auto const add = [](std::vector<std::vector<float>> const& parts) {
        std::vector<float> result(700);
        std::vector<void const*> inputs;
        for (auto const& part : parts) inputs.push_back(part.data());
        void* out = result.data();
        mw::shared_memory::reduce_stretch(mw::reduction::sum, mw::element_type::float32, inputs.data(),
                                          inputs.size(), {1, 700, 700}, &out, 1);
        return result;
    };
    auto const whole = add(leaves);
    for (std::size_t const ranks : {2UL, 4UL}) {
        std::vector<std::vector<float>> partial;
        for (std::size_t rank = 0; rank < ranks; ++rank) {
            auto const first = leaves.begin() + std::ptrdiff_t(rank * 8 / ranks);
            partial.push_back(add({first, first + std::ptrdiff_t(8 / ranks)}));
        }
        CHECK(add(partial) == whole);
    }
    auto plain = leaves[0];
    for (std::size_t rank = 1; rank < 8; ++rank)
        for (std::size_t i = 0; i < 700; ++i) plain[i] += leaves[rank][i];
    CHECK(plain != whole);  // otherwise the order would not have mattered
}

TEST_CASE("integer sums wrap, bfloat16 sums round once") {
    std::int32_t const big = std::numeric_limits<std::int32_t>::max(), one = 1;
    std::int32_t wrapped = 0;
    void const* integers[] = {&big, &one};
    void* out = &wrapped;
    mw::shared_memory::reduce_stretch(mw::reduction::sum, mw::element_type::int32, integers, 2, {1, 1, 1},
                                      &out, 1);
    CHECK(wrapped == std::numeric_limits<std::int32_t>::min());

    // 256 + 1 is not a bfloat16: rounding after each addition would lose every one.
    mw::bfloat16 const parts[] = {256.0F, 1.0F, 1.0F, 1.0F, 1.0F};
    void const* numbers[] = {parts, parts + 1, parts + 2, parts + 3, parts + 4};
    mw::bfloat16 sum;
    out = &sum;
    mw::shared_memory::reduce_stretch(mw::reduction::sum, mw::element_type::bfloat16, numbers, 5, {1, 1, 1},
                                      &out, 1);
    CHECK(float(sum) == 260.0F);
}

TEST_CASE("the flight record keeps the last calls") {
    mw::flight::record record;
    mw::grid const mesh{1, {2}, {"tp"}};
    for (std::size_t i = 0; i < mw::flight::record::capacity + 10; ++i)
        record.enter({mw::operation::all_reduce, {}, mw::element_type::float32, 1, 1, i, 0, i, {}});
    CHECK(record.entered() == mw::flight::record::capacity + 10);
    CHECK(record.latest().inner == mw::flight::record::capacity + 9);
    std::string const text = record.text(mesh, 1), head = "rank 1 (tp 1) of the mesh tp 2 has entered ";
    std::size_t const kept = mw::flight::record::kept, first = mw::flight::record::capacity + 10 - kept;
    CHECK(std::size_t(std::count(text.begin(), text.end(), '\n')) == kept + 1);
    CHECK(text.starts_with(head + "2058 calls and completed 0\n" + std::to_string(first) + " call " +
                           std::to_string(first) + " of its group: all_reduce(sum, float32, " +
                           std::to_string(first) + ") over tp at "));
    record.leave();
    CHECK(record.text(mesh, 1).starts_with(head + "2058 calls and completed 2058\n"));
}

TEST_CASE("one rank copies, and refuses what no mesh accepts") {
    mw::one_rank here({2, {1, 1}, {"dp", "tp"}});
    std::vector<float> const in{1, 2, 3, 4};
    auto const type = mw::element_type::float32;
    for (int which = 0; which < 4; ++which) {
        std::vector<float> out(4);
        if (which == 0) here.all_reduce(3, mw::reduction::sum, type, in.data(), out.data(), 4);
        if (which == 1) here.reduce_scatter(1, mw::reduction::max, type, in.data(), out.data(), {2, 2});
        if (which == 2) here.all_gather(2, type, in.data(), out.data(), {2, 2});
        if (which == 3) here.all_to_all(0, type, in.data(), out.data(), 4);
        CHECK(out == in);
    }
    float x = 5;
    here.broadcast(3, type, &x, 1, 0);
    here.all_reduce(3, mw::reduction::sum, type, &x, &x, 1);
    here.barrier(3);
    CHECK(x == 5);
    CHECK(here.collectives() == 0);
    CHECK_THROWS_AS(here.barrier(4), mw::error);
    CHECK_THROWS_AS(here.broadcast(1, type, &x, 1, 1), mw::error);
    CHECK_THROWS_AS(here.all_to_all(1, type, &x, &x, 1), mw::error);
    CHECK_THROWS_AS(mw::one_rank(mw::grid{1, {2}, {"tp"}}), mw::error);
}

TEST_CASE("the simulated rank records every collective and touches nothing") {
    mw::simulated here({3, {64, 1, 16}, {"dp", "pp", "tp"}});
    CHECK(here.size() == 1024);
    CHECK(here.rank() == 0);
    auto const type = mw::element_type::bfloat16;
    auto* const nowhere = reinterpret_cast<void*>(std::uintptr_t{16});
    here.all_reduce(4, mw::reduction::sum, type, nowhere, nowhere, 1ULL << 40);
    auto const line = std::source_location::current().line() - 1;
    here.reduce_scatter(1, mw::reduction::sum, type, nowhere, nowhere, {3, 5});
    here.all_gather(5, type, nowhere, nowhere, {1, 5});
    here.all_to_all(4, type, nowhere, nowhere, 5);
    here.broadcast(1, type, nowhere, 7, 63);
    here.barrier(5);
    here.all_reduce(2, mw::reduction::sum, type, nowhere, nowhere, 9);  // a group of one
    REQUIRE(here.calls().size() == 6);
    CHECK(here.collectives() == 6);
    CHECK(here.calls()[0].made.where.line() == line);
    CHECK(here.calls()[0].ranks == 16);
    CHECK(here.calls()[0].bytes_sent == (2ULL << 41) / 16 * 15);
    CHECK(here.calls()[1].bytes_sent == 30 * 63);
    CHECK(here.calls()[2].ranks == 1024);
    CHECK(here.calls()[4].made.root == 63);
    CHECK(here.calls()[5].made.what == mw::operation::barrier);
    CHECK_THROWS_AS(here.broadcast(4, type, nowhere, 7, 16), mw::error);
    CHECK_THROWS_AS(here.barrier(8), mw::error);
    here.forget();
    CHECK(here.calls().empty());
}
