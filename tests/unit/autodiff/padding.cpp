// Padding is no part of a value: a model with a padded axis computes what it computes without padding, on every mesh.
#include <doctest/doctest.h>

#include "model.hpp"

#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/products/attention.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/rows/embedding.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/shard.hpp>

namespace {
using namespace regression;
namespace mw = meshwise;

struct wide : mw::axis<30> {};
struct wide_padded : mw::padded<30, 32> {};
struct width : mw::axis<14> {};
struct width_padded : mw::padded<14, 16> {};
struct row : mw::axis<3> {};
struct label : mw::axis<4> {};
struct row_padded : mw::padded<3, 4> {};

template <class S, class In, class F>
struct two_layers {
    mw::linear<S, In, F> up;
    mw::linear<S, F, In> down;
    mw::parameter<S, F> gain;
    auto operator()(auto const& x) const {
        auto const h = mw::map([](auto v) { return mw::sigmoid(v); }, up(x));  // not zero of zero
        return down((h + 1.0F) * gain + mw::mean<S, F>(h * h));
    }
    static constexpr auto parameters =
        mw::fields<&two_layers::up, &two_layers::down, &two_layers::gain, mw::constant{0.5F}>();
};

// one array with rows of the true width, or of the padded one, with numbers in the padding
template <class In>
std::vector<float> rows_of(unsigned seed) {
    auto const numbers = noise(seed, batch::size * In::true_size);
    std::vector<float> whole(batch::size * In::size, 7.0F);
    for (std::size_t b = 0; b < batch::size; ++b)
        for (std::size_t e = 0; e < In::true_size; ++e)
            whole[b * In::size + e] = numbers[b * In::true_size + e];
    return whole;
}

template <std::size_t Dp, std::size_t Tp, class In, class F>
std::vector<double> losses() {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<F, tp>, mw::on<mw::serial>>;
    return mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto model = mw::init<two_layers<S, In, F>>(here, mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 1e-2, .weight_decay = 0.1});
        auto const x = mw::place<batch, In>(here, rows_of<In>(1)),
                   t = mw::place<batch, In>(here, rows_of<In>(2));
        std::vector<double> found;
        for (int i = 0; i < 20; ++i) {
            auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                auto const d = m(x) - t;
                return mw::settle<S>(mw::mean<S, batch, In>(d * d));
            });
            optimizer.step(model, gradient);
            found.push_back(loss);
        }
        return found;
    });
}
void check_alike(std::vector<double> const& a, std::vector<double> const& b) {
    CHECK(b.back() < b.front() / 2);
    for (std::size_t i = 0; i < b.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-4));
}

TEST_CASE("a padded model is trained as the unpadded one, on every mesh") {
    auto const right = losses<1, 1, width, wide>();
    check_alike(losses<1, 1, width, wide_padded>(), right);
    check_alike(losses<1, 1, width_padded, wide_padded>(), right);
    check_alike(losses<1, 2, width_padded, wide_padded>(), right);
    check_alike(losses<2, 2, width, wide_padded>(), right);
    check_alike(losses<1, 4, width_padded, wide_padded>(), right);
}

template <class X>
bool padding_is_zero(X const& x) {
    X same = x.detached();
    for (float& one : same.mutable_span()) one = one == 0 ? 1 : one;  // 1 where zero was
    auto marked = same;
    mw::detail::clear_padding(marked);
    for (std::size_t i = 0; i < x.local_size(); ++i)
        if (marked.data()[i] == 0 && x.data()[i] != 0) return false;
    return true;
}

TEST_CASE("every operation leaves zero in the padding") {
    on_one_rank([](auto& here, auto const&, auto const&, auto) {
        using X = mw::tensor_of<S1, float, row_padded, width_padded>;
        auto x = mw::full<X>(2.0F);
        CHECK(padding_is_zero(x));
        CHECK(static_cast<double>(*mw::sum<row_padded, width_padded>(x).data()) == 2.0 * 3 * 14);
        CHECK(static_cast<double>(*mw::mean<row_padded, width_padded>(x).data()) == doctest::Approx(2.0));
        CHECK(padding_is_zero(mw::map([](auto v) { return mw::exp(v); }, x)));
        CHECK(padding_is_zero(x + 1.0F));
        CHECK(padding_is_zero(1.0F - x));
        CHECK(padding_is_zero(x / x));
        auto const number = mw::full<mw::tensor_of<S1, float>>(3.0F);
        CHECK(padding_is_zero(x + number));
        CHECK(padding_is_zero(x - number));
        CHECK(padding_is_zero(x * number));
        using Y = mw::tensor_of<S1, float, row_padded, embed>;
        using G = mw::tensor_of<S1, float, embed>;
        auto const y = mw::full<Y>(2.0F);
        CHECK(padding_is_zero(mw::layer_norm<embed>(y, mw::full<G>(1.0F), mw::full<G>(5.0F))));
        CHECK(padding_is_zero(mw::softmax<embed>(y)));
        auto const layer = mw::init<mw::linear<S1, embed, ffn>>(here, mw::seed{1});
        auto biased = layer;
        biased.bias = mw::full<decltype(biased.bias)>(1.0F);
        CHECK(padding_is_zero(biased(y)));
        auto const ids = mw::full<mw::tensor_of<S1, std::int32_t, row_padded>>(1);
        auto const table = mw::full<mw::tensor_of<S1, float, label, embed>>(1.0F);
        CHECK(padding_is_zero(mw::embedding<label>(table, ids)));
        CHECK_THROWS_WITH_AS(mw::embedding<label>(table, ids, {.scale = NAN}),
                             doctest::Contains("scale of mw::embedding"), mw::error);
    });
}

