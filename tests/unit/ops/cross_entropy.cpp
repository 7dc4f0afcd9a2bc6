// The loss on every placement against a plain double loop: split and padded vocabularies, ignored and wrong
// targets.
#include <algorithm>
#include <cmath>

#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>
#include <meshwise/tensor/constants.hpp>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct token : mw::axis<6> {};
struct vocab : mw::axis<12> {};
struct padded_vocab : mw::padded<5, 8> {};
struct note : mw::axis<2> {};

enum class ignoring { none, some, first_half, all };

template <class Vocab>
ids some_targets(ignoring which) {
    ids all(batch::size * token::size);
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool const ignored = which == ignoring::all || (which == ignoring::some && i % 5 == 2) ||
                             (which == ignoring::first_half && i < all.size() / 2);
        all[i] = ignored ? mw::ignore_index : static_cast<std::int32_t>((i * i + 3 * i) % Vocab::true_size);
    }
    return all;
}

struct expected_loss {
    double sum = 0, count = 0;
};
template <class Vocab>
expected_loss naive(numbers const& logits, ids const& targets, mw::label_smoothing const& labels = {}) {
    double const k = Vocab::true_size, epsilon = labels.epsilon;
    bool const all = labels.over == mw::smoothing::over_all;
    expected_loss found;
    for (std::size_t r = 0; r < targets.size(); ++r) {
        if (targets[r] == mw::ignore_index) continue;
        double const* row = logits.data() + r * Vocab::size;
        double largest = -INFINITY, total = 0;
        for (std::size_t v = 0; v < Vocab::true_size; ++v) largest = std::max(largest, row[v]);
        for (std::size_t v = 0; v < Vocab::true_size; ++v) total += std::exp(row[v] - largest);
        for (std::size_t v = 0; v < Vocab::true_size; ++v) {
            bool const is_target = v == static_cast<std::size_t>(targets[r]);
            double const wanted = all ? epsilon / k + (is_target ? 1 - epsilon : 0)
                                      : (is_target ? 1 - epsilon : epsilon / (k - 1));
            found.sum -= wanted * (row[v] - largest - std::log(total));
        }
        found.count += 1;
    }
    return found;
}

// padding holds what a reader of it would notice
template <class Vocab>
numbers some_logits() {
    auto x = values(batch::size * token::size * Vocab::size);
    for (std::size_t i = 0; i < x.size(); ++i)
        if (i % Vocab::size >= Vocab::true_size) x[i] = 1000;
    return x;
}

template <class S, class Vocab>
outcome found_on(ids const& targets, mw::label_smoothing const& labels = {}) {
    using logits = mw::tensor_of<S, double, batch, token, Vocab>;
    using other = mw::tensor_of<S, double, note>;
    return loss_on<S, logits, other>(
        some_logits<Vocab>(), {0, 0}, [&](auto& here, auto const& x, auto const& y) {
            auto const loss = mw::cross_entropy<Vocab>(x, mw::place<batch, token>(here, targets), labels);
            (void)y;
            return loss;
        });
}

template <class S, class Vocab = vocab>
void agrees_on(ignoring which = ignoring::some, mw::label_smoothing const& labels = {}) {
    auto const targets = some_targets<Vocab>(which);
    auto const found = found_on<S, Vocab>(targets, labels);
    auto const logits = some_logits<Vocab>();
    auto const loss = naive<Vocab>(logits, targets, labels);
    auto const mean = [&](numbers const& x) {
        return loss.count == 0 ? 0.0 : naive<Vocab>(x, targets, labels).sum / loss.count;
    };
    CHECK(found.count == loss.count);
    CHECK(std::abs(found.value - mean(logits)) < 1e-12);
    CHECK(distance(found.dx, slopes(logits, mean)) < 1e-8);
}

TEST_CASE("whole logits, rows split or not") {
    agrees_on<mw::strategy<grid<1, 1>>>(ignoring::none);
    agrees_on<mw::strategy<grid<1, 3>>>();
    agrees_on<mw::strategy<grid<2, 1>, split<batch, dp<2>>>>();
    agrees_on<mw::strategy<grid<4, 1>, split<batch, dp<4>>>>();
    agrees_on<mw::strategy<grid<2, 3>, split<batch, dp<2>>, split<token, tp<3>>>>();
}

