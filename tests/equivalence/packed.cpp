// A model whose weights are kept packed computes the bits of one whose are not, also after they were written: losses,
// gradients and weights over optimiser steps, texts, and weights set by hand.
#include <algorithm>

#include <doctest/doctest.h>

#include <utility>

#include <meshwise/nn/generate.hpp>
#include <meshwise/tensor/packed.hpp>

#include "meshes.hpp"

namespace {

namespace mw = meshwise;
using ids = std::vector<std::int32_t>;

template <std::size_t Dp, std::size_t Tp, class... More>
using places = typename tiny::places<Dp, Tp>::template tensor_parallel<More...>;

std::size_t bytes_of_parameters() {
    return mw::current().pool->use().live[static_cast<std::size_t>(mw::purpose::parameters)];
}

template <class X>
bool same_bits(X const& x, X const& y) {
    return std::memcmp(x.local_data(), y.local_data(), x.local_size() * sizeof *x.local_data()) == 0;
}

template <template <class> class Model, class S>
void check_packed() {
    if (tiny::left_out<S>()) return;
    mw::run<S>(tiny::ranks{}, [](auto& here) {
        auto plain = mw::init<Model<S>>(here, mw::seed{11}), other = mw::init<Model<S>>(here, mw::seed{11});
        mw::adamw_options const how{.learning_rate = 1e-2, .weight_decay = 0.1, .clip_norm = 1};
        mw::adamw optimizer(plain, how), other_optimizer(other, how);
        std::size_t const before = bytes_of_parameters();
        {
            auto const kept = mw::packed(other);
            CHECK(bytes_of_parameters() == before);  // nothing is packed before it is used
            for (std::size_t step = 0; step < 3; ++step) {
                auto const inputs = mw::place<tiny::batch, tiny::token>(here, tiny::ids(step, 0)),
                           targets = mw::place<tiny::batch, tiny::token>(here, tiny::ids(step, 1));
                auto const ask = [&](auto const& model) {
                    return mw::value_and_gradient(model, inputs, targets);
                };
                auto one = ask(plain), two = ask(other), again = ask(other);
                CHECK(static_cast<double>(one.loss) == static_cast<double>(two.loss));
                CHECK(static_cast<double>(one.loss) == static_cast<double>(again.loss));
                optimizer.step(plain, one.gradient);
                other_optimizer.step(other, two.gradient);
                std::vector<bool> same;
                mw::for_each_parameter(plain, [&](std::size_t, std::string_view, auto& p, mw::initial) {
                    auto const whole = here.gather(p);
                    same.push_back(false);
                    std::size_t const at = same.size() - 1;
                    mw::for_each_parameter(other, [&](std::size_t i, std::string_view, auto& q, mw::initial) {
                        if constexpr (std::is_same_v<decltype(p), decltype(q)>)
                            if (i == at) same[at] = same_bits(p, q);
                    });
                });
                CHECK(std::all_of(same.begin(), same.end(), [](bool b) { return b; }));
            }
            CHECK(bytes_of_parameters() > before);
            mw::sampling const drawn{.temperature = 0.8, .from = mw::seed{3}};
            CHECK(mw::generate<tiny::token>(here, plain, ids{5, 9}, 12, drawn) ==
                  mw::generate<tiny::token>(here, other, ids{5, 9}, 12, drawn));
        }
        CHECK(bytes_of_parameters() == before);
    });
    ++tiny::ranks::compared;
}

TEST_CASE("a gpt with packed weights has the bits of one without, step after step") {
    SUBCASE("plain loops") { check_packed<tiny::gpt, places<1, 1, mw::on<mw::serial>>>(); }
    SUBCASE("the fast backend") { check_packed<tiny::gpt, places<1, 1>>(); }
    SUBCASE("tp 2") { check_packed<tiny::gpt, places<1, 2>>(); }
    SUBCASE("dp 2 x tp 2, reproducible") { check_packed<tiny::gpt, places<2, 2, mw::reproducible<4>>>(); }
}

struct in : mw::axis<40> {};
struct out : mw::axis<70> {};
struct rows : mw::axis<9> {};
using weights = mw::tensor<float, mw::axes<in, out>>;
struct one_weight {
    weights weight;
    static constexpr auto parameters = mw::fields<&one_weight::weight>();
};

TEST_CASE("a packed weight that was written by hand is packed again, whoever holds it twice") {
    mw::run<mw::strategy<mw::mesh<>>>(mw::threads{}, [](auto&) {
        using inputs = mw::tensor<float, mw::axes<rows, in>>;
        auto x = inputs::uninitialized();
        auto w = weights::uninitialized();
        for (float& each : x.mutable_span()) each = 0.25F;
        for (float& each : w.mutable_span()) each = 1;
        one_weight model{std::move(w)};
        auto const value = [&] { return mw::dot<in>(x, model.weight).data()[11]; };
        auto const outer = mw::packed(model);
        CHECK(value() == 10);
        {
            auto const inner = mw::packed(model);
            model.weight.mutable_span()[11] = 5;
            CHECK(value() == 11);
        }
        std::size_t const held = bytes_of_parameters();
        CHECK(held > 0);
        model.weight.mutable_data()[11] = 9;
        CHECK(value() == 12);
        CHECK(bytes_of_parameters() == held);     // in the place of the old
        model.weight = weights::uninitialized();  // other memory is nobody's
        for (float& each : model.weight.mutable_span()) each = 2;
        CHECK(value() == 20);
        CHECK(bytes_of_parameters() == held);
    });
}

}  // namespace
