// Lookups on every placement against a plain loop, ids outside of the vocabulary, and what may not compile.
#include <algorithm>
#include <cmath>

#include <meshwise/ops/rows/embedding.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct embed : mw::axis<4> {};
struct vocab : mw::axis<12> {};
struct padded_vocab : mw::padded<5, 8> {};
struct note : mw::axis<2> {};

// ids that repeat, within a rank and across ranks
ids some_ids(std::size_t below) {
    ids all(batch::size * token::size);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>((i * i + 3 * i) % below);
    return all;
}

template <class Vocab>
numbers naive(numbers const& table, ids const& rows) {
    numbers out;
    for (auto id : rows)
        for (std::size_t e = 0; e < embed::size; ++e)
            out.push_back(table[static_cast<std::size_t>(id) * embed::size + e]);
    return out;
}

// the strict form, with table and ids where the strategy puts them
template <class S, class Vocab = vocab>
void strict() {
    using table = mw::tensor_of<S, double, Vocab, embed>;
    using other = mw::tensor_of<S, double, note>;
    auto const rows = some_ids(Vocab::true_size);
    agrees<S, table, other>(
        [&](auto& here, auto const& x, auto const&) {
            return mw::embedding<Vocab>(x, mw::place<batch, token>(here, rows));
        },
        [&](numbers const& x, numbers const&) { return naive<Vocab>(x, rows); });
}
template <class S, class Vocab = vocab>
void aligned() {
    using table = mw::tensor_of<S, double, Vocab, embed>;
    using other = mw::tensor_of<S, double, note>;
    auto const rows = some_ids(Vocab::true_size);
    agrees<S, table, other>(
        [&](auto& here, auto const& x, auto const&) {
            auto const out = mw::embedding<S, Vocab>(x, mw::place<batch, token>(here, rows));
            static_assert(std::is_same_v<typename decltype(out)::layout,
                                         typename S::template layout_of<batch, token, embed>>);
            return out;
        },
        [&](numbers const& x, numbers const&) { return naive<Vocab>(x, rows); });
}

TEST_CASE("a whole table with whole or split ids") {
    strict<mw::strategy<grid<1, 1>>>();
    strict<mw::strategy<grid<1, 3>>>();
    strict<mw::strategy<grid<2, 1>, mw::split<batch, dp<2>>>>();
    strict<mw::strategy<grid<4, 1>, mw::split<batch, dp<4>>>>();
    strict<mw::strategy<grid<1, 3>, mw::split<token, tp<3>>>>();
    strict<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<token, tp<2>>>>();
    strict<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>, tp<2>>>>();
}

TEST_CASE("a table split by vocabulary leaves a pending sum") {
    strict<mw::strategy<grid<1, 2>, mw::split<vocab, tp<2>>>>();
    strict<mw::strategy<grid<1, 3>, mw::split<vocab, tp<3>>>>();
    strict<mw::strategy<grid<1, 4>, mw::split<vocab, tp<4>>>>();
    strict<mw::strategy<grid<2, 2>, mw::split<vocab, dp<2>, tp<2>>>>();
    strict<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<vocab, tp<2>>>>();
    strict<mw::strategy<grid<2, 2>, mw::split<embed, dp<2>>, mw::split<vocab, tp<2>>>>();
    strict<mw::strategy<grid<1, 2>, mw::split<embed, tp<2>>>>();
}

TEST_CASE("padding that fills a whole rank changes nothing") {
    strict<mw::strategy<grid<1, 1>>, padded_vocab>();
    strict<mw::strategy<grid<1, 4>, mw::split<padded_vocab, tp<4>>>, padded_vocab>();
    strict<mw::strategy<grid<2, 4>, mw::split<batch, dp<2>>, mw::split<padded_vocab, tp<4>>>, padded_vocab>();
}

TEST_CASE("the form that follows a strategy brings table and ids together") {
    aligned<mw::strategy<grid<1, 2>, mw::split<vocab, tp<2>>>>();
    aligned<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<vocab, tp<2>>>>();
    // ids and table both want tp: the ids are gathered, the result is scattered by token
    aligned<mw::strategy<grid<1, 2>, mw::split<vocab, tp<2>>, mw::split<token, tp<2>>>>();
    aligned<mw::strategy<grid<2, 3>, mw::split<batch, dp<2>>, mw::split<vocab, tp<3>>,
                         mw::split<token, tp<3>>>>();
    // a table whose columns are stored over the data ranks is gathered, its gradient scattered
    aligned<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<vocab, tp<2>>,
                         mw::split<embed, dp<2>>>>();
}