TEST_CASE("logits split by vocabulary") {
    agrees_on<mw::strategy<grid<1, 2>, split<vocab, tp<2>>>>();
    agrees_on<mw::strategy<grid<1, 3>, split<vocab, tp<3>>>>();
    agrees_on<mw::strategy<grid<1, 4>, split<vocab, tp<4>>>>(ignoring::none);
    agrees_on<mw::strategy<grid<2, 2>, split<vocab, dp<2>, tp<2>>>>();
    agrees_on<mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<vocab, tp<2>>>>();
    agrees_on<mw::strategy<grid<2, 3>, split<token, dp<2>>, split<vocab, tp<3>>>>();
}

TEST_CASE("padded columns never count, not even where they fill a whole rank or hold large numbers") {
    agrees_on<mw::strategy<grid<1, 1>>, padded_vocab>();
    agrees_on<mw::strategy<grid<1, 2>, split<padded_vocab, tp<2>>>, padded_vocab>();
    agrees_on<mw::strategy<grid<1, 4>, split<padded_vocab, tp<4>>>, padded_vocab>();
    agrees_on<mw::strategy<grid<2, 4>, split<batch, dp<2>>, split<padded_vocab, tp<4>>>, padded_vocab>();
}

TEST_CASE("smoothed labels, both forms: whole, split, padded to whole ranks") {
    for (auto const over : {mw::smoothing::over_all, mw::smoothing::over_others}) {
        mw::label_smoothing const labels{.epsilon = 0.3, .over = over};
        agrees_on<mw::strategy<grid<1, 1>>>(ignoring::some, labels);
        agrees_on<mw::strategy<grid<2, 3>, split<batch, dp<2>>, split<vocab, tp<3>>>>(ignoring::some, labels);
        agrees_on<mw::strategy<grid<2, 2>, split<vocab, dp<2>, tp<2>>>>(ignoring::none, labels);
        agrees_on<mw::strategy<grid<1, 1>>, padded_vocab>(ignoring::some, labels);
        agrees_on<mw::strategy<grid<1, 4>, split<padded_vocab, tp<4>>>, padded_vocab>(ignoring::some, labels);
    }
}

TEST_CASE("an epsilon that is no probability is an error") {
    for (double const wrong : {-0.1, 1.0, 1.5, static_cast<double>(NAN)}) {
        auto const said = complaint<mw::strategy<grid<1, 2>, split<vocab, tp<2>>>>([=](auto& here) {
            using S = mw::strategy<grid<1, 2>, split<vocab, tp<2>>>;
            auto const logits = mw::full<mw::tensor_of<S, float, batch, token, vocab>>(1.0F);
            (void)mw::cross_entropy<vocab>(logits,
                                           mw::place<batch, token>(here, some_targets<vocab>(ignoring::some)),
                                           {.epsilon = wrong});
        });
        CHECK(said.find("epsilon of mw::label_smoothing over vocab is") != std::string::npos);
    }
}

TEST_CASE("ranks with fewer valid targets weigh less, and none at all is loss 0 and count 0") {
    using S = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<vocab, tp<2>>>;
    agrees_on<S>(ignoring::first_half);  // one of the two data ranks has no valid target
    auto const nothing = found_on<S, vocab>(some_targets<vocab>(ignoring::all));
    CHECK(nothing.value == 0);
    CHECK(nothing.count == 0);
    CHECK(distance(nothing.dx, numbers(nothing.dx.size())) == 0);
}

// floats that are 100,000,000 larger than those of another loss: multiples of 8, so that both are exact
template <class S, class Vocab>
outcome of_large_logits(double offset, mw::label_smoothing const& labels) {
    using logits = mw::tensor_of<S, float, batch, token, Vocab>;
    using other = mw::tensor_of<S, float, note>;
    numbers x(batch::size * token::size * Vocab::size);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = offset + 8 * static_cast<double>(i * 5 % 3);
    return loss_on<S, logits, other>(x, {0, 0}, [&](auto& here, auto const& given, auto const&) {
        return mw::cross_entropy<Vocab>(
            given, mw::place<batch, token>(here, some_targets<Vocab>(ignoring::some)), labels);
    });
}
template <class S, class Vocab>
void check_large_logits(mw::label_smoothing const& labels) {
    auto const small = of_large_logits<mw::strategy<mw::mesh<>>, Vocab>(0, labels);
    CHECK(small.value > 1);
    for (double const offset : {0.0, 1e8, -1e8}) {
        CAPTURE(offset);
        auto const large = of_large_logits<S, Vocab>(offset, labels);
        CHECK(large.value == doctest::Approx(small.value).epsilon(1e-6));
        REQUIRE(large.dx.size() == small.dx.size());
        for (std::size_t i = 0; i < small.dx.size(); ++i) CHECK(std::abs(large.dx[i] - small.dx[i]) <= 1e-7);
    }
}

