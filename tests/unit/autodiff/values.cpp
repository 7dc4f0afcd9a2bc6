// A copy is a value: of tensors, models and optimisers, and beside values that a gradient still needs.
#include <doctest/doctest.h>

#include <optional>

#include "model.hpp"

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/tensor/packed.hpp>
#include <meshwise/tensor/to_text.hpp>

namespace {
using namespace regression;
namespace mw = meshwise;
using model_type = mlp<S1>;

TEST_CASE("a copy of a model keeps its values while the model is trained") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const best = model;
        auto twin = model;
        double const then = mw::value_and_gradient(best, loss).loss;
        for (int i = 0; i < 20; ++i) {
            auto [value, gradient] = mw::value_and_gradient(model, loss);
            mw::sgd(model, gradient, 0.5);
        }
        CHECK(mw::value_and_gradient(model, loss).loss < then / 2);
        CHECK(mw::value_and_gradient(best, loss).loss == then);
        CHECK(mw::value_and_gradient(twin, loss).loss == then);
    });
}

TEST_CASE("a copy of an optimiser has moments of its own") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto const trained = [&](bool with_twin) {
            auto model = mw::init<model_type>(here, mw::seed{42});
            mw::adamw optimizer(model, {.learning_rate = 1e-2});
            auto const step = [&](auto& m, auto& o) {
                auto [value, gradient] = mw::value_and_gradient(m, loss);
                o.step(m, gradient);
                return value;
            };
            step(model, optimizer);
            if (with_twin) {
                auto other = model;
                auto twin = optimizer;
                for (int i = 0; i < 5; ++i) step(other, twin);
            }
            step(model, optimizer);
            return step(model, optimizer);
        };
        CHECK(trained(true) == trained(false));
    });
}

TEST_CASE("a training allocates nothing after its second step, a copy of the model included") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 1e-2});
        auto best = model;
        std::size_t requests = 0;
        for (int i = 0; i < 10; ++i) {
            auto [value, gradient] = mw::value_and_gradient(model, loss);
            optimizer.step(model, gradient);
            best = model;
            if (i == 1) requests = here.memory().use().backend_requests;
        }
        CHECK(here.memory().use().backend_requests == requests);
    });
}

TEST_CASE("a tensor that is written by hand changes alone") {
    on_one_rank([](auto& here, auto const& x, auto const&, auto) {
        (void)here;
        auto y = x;
        float const before = x.data()[3];
        y.mutable_span()[3] = before + 1;
        CHECK(x.data()[3] == before);
        CHECK(y.data()[3] == before + 1);
    });
}

TEST_CASE("a copy made while a span writes is not written") {
    on_one_rank([](auto& here, auto const&, auto const&, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const elements = model.up.weight.mutable_span();
        auto const best = model;
        float const before = best.up.weight.data()[0];
        elements[0] = before + 1;
        CHECK(best.up.weight.data()[0] == before);
        CHECK(model.up.weight.data()[0] == before + 1);
    });
}

TEST_CASE("what is written through a span is read by products with packed weights") {
    on_one_rank([](auto& here, auto const& x, auto const&, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42}),
             other = mw::init<model_type>(here, mw::seed{42});
        auto const elements = model.up.weight.mutable_span();
        auto const kept = mw::packed(model);
        (void)model(x);
        for (float& one : elements) one *= 2;
        for (float& one : other.up.weight.mutable_span()) one *= 2;
        CHECK(here.gather(model(x)) == here.gather(other(x)));
    });
}

TEST_CASE("a step writes packed weights in place") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const kept = mw::packed(model);
        auto const* const before = model.up.weight.data();
        auto [value, gradient] = mw::value_and_gradient(model, loss);
        mw::sgd(model, gradient, 0.5);
        CHECK(model.up.weight.data() == before);
    });
}

TEST_CASE("memory used again by hand does not change the gradient") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const norm = [&](bool wipe) {
            auto [value, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                auto const h = m.up(x);
                auto const g = mw::gelu(h);
                auto again = h.detached();
                if (wipe)
                    for (float& one : again.mutable_span()) one = 0;
                return squared_error<S1>(m.down(g), t);
            });
            return mw::global_norm(model, gradient);
        };
        CHECK(norm(true) == norm(false));
    });
}

