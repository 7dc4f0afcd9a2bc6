// losses: against loops and differences, on meshes of 1 to 4 ranks; numbers at the edges; micro-batches.
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/rows/info_nce.hpp>
#include <meshwise/ops/rows/losses.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct embed : mw::axis<6> {};
constexpr std::size_t rows = batch::size, width = embed::size;

template <class... Part>
using serially = mw::strategy<Part..., mw::on<mw::serial>, mw::dtype<double>>;
using whole = serially<mw::mesh<>>;
using by_rows_2 = serially<mw::mesh<dp2>, split<batch, dp2>>;
using by_rows_4 = serially<mw::mesh<dp4>, split<batch, dp4>>;
using by_columns_3 = serially<mw::mesh<tp3>, split<embed, tp3>>;
using by_both = serially<grid<2, 2>, split<batch, dp2>, split<embed, tp2>>;
using by_rows_twice = serially<grid<2, 2>, split<batch, dp2>, split<batch, tp2>>;

std::vector<std::int32_t> const targets{3, mw::ignore_index, 0, 5};
std::vector<std::int32_t> const signs{1, -1, -1, 1};

double cosine(double const* x, double const* y) {
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < width; ++i) xy += x[i] * y[i], xx += x[i] * x[i], yy += y[i] * y[i];
    return xy / std::sqrt(xx * yy);
}
template <class F>
double sum_of(F each) {
    double all = 0;
    for (std::size_t i = 0; i < rows * width; ++i) all += each(i);
    return all;
}

// a loss as a double loop: its sum, and the count of which it is the mean
struct reference {
    char const* name;
    double count;
    double (*sum)(numbers const& x, numbers const& y);
};
reference const references[] = {
    {"mse", rows* width,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) { return (x[i] - y[i]) * (x[i] - y[i]); });
     }},
    {"l1", rows* width,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) { return std::abs(x[i] - y[i]); });
     }},
    {"huber", rows* width,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) {
             double const d = std::abs(x[i] - y[i]);
             return d <= 0.7 ? d * d / 2 : 0.7 * (d - 0.35);
         });
     }},
    {"binary cross-entropy", rows* width,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) {
             double const p = 1 / (1 + std::exp(-x[i]));
             return -3 * y[i] * std::log(p) - (1 - y[i]) * std::log(1 - p);
         });
     }},
    {"kl", rows,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) { return y[i] * y[i] * (std::log(y[i] * y[i]) - x[i]); });
     }},
    {"kl of logarithms", rows,
     [](numbers const& x, numbers const& y) {
         return sum_of([&](std::size_t i) { return std::exp(y[i]) * (y[i] - x[i]); });
     }},
    {"nll", rows - 1,
     [](numbers const& x, numbers const& y) {
         double all = 0;
         for (std::size_t r = 0; r < rows; ++r)
             if (targets[r] >= 0) all -= x[r * width + static_cast<std::size_t>(targets[r])];
         return all + 0 * y[0];
     }},
    {"cosine", rows,
     [](numbers const& x, numbers const& y) {
         double all = 0;
         for (std::size_t r = 0; r < rows; ++r) {
             double const c = cosine(&x[r * width], &y[r * width]);
             all += signs[r] > 0 ? 1 - c : std::max(0.0, c - 0.1);
         }
         return all;
     }},
    {"InfoNCE", rows,
     [](numbers const& x, numbers const& y) {
         double all = 0;
         for (std::size_t r = 0; r < rows; ++r) {
             double total = 0;
             for (std::size_t c = 0; c < rows; ++c)
                 total += std::exp(cosine(&x[r * width], &y[c * width]) / 0.5);
             all += std::log(total) - cosine(&x[r * width], &y[r * width]) / 0.5;
         }
         return all;
     }},
};