// the rows times the table they came from: both uses add to one gradient
template <class S>
void tied() {
    using table = mw::tensor_of<S, double, vocab, embed>;
    using other = mw::tensor_of<S, double, note>;
    auto const rows = some_ids(vocab::true_size);
    agrees<S, table, other>(
        [&](auto& here, auto const& x, auto const&) {
            return mw::dot<S, embed>(mw::embedding<S, vocab>(x, mw::place<batch, token>(here, rows)), x);
        },
        [&](numbers const& x, numbers const&) {
            numbers out(rows.size() * vocab::size);
            for (std::size_t i = 0; i < out.size(); ++i)
                for (std::size_t e = 0; e < embed::size; ++e)
                    out[i] += x[static_cast<std::size_t>(rows[i / vocab::size]) * embed::size + e] *
                              x[i % vocab::size * embed::size + e];
            return out;
        },
        1e-7);
}

TEST_CASE("a tied table gets the sum of both gradients") {
    tied<mw::strategy<grid<1, 1>>>();
    tied<mw::strategy<grid<1, 2>, mw::split<vocab, tp<2>>>>();
    tied<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<vocab, tp<2>>>>();
    tied<mw::strategy<grid<2, 1>, mw::split<batch, dp<2>>>>();
}

// the form that follows a strategy, with the scale of sqrt(300) and an id that counts for nothing
template <class S, class Vocab = vocab>
void scaled_and_padded() {
    using table = mw::tensor_of<S, double, Vocab, embed>;
    using other = mw::tensor_of<S, double, note>;
    auto const rows = some_ids(Vocab::true_size);
    constexpr std::int32_t padding = 4;
    REQUIRE(std::count(rows.begin(), rows.end(), padding) > 1);
    double const scale = std::sqrt(300.0);
    agrees<S, table, other>(
        [&](auto& here, auto const& x, auto const&) {
            return mw::embedding<S, Vocab>(x, mw::place<batch, token>(here, rows),
                                           {.scale = scale, .padding_id = padding});
        },
        [&](numbers const& x, numbers const&) {
            auto out = naive<Vocab>(x, rows);
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = rows[i / embed::size] == padding ? 0 : out[i] * scale;
            return out;
        },
        1e-7);
}
TEST_CASE("rows are scaled; the padding id gives zeros and its row no gradient") {
    scaled_and_padded<mw::strategy<grid<1, 1>>>();
    scaled_and_padded<mw::strategy<grid<1, 3>, mw::split<vocab, tp<3>>>>();
    scaled_and_padded<mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<vocab, tp<2>>>>();
    scaled_and_padded<mw::strategy<grid<1, 2>, mw::split<vocab, tp<2>>, mw::split<token, tp<2>>>>();
    scaled_and_padded<mw::strategy<grid<1, 4>, mw::split<padded_vocab, tp<4>>>, padded_vocab>();
}