TEST_CASE("a recorded value is not written by hand") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        std::string const text = refusal([&] {
            mw::value_and_gradient(model, [&](auto const& m) {
                auto h = m.up(x);
                for (float& one : h.mutable_span()) one = std::max(one, 0.0F);
                return squared_error<S1>(m.down(h), t);
            });
        });
        CHECK_MESSAGE(says(text, "written by hand while mw::value_and_gradient records it"), text);
    });
}

TEST_CASE("a gradient is changed by giving another one back") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto [value, gradient] = mw::value_and_gradient(model, loss);
        float const before = gradient.whole(0, model.up.weight).data()[0];
        std::string const text = refusal([&] {
            auto shown = gradient.whole(0, model.up.weight);
            for (float& one : shown.mutable_span()) one *= 0.5F;
        });
        CHECK_MESSAGE(says(text, "gradient.replace"), text);
        gradient.replace(0, gradient.whole(0, model.up.weight) * 0.5F);
        CHECK(gradient.whole(0, model.up.weight).data()[0] == before * 0.5F);
        auto changed = gradient.whole(0, model.up.weight).detached();
        for (float& one : changed.mutable_span()) one *= 0.5F;
        gradient.replace(0, changed);
        CHECK(gradient.whole(0, model.up.weight).data()[0] == before * 0.25F);
    });
}

TEST_CASE("a gradient is asked for and given back by its own parameter") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        auto found = mw::value_and_gradient(model, loss);
        auto& gradient = found.gradient;
        std::string const text = refusal([&] { (void)gradient.whole(1, model.up.weight); });
        CHECK_MESSAGE(says(text, "values.cpp:"), text);
        CHECK_MESSAGE(
            says(text,
                 "gradient.whole(1, x) was given a tensor of axes embed x ffn, but parameter 1 has other "),
            text);
        CHECK(says(refusal([&] { (void)gradient.whole(4, model.up.weight); }),
                   "asked of a model of 4 parameters"));
        auto const weight = gradient.whole(0, model.up.weight);
        CHECK(says(refusal([&] { gradient.replace(1, weight); }), "gradient.replace(1, x) was given"));
        CHECK(says(refusal([&] { gradient.replace(0, mw::transpose<mw::axes<ffn, embed>>(weight)); }),
                   "gradient.replace(0, x) was given"));
        CHECK(says(refusal([&] { gradient.replace(0, mw::cast<double>(weight)); }),
                   "gradient.replace(0, x) was given"));
        CHECK(
            says(refusal([&] { gradient.replace(0, decltype(model.up.weight)()); }), "never given a value"));
        CHECK(refusal([&] { gradient.replace(0, weight * 0.5F); }).empty());
    });
}

TEST_CASE("memory of the user's own is not written while another tensor shares it") {
    on_one_rank([](auto&, auto const&, auto const&, auto) {
        std::vector<float> numbers(batch::size * embed::size, 1.0F);
        using X = mw::tensor_of<S1, float, batch, embed>;
        auto view = mw::view_of<X>(std::span(numbers));
        view.mutable_span()[0] = 2;
        CHECK(numbers[0] == 2);
        auto const copy = view;
        std::string const text = refusal([&] { view.mutable_span()[0] = 3; });
        CHECK_MESSAGE(says(text, "mw::view_of"), text);
        CHECK(copy.data()[0] == 2);
    });
}

TEST_CASE("a tensor without a value is refused by its axes") {
    on_one_rank([](auto&, auto const& x, auto const&, auto) {
        mw::tensor_of<S1, float, batch, embed> never;
        std::string const text = refusal([&] { (void)(x + never); });
        CHECK_MESSAGE(!says(text, "tensor_arithmetic"), text);  // an operator is not told the user's line
        CHECK(says(refusal([&] { (void)mw::add(x, never); }), "values.cpp:"));
        CHECK_MESSAGE(says(text, "of axes batch x embed is used that was never given a value"), text);
        mw::linear<S1, embed, ffn> layer;
        CHECK(says(refusal([&] { (void)layer(x); }), "never given a value"));
        CHECK(says(refusal([&] { (void)mw::gelu(never); }), "never given a value"));
        CHECK(says(refusal([&] { (void)mw::sum<batch>(never); }), "never given a value"));
        CHECK(says(refusal([&] { (void)mw::softmax<embed>(never); }), "never given a value"));
        CHECK(says(refusal([&] { (void)mw::scale(never, 2); }), "never given a value"));
    });
}