template <class S, class X, class Y>
mw::tensor_of<S, double> loss_named(std::size_t which, mw::loss_reduction how, X const& x, Y const& y) {
    using ids_type = mw::tensor_of<S, std::int32_t, batch>;
    auto const number = [](auto const& loss) { return mw::settle<S>(loss); };
    switch (which) {
    case 0: return number(mw::mse_loss(x, y, {how}));
    case 1: return number(mw::l1_loss(x, y, {how}));
    case 2: return number(mw::huber_loss(x, y, {.delta = 0.7, .reduction = how}));
    case 3: return number(mw::binary_cross_entropy_with_logits(x, y, {.pos_weight = 3, .reduction = how}));
    case 4: return number(mw::kl_div<embed>(x, y * y, {.reduction = how}));
    case 5: return number(mw::kl_div<embed>(x, y, {.log_target = true, .reduction = how}));
    case 6: {
        auto const ids = mw::cut_from<ids_type>(std::span<std::int32_t const>(targets));
        auto const loss = mw::nll_loss<embed>(x, ids, {how});
        return number(mw::loss_parts{loss.sum + 0 * mw::sum(y), loss.count});
    }
    case 7: {
        auto const ids = mw::cut_from<ids_type>(std::span<std::int32_t const>(signs));
        return number(mw::cosine_embedding_loss<S, embed>(x, y, ids, {.margin = 0.1, .reduction = how}));
    }
    default:
        return number(mw::info_nce<S, batch, embed>(mw::normalize<S, embed>(x), mw::normalize<S, embed>(y),
                                                    {.temperature = 0.5, .reduction = how}));
    }
}

template <class S>
void check_all() {
    using X = mw::tensor_of<S, double, batch, embed>;
    std::mt19937 random(S::mesh::ranks);
    numbers x(rows * width), y(rows * width);
    for (double& a : x) a = static_cast<double>(random() % 1'000'000) / 4e5 - 1.2;
    for (double& a : y) a = static_cast<double>(random() % 1'000'000) / 4e5 - 1.2;
    for (std::size_t which = 0; which < std::size(references); ++which)
        for (auto const how : {mw::loss_reduction::mean, mw::loss_reduction::sum}) {
            auto const& wanted = references[which];
            CAPTURE(wanted.name);
            CAPTURE(S::mesh::ranks);
            double const count = how == mw::loss_reduction::mean ? wanted.count : 1;
            auto const seen = loss_on<S, X, X>(
                x, y, [&](auto&, auto const& a, auto const& b) { return loss_named<S>(which, how, a, b); });
            CHECK(seen.value == doctest::Approx(wanted.sum(x, y) / count).epsilon(1e-12));
            CHECK(distance(seen.dx, slopes(x, [&](numbers const& a) { return wanted.sum(a, y) / count; })) <
                  1e-7);
            CHECK(distance(seen.dy, slopes(y, [&](numbers const& b) { return wanted.sum(x, b) / count; })) <
                  1e-7);
        }
}

TEST_CASE("losses and their gradients, whole and split, as means and as sums") {
    check_all<whole>();
    check_all<by_rows_2>();
    check_all<by_rows_4>();
    check_all<by_columns_3>();
    check_all<by_both>();
    check_all<by_rows_twice>();
}

struct some : mw::up_to<4> {};
using by_some = serially<mw::mesh<dp2>, split<some, dp2>>;
struct one_weight {
    mw::tensor_of<by_some, double, embed> w;
    static constexpr auto parameters = mw::fields<&one_weight::w>();
};

// a loss as it is, of two micro-batches of other counts
TEST_CASE("a pending loss is divided last") {
    using X = mw::tensor_of<by_some, double, some, embed>;
    mw::run<by_some>(mw::threads{}, [&](auto& here) {
        numbers const x = values(4 * width);
        auto const model = mw::init<one_weight>(here, mw::seed{1});
        std::vector<X> const parts{mw::cut_from<X>(std::span(x).first(2 * width), {2}),
                                   mw::cut_from<X>(std::span(x), {4})};
        auto const found = mw::value_and_gradient_over(model, parts, [](auto const& m, X const& part) {
            return mw::mse_loss(part + m.w, mw::zeros_like(part));
        });
        double all = 0;
        for (std::size_t i = 0; i < 4 * width; ++i) all += x[i] * x[i] * (i < 2 * width ? 2 : 1);
        CHECK(found.loss == doctest::Approx(all / (6 * width)).epsilon(1e-12));
        CHECK(found.gradient.count == 6 * width);
        // and the own loss, of a value that is pending already
        CHECK(mw::settle<by_some>(mw::loss_of(mw::sum<some>(parts[1]))).item() ==
              doctest::Approx(std::accumulate(x.begin(), x.end(), 0.0) / width).epsilon(1e-12));
    });
}