TEST_CASE("under reproducible<V> all meshes agree in every bit, scaled and padded too") {
    using table = mw::axes<padded_vocab, embed>;
    mw::embedding_options how{};
    SUBCASE("as it is") {}
    SUBCASE("scaled by no power of two") { how = {.scale = 17.3, .padding_id = 2}; }
    auto const rows = some_ids(padded_vocab::true_size);
    auto const on = [&]<class S>() {
        using x = mw::tensor<float, table, mw::layout_for<S, table>, mw::backend_of<S>>;
        using y = mw::tensor<float, mw::axes<note>, mw::layout_for<S, mw::axes<note>>, mw::backend_of<S>>;
        return result_on<S, x, y>([&](auto& here, auto const& t, auto const&) {
            return mw::embedding<S, padded_vocab>(t, mw::place<batch, token>(here, rows), how);
        });
    };
    auto const by_batch = on.template operator()<
        mw::strategy<grid<1, 1>, split<batch, dp<1>>, split<padded_vocab, tp<1>>, mw::reproducible<4>>>();
    for (auto const& other :
         {on.template operator()<mw::strategy<grid<2, 1>, split<batch, dp<2>>, split<padded_vocab, tp<1>>,
                                              mw::reproducible<4>>>(),
          on.template operator()<mw::strategy<grid<4, 1>, split<batch, dp<4>>, split<padded_vocab, tp<1>>,
                                              mw::reproducible<4>>>(),
          on.template operator()<mw::strategy<grid<2, 4>, split<batch, dp<2>>, split<padded_vocab, tp<4>>,
                                              mw::reproducible<4>>>()}) {
        CHECK(other.out == by_batch.out);
        CHECK(other.dx == by_batch.dx);
    }
    auto const by_token = on.template operator()<
        mw::strategy<grid<1, 1>, split<token, dp<1>>, split<padded_vocab, tp<1>>, mw::reproducible<2>>>();
    auto const other = on.template operator()<
        mw::strategy<grid<2, 2>, split<token, dp<2>>, split<padded_vocab, tp<2>>, mw::reproducible<2>>>();
    CHECK(other.out == by_token.out);
    CHECK(other.dx == by_token.dx);
}

TEST_CASE("an id outside of the true vocabulary is an error that says which, where and how many there are") {
    using S = mw::strategy<grid<2, 2>, mw::split<batch, dp<2>>, mw::split<padded_vocab, tp<2>>>;
    auto const with = [](std::size_t at, std::int32_t id) {
        return complaint<S>([=](auto& here) {
            auto rows = some_ids(padded_vocab::true_size);
            rows[at] = id;
            auto const table = mw::full<mw::tensor_of<S, float, padded_vocab, embed>>(1.0F);
            (void)mw::embedding<S, padded_vocab>(table, mw::place<batch, token>(here, rows));
        });
    };
    CHECK(with(0, 4) == "nothing went wrong");
    auto const padding = with(20, 5);  // row 5 is stored, but it is padding
    CHECK(padding.find("id 5 at batch 3, token 2") != std::string::npos);
    CHECK(padding.find("padded_vocab: allowed are 0 to 4;") != std::string::npos);
    CHECK(with(7, -1).find("id -1 at batch 1, token 1") != std::string::npos);
    CHECK(with(23, 2147483647).find("id 2147483647 at batch 3, token 5") != std::string::npos);
}

// what may not compile
struct other_vocab : mw::axis<12> {};
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
template <class Table, class Ids>
using verdict_of = typename mw::lookup<vocab, Table, Ids>::verdict;
using whole_table = on_two<mw::axes<vocab, embed>>;
using whole_ids = on_two<mw::axes<batch, token>>;
static_assert(verdict_of<whole_table, whole_ids>::value);
static_assert(verdict_of<on_two<mw::axes<vocab, embed>, split<vocab, tp<2>>>,
                         on_two<mw::axes<batch, token>, split<batch, dp<2>>>>::value);
// one mesh axis for the rows of the table and of the ids
static_assert(std::is_same_v<typename verdict_of<on_two<mw::axes<vocab, embed>, split<vocab, tp<2>>>,
                                                 on_two<mw::axes<batch, token>, split<batch, tp<2>>>>::rule,
                             mw::operands_split_by_different_axes_on_one_mesh_axis>);
static_assert(std::is_same_v<typename verdict_of<on_two<mw::axes<vocab, embed>, split<embed, tp<2>>>,
                                                 on_two<mw::axes<batch, token>, split<batch, tp<2>>>>::rule,
                             mw::operands_split_by_different_axes_on_one_mesh_axis>);
static_assert(std::is_same_v<typename mw::lookup<other_vocab, whole_table, whole_ids>::verdict::rule,
                             mw::axis_is_missing>);
static_assert(
    std::is_same_v<typename verdict_of<whole_table, on_two<mw::axes<batch, token>, mw::partial<tp<2>>>>::rule,
                   mw::non_linear_operation_on_a_pending_sum>);
static_assert(
    std::is_same_v<
        typename verdict_of<whole_table, mw::operand<mw::axes<batch, token>, mw::layout<grid<1, 1>>>>::rule,
        mw::tensors_of_different_meshes>);

}  // namespace
