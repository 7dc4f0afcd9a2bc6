// Tensors that a program states, and looking at them: the same elements on every mesh, zero in padding.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/rows/one_hot.hpp>
#include <meshwise/parallel/print.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/random_tensors.hpp>

namespace {

namespace mw = meshwise;

struct row : mw::axis<4> {};
struct column : mw::axis<6> {};
struct column2 : mw::axis<6> {};
struct token2 : mw::axis<3> {};
struct padded_row : mw::padded<5, 4> {};
struct token : mw::up_to<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using alone = mw::strategy<mw::mesh<>>;
using by_rows =
    mw::strategy<mw::mesh<dp>, mw::split<row, dp>, mw::split<padded_row, dp>, mw::split<token, dp>>;
using by_both = mw::strategy<mw::mesh<dp, tp>, mw::split<row, dp>, mw::split<padded_row, dp>,
                             mw::split<token, dp>, mw::split<column, tp>>;

using numbers = std::vector<double>;

// the elements of make(here), whole, on one rank and on two meshes
template <class Make>
void same_on_all(Make make, numbers const& expected) {
    auto const on = [&]<class S>(S*) {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto const found = here.gather(make(here));
            REQUIRE(found.size() == expected.size());
            for (std::size_t i = 0; i < found.size(); ++i)
                CHECK(static_cast<double>(found[i]) == doctest::Approx(expected[i]).epsilon(1e-7));
        });
    };
    on(static_cast<alone*>(nullptr));
    on(static_cast<by_rows*>(nullptr));
    on(static_cast<by_both*>(nullptr));
}

template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return {};
}
bool says(std::string const& text, std::string_view part) { return text.find(part) != text.npos; }

TEST_CASE("full, zeros and ones: each element, and zero in padding") {
    same_on_all([](auto& here) { return mw::full<row>(here, 2.5); }, {2.5, 2.5, 2.5, 2.5});
    same_on_all([](auto& here) { return mw::zeros<row>(here); }, {0, 0, 0, 0});
    same_on_all([](auto& here) { return mw::ones<padded_row>(here); }, {1, 1, 1, 1, 1, 0, 0, 0});
    same_on_all([](auto& here) { return mw::ones<token>(here, {6}); }, {1, 1, 1, 1, 1, 1});
    same_on_all([](auto& here) { return mw::full_like(mw::ones<padded_row>(here), 3); },
                {3, 3, 3, 3, 3, 0, 0, 0});
    same_on_all([](auto& here) { return mw::ones_like(mw::zeros<token>(here, {4})); }, {1, 1, 1, 1});
    same_on_all([](auto& here) { return mw::zeros_like(mw::ones<row>(here)); }, {0, 0, 0, 0});
}

TEST_CASE("full_like of a pending sum is a whole value") {
    mw::run<by_rows>(mw::threads{}, [](mw::rank<by_rows>& here) {
        auto const pending = mw::sum<row>(mw::ones<row, column>(here));
        auto const like = mw::ones_like(pending);
        static_assert(!mw::is_partial<decltype(like)::layout>);
        CHECK(like.at(mw::index<column>(3)) == 1);
    });
}