struct single : mw::axis<1> {};
struct one_logit {
    mw::tensor_of<whole, double, single> x;
    static constexpr auto parameters = mw::fields<&one_logit::x>();
};
TEST_CASE("losses at the edges of numbers") {
    struct all : mw::up_to<8> {};
    using X = mw::tensor_of<whole, double, all>;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    mw::run<whole>(mw::threads{}, [&](auto&) {
        auto const of = [](numbers const& a) {
            return mw::cut_from<X>(std::span<double const>(a), {a.size()});
        };
        auto const number = [](auto const& loss) { return mw::settle<whole>(loss).item(); };
        auto const bce = [&](double x, double y) {
            return number(mw::binary_cross_entropy_with_logits(of({x}), of({y})));
        };
        CHECK(bce(1000, 1) == 0);
        CHECK(bce(-1000, 1) == 1000);
        CHECK(bce(1000, 0) == 1000);
        CHECK(bce(-40, 0) / std::exp(-40.0) == doctest::Approx(1).epsilon(1e-12));
        one_logit const sure{mw::full<mw::tensor_of<whole, double, single>>(-40)};
        auto found = mw::value_and_gradient(sure, [](auto const& m) {
            return mw::binary_cross_entropy_with_logits(m.x, mw::zeros_like(m.x));
        });
        CHECK(found.gradient.whole(0, sure.x).data()[0] / std::exp(-40.0) ==
              doctest::Approx(1).epsilon(1e-12));
        CHECK(number(mw::kl_div<all>(of({-1, -2}), of({0, 1}))) == 2);
        CHECK(number(mw::kl_div<all>(of({-infinity, -2}), of({0, 1}))) == 2);
        CHECK(number(mw::kl_div<all>(of({-infinity, -2}), of({0.5, 0.5}))) == infinity);
        CHECK(std::isnan(number(mw::mse_loss(of({1, NAN}), of({1, 2})))));
        CHECK(std::isnan(number(mw::huber_loss(of({1, NAN}), of({1, 2})))));
        CHECK(number(mw::huber_loss(of({infinity}), of({1}))) == infinity);
        CHECK(number(mw::mse_loss(of({}), of({}))) == 0);
        CHECK(mw::cosine_similarity<all>(of({0, 0}), of({1, 2})).item() == 0);
        CHECK(mw::cosine_similarity<all>(of({3, 4}), of({6, 8})).item() == doctest::Approx(1).epsilon(1e-15));
        CHECK(number(mw::binary_cross_entropy_with_logits(of({2, -3}), of({1, 0}))) ==
              number(mw::binary_cross_entropy_with_logits(of({2, -3}), of({1, 0}) > 0)));
    });
}

struct columns : mw::padded<5, 8> {};

TEST_CASE("padding is no element of a loss, and wrong options and targets are named") {
    using S = serially<grid<1, 4>, split<columns, tp<4>>>;
    using X = mw::tensor_of<S, double, batch, columns>;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto const x = mw::full<X>(3), y = mw::full<X>(1);
        auto const is = [&](auto const& loss, double expected) {
            CHECK(mw::settle<S>(loss).item() == doctest::Approx(expected).epsilon(1e-14));
        };
        is(mw::mse_loss(x, y), 4), is(mw::l1_loss(x, y, {mw::loss_reduction::sum}), 40);
        is(mw::kl_div<columns>(x, y), -15);
        is(mw::nll_loss<columns>(x, mw::zeros<mw::tensor_of<S, std::int32_t, batch>>()), -3);
        is(mw::binary_cross_entropy_with_logits(x, y), std::log1p(std::exp(-3.0)));
        CHECK(here.gather(mw::cosine_similarity<S, columns>(x, y))[3] == doctest::Approx(1).epsilon(1e-15));
        // of floats the square of this epsilon is 0
        auto const nothing = mw::zeros<mw::tensor_of<S, float, batch, columns>>();
        CHECK(here.gather(mw::normalize<S, columns>(nothing, 1e-25))[0] == 0);
    });
    CHECK(complaint<S>([](auto&) {
              (void)mw::huber_loss(mw::full<X>(3), mw::full<X>(1), {.delta = 0});
          }).find("delta of mw::huber_loss is 0") != std::string::npos);
    CHECK(complaint<S>([](auto&) {
              (void)mw::nll_loss<columns>(mw::full<X>(3), mw::full<mw::tensor_of<S, std::int32_t, batch>>(5));
          }).find("target") != std::string::npos);
}

}  // namespace
