// What must be equal on all ranks: where it is not, the next collective says what differs; replicas that drift are named.
#include <doctest/doctest.h>

#include "model.hpp"

#include <meshwise/autodiff/loss_scale.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/plan/explain.hpp>
#include <meshwise/tensor/constants.hpp>

namespace {
using namespace regression;
namespace mw = meshwise;
using S = places<2, 1>::S;

// what the run of `step(here, model, x, t, rank)` says, three times
template <class Strategy = S, class Step>
std::string said(Step step) {
    return refusal([&] {
        mw::run<Strategy>(mw::threads{.deadline = std::chrono::seconds(5)}, [&](mw::rank<Strategy>& here) {
            auto model = mw::init<mlp<Strategy>>(here, mw::seed{42});
            auto const x = mw::place<batch, embed>(here, noise(1)),
                       t = mw::place<batch, embed>(here, noise(2));
            for (int i = 0; i < 3; ++i) step(here, model, x, t, here.index().on_this_rank());
        });
    });
}
constexpr char const* ranks = "rank 0 (dp 0, tp 0) and rank 1 (dp 1, tp 0)";
template <class Strategy = S>
auto loss_of(auto const& x, auto const& t) {
    return [&](auto const& m) { return squared_error<Strategy>(m(x), t); };
}

TEST_CASE("what is equal is no fault") {
    CHECK(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t) {
              auto [loss, gradient] = mw::value_and_gradient(model, loss_of(x, t));
              mw::sgd(model, gradient, 0.1);
          }).empty());
}

TEST_CASE("ranks that differ in a number learn in which kind") {
    auto const check = [](std::string const& text, char const* what) {
        CHECK_MESSAGE(says(text, ranks), text);
        CHECK_MESSAGE(says(text, what), text);
    };
    check(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
              auto [loss, gradient] = mw::value_and_gradient(model, loss_of(x, t));
              mw::sgd(model, gradient, rank == 0 ? 0.1 : 0.2);
          }),
          "use different options of an optimiser");
    check(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
              mw::adamw optimizer(model, {.weight_decay = rank == 0 ? 0.1 : 0.2});
              auto [loss, gradient] = mw::value_and_gradient(model, loss_of(x, t));
              optimizer.step(model, gradient);
          }),
          "use different options of an optimiser");
    check(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
              mw::loss_scale scale{.value = rank == 0 ? 8.0 : 16.0};
              mw::value_and_gradient(model, loss_of(x, t), scale);
          }),
          "use different options of an optimiser, a schedule or a loss scale");
    check(said([](auto& here, auto&, auto const& x, auto const&, std::size_t rank) {
              (void)mw::init<mlp<S>>(here, mw::seed{rank});
              here.gather(x);
          }),
          "made initial values from different seeds");
    check(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
              mw::value_and_gradient(model, [&](auto const& m) {
                  return squared_error<S>(mw::dropout(m(x), 0.5, mw::seed{1}, "a", rank), t);
              });
          }),
          "use dropout with different probabilities, seeds, names or steps");
    check(said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
              mw::value_and_gradient(model, [&](auto const& m) {
                  return squared_error<S>(mw::scale(m(x), 1.0 + static_cast<double>(rank)), t);
              });
          }),
          "multiply or add different numbers");
    check(said([](auto& here, auto&, auto const&, auto const&, std::size_t rank) {
              here.gather(mw::place<batch, embed>(here, noise(static_cast<unsigned>(rank))));
          }),
          "gave mw::place different arrays");
}

TEST_CASE("numbers that go into an operation are compared where nothing is recorded, too") {
    auto const check = [](auto operation) {
        std::string const text = said([&](auto& here, auto&, auto const& x, auto const&, std::size_t rank) {
            (void)operation(x, static_cast<float>(rank));
            here.gather(x);
        });
        CHECK_MESSAGE(says(text, ranks), text);
        CHECK_MESSAGE(says(text, "multiply or add different numbers"), text);
    };
    check([](auto const& x, float rank) { return x * (1 + rank); });
    check([](auto const& x, float rank) { return x / (1 + rank); });
    check([](auto const& x, float rank) { return (1 + rank) / x; });
    check([](auto const& x, float rank) { return x + rank; });
    check([](auto const& x, float rank) { return rank - x; });
    check([](auto const& x, float rank) { return mw::clamp(x, -1, 1 + rank); });
    check([](auto const& x, float rank) { return mw::pow(mw::abs(x), 1 + rank); });
    check([](auto const& x, float rank) { return mw::full<std::remove_cvref_t<decltype(x)>>(rank); });
    check([](auto const& x, float rank) {
        auto const gain = mw::full<mw::tensor_of<S, float, embed>>(1);
        return mw::rms_norm<embed>(x, gain, 1e-5 + static_cast<double>(rank));
    });
}

// split over dp, and on the ranks of tp alike
using both_ways = places<2, 2>::S;