TEST_CASE("a large number that all logits of a row share changes neither the loss nor its gradient") {
    for (mw::label_smoothing const& labels :
         {mw::label_smoothing{}, mw::label_smoothing{.epsilon = 0.1},
          mw::label_smoothing{.epsilon = 0.1, .over = mw::smoothing::over_others}}) {
        check_large_logits<mw::strategy<mw::mesh<>>, vocab>(labels);
        check_large_logits<mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<vocab, tp<2>>>, vocab>(labels);
        check_large_logits<mw::strategy<grid<1, 4>, split<padded_vocab, tp<4>>>, padded_vocab>(labels);
        check_large_logits<mw::strategy<grid<1, 2>, split<vocab, tp<2>>, mw::reproducible<4>>, vocab>(labels);
        check_large_logits<mw::strategy<grid<1, 2>, split<vocab, tp<2>>, mw::on<mw::serial>>, vocab>(labels);
    }
}

TEST_CASE("the form that follows a strategy settles the logits and splits the targets like them") {
    // the vocabulary takes tp before the tokens do, so the targets, split by token, are gathered
    using S = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<vocab, tp<2>>, split<token, tp<2>>>;
    using logits = mw::tensor_of<S, double, batch, token, vocab>;
    using other = mw::tensor_of<S, double, note>;
    auto const targets = some_targets<vocab>(ignoring::some);
    auto const found =
        loss_on<S, logits, other>(some_logits<vocab>(), {0, 0}, [&](auto& here, auto const& x, auto const&) {
            return mw::cross_entropy<S, vocab>(x, mw::place<batch, token>(here, targets));
        });
    auto const loss = naive<vocab>(some_logits<vocab>(), targets);
    CHECK(std::abs(found.value - loss.sum / loss.count) < 1e-12);
    CHECK(distance(found.dx, slopes(some_logits<vocab>(), [&](numbers const& x) {
                       return naive<vocab>(x, targets).sum / loss.count;
                   })) < 1e-8);
}

TEST_CASE("logits that only the loss still holds give their memory to the gradient, others keep it") {
    using S = mw::strategy<grid<1, 2>, split<vocab, tp<2>>>;
    using logits = mw::tensor_of<S, double, batch, token, vocab>;
    using other = mw::tensor_of<S, double, note>;
    auto const targets = some_targets<vocab>(ignoring::some);
    numbers kept;
    // the loss of 2x, twice: once the doubled logits are looked at after the step
    for (bool keep : {false, true}) {
        std::array<logits, 2> doubled;
        auto const found = loss_on<S, logits, other>(
            some_logits<vocab>(), {0, 0}, [&](auto& here, auto const& x, auto const&) {
                auto const y = mw::scale(x, 2);
                if (keep) doubled[here.index().on_this_rank()] = y;
                return mw::cross_entropy<vocab>(y, mw::place<batch, token>(here, targets));
            });
        auto const mean = [&](numbers x) {
            for (double& v : x) v *= 2;
            auto const loss = naive<vocab>(x, targets);
            return loss.sum / loss.count;
        };
        CHECK(distance(found.dx, slopes(some_logits<vocab>(), mean)) < 1e-8);
        if (keep) CHECK(doubled[0].local_span()[1] == 2 * some_logits<vocab>()[1]);
    }
}

TEST_CASE("a split vocabulary costs two reductions forward and none backward, also with smoothed labels") {
    using S = mw::strategy<grid<1, 3>, split<vocab, tp<3>>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        operands<mw::tensor_of<S, float, batch, token, vocab>, mw::tensor_of<S, float, note>> model;
        model.x = mw::full<decltype(model.x)>(0.5F), model.y = mw::full<decltype(model.y)>(0);
        auto const targets = mw::place<batch, token>(here, some_targets<vocab>(ignoring::none));
        auto const before = here.team().collectives();
        auto const result = mw::value_and_gradient(
            model, [&](auto const& m) { return mw::cross_entropy<vocab>(m.x, targets); });
        auto const used = here.team().collectives() - before;
        (void)mw::value_and_gradient(
            model, [&](auto const& m) { return mw::cross_entropy<vocab>(m.x, targets, {.epsilon = 0.1}); });
        if (here.is_first().on_this_rank()) {
            CHECK(used == 2);
            CHECK(here.team().collectives() - before == 4);
            CHECK(std::abs(result.loss - std::log(12.0)) < 1e-6);
        }
    });
}

