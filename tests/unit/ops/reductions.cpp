// Reductions: values and gradients over random shapes, whole and split, against plain loops in double and their central
// differences; empty axes, NaN and infinities as numpy and PyTorch have them; padding, which is no element.
#include <algorithm>
#include <array>
#include <limits>
#include <random>

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/logsumexp.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/reductions/norm.hpp>
#include <meshwise/ops/reductions/prod.hpp>
#include <meshwise/ops/reductions/variance.hpp>
#include <meshwise/ops/rows/softmax.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"
#include "on_ranks.hpp"

namespace {

using namespace agreement;
using namespace meshes;

constexpr double infinity = std::numeric_limits<double>::infinity();
double const nan = std::numeric_limits<double>::quiet_NaN();

struct batch : mw::up_to<8> {};
struct token : mw::up_to<9> {};
struct embed : mw::up_to<8> {};
struct most_batch : mw::axis<batch::size> {};
struct most_token : mw::axis<token::size> {};
struct most_embed : mw::axis<embed::size> {};

using one = mw::strategy<grid<1, 1>>;
using by_token = mw::strategy<grid<1, 3>, split<token, tp<3>>>;
using by_two = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<embed, tp<2>>>;
using by_embed_twice = mw::strategy<grid<2, 2>, split<embed, dp<2>, tp<2>>>;

using shape = std::array<std::size_t, 3>;

// the elements that are reduced to one, for each element of the result
using groups = std::vector<std::vector<std::size_t>>;
groups groups_of(shape const& of, std::array<bool, 3> const& reduced) {
    std::size_t results = 1;
    for (std::size_t i = 0; i < 3; ++i) results *= reduced[i] ? 1 : of[i];
    groups all(results);
    for (std::size_t at = 0; at < of[0] * of[1] * of[2]; ++at) {
        std::size_t const index[] = {at / of[2] / of[1], at / of[2] % of[1], at % of[2]};
        std::size_t result = 0;
        for (std::size_t i = 0; i < 3; ++i)
            if (!reduced[i]) result = result * of[i] + index[i];
        all[result].push_back(at);
    }
    return all;
}

double sum_of(numbers const& x) {
    double sum = 0;
    for (double a : x) sum += a;
    return sum;
}
double mean_of(numbers const& x) { return x.empty() ? 0 : sum_of(x) / static_cast<double>(x.size()); }
double variance_of(numbers const& x, double correction) {
    double squares = 0, mean = mean_of(x);
    for (double a : x) squares += (a - mean) * (a - mean);
    return squares / std::max(0.0, static_cast<double>(x.size()) - correction);
}

constexpr std::array<bool, 3> tokens_and_embed{false, true, true}, batches{true, false, false},
    everything{true, true, true};
struct reference {
    char const* name;
    std::array<bool, 3> reduced;
    double (*of)(numbers const&);
};
reference const references[] = {
    {"prod", tokens_and_embed,
     [](numbers const& x) {
         double product = 1;
         for (double a : x) product *= a;
         return product;
     }},
    {"min", everything,
     [](numbers const& x) {
         double least = infinity;
         for (double a : x) least = std::min(least, a);
         return least;
     }},
    {"max", everything,
     [](numbers const& x) {
         double most = -infinity;
         for (double a : x) most = std::max(most, a);
         return most;
     }},
    {"logsumexp", tokens_and_embed,
     [](numbers const& x) {
         double sum = 0;
         for (double a : x) sum += std::exp(a);
         return std::log(sum);
     }},
    {"variance", tokens_and_embed, [](numbers const& x) { return variance_of(x, 1); }},
    {"variance of all", everything, [](numbers const& x) { return variance_of(x, 0); }},
    {"standard_deviation", batches, [](numbers const& x) { return std::sqrt(variance_of(x, 0)); }},
    {"norm", tokens_and_embed,
     [](numbers const& x) {
         double squares = 0;
         for (double a : x) squares += a * a;
         return std::sqrt(squares);
     }},
    {"norm, p = 1", tokens_and_embed,
     [](numbers const& x) {
         double sum = 0;
         for (double a : x) sum += std::abs(a);
         return sum;
     }},
    {"norm, p = infinity", tokens_and_embed,
     [](numbers const& x) {
         double most = 0;
         for (double a : x) most = std::max(most, std::abs(a));
         return most;
     }},
    {"mean", batches, mean_of},
    {"mean of all", everything, mean_of},
    {"sum of all", everything, sum_of},
};

template <class S, class X, class F>
auto of_reference(std::size_t which, X const& x, F finish) {
    switch (which) {
    case 0: return finish(mw::prod<S, token, embed>(x));
    case 1: return finish(mw::min<S>(x));
    case 2: return finish(mw::max<S>(x));
    case 3: return finish(mw::logsumexp<S, embed, token>(x));
    case 4: return finish(mw::variance<S, token, embed>(x));
    case 5: return finish(mw::variance<S>(x, {.correction = 0}));
    case 6: return finish(mw::standard_deviation<S, batch>(x, {.correction = 0}));
    case 7: return finish(mw::norm<S, token, embed>(x));
    case 8: return finish(mw::norm<S, token, embed>(x, {.p = 1}));
    case 9: return finish(mw::norm<S, token, embed>(x, {.p = infinity}));
    case 10: return finish(mw::settle<S>(mw::mean<batch>(x)));
    case 11: return finish(mw::settle<S>(mw::mean(x)));
    default: return finish(mw::settle<S>(mw::sum(x)));
    }
}

template <class X>
struct only {
    X x;
    static constexpr auto parameters = mw::fields<&only::x>();
};

struct found {
    numbers out, dx;
};
// where an element of a shape lies in the parameter that the shape is cut from
std::size_t place_in_most(shape const& of, std::size_t at) {
    return (at / of[2] / of[1] * token::size + at / of[2] % of[1]) * embed::size + at % of[2];
}
// one reduction on the mesh of S, and the gradient of its weighed sum; a parameter has fixed extents, and x is cut from it
template <class S>
found reduction_on(std::size_t which, shape const& of, numbers const& x) {
    using most = mw::tensor_of<S, double, most_batch, most_token, most_embed>;
    found all;
    numbers whole(batch::size * token::size * embed::size);
    for (std::size_t i = 0; i < x.size(); ++i) whole[place_in_most(of, i)] = x[i];
    mw::run<S>(mw::threads{}, [&](auto& here) {
        only<most> const model{mw::cut_from<most>(std::span<double const>(whole))};
        auto result = mw::value_and_gradient(model, [&](auto const& m) {
            auto const cut = mw::slice<most_embed, embed>(
                mw::slice<most_token, token>(mw::slice<most_batch, batch>(m.x, 0, of[0]), 0, of[1]), 0,
                of[2]);
            return of_reference<S>(which, mw::settle<S>(cut), [&](auto const& out) {
                auto const gathered = here.gather(out.detached());
                if (here.is_first().on_this_rank()) all.out.assign(gathered.begin(), gathered.end());
                return weighed(out);
            });
        });
        auto const dx = here.gather(result.gradient.whole(0, model.x));
        if (here.is_first().on_this_rank())
            for (std::size_t i = 0; i < x.size(); ++i) all.dx.push_back(dx[place_in_most(of, i)]);
    });
    return all;
}

// `expected` beside `seen`, as a share of the largest
double apart(numbers const& expected, numbers const& seen) {
    double most = 1;
    for (double a : expected) most = std::max(most, std::abs(a));
    return distance(expected, seen) / most;
}

template <class S>
void check(std::size_t which, shape const& of, numbers const& x) {
    auto const& reference = references[which];
    CAPTURE(reference.name);
    CAPTURE(of);
    auto const parts = groups_of(of, reference.reduced);
    auto const out_of = [&](numbers const& a) {
        numbers out;
        for (auto const& part : parts) {
            numbers values;
            for (std::size_t at : part) values.push_back(a[at]);
            out.push_back(reference.of(values));
        }
        return out;
    };
    auto const loss = [&](numbers const& a) {
        double total = 0;
        std::size_t i = 0;
        for (double y : out_of(a)) total += weight_at(i++) * y;
        return total;
    };
    auto const seen = reduction_on<S>(which, of, x);
    CHECK(apart(out_of(x), seen.out) < 1e-12);
    CHECK(apart(slopes(x, loss), seen.dx) < 1e-6);
}

template <class S>
void check_all(shape const& of, std::uint32_t from) {
    std::mt19937 random(from);
    for (std::size_t which = 0; which < std::size(references); ++which) {
        numbers x(of[0] * of[1] * of[2]);
        for (double& a : x) a = static_cast<double>(random() % 1'000'000) / 4e5 - 1.2;
        check<S>(which, of, x);
    }
}

TEST_CASE("reductions and their gradients over random shapes, whole and split") {
    std::mt19937 random(7);
    for (std::uint32_t i = 0; i < 3; ++i) {
        auto const some = [&](std::size_t step, std::size_t most) {
            return step * (1 + random() % (most / step));
        };
        check_all<one>({2 + some(1, 5), some(1, 9), 1 + some(1, 7)}, i);
        check_all<by_token>({2 + some(1, 5), some(3, 9), some(1, 8)}, i);
        check_all<by_two>({some(2, 8), 2 + some(1, 5), some(2, 8)}, i);
        check_all<by_embed_twice>({2 + some(1, 5), some(1, 9), some(4, 8)}, i);
    }
}

TEST_CASE("the gradient of a product with zeros is the product of the others") {
    numbers x{1, 2, 0, 4, 5, 6, 0, 8, 0, 1, 2, 3, 4, 0.5, 2, 1};
    check<one>(0, {4, 1, 4}, x);
    check<by_embed_twice>(0, {4, 1, 4}, x);
}

// one value of each reduction over all of x, on one rank
template <class F>
double value_of(numbers const& x, F reduction) {
    struct all : mw::up_to<1'000'000> {};
    using X = mw::tensor_of<one, double, all>;
    double value = 0;
    mw::run<one>(mw::threads{}, [&](auto&) {
        auto const y = reduction(mw::cut_from<X>(std::span<double const>(x), {x.size()}));
        value = static_cast<double>(y.data()[0]);
    });
    return value;
}
bool same(double a, double b) { return std::isnan(a) ? std::isnan(b) : a == b; }

TEST_CASE("reductions of nothing, of NaN and of infinities") {
    auto const prod = [](auto const& x) { return mw::prod(x); };
    auto const lse = [](auto const& x) { return mw::logsumexp(x); };
    auto const variance = [](auto const& x) { return mw::variance(x); };
    auto const norm = [](auto const& x) { return mw::norm(x); };
    auto const largest = [](auto const& x) { return mw::norm(x, {.p = infinity}); };
    auto const min = [](auto const& x) { return mw::min(x); };
    auto const any = [](auto const& x) { return mw::any(x); };
    auto const all = [](auto const& x) { return mw::all(x); };
    auto const count = [](auto const& x) { return mw::count_nonzero(x); };
    auto const gives = [](auto op, numbers const& x, double expected) {
        CAPTURE(x.size());
        CHECK(same(value_of(x, op), expected));
    };
    gives(prod, {}, 1), gives(prod, {0, infinity}, nan), gives(prod, {nan, 0}, nan),
        gives(prod, {-1, infinity}, -infinity);
    gives(lse, {}, -infinity), gives(lse, {-infinity, -infinity}, -infinity),
        gives(lse, {1, infinity}, infinity);
    gives(lse, {1, nan}, nan), gives(lse, {1000, -infinity}, 1000), gives(lse, {-1e300}, -1e300);
    gives(variance, {}, nan), gives(variance, {5}, nan), gives(variance, {1, infinity}, nan);
    gives(variance, {1e9, 1e9 + 1, 1e9 + 2}, 1);
    gives(norm, {}, 0), gives(norm, {3, -4}, 5), gives(norm, {nan, infinity}, nan), gives(largest, {}, 0);
    gives(largest, {1, -infinity}, infinity), gives(largest, {nan, 1}, nan), gives(largest, {1, nan}, nan);
    gives(min, {}, infinity), gives(min, {1, -infinity}, -infinity), gives(min, {1, nan, 0}, nan);
    gives(any, {}, 0), gives(any, {0, nan}, 1), gives(any, {0, -0.0}, 0);
    gives(all, {}, 1), gives(all, {1, nan}, 1), gives(all, {1, 0}, 0);
    gives(count, {}, 0), gives(count, {0, nan, infinity, -0.0, 1}, 3);
    // pieces are joined: the mean is large, and long runs are cut
    numbers many(70'001);
    for (std::size_t i = 0; i < many.size(); ++i) many[i] = 1e6 + static_cast<double>(i % 7);
    CHECK(std::abs(value_of(many, variance) - variance_of(many, 1)) < 1e-9);
    CHECK(std::abs(value_of(many, lse) - (1e6 + std::log([&] {
                                              double sum = 0;
                                              for (double a : many) sum += std::exp(a - 1e6);
                                              return sum;
                                          }()))) < 1e-8);
}

struct rows : mw::axis<4> {};
struct padded : mw::padded<5, 8> {};
struct wide : mw::axis<3> {};
using split_padding = mw::strategy<grid<1, 4>, split<padded, tp<4>>>;

TEST_CASE("padding is no element, wherever its axis stands and is cut") {
    using P = mw::tensor_of<split_padding, double, rows, padded, wide>;
    numbers x(4 * 8 * 3, 2);
    mw::run<split_padding>(mw::threads{}, [&](auto& here) {
        auto const p = mw::cut_from<P>(std::span<double const>(x));
        auto const is = [&](auto const& y, double expected) {
            for (auto value : here.gather(y)) CHECK(static_cast<double>(value) == doctest::Approx(expected));
        };
        using S = split_padding;
        is(mw::prod<S, padded>(p), 32), is(mw::prod<S, padded, wide>(p), 32768);
        is(mw::logsumexp<S, padded>(p), 2 + std::log(5)), is(mw::variance<S, padded, wide>(p), 0);
        is(mw::all<S, padded, wide>(p), 1), is(mw::count_nonzero<S, padded>(p), 5),
            is(mw::norm<S, padded, wide>(p), std::sqrt(60.0));
        is(mw::mean<S, padded>(p), 2), is(mw::sum<S, padded, rows>(p), 40);
        is(mw::max<S, padded>(p * -1), -2), is(mw::max<S, padded, wide>(p * -1), -2),
            is(mw::min<S, padded>(p), 2);
        // and what is kept of it stays zero
        auto const kept = mw::logsumexp<wide>(p);
        is(mw::count_nonzero<S, padded>(kept), 5);
    });
}

TEST_CASE("the gradient of an extreme, and of a softmax, goes to no padding") {
    using P = mw::tensor_of<split_padding, double, rows, padded, wide>;
    numbers const below(4 * 8 * 3, -2);
    mw::run<split_padding>(mw::threads{}, [&](auto& here) {
        using S = split_padding;
        only<P> const model{mw::cut_from<P>(std::span<double const>(below))};
        auto const gradient = [&](auto loss) {
            auto found = mw::value_and_gradient(model, [&](auto const& m) { return loss(m.x); });
            return here.gather(found.gradient.whole(0, model.x));
        };
        auto const count = [](numbers const& d) {  // of elements that are no padding
            std::size_t ones = 0;
            for (std::size_t i = 0; i < d.size(); ++i) ones += d[i] == 1 && i / 3 % 8 < 5 ? 1U : 0U;
            return ones;
        };
        CHECK(count(gradient([](auto const& x) { return mw::sum<S>(mw::max<S, padded>(x)); })) == 12);
        CHECK(count(gradient([](auto const& x) { return mw::sum<S>(mw::min<S, padded>(x * -1) * -1); })) ==
              12);
        auto const whole = mw::reshard<mw::layout<typename S::mesh>>(model.x);
        auto const weights = here.gather(mw::softmax<padded>(whole));
        for (std::size_t i = 0; i < weights.size(); ++i)
            CHECK(weights[i] == doctest::Approx(i / 3 % 8 < 5 ? 0.2 : 0.0));
        numbers const slope = gradient([](auto const& x) {
            auto const y = mw::softmax<padded>(mw::reshard<mw::layout<typename S::mesh>>(x));
            return mw::sum(y * y);
        });
        CHECK(std::all_of(slope.begin(), slope.end(), [](double d) { return std::abs(d) < 1e-15; }));
    });
}

TEST_CASE("integers, bool and bfloat16") {
    using ids_type = mw::tensor_of<by_two, std::int32_t, rows, wide>;
    std::vector<std::int32_t> const ids{-5, -7, -6, 1, 0, 2, 3, 4, 5, 0, 0, 0};
    mw::run<by_two>(mw::threads{}, [&](auto& here) {
        auto const x = mw::cut_from<ids_type>(std::span<std::int32_t const>(ids));
        using expected = std::vector<std::int32_t>;
        CHECK(here.gather(mw::max<wide>(x)) == expected{-5, 2, 5, 0});
        CHECK(here.gather(mw::min<wide>(x)) == expected{-7, 0, 3, 0});
        CHECK(here.gather(mw::prod<wide>(x)) == std::vector<std::int64_t>{-210, 0, 60, 0});
        CHECK(here.gather(mw::count_nonzero<wide>(x)) == std::vector<std::int64_t>{3, 2, 3, 0});
        auto const whole = mw::all<wide>(x);
        CHECK(here.gather(mw::count_nonzero(whole)) == std::vector<std::int64_t>{2});
        CHECK(here.gather(mw::max<by_two>(mw::cast<mw::bfloat16>(mw::cast<float>(x) - 100)))[0] == -95);
    });
}

TEST_CASE("sums and products of narrow integers have 64 bits, on one rank and over ranks") {
    using by_rows = mw::strategy<grid<1, 2>, split<rows, tp<2>>>;
    using ids_type = mw::tensor_of<by_rows, std::int32_t, rows, wide>;
    using sums = std::vector<std::int64_t>;
    static constexpr std::int32_t big = 2'000'000'000;
    mw::run<by_rows>(mw::threads{}, [](auto& here) {
        auto const x = mw::full<ids_type>(big);
        CHECK(here.gather(mw::sum<by_rows, wide>(x)) == sums(4, 3LL * big));
        CHECK(here.gather(mw::sum<by_rows>(x)) == sums{12LL * big});
        CHECK(here.gather(mw::sum<by_rows>(x * -1)) == sums{-12LL * big});
        CHECK(here.gather(mw::prod<by_rows, wide>(mw::full<ids_type>(1'000'000))) ==
              sums(4, 1'000'000'000'000'000'000));
        CHECK(here.gather(mw::cumsum<by_rows, wide>(x))[2] == 3LL * big);
        CHECK(here.gather(mw::cumsum<by_rows, rows>(x))[11] == 4LL * big);
        CHECK(here.gather(mw::cumprod<by_rows, rows>(mw::full<ids_type>(50'000)))[11] ==
              6'250'000'000'000'000'000);
        static_assert(std::is_same_v<typename decltype(mw::sum<wide>(mw::cast<std::uint64_t>(x)))::value_type,
                                     std::uint64_t>);
        static_assert(
            std::is_same_v<typename decltype(mw::sum<wide>(mw::cast<float>(x)))::value_type, float>);
    });
}

TEST_CASE("what has no gradient refuses a recorded operand, and wrong options are named") {
    using X = mw::tensor_of<one, double, rows>;
    CHECK(complaint<one>([](auto& here) {
              auto const model = mw::init<only<X>>(here, mw::seed{1});
              (void)mw::value_and_gradient(model, [](auto const& m) {
                  (void)mw::any(m.x);
                  return mw::sum(m.x);
              });
          }).find("mw::any was given a value that mw::value_and_gradient records") != std::string::npos);
    CHECK(complaint<one>([](auto&) { (void)mw::norm(mw::full<X>(1), {.p = 3}); }).find("p = 3") !=
          std::string::npos);
    CHECK(complaint<one>([](auto&) {
              (void)mw::variance(mw::full<X>(1), {.correction = -1});
          }).find("correction") != std::string::npos);
}

template <std::size_t Ranks>
numbers spread_of(numbers const& x) {
    struct tokens : mw::axis<512> {};
    using split_tokens = mw::strategy<grid<1, Ranks>, split<tokens, tp<Ranks>>, mw::reproducible<4>>;
    using X = mw::tensor_of<split_tokens, float, rows, tokens>;
    numbers out;
    std::vector<float> const narrow(x.begin(), x.end());
    mw::run<split_tokens>(mw::threads{}, [&](auto& here) {
        auto const p = mw::cut_from<X>(std::span<float const>(narrow));
        for (auto const& y : {mw::variance<split_tokens, tokens>(p), mw::logsumexp<split_tokens, tokens>(p),
                              mw::prod<split_tokens, tokens>(p)})
            for (float a : here.gather(y))
                if (here.is_first().on_this_rank()) out.push_back(a);
    });
    return out;
}

struct many_tokens : mw::axis<512> {};
template <class S>
struct rows_of_tokens {
    mw::tensor_of<S, float, many_tokens, rows> x;
    static constexpr auto parameters = mw::fields<&rows_of_tokens::x>();
};
/// Running sums and products of a split axis, and their gradients.
template <std::size_t Ranks>
std::vector<numbers> running_of(numbers const& x) {
    using tokens = many_tokens;
    using S = mw::strategy<grid<1, Ranks>, split<tokens, tp<Ranks>>, mw::reproducible<4>>;
    using operands = rows_of_tokens<S>;
    std::vector<numbers> found;
    auto const keep = [&](testing::outcome const& seen) {
        found.insert(found.end(), {seen.value, seen.gradients[0]});
    };
    auto const weights = testing::varied(x.size(), 3);
    keep(testing::on_ranks<S, operands>(
        {x}, weights, [](auto&, operands const& m) { return mw::cumsum<S, tokens>(m.x); })[0]);
    keep(testing::on_ranks<S, operands>(
        {x}, weights, [](auto&, operands const& m) { return mw::cumprod<S, tokens>(m.x); })[0]);
    return found;
}

TEST_CASE("reproducible<V>: the same bits on one rank and on four") {
    numbers x(4 * 512);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 1 + std::sin(static_cast<double>(i)) / 3;
    CHECK(spread_of<1>(x) == spread_of<4>(x));
    auto const alone = running_of<1>(x);
    CHECK(running_of<2>(x) == alone);
    CHECK(running_of<4>(x) == alone);
    double sum = 0, product = 1;
    for (std::size_t i = 0; i < x.size(); ++i)
        if (i % 4 == 1) {
            sum += x[i], product *= x[i];
            CHECK(alone[0][i] == doctest::Approx(sum).epsilon(1e-6));
            CHECK(alone[2][i] == doctest::Approx(product).epsilon(1e-5));
        }
}

}  // namespace