// What ranks say where `change(here, x, rank, n)` gives x elements by the number n, which is the position along tp or,
// rightly, along dp.
template <class Change>
void compared_along_tp(Change change) {
    auto const go = [&](bool tp) {
        return said<both_ways>([&](auto& here, auto&, auto const& x, auto const&, std::size_t rank) {
            auto y = x;
            change(here, y, tp ? rank % 2 : rank / 2);
            auto const sum = mw::settle<both_ways>(mw::sum<batch, embed>(y * y));
            here.team().barrier(2);  // over tp
            here.gather(sum);
        });
    };
    std::string const text = go(true);
    bool const of_one_group = says(text, "rank 0 (dp 0, tp 0) and rank 1 (dp 0, tp 1)") ||
                              says(text, "rank 2 (dp 1, tp 0) and rank 3 (dp 1, tp 1)");
    CHECK_MESSAGE(of_one_group, text);
    CHECK_MESSAGE(says(text, "gave one value different elements"), text);
    CHECK(go(false).empty());
}
TEST_CASE("elements are compared between the ranks that hold the same, and only between them") {
    compared_along_tp([](auto&, auto& x, std::size_t n) {
        mw::fill_by_index(x, [&](std::size_t i) { return static_cast<double>(i + n); });
    });
    std::array<std::array<float, batch::size / 2 * embed::size>, 4> memory{};
    compared_along_tp([&](auto& here, auto& x, std::size_t n) {
        auto& own = memory[here.index().on_this_rank()];
        own.fill(static_cast<float>(n));
        x = mw::view_of<std::remove_cvref_t<decltype(x)>>(std::span<float>(own));
    });
    compared_along_tp([](auto&, auto& x, std::size_t n) {
        for (float& one : x.mutable_local_span()) one += static_cast<float>(n);
    });
}

TEST_CASE("a whole array that ranks cut their parts from is the same on all") {
    std::string const text = said([](auto& here, auto&, auto const& x, auto const&, std::size_t rank) {
        auto const numbers = noise(static_cast<unsigned>(rank));
        auto const y = mw::cut_from<std::remove_cvref_t<decltype(x)>>(std::span<float const>(numbers));
        here.gather(y);
    });
    CHECK_MESSAGE(says(text, "gave one value different elements"), text);
}

struct wide : mw::axis<(1U << 19U)> {};
TEST_CASE("one element of a long array is enough") {
    std::vector<float> const zeros(wide::size);
    for (std::size_t const odd : {std::size_t{400}, wide::size / 2 + 400}) {
        std::string const text = said([&](auto& here, auto&, auto const& x, auto const&, std::size_t rank) {
            auto numbers = zeros;
            if (rank == 1) numbers[odd] = 1;
            (void)mw::place<wide>(here, numbers);
            here.gather(x);
        });
        CHECK_MESSAGE(says(text, "gave mw::place different arrays"), text);
    }
}

TEST_CASE("what one rank made or changed alone is not used as a value of all") {
    auto const check = [](auto change) {
        std::string const text = said([&](auto& here, auto&, auto const& x, auto const&, std::size_t) {
            auto y = x;
            change(here, y);
            here.gather(y + x);
        });
        CHECK_MESSAGE(says(text, "was made or changed in here.only_on_first or here.on_first"), text);
    };
    check([](auto& here, auto& y) {
        here.only_on_first([&] {
            for (float& one : y.mutable_local_span()) one *= 2;
        });
    });
    check([](auto& here, auto& y) { here.only_on_first([&] { y = y * 2; }); });
    check([](auto& here, auto& y) {
        here.on_first([&] { y = mw::full<std::remove_cvref_t<decltype(y)>>(2); });
    });
    // its own values are its own affair, and what all write again is a value of all
    CHECK(said([](auto& here, auto&, auto const& x, auto const&, std::size_t) {
              here.only_on_first([&] { CHECK((x * 2).local_span()[0] == 2 * x.local_span()[0]); });
              auto y = x;
              here.only_on_first([&] { y.mutable_local_span()[0] = 1; });
              for (float& one : y.mutable_local_span()) one = 3;
              here.gather(y + x);
          }).empty());
}

TEST_CASE("a rank that works alone notes nothing") {
    CHECK(said([](auto& here, auto&, auto const& x, auto const&, std::size_t) {
              here.only_on_first([&] { (void)mw::init<mlp<S>>(here, mw::seed{7}); });
              here.gather(x);
          }).empty());
}

TEST_CASE("replicas that drift apart are named") {
    std::string const text = said([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
        // as memory that goes wrong would: a write by hand is compared before
        for (std::size_t i = 0; i < model.down.bias.local_size(); ++i)
            model.down.bias.mutable_data()[i] += 1e-3F * static_cast<float>(rank);
        auto [loss, gradient] = mw::value_and_gradient(model, loss_of(x, t));
        mw::sgd(model, gradient, 0.1);
    });
    CHECK_MESSAGE(says(text, "replicas have drifted apart: parameter down.bias"), text);
    CHECK_MESSAGE(says(text, "of rank 0 (dp 0, tp 0) and of rank 1 (dp 1, tp 0)"), text);

    // split over tp, replicated over dp
    using T = places<2, 2>::S;
    std::string const split = said<T>([](auto&, auto& model, auto const& x, auto const& t, std::size_t rank) {
        if (rank == 3)
            for (std::size_t i = 0; i < model.up.weight.local_size(); ++i)
                model.up.weight.mutable_data()[i] += 1e-3F;
        auto [loss, gradient] = mw::value_and_gradient(model, loss_of<T>(x, t));
        mw::sgd(model, gradient, 0.1);
    });
    CHECK_MESSAGE(says(split, "parameter up.weight of rank 1 (dp 0, tp 1) and of rank 3 (dp 1, tp 1)"),
                  split);
}

struct fnn : mw::axis<32> {};
TEST_CASE("a rule whose axis no tensor carries is told of by a plan") {
    struct tp : mw::mesh_axis<2> {};
    using misspelt = mw::strategy<mw::mesh<tp>, mw::split<fnn, tp>, mw::on<mw::serial>>;
    auto const program = []<class Any>(mw::rank<Any>& here) { (void)mw::init<mlp<Any>>(here, mw::seed{1}); };
    std::string const text = mw::explain<misspelt>(program).text();
    CHECK_MESSAGE(
        says(text, "rule split<fnn, tp> splits nothing: no tensor of this program carries axis fnn"), text);
    using right = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>, mw::on<mw::serial>>;
    CHECK(mw::explain<right>(program).idle_rules.empty());
}
}  // namespace
