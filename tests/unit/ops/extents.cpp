// Extents at run time: an axis that several operands have is as long in all of them, whatever the operation.
#include <doctest/doctest.h>

#include <meshwise/meshwise.hpp>

namespace {

namespace mw = meshwise;

struct batch : mw::up_to<8> {};
struct token : mw::up_to<16> {};
struct past : mw::up_to<16> {};
struct room : mw::up_to<32> {};
struct heads : mw::axis<2> {};
struct head_dim : mw::axis<4> {};
struct embed : mw::axis<6> {};
struct ffn : mw::axis<10> {};
struct vocab : mw::axis<12> {};
struct wide : mw::up_to<12> {};

using S = mw::strategy<mw::mesh<>>;
template <class... A>
using value = mw::tensor_of<S, float, A...>;

struct scores {
    mw::linear<S, embed, vocab> out;
    static constexpr auto parameters = mw::fields<&scores::out>();
};

void on_one(auto const& f) {
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) { f(here); });
}
template <class Like, class X = std::remove_const_t<Like>>
X varied(typename X::extents_type extents) {
    X x = mw::full<X>(0, extents);
    mw::fill_by_index(x, [](std::size_t i) { return std::sin(static_cast<double>(i)); });
    return x;
}
void refused(auto const& f, char const* axis, char const* one, char const* other) {
    std::string text;
    try {
        f();
    } catch (mw::error const& e) { text = e.what(); }
    CAPTURE(text);
    CHECK(text.find(std::string("axis ") + axis + " has ") != text.npos);
    CHECK(text.find(std::string(" has ") + one + " elements in one operand and " + other) != text.npos);
}

}  // namespace

TEST_CASE("extents: operands of a sum of products") {
    on_one([](auto&) {
        auto const x = varied<value<batch, embed>>({4});
        auto const y = varied<value<batch, ffn>>({2});
        refused([&] { mw::dot<batch>(x, y); }, "batch", "4", "2");
        refused([&] { mw::contract<mw::axes<embed, ffn>>(x, y); }, "batch", "4", "2");
        refused([&] { mw::contract<mw::axes<batch, embed, ffn>>(x, y); }, "batch", "4", "2");
        refused([&] { mw::dot<S, batch>(x, y); }, "batch", "4", "2");

        // and equal ones are summed over all their elements
        auto const z = varied<value<batch, ffn>>({4});
        auto const product = mw::dot<batch>(x, z);
        double expected = 0;
        for (std::size_t b = 0; b < 4; ++b)
            expected += double(x.data()[b * embed::size + 1]) * double(z.data()[b * ffn::size + 2]);
        CHECK(double(product.data()[ffn::size + 2]) == doctest::Approx(expected));
    });
}

TEST_CASE("extents: logits and targets") {
    on_one([](auto& here) {
        auto const model = mw::init<scores>(here, mw::seed{1});
        auto const x = varied<value<batch, embed>>({4});
        auto const loss_of = [&](std::vector<std::int32_t> const& numbers) {
            auto const targets = mw::place<batch>(here, numbers, {numbers.size()});
            return mw::value_and_gradient(
                       model, [&](auto const& m) { return mw::cross_entropy<vocab>(m.out(x), targets); })
                .loss;
        };
        refused([&] { loss_of({1, 2}); }, "batch", "4", "2");
        refused([&] { loss_of({1, 2, 3, 4, 5, 6}); }, "batch", "4", "6");
        CHECK(std::isfinite(loss_of({1, 2, 3, 4})));
    });
}

TEST_CASE("extents: lengths of an attention") {
    on_one([](auto& here) {
        auto const q = varied<value<batch, token, heads, head_dim>>({4, 3});
        auto const k = varied<value<batch, past, heads, head_dim>>({4, 5});
        auto const with = [&](std::vector<std::int32_t> const& numbers) {
            auto const lengths = mw::place<batch>(here, numbers, {numbers.size()});
            auto const own = mw::attention<token>(q, q, q, {.causal = false, .key_lengths = lengths});
            auto const other = mw::attention<S, token, past>(q, k, k, {.key_lengths = lengths});
            return own.local_size() + other.local_size();
        };
        refused([&] { with({1, 2}); }, "batch", "4", "2");
        refused([&] { with({1, 2, 3, 1, 1, 1}); }, "batch", "4", "6");
        CHECK(with({1, 2, 3, 3}) == 2 * q.local_size());
        refused([&] { mw::attention<token>(q, varied<decltype(q)>({4, 2}), q); }, "token", "3", "2");
        refused([&] { mw::attention<token, past>(q, k, varied<decltype(k)>({4, 2})); }, "past", "5", "2");
        refused([&] { mw::attention<token, past>(q, k, varied<decltype(k)>({2, 5})); }, "batch", "4", "2");
    });
}

TEST_CASE("extents: element by element, norms, what is concatenated") {
    on_one([](auto&) {
        auto const x = varied<value<batch, wide>>({4, 6});
        auto const y = varied<value<batch, wide>>({4, 5});
        auto const row = varied<value<wide>>({5});
        refused([&] { mw::add(x, y); }, "wide", "6", "5");
        refused([&] { mw::mul(x, y); }, "wide", "6", "5");
        refused([&] { mw::div(x, y); }, "wide", "6", "5");
        refused([&] { mw::map([](auto a, auto b) { return a * b; }, x, y); }, "wide", "6", "5");
        refused([&] { mw::max(x, y); }, "wide", "6", "5");
        refused([&] { mw::mul(x, row); }, "wide", "6", "5");
        refused([&] { mw::rms_norm<wide>(x, row); }, "wide", "6", "5");
        refused([&] { mw::layer_norm<wide>(x, row, row); }, "wide", "6", "5");
        refused([&] { mw::layer_norm<wide>(x, varied<value<wide>>({6}), row); }, "wide", "6", "5");

        // one axis of both may have two extents: it is what is concatenated
        auto const joined = mw::concatenate<wide, room>(x, y);
        CHECK(joined.template extent<room>() == 11);
        refused([&] { mw::concatenate<wide, room>(x, varied<value<batch, wide>>({3, 5})); }, "batch", "4",
                "3");
    });
}

TEST_CASE("extents: the sentence has the line") {
    on_one([](auto&) {
        auto const x = varied<value<batch, embed>>({4});
        auto const y = varied<value<batch, ffn>>({2});
        CHECK_THROWS_WITH_AS(mw::dot<batch>(x, y), doctest::Contains("extents.cpp:"), mw::error);
    });
}

namespace {
struct weights_and_bias {
    mw::linear<S, embed, ffn> up;
    static constexpr auto parameters = mw::fields<&weights_and_bias::up>();
};
}  // namespace

TEST_CASE("extents: a loss that counts no elements although it has a sum is refused") {
    on_one([](auto& here) {
        auto const model = mw::init<weights_and_bias>(here, mw::seed{1});
        auto const loss_of = [&](std::size_t rows, std::size_t counted) {
            auto const x = varied<value<batch, embed>>({rows});
            auto const found = mw::value_and_gradient(model, [&](auto const& m) {
                auto const y = m.up(x);
                return mw::loss_parts{mw::sum<batch, ffn>(y * y),
                                      mw::sum<batch, ffn>(mw::full<value<batch, ffn>>(1, {counted}))};
            });
            return found.loss;
        };
        CHECK(loss_of(4, 4) > 0);
        CHECK(loss_of(0, 0) == 0);  // a batch without rows
        CHECK_THROWS_WITH_AS(loss_of(4, 0), doctest::Contains("the loss counts 0"), mw::error);
    });
}
