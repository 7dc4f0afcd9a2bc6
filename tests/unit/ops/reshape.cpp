// Renames, reshapes, slices and concatenations: on every placement they take, against plain loops.
#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<12> {};
struct wide : mw::axis<12> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<3> {};
struct position : mw::axis<24> {};
struct few : mw::axis<2> {};
struct some : mw::axis<4> {};
struct window : mw::up_to<5> {};
struct room : mw::up_to<12> {};
struct room_twice : mw::up_to<24> {};
struct inner : mw::axis<6> {};
struct note : mw::axis<2> {};

using one = mw::strategy<grid<1, 1>>;
using by_batch = mw::strategy<grid<4, 1>, split<batch, dp<4>>>;
using by_token = mw::strategy<grid<1, 3>, split<token, tp<3>>>;
using by_embed = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>;
using by_embed_twice = mw::strategy<grid<2, 2>, split<embed, dp<2>, tp<2>>>;

// op on x(batch, token, embed), where S puts it
template <class S, class Op, class Naive>
void on_split(Op op, Naive naive) {
    agrees<S, mw::tensor_of<S, double, batch, token, embed>, mw::tensor_of<S, double, note>>(
        [&](auto&, auto const& x, auto const&) { return op(x); },
        [&](numbers const& x, numbers const&) { return naive(x); });
}
// op on x(batch, token, embed) that is a pending sum over tp of a contraction of `inner`
template <std::size_t T, class Op, class Naive>
void on_pending(Op op, Naive naive) {
    using S = mw::strategy<grid<2, T>, split<batch, dp<2>>, split<inner, tp<T>>>;
    agrees<S, mw::tensor_of<S, double, batch, token, inner>, mw::tensor_of<S, double, inner, embed>>(
        [&](auto&, auto const& x, auto const& w) {
            auto const out = op(mw::dot<inner>(x, w));
            static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
            return out;
        },
        [&](numbers const& x, numbers const& w) {
            numbers product(batch::size * token::size * embed::size);
            for (std::size_t r = 0; r < batch::size * token::size; ++r)
                for (std::size_t k = 0; k < inner::size; ++k)
                    for (std::size_t e = 0; e < embed::size; ++e)
                        product[r * embed::size + e] += x[r * inner::size + k] * w[k * embed::size + e];
            return naive(product);
        },
        1e-7);
}

auto const unchanged = [](numbers const& x) { return x; };

TEST_CASE("rename keeps elements, split and memory") {
    auto const op = [](auto const& x) {
        auto const out = mw::rename<embed, wide>(x);
        using In = std::remove_cvref_t<decltype(x)>;
        using Out = std::remove_cvref_t<decltype(out)>;
        static_assert(std::is_same_v<typename Out::axes, mw::axes<batch, token, wide>>);
        static_assert(std::is_same_v<mw::split_of<typename Out::layout, wide>,
                                     mw::split_of<typename In::layout, embed>>);
        CHECK(out.raw_data() == x.raw_data());
        return out;
    };
    on_split<one>(op, unchanged);
    on_split<by_embed>(op, unchanged);
    on_split<by_embed_twice>(op, unchanged);
    on_pending<2>(op, unchanged);
}

TEST_CASE("split_axis hands the split to the outermost new axis, merge_axes takes it back") {
    auto const op = [](auto const& x) {
        auto const out = mw::split_axis<embed, mw::axes<heads, head_dim>>(x);
        using In = std::remove_cvref_t<decltype(x)>;
        using Out = std::remove_cvref_t<decltype(out)>;
        static_assert(std::is_same_v<typename Out::axes, mw::axes<batch, token, heads, head_dim>>);
        static_assert(std::is_same_v<mw::split_of<typename Out::layout, heads>,
                                     mw::split_of<typename In::layout, embed>>);
        CHECK(out.raw_data() == x.raw_data());
        return out;
    };
    auto const there_and_back = [op](auto const& x) {
        auto const out = mw::merge_axes<mw::axes<heads, head_dim>, embed>(op(x));
        static_assert(std::is_same_v<decltype(out), std::remove_cvref_t<decltype(x)> const>);
        return out;
    };
    on_split<one>(op, unchanged);
    on_split<by_embed>(op, unchanged);
    on_split<by_embed_twice>(op, unchanged);
    on_pending<3>(op, unchanged);
    on_split<by_embed>(there_and_back, unchanged);
    on_pending<2>(there_and_back, unchanged);
}

TEST_CASE("merge_axes keeps the split of the outermost axis") {
    auto const op = [](auto const& x) { return mw::merge_axes<mw::axes<batch, token>, position>(x); };
    on_split<one>(op, unchanged);
    on_split<by_batch>(op, unchanged);
    on_split<by_embed>(op, unchanged);
}