TEST_CASE("nothing comes into the padding by hand, by a view or by a slice") {
    on_one_rank([](auto&, auto const&, auto const&, auto) {
        using X = mw::tensor_of<S1, float, row_padded, width_padded>;
        auto x = mw::full<X>(0.0F);
        {
            for (float& one : x.mutable_span()) one = 1;
        }
        CHECK(static_cast<double>(*mw::sum<row_padded, width_padded>(x).data()) == 3.0 * 14);
        {
            for (float& one : x.mutable_local_span()) one = 2;
        }
        CHECK(static_cast<double>(*mw::mean<row_padded, width_padded>(x).data()) == doctest::Approx(2));
        {
            auto span = x.mutable_span();
            auto moved = std::move(span);
            for (float& one : moved) one = 3;
            std::string text;
            try {
                (void)(x + 1);
            } catch (mw::error const& e) { text = e.what(); }
            CHECK(text.find("may still write to it") != text.npos);
        }
        CHECK(padding_is_zero(x));
        CHECK(static_cast<double>(*mw::sum<row_padded, width_padded>(x).data()) == 3.0 * 3 * 14);

        std::vector<float> memory(row_padded::size * width_padded::size, 1.0F);
        auto const view = mw::view_of<X>(std::span<float>(memory));
        CHECK(static_cast<double>(*mw::sum<row_padded, width_padded>(view).data()) == 3.0 * 14);

        CHECK(x.template stored_extent<width_padded>() == 16);
        CHECK(x.template true_extent<width_padded>() == 14);
        auto const all = mw::sum<row_padded, width_padded>(view);
        CHECK(static_cast<double>(*all.data()) /
                  static_cast<double>(view.template true_extent<row_padded>() *
                                      view.template true_extent<width_padded>()) ==
              doctest::Approx(1));
    });
}

TEST_CASE("what is outermost in a merged or split axis may be padded") {
    on_one_rank([](auto&, auto const&, auto const&, auto) {
        using X = mw::tensor_of<S1, float, row_padded, label>;
        struct both : mw::padded<12, 16> {};
        auto const x = mw::full<X>(1.0F);
        auto const merged = mw::merge_axes<mw::axes<row_padded, label>, both>(x);
        CHECK(static_cast<double>(*mw::sum<both>((merged + 1) - 1).data()) == 12);
        auto const back = mw::split_axis<both, mw::axes<row_padded, label>>(merged);
        CHECK(static_cast<double>(*mw::sum<row_padded, label>((back + 1) - 1).data()) == 12);
    });
}

TEST_CASE("a function of the index is asked for elements only, never for padding") {
    auto const on = [&]<class S>(S*) {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>&) {
            auto x = mw::full<mw::tensor_of<S, float, row_padded, label, width_padded>>(0);
            std::size_t const elements = row_padded::true_size * label::size * width_padded::true_size;
            std::size_t beyond = 0;
            mw::fill_by_index(x, [&](std::size_t i) { return beyond += i >= elements ? 1 : 0, i % 7; });
            CHECK(beyond == 0);
        });
    };
    struct dp : mw::mesh_axis<2> {};
    using S2 = mw::strategy<mw::mesh<dp>, mw::split<row_padded, dp>, mw::on<mw::serial>>;
    on(static_cast<S1*>(nullptr));
    on(static_cast<S2*>(nullptr));
}

TEST_CASE("attention over heads with padding is that of the unpadded ones") {
    on_one_rank([](auto&, auto const&, auto const&, auto) {
        struct token : mw::axis<5> {};
        struct narrow : mw::axis<12> {};
        struct narrow_padded : mw::padded<12, 16> {};
        auto const numbers = noise(5, token::size * narrow::size);
        auto const q = mw::cut_from<mw::tensor_of<S1, float, token, narrow>>(std::span<float const>(numbers));
        auto padded = mw::full<mw::tensor_of<S1, float, token, narrow_padded>>(0);
        mw::fill_by_index(padded, [&](std::size_t i) { return numbers[i]; });
        auto const expected = mw::attention<token>(q, q, q);
        auto const found = mw::attention<token>(padded, padded, padded);
        for (std::size_t t = 0; t < token::size; ++t)
            for (std::size_t e = 0; e < narrow::size; ++e)
                CHECK(static_cast<double>(found.data()[t * 16 + e]) ==
                      doctest::Approx(static_cast<double>(expected.data()[t * 12 + e])).epsilon(1e-5));
        CHECK_THROWS_WITH_AS(mw::attention<token>(q, q, q, {.scale = -1}),
                             doctest::Contains("scale of mw::attention"), mw::error);
        CHECK_THROWS_WITH_AS(mw::attention<token>(q, q, q, {.scale = NAN}),
                             doctest::Contains("scale of mw::attention"), mw::error);
    });
}

TEST_CASE("initial numbers are those of the unpadded tensor") {
    on_one_rank([](auto& here, auto const&, auto const&, auto) {
        auto const padded = mw::init<mw::linear<S1, width_padded, wide_padded>>(here, mw::seed{3});
        auto const whole = mw::init<mw::linear<S1, width, wide>>(here, mw::seed{3});
        for (std::size_t i = 0; i < width::size; ++i)
            for (std::size_t j = 0; j < wide::size; ++j)
                CHECK(padded.weight.data()[i * 32 + j] == whole.weight.data()[i * 30 + j]);
        CHECK(padding_is_zero(padded.weight));
    });
}
}  // namespace