TEST_CASE("under reproducible<V> all meshes agree in every bit, smoothed or not") {
    mw::label_smoothing labels{};
    SUBCASE("labels as they are") {}
    SUBCASE("smoothed") { labels.epsilon = 0.1; }
    auto const on = [&labels]<class S>() {
        using x = mw::tensor<float, mw::axes<batch, token, padded_vocab>,
                             mw::layout_for<S, mw::axes<batch, token, padded_vocab>>, mw::backend_of<S>>;
        using y = mw::tensor<float, mw::axes<note>, mw::layout<typename S::mesh>, mw::backend_of<S>>;
        auto logits = values(elements<typename x::axes>);
        auto const targets = some_targets<padded_vocab>(ignoring::some);
        numbers sum;
        auto found = loss_on<S, x, y>(logits, {0, 0}, [&](auto& here, auto const& l, auto const&) {
            auto const loss =
                mw::cross_entropy<padded_vocab>(l, mw::place<batch, token>(here, targets), labels);
            auto const whole = here.gather(loss.sum.detached());
            if (here.is_first().on_this_rank()) sum = {whole[0]};
            return loss;
        });
        found.out = sum;
        return found;
    };
    auto const one = on.template operator()<
        mw::strategy<grid<1, 1>, split<batch, dp<1>>, split<padded_vocab, tp<1>>, mw::reproducible<4>>>();
    for (auto const& other :
         {on.template operator()<mw::strategy<grid<2, 1>, split<batch, dp<2>>, split<padded_vocab, tp<1>>,
                                              mw::reproducible<4>>>(),
          on.template operator()<mw::strategy<grid<1, 4>, split<batch, dp<1>>, split<padded_vocab, tp<4>>,
                                              mw::reproducible<4>>>(),
          on.template operator()<mw::strategy<grid<4, 2>, split<batch, dp<4>>, split<padded_vocab, tp<2>>,
                                              mw::reproducible<4>>>()}) {
        CHECK(other.value == one.value);
        CHECK(other.out == one.out);
        CHECK(other.dx == one.dx);
    }
}

TEST_CASE("a target outside of the true vocabulary is an error that says which and where") {
    using S = mw::strategy<grid<2, 2>, split<batch, dp<2>>, split<padded_vocab, tp<2>>>;
    auto const with = [](std::size_t at, std::int32_t target) {
        return complaint<S>([=](auto& here) {
            auto targets = some_targets<padded_vocab>(ignoring::some);
            targets[at] = target;
            auto const logits = mw::full<mw::tensor_of<S, float, batch, token, padded_vocab>>(1.0F);
            (void)mw::cross_entropy<padded_vocab>(logits, mw::place<batch, token>(here, targets));
        });
    };
    CHECK(with(3, mw::ignore_index) == "nothing went wrong");
    CHECK(
        with(20, 5).find(
            "target 5 at batch 3, token 2 is outside of padded_vocab: allowed are 0 to 4 and -100, which does not count") !=
        std::string::npos);
    CHECK(with(0, -1).find("target -1 at batch 0, token 0") != std::string::npos);
    CHECK(with(0, -99).find("target -99") != std::string::npos);
}

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using logit_axes = mw::axes<batch, token, vocab>;
using rows = mw::axes<batch, token>;
template <class Logits, class Targets>
using verdict_of = typename mw::target_rows<vocab, Logits, Targets>::verdict;
static_assert(verdict_of<on_two<logit_axes, split<batch, dp<2>>, split<vocab, tp<2>>>,
                         on_two<rows, split<batch, dp<2>>>>::value);
static_assert(std::is_same_v<typename verdict_of<on_two<logit_axes, mw::partial<tp<2>>>, on_two<rows>>::rule,
                             mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<typename verdict_of<on_two<logit_axes, split<batch, dp<2>>>, on_two<rows>>::rule,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<typename verdict_of<on_two<logit_axes, split<vocab, tp<2>>>,
                                                 on_two<rows, split<token, tp<2>>>>::rule,
                             mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<typename verdict_of<on_two<rows>, on_two<rows>>::rule, mw::axis_is_missing>);
static_assert(std::is_same_v<typename verdict_of<on_two<logit_axes>, on_two<mw::axes<batch>>>::rule,
                             mw::axis_is_missing>);

}  // namespace