TEST_CASE("transpose") {
    auto const op = [](auto const& x) { return mw::transpose<mw::axes<embed, batch, token>>(x); };
    auto const naive = [](numbers const& x) {
        numbers out;
        for (std::size_t e = 0; e < embed::size; ++e)
            for (std::size_t r = 0; r < batch::size * token::size; ++r) out.push_back(x[r * embed::size + e]);
        return out;
    };
    on_split<one>(op, naive);
    on_split<by_token>(op, naive);
    on_split<by_embed>(op, naive);
    on_pending<2>(op, naive);
}

// elements [first, first + count) of token
numbers cut(numbers const& x, std::size_t first, std::size_t count) {
    numbers out;
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t t = first; t < first + count; ++t)
            for (std::size_t e = 0; e < embed::size; ++e)
                out.push_back(x[(b * token::size + t) * embed::size + e]);
    return out;
}

TEST_CASE("slice takes a run of an axis that is whole") {
    auto const op = [](auto const& x) { return mw::slice<token, few>(x, 3); };
    auto const naive = [](numbers const& x) { return cut(x, 3, 2); };
    on_split<one>(op, naive);
    on_split<by_batch>(op, naive);
    on_split<by_embed>(op, naive);
    on_pending<3>(op, naive);
    // a run whose length is known only now
    auto const bounded = [](auto const& x) { return mw::slice<token, window>(x, 1, 3); };
    on_split<by_embed>(bounded, [](numbers const& x) { return cut(x, 1, 3); });
}

TEST_CASE("a slice that leaves its axis is an error") {
    auto const with = [](std::size_t first, std::size_t extent) {
        return complaint<one>([=](auto&) {
            (void)mw::slice<token, window>(mw::full<mw::tensor_of<one, float, batch, token>>(1), first,
                                           extent);
        });
    };
    CHECK(with(1, 5) == "nothing went wrong");
    CHECK(with(0, 0) == "nothing went wrong");
    CHECK(with(2, 5).find("a slice of 5 elements from element 2 on does not fit token of 6 elements") !=
          std::string::npos);
    CHECK(with(static_cast<std::size_t>(-1), 2).find("from element -1 on does not fit token") !=
          std::string::npos);
    CHECK(with(0, 6).find("its bound is 5") != std::string::npos);
}

TEST_CASE("concatenate puts one value behind the other") {
    auto const op = [](auto const& x) {
        return mw::concatenate<few, some, token>(mw::slice<token, few>(x, 4), mw::slice<token, some>(x, 1));
    };
    auto const naive = [](numbers const& x) {
        numbers out;
        for (std::size_t b = 0; b < batch::size; ++b)
            for (std::size_t t : {4U, 5U, 1U, 2U, 3U, 4U})
                for (std::size_t e = 0; e < embed::size; ++e)
                    out.push_back(x[(b * token::size + t) * embed::size + e]);
        return out;
    };
    on_split<one>(op, naive);
    on_split<by_batch>(op, naive);
    on_split<by_embed>(op, naive);
    on_pending<2>(op, naive);
    auto const doubled = [](auto const& x) { return mw::concatenate<token, room>(x, x); };
    on_split<by_embed>(doubled, [](numbers const& x) {
        numbers out;
        for (std::size_t b = 0; b < batch::size; ++b)
            for (std::size_t t = 0; t < 2 * token::size; ++t)
                for (std::size_t e = 0; e < embed::size; ++e)
                    out.push_back(x[(b * token::size + t % token::size) * embed::size + e]);
        return out;
    });
    CHECK(complaint<one>([](auto&) {
              auto const x = mw::full<mw::tensor_of<one, float, batch, token>>(1);
              auto const twice = mw::concatenate<token, room>(x, x);
              (void)mw::concatenate<room, token, room>(twice, x);
          }).find("its bound is 12") != std::string::npos);
}

TEST_CASE("run-time extents pass through renames and reshapes") {
    mw::run<one>(mw::threads{}, [](auto&) {
        auto const x = mw::full<mw::tensor_of<one, float, room, few>>(1, {9});
        auto const flat = mw::merge_axes<mw::axes<room, few>, room_twice>(x);
        CHECK(flat.template extent<room_twice>() == 18);
        auto const back = mw::split_axis<room_twice, mw::axes<room, few>>(flat);
        CHECK(back.template extent<room>() == 9);
    });
    CHECK(complaint<one>([](auto&) {
              (void)mw::split_axis<room_twice, mw::axes<room, few>>(
                  mw::full<mw::tensor_of<one, float, room_twice>>(1, {7}));
          }).find("does not divide into groups of 2") != std::string::npos);
}

// as many axes as a tensor may have, of which no two can be walked as one
template <std::size_t>
struct nth : mw::axis<2> {};
template <class S>
using full = mw::tensor_of<S, double, nth<0>, nth<1>, nth<2>, nth<3>, nth<4>, nth<5>, nth<6>, nth<7>>;
using turned = mw::axes<nth<7>, nth<5>, nth<3>, nth<1>, nth<6>, nth<4>, nth<2>, nth<0>>;