TEST_CASE("elements of a tensor without a value are neither read nor written") {
    on_one_rank([](auto&, auto const& x, auto const&, auto) {
        using value = mw::tensor_of<S1, float, batch, embed>;
        value never, moved = x;
        value const to = std::move(moved);
        for (value* one : {&never, &moved}) {
            value const& read = *one;
            std::string const text = refusal([&] { (void)read.span(); });
            CHECK_MESSAGE(says(text, "values.cpp:"), text);
            CHECK_MESSAGE(says(text, "the elements of a tensor of axes batch x embed are asked for"), text);
            CHECK(says(refusal([&] { (void)read.data(); }), "are asked for"));
            CHECK(says(refusal([&] { (void)read.local_data(); }), "are asked for"));
            CHECK(says(refusal([&] { (void)read.local_span(); }), "are asked for"));
            CHECK(says(refusal([&] { (void)read.summand_span(); }), "are asked for"));
            CHECK(says(refusal([&] { (void)one->mutable_span(); }), "are asked for"));
            CHECK(says(refusal([&] { (void)one->mutable_local_span(); }), "are asked for"));
            CHECK(
                says(refusal([&] { (void)one->mutable_data(); }), "is written that was never given a value"));
            CHECK(says(refusal([&] { mw::fill_by_index(*one, [](std::size_t) { return 1.0; }); }),
                       "is written that was never given a value"));
        }
        CHECK(to.span().size() == x.local_size());
        CHECK(says(mw::to_text(never), "was never given a value"));
        value w = x;
        CHECK(says(refusal([&] { mw::sgd_step(w, never, 0.1); }), "was never given a value"));
        CHECK(says(refusal([&] { mw::sgd_step(never, w, 0.1); }), "was never given a value"));
    });
}

TEST_CASE("a model that was moved from is refused") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const moved = std::move(model);
        CHECK(says(refusal([&] { mw::value_and_gradient(model, loss); }), "was moved from"));
        CHECK(refusal([&] { mw::value_and_gradient(moved, loss); }).empty());
    });
}

TEST_CASE("a step of what was moved from is refused") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        mw::adamw optimizer(model, {});
        auto [value, gradient] = mw::value_and_gradient(model, loss);
        mw::adamw moved = std::move(optimizer);
        CHECK(says(refusal([&] { optimizer.step(model, gradient); }), "this optimiser was moved from"));
        auto elsewhere = std::move(model);
        CHECK(says(refusal([&] { moved.step(model, gradient); }),
                   "parameter up.weight of this model was never"));
        CHECK(says(refusal([&] { mw::sgd(model, gradient, 0.1); }),
                   "parameter up.weight of this model was never"));
        auto taken = std::move(gradient);
        CHECK(says(refusal([&] { moved.step(elsewhere, gradient); }), "this gradient is empty"));
        CHECK(says(refusal([&] { (void)gradient.whole(0, elsewhere.up.weight); }), "this gradient is empty"));
        CHECK(says(refusal([&] { (void)mw::global_norm(elsewhere, gradient); }), "this gradient is empty"));
        mw::model_gradient<model_type> never;
        CHECK(says(refusal([&] { mw::sgd(elsewhere, never, 0.1); }), "this gradient is empty"));
        CHECK(refusal([&] { moved.step(elsewhere, taken); }).empty());
    });
}

TEST_CASE("a model of another rank or run is refused") {
    using S = places<1, 2>::S;
    std::optional<mlp<S>> kept;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto const model = mw::init<mlp<S>>(here, mw::seed{42});
        here.only_on_first([&] { kept = model; });
    });
    std::string const text = refusal([&] {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto const x = mw::place<batch, embed>(here, noise(1));
            (void)(*kept)(x);
        });
    });
    CHECK_MESSAGE(says(text, "belongs to another rank or another run"), text);
}
}  // namespace