TEST_CASE("a constant is a number that the elements hold") {
    mw::run<alone>(mw::threads{}, [](mw::rank<alone>& here) {
        auto const ids = mw::arange<row>(here);
        auto const mask = ids == 1;
        auto const refused = [](auto f) { return says(refusal(f), "which its elements do not hold"); };
        CHECK(refused([&] { (void)mw::full_like(ids, 0.5); }));
        CHECK(refused([&] { (void)mw::full_like(ids, 2147483648.0); }));
        CHECK(refused([&] { (void)mw::full<decltype(ids)>(3'000'000'000); }));
        CHECK(refused([&] { (void)mw::full_like(mask, 2); }));
        CHECK(refused([&] { (void)mw::full<row>(here, 1e300); }));
        CHECK(refused([&] { (void)mw::full_like(ids, std::nan("")); }));
        CHECK(mw::full_like(ids, -2147483648.0).span()[0] == std::numeric_limits<std::int32_t>::min());
        CHECK(mw::full_like(mask, true).span()[1]);
        CHECK(std::isinf(mw::full<row>(here, std::numeric_limits<double>::infinity()).span()[0]));
    });
}

TEST_CASE("arange, linspace and eye") {
    same_on_all([](auto& here) { return mw::arange<row>(here); }, {0, 1, 2, 3});
    same_on_all([](auto& here) { return mw::arange<row>(here, 10, -3); }, {10, 7, 4, 1});
    same_on_all([](auto& here) { return mw::arange<row>(here, 0.5, 0.25); }, {0.5, 0.75, 1, 1.25});
    same_on_all([](auto& here) { return mw::arange<row>(here, 0, 0.25); }, {0, 0.25, 0.5, 0.75});
    same_on_all([](auto& here) { return mw::arange<row>(here, 0.5F, 1); }, {0.5, 1.5, 2.5, 3.5});
    same_on_all([](auto& here) { return mw::arange<padded_row>(here, 1.0); }, {1, 2, 3, 4, 5, 0, 0, 0});
    same_on_all([](auto& here) { return mw::arange<token>(here, 0, 1, {6}); }, {0, 1, 2, 3, 4, 5});
    same_on_all([](auto& here) { return mw::linspace<padded_row>(here, -1, 1); },
                {-1, -0.5, 0, 0.5, 1, 0, 0, 0});
    same_on_all([](auto& here) { return mw::linspace<token>(here, 2, 4, {2}); }, {2, 4});
    same_on_all([](auto& here) { return mw::eye<row, column>(here); },
                {1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0});
    mw::run<alone>(mw::threads{}, [](mw::rank<alone>& here) {
        static_assert(std::is_same_v<decltype(mw::arange<row>(here))::value_type, std::int32_t>);
        static_assert(std::is_same_v<decltype(mw::arange<row>(here, 0.0))::value_type, float>);
        CHECK(mw::linspace<token>(here, 7, 9, {1}).at(mw::index<token>(0)) == 7);
        CHECK(mw::linspace<token>(here, 7, 9, {0}).local_size() == 0);
        CHECK(says(refusal([&] { (void)mw::arange<row>(here, 0, 1'000'000'000); }),
                   "which int32 does not hold"));
    });
}

TEST_CASE("one_hot: ids, and ids that do not count") {
    auto const of = [](auto& here, std::vector<std::int32_t> const& ids) {
        return mw::one_hot<column>(mw::place<row>(here, ids));
    };
    same_on_all([&](auto& here) { return of(here, {5, 0, mw::ignore_index, 2}); },
                {0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
    mw::run<alone>(mw::threads{}, [&](mw::rank<alone>& here) {
        std::string const text = refusal([&] { of(here, {0, 6, 0, 0}); });
        CHECK_MESSAGE(says(text, "id 6 at row 1 is outside of column: allowed are 0 to 5"), text);
    });
}

TEST_CASE("random numbers: the same on every mesh, spread as they say") {
    numbers uniform(24), normal(24), chosen(24);
    mw::random_stream const stream(mw::seed{3}, "test", 2);
    for (std::size_t i = 0; i < 24; ++i) {
        uniform[i] = -1 + 3 * stream.uniform(i);
        normal[i] = 5 + 2 * stream.normal(i);
        chosen[i] = stream.uniform(i) < 0.3 ? 1 : 0;
    }
    same_on_all([&](auto& here) { return mw::random_uniform<row, column>(here, stream, -1, 2); }, uniform);
    same_on_all([&](auto& here) { return mw::random_normal<row, column>(here, stream, 5, 2); }, normal);
    same_on_all([&](auto& here) { return mw::random_bernoulli<row, column>(here, stream, 0.3); }, chosen);

    struct many : mw::axis<200'000> {};
    mw::run<alone>(mw::threads{}, [](mw::rank<alone>& here) {
        auto const moments = [](auto const& x) {
            double sum = 0, squares = 0;
            for (double const one : x.span()) sum += one, squares += one * one;
            double const n = static_cast<double>(x.size()), mean = sum / n;
            return std::pair(mean, std::sqrt(squares / n - mean * mean));
        };
        // five standard errors
        auto const [mean, deviation] = moments(mw::random_normal<many>(here, {mw::seed{1}, "a"}, 1, 2));
        CHECK(std::abs(mean - 1) < 5 * 2 / std::sqrt(2e5));
        CHECK(std::abs(deviation - 2) < 5 * 2 / std::sqrt(4e5));
        auto const u = mw::random_uniform<many>(here, {mw::seed{1}, "b"});
        CHECK(std::abs(moments(u).first - 0.5) < 5 * 0.289 / std::sqrt(2e5));
        CHECK(std::abs(moments(mw::random_bernoulli<many>(here, {mw::seed{1}, "c"}, 0.9)).first - 0.9) <
              5 * 0.3 / std::sqrt(2e5));
        for (float const one : u.span())
            if (!(one >= 0 && one < 1)) FAIL("a number outside of [0, 1)");
        CHECK(says(refusal([&] { mw::random_normal<row>(here, {mw::seed{1}, "a"}, 0, -1); }), "deviation"));
        CHECK(says(refusal([&] { mw::random_uniform<row>(here, {mw::seed{1}, "a"}, 1, 0); }), "high - low"));
        CHECK(
            says(refusal([&] { mw::random_bernoulli<row>(here, {mw::seed{1}, "a"}, 1.5); }), "probability"));
    });
    CHECK(static_cast<double>(static_cast<float>(mw::detail::below<float>(1 - 1e-12, 1))) < 1);
    CHECK(static_cast<double>(static_cast<float>(mw::detail::below<float>(-1e-60, 0))) < 0);
}

TEST_CASE("one element, by its indices") {
    mw::run<by_rows>(mw::threads{}, [](mw::rank<by_rows>& here) {
        auto const x =
            mw::reshard<mw::layout<mw::mesh<dp>>>(mw::arange<row>(here, 0.0) * 10 + mw::zeros<row>(here));
        CHECK(x.at(mw::index<row>(3)) == 30);
        CHECK(x.at(mw::index<row>(mw::uniform<int>(2))) == 20);
        auto const e = mw::eye<column, column2>(here);
        CHECK(e.at(mw::index<column2>(2), mw::index<column>(2)) == 1);
        CHECK(e.at(mw::index<column2>(1), mw::index<column>(2)) == 0);
        CHECK(says(refusal([&] { (void)x.at(mw::index<row>(4)); }),
                   "index 4 along row is outside of its 4 elements"));
        CHECK(says(refusal([&] { (void)x.at(mw::index<row>(-1)); }), "index -1 along row"));
        auto const total = mw::settle<by_rows>(mw::sum<row>(mw::arange<row>(here, 0.0)));
        CHECK(total.item() == 6);
        CHECK(total.at() == 6);
        mw::tensor_of<by_rows, float> never;
        CHECK(says(refusal([&] { (void)never.item(); }), "never given a value"));
    });
}

struct model {
    mw::tensor_of<alone, float, column> w;
    static constexpr auto parameters = mw::fields<&model::w>();
};

TEST_CASE("an element of a recorded value is read by name only") {
    mw::run<alone>(mw::threads{}, [](mw::rank<alone>& here) {
        auto m = mw::init<model>(here, mw::seed{1});
        auto const with = [&](auto read) {
            return refusal([&] {
                (void)mw::value_and_gradient(m, [&](model const& given) {
                    auto const loss = mw::sum<column>(given.w * given.w);
                    return loss * (1 + read(loss));
                });
            });
        };
        CHECK(says(with([](auto const& loss) { return loss.item(); }), "making.cpp"));
        CHECK(says(with([](auto const& loss) { return loss.item(); }),
                   "no gradient would come through the numbers"));
        CHECK(with([](auto const& loss) { return loss.detached().item(); }).empty());
    });
}

TEST_CASE("a tensor as text: axes, placement, elements") {
    std::string shown;
    mw::run<by_both>(mw::threads{}, [&](mw::rank<by_both>& here) {
        std::ostringstream out;
        out << mw::arange<token2>(here, -1, 1);
        CHECK(out.str() == "(token2 3) int\n[-1,  0,  1]\n");
        auto const whole_number = mw::full<mw::tensor_of<by_both, std::int64_t>>(9'007'199'254'740'993);
        CHECK(mw::to_text(whole_number).ends_with("\n9007199254740993\n"));
        CHECK(mw::to_text(mw::full_like(whole_number, 1) * 9'007'199'254'740'993)
                  .ends_with("\n9007199254740993\n"));
        CHECK(says(refusal([&] { (void)here.template place<padded_row>(std::vector<float>(5)); }),
                   "a tensor of 8 elements, with the padding of its axes, was given 5"));
        CHECK(mw::to_text(mw::arange<token2>(here) > 0) == "(token2 3) bool\n[0, 1, 1]\n");
        CHECK(mw::to_text(mw::full<mw::tensor_of<by_both, float>>(0.5F)) == "() float\n0.5\n");
        auto const x = mw::ones<padded_row, column>(here);
        if (here.is_first().on_this_rank())
            CHECK(mw::local_text(x) ==
                  "(padded_row 8 / dp, column 6 / tp), of it [padded_row 0 to 4, column 0 to 3) float\n"
                  "[[1, 1, 1],\n [1, 1, 1],\n [1, 1, 1],\n [1, 1, 1]]\n");
        std::FILE* const file = std::tmpfile();
        mw::print(here, x, file);
        mw::print(here, mw::sum<padded_row>(x), file);  // what is owed is settled
        if (here.is_first().on_this_rank()) {
            std::rewind(file);
            char text[1000];
            shown.assign(text, std::fread(text, 1, sizeof text, file));
        } else
            CHECK(std::ftell(file) == 0);
        std::fclose(file);
    });
    CHECK(shown == "(padded_row 5 / dp, column 6 / tp) float\n"
                   "[[1, 1, 1, 1, 1, 1],\n [1, 1, 1, 1, 1, 1],\n [1, 1, 1, 1, 1, 1],\n [1, 1, 1, 1, 1, 1],\n"
                   " [1, 1, 1, 1, 1, 1]]\n"
                   "(column 6 / tp) float\n[5, 5, 5, 5, 5, 5]\n");
}

TEST_CASE("a large tensor as text is shortened") {
    struct wide : mw::axis<1001> {};
    struct tall : mw::axis<7> {};
    mw::run<alone>(mw::threads{}, [](mw::rank<alone>& here) {
        CHECK(mw::to_text(mw::arange<wide>(here)) ==
              "(wide 1001) int\n[   0,    1,    2, ...,  998,  999, 1000]\n");
        std::string const text = mw::to_text(mw::zeros<tall, row, wide>(here));
        CHECK_MESSAGE(text.starts_with("(tall 7, row 4, wide 1001) float\n[[[0, 0, 0, ..., 0, 0, 0],\n  [0"),
                      text);
        CHECK(says(text, "],\n\n ...,\n\n [["));
        CHECK(mw::to_text(mw::zeros<token>(here, {0})) == "(token 0) float\n[]\n");
    });
}

}  // namespace