std::size_t turned_place(std::size_t i) {
    std::size_t place = 0;
    for (std::size_t const axis : {7U, 5U, 3U, 1U, 6U, 4U, 2U, 0U}) place = 2 * place + (i >> (7 - axis)) % 2;
    return place;
}

TEST_CASE("eight axes: turned, moved between ranks and summed as fewer are") {
    using by_last = mw::strategy<grid<1, 2>, split<nth<7>, tp<2>>>;
    mw::run<by_last>(mw::threads{}, [](auto& here) {
        numbers const all = values(256);
        auto const x = mw::cut_from<full<by_last>>(std::span(all));
        auto const moved = mw::reshard<mw::layout<grid<1, 2>, split<nth<4>, tp<2>>>>(x);
        auto const gathered = here.gather(moved);
        CHECK(std::equal(all.begin(), all.end(), gathered.begin()));
        auto const y = mw::transpose<turned>(x);
        auto const turned_whole = here.gather(y);
        for (std::size_t i = 0; i < 256; ++i) CHECK(turned_whole[turned_place(i)] == all[i]);
        auto const summed = here.gather(mw::transpose<typename full<by_last>::axes>(y) + x);
        for (std::size_t i = 0; i < 256; ++i) CHECK(summed[i] == 2 * all[i]);
        auto const product = here.gather(mw::contract<mw::axes<nth<0>>>(x, y));
        for (std::size_t k = 0; k < 2; ++k) {
            double expected = 0;
            for (std::size_t i = 128 * k; i < 128 * (k + 1); ++i) expected += all[i] * all[i];
            CHECK(product[k] == doctest::Approx(expected));
        }
    });
}

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using whole = on_two<mw::axes<batch, token, embed>>;
using cut_embed = on_two<mw::axes<batch, token, embed>, split<embed, tp<2>>>;
using cut_token = on_two<mw::axes<batch, token, embed>, split<token, tp<2>>>;
struct three : mw::axis<3> {};
struct four : mw::axis<4> {};
struct short_axis : mw::padded<11, 12> {};
template <class Relation>
using rule_of = typename Relation::verdict::rule;
static_assert(std::is_same_v<rule_of<mw::renaming<embed, heads, whole>>, mw::sizes_differ>);
static_assert(std::is_same_v<rule_of<mw::renaming<embed, short_axis, whole>>,
                             mw::sizes_differ>);  // padding is not forgotten
static_assert(std::is_same_v<rule_of<mw::renaming<wide, heads, whole>>, mw::axis_is_missing>);
static_assert(mw::axis_splitting<embed, mw::detail::list<heads, head_dim>, cut_embed>::verdict::value);
static_assert(mw::axis_splitting<embed, mw::detail::list<three, four>, whole>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::axis_splitting<embed, mw::detail::list<three, four>, cut_embed>>,
                             mw::reshape_cuts_a_split_axis>);  // 3 over 2 ranks
static_assert(std::is_same_v<rule_of<mw::axis_splitting<embed, mw::detail::list<heads, four>, whole>>,
                             mw::sizes_differ>);
static_assert(mw::axis_merging<mw::detail::list<batch, token>, position, cut_embed>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::axis_merging<mw::detail::list<batch, token>, position, cut_token>>,
                             mw::reshape_cuts_a_split_axis>);
static_assert(std::is_same_v<rule_of<mw::axis_merging<mw::detail::list<batch, token>, embed, whole>>,
                             mw::sizes_differ>);
static_assert(mw::slicing<token, few, cut_embed>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::slicing<token, few, cut_token>>, mw::reshape_cuts_a_split_axis>);
static_assert(std::is_same_v<rule_of<mw::slicing<token, position, whole>>, mw::sizes_differ>);
static_assert(mw::joining<token, token, room, cut_embed, cut_embed>::verdict::value);
static_assert(std::is_same_v<rule_of<mw::joining<token, token, room, cut_token, cut_token>>,
                             mw::reshape_cuts_a_split_axis>);
static_assert(std::is_same_v<rule_of<mw::joining<token, token, room, cut_embed, whole>>,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<rule_of<mw::joining<token, token, position, whole, whole>>, mw::sizes_differ>);
static_assert(
    std::is_same_v<rule_of<mw::joining<token, token, room, on_two<mw::axes<batch, token>, mw::partial<tp<2>>>,
                                       on_two<mw::axes<batch, token>>>>,
                   mw::whole_value_added_to_a_pending_sum>);
static_assert(std::is_same_v<rule_of<mw::reordering<mw::axes<batch, token>, whole>>, mw::axis_is_missing>);

}  // namespace
