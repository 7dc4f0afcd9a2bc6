// What a recording may use: values of its own, parameters as the recorded function got them, constants that say so.
#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "model.hpp"

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/nn/cast_weights.hpp>
#include <meshwise/nn/training.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/plan/explain.hpp>
#include <meshwise/tensor/constants.hpp>

namespace {
using namespace regression;
namespace mw = meshwise;
using model_type = mlp<S1>;
struct width : mw::axis<16> {};

TEST_CASE("a value of an earlier recording is refused, and is a constant once detached") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto const norm = [&](bool detach) {
            auto model = mw::init<model_type>(here, mw::seed{42});
            auto before = model(x);
            double last = 0;
            for (int i = 0; i < 3; ++i) {
                auto [value, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                    auto const y = m(x);
                    auto const loss = squared_error<S1>(y - mw::scale(before, 0.5), t);
                    before = detach ? y.detached() : y;
                    return loss;
                });
                last = mw::sgd(model, gradient, 0.5).norm;
            }
            return last;
        };
        std::string const text = refusal([&] { norm(false); });
        CHECK_MESSAGE(says(text, "recorded in an earlier call of mw::value_and_gradient"), text);
        CHECK_MESSAGE(says(text, "recordings.cpp"), text);
        CHECK(norm(true) > 0);
    });
}

TEST_CASE("a copy of the recorded model is no constant until it is detached") {
    on_one_rank([](auto& here, auto const& x, auto const&, auto loss) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        auto student = mw::init<model_type>(here, mw::seed{43});
        auto const norm = [&](bool detach) {
            std::optional<model_type> teacher;
            mw::value_and_gradient(model, [&](auto const& m) {
                teacher = detach ? mw::detached(m) : m;
                return loss(m);
            });
            auto [value, gradient] = mw::value_and_gradient(
                student, [&](auto const& m) { return squared_error<S1>(m(x), (*teacher)(x)); });
            return mw::global_norm(student, gradient);
        };
        CHECK(says(refusal([&] { norm(false); }), "mw::detached(model)"));
        double const right = [&] {
            auto const goal = model(x);
            auto [value, gradient] =
                mw::value_and_gradient(student, [&](auto const& m) { return squared_error<S1>(m(x), goal); });
            return mw::global_norm(student, gradient);
        }();
        CHECK(norm(true) == right);
    });
}

TEST_CASE("the model in the place of the recorded one is refused, also in part") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const refused = [&](auto f) { return refusal([&] { mw::value_and_gradient(model, f); }); };
        std::string const whole = refused([&](auto const&) { return squared_error<S1>(model(x), t); });
        CHECK_MESSAGE(says(whole, "use the function's own argument (m, not model)"), whole);
        CHECK(
            says(refused([&](auto const& m) { return squared_error<S1>(model.down(mw::gelu(m.up(x))), t); }),
                 "(m, not model)"));
        CHECK(
            says(refused([&](auto const& m) { return squared_error<S1>(m.down(mw::gelu(model.up(x))), t); }),
                 "(m, not model)"));
        // a copy that shares the memory is the parameter, too, wherever it lies
        auto const reference = model;
        auto const gate = model.down.bias;
        CHECK(says(refused([&](auto const& m) { return squared_error<S1>(m(x), reference(x) + t); }),
                   "of a model mw::detached(model)"));
        CHECK(says(refused([model, &x, &t](auto const& m) {
                       return squared_error<S1>(m.down(mw::gelu(model.up(x))), t);
                   }),
                   "a copy that shares its memory"));
        CHECK(says(refused([&](auto const& m) { return squared_error<S1>(m(x) * gate, t); }),
                   "a copy that shares its memory"));
        auto const renamed = mw::rename<embed, width>(model.down.bias);
        CHECK(says(refused([&](auto const& m) {
                       return squared_error<S1>(m(x) * mw::rename<width, embed>(renamed), t);
                   }),
                   "a copy that shares its memory"));
    });
}

TEST_CASE("what is detached is a constant, also in the memory of a parameter") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const norm = [&](auto f) {
            auto found = mw::value_and_gradient(model, f);
            return mw::global_norm(model, found.gradient);
        };
        auto const bias = mw::place<embed>(here, here.gather(model.down.bias)) + 1;  // memory of its own
        { model.down.bias = bias * 1; }
        double const right = norm([&](auto const& m) { return squared_error<S1>(m(x) * bias, t); });
        CHECK(right ==
              norm([&](auto const& m) { return squared_error<S1>(m(x) * model.down.bias.detached(), t); }));
        CHECK(right ==
              norm([&](auto const& m) { return squared_error<S1>(m(x) * m.down.bias.detached(), t); }));
        auto const before = mw::rename<embed, width>(model.down.bias.detached());
        CHECK(right == norm([&](auto const& m) {
                  return squared_error<S1>(m(x) * mw::rename<width, embed>(before), t);
              }));
        auto const teacher = mw::detached(model);
        CHECK(right ==
              norm([&, teacher](auto const& m) { return squared_error<S1>(m(x) * teacher.down.bias, t); }));
        CHECK(right == norm([&](auto const& m) {
                  auto const constant = [&] {
                      mw::without_recording const off;
                      return mw::rename<embed, width>(m.down.bias);
                  }();
                  return squared_error<S1>(m(x) * mw::rename<width, embed>(constant), t);
              }));
        CHECK(refusal([&] {
                  norm([&](auto const& m) { return squared_error<S1>(m(x), teacher(x)); });
              }).empty());
        // a model that was made of a constant is a model
        auto student = mw::detached(model);
        CHECK(says(refusal([&] {
                       mw::value_and_gradient(student, [&](auto const& m) {
                           return squared_error<S1>(m.down(mw::gelu(student.up(x))), t);
                       });
                   }),
                   "(m, not model)"));
        auto found =
            mw::value_and_gradient(student, [&](auto const& m) { return squared_error<S1>(m(x), t); });
        mw::sgd(student, found.gradient, 0.1);
        CHECK(norm_of(student.up.weight) != norm_of(model.up.weight));
        CHECK(says(refusal([&] {
                       mw::value_and_gradient(student, [student, &x, &t](auto const& m) {
                           return squared_error<S1>(m.down(mw::gelu(student.up(x))), t);
                       });
                   }),
                   "a copy that shares its memory"));
    });
}

TEST_CASE("a model of other element types is not made inside of a recording") {
    using mesh = places<1, 1>;
    using S2 = mw::strategy<mw::mesh<mesh::dp, mesh::tp>, mw::split<batch, mesh::dp>,
                            mw::split<ffn, mesh::tp>, mw::on<mw::serial>, mw::dtype<double>>;
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        std::string const text = refusal([&] {
            mw::value_and_gradient(model, [&](auto const& m) {
                auto const other = mw::cast_weights<mlp<S2>>(m);
                auto const y = mw::cast<float>(other(mw::cast<double>(x)));
                return squared_error<S1>(m(x) + y, t);
            });
        });
        CHECK_MESSAGE(says(text, "mw::cast_weights was given a value that mw::value_and_gradient records"),
                      text);
        CHECK_MESSAGE(says(text, "recordings.cpp:"), text);
        CHECK(says(refusal([&] { (void)mw::cast_weights<mlp<S2>>(model_type()); }), "never given a value"));
    });
}

TEST_CASE("the count of a loss is a constant") {
    on_one_rank([](auto& here, auto const& x, auto const&, auto) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        auto const refused = [&](bool detach) {
            return refusal([&] {
                mw::value_and_gradient(model, [&](auto const& m) {
                    auto const y = m(x), weight = y * y;
                    auto const count = mw::sum<batch, embed>(weight);
                    return mw::loss_parts{mw::sum<batch, embed>(y * y * weight),
                                          detach ? count.detached() : count};
                });
            });
        };
        std::string const text = refused(false);
        CHECK_MESSAGE(says(text, "the count of this loss was computed from the parameters"), text);
        CHECK_MESSAGE(says(text, "recordings.cpp:"), text);
        CHECK(refused(true).empty());
    });
}

struct gain {
    mw::parameter<S1, embed> w;
    static constexpr auto parameters = mw::fields<&gain::w>();
};

template <class S>
struct tied {
    mw::parameter<S, embed, ffn> table;
    mw::parameter<S, embed, ffn> out = mw::parameter<S, embed, ffn>::uninitialized();  // or init refuses it
    auto operator()(auto const& x) const {
        return mw::dot<S, ffn>(mw::gelu(mw::dot<S, embed>(x, table)), out);
    }
    static constexpr auto parameters = mw::fields<&tied::table, mw::normal{0.25F}>();
};
template <class S>
struct both {
    mw::parameter<S, embed, ffn> table, out;
    auto operator()(auto const& x) const {
        return mw::dot<S, ffn>(mw::gelu(mw::dot<S, embed>(x, table)), out);
    }
    static constexpr auto parameters = mw::fields<&both::table, mw::normal{0.25F}, &both::out>();
};
TEST_CASE("weights tied by assignment: refused where one is listed, two values where both are") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto one = mw::init<tied<S1>>(here, mw::seed{42});
        one.out = one.table;
        std::string const text = refusal([&] { mw::value_and_gradient(one, loss); });
        CHECK_MESSAGE(says(text, "list the member in mw::fields"), text);

        auto two = mw::init<both<S1>>(here, mw::seed{42});
        two.out = two.table;
        float const before = two.table.data()[5];
        mw::adamw optimizer(two, {.learning_rate = 1e-2, .weight_decay = 0});
        auto [value, gradient] = mw::value_and_gradient(two, loss);
        optimizer.step(two, gradient);
        CHECK(std::abs(two.table.data()[5] - before) == doctest::Approx(0.01).epsilon(1e-3));
        CHECK(std::abs(two.out.data()[5] - before) == doctest::Approx(0.01).epsilon(1e-3));
    });
}

TEST_CASE("a loss off the tape is refused") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        auto const refused = [&](auto f) { return refusal([&] { mw::value_and_gradient(model, f); }); };
        CHECK(says(refused([&](auto const&) { return squared_error<S1>(x, t); }),
                   "does not depend on the parameters"));
        CHECK(says(refused([&](auto const& m) { return squared_error<S1>(m(x).detached(), t); }),
                   "does not depend on the parameters"));
        CHECK(says(refused([&](auto const& m) {
                       auto const numbers = here.gather(m(x));
                       return squared_error<S1>(mw::place<batch, embed>(here, numbers), t);
                   }),
                   "here.gather was given a value that mw::value_and_gradient records"));
        double seen = 0;
        CHECK(refused([&](auto const& m) {
                  auto const y = m(x);
                  seen = static_cast<double>(here.gather(y.detached())[0]);
                  return squared_error<S1>(y, t);
              }).empty());
        CHECK(seen != 0);
    });
}

TEST_CASE("a parameter without gradient is left as it is") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 1e-2, .weight_decay = 0.1});
        double const up = norm_of(model.up.weight), down = norm_of(model.down.weight);
        for (int i = 0; i < 3; ++i) {
            auto [value, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                return squared_error<S1>(m.down(mw::gelu(m.up(x)).detached()), t);
            });
            CHECK(!gradient.reached(0));
            CHECK(gradient.reached(2));
            optimizer.step(model, gradient);
        }
        CHECK(norm_of(model.up.weight) == up);
        CHECK(norm_of(model.down.weight) != down);
    });
}

TEST_CASE(
    "recompute of a function that hands back its operand, or uses a captured activation, has the gradient") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        mw::training const how{.dropout = 0};
        auto const norm = [&](auto f) {
            auto [value, gradient] = mw::value_and_gradient(model, f);
            return mw::global_norm(model, gradient);
        };
        double const right = norm([&](auto const& m) { return squared_error<S1>(m(x), t); });
        CHECK(right > 0);
        CHECK(norm([&](auto const& m) {
                  return squared_error<S1>(
                      mw::recompute([how](auto const& h) { return how.drop(h, "a"); }, m(x)), t);
              }) == right);
        CHECK(norm([&](auto const& m) {
                  return squared_error<S1>(
                      mw::recompute([](auto const& h) { return mw::settle<S1>(h); }, m(x)), t);
              }) == right);
        auto const with_skip = [&](bool again) {
            return norm([&](auto const& m) {
                auto const h = m.up(x), skip = mw::gelu(m.up(x));
                auto const part = [skip, &m](auto const& y) { return m.down(mw::gelu(y) + skip); };
                if (again) return squared_error<S1>(mw::recompute(part, h), t);
                return squared_error<S1>(part(h), t);
            });
        };
        CHECK(with_skip(true) == doctest::Approx(with_skip(false)));
    });
}

TEST_CASE("one other element is enough for recompute to refuse") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        int calls = 0;
        std::string const text = refusal([&] {
            mw::value_and_gradient(model, [&](auto const& m) {
                auto const part = [&](auto const& h) {
                    auto factors = mw::full<std::remove_cvref_t<decltype(h)>>(1);
                    if (calls++ > 0) factors.mutable_span()[101] = 2;
                    return h * factors;
                };
                return squared_error<S1>(m.down(mw::recompute(part, m.up(x))), t);
            });
        });
        CHECK_MESSAGE(says(text, "the function of mw::recompute gave another result"), text);
    });
}

TEST_CASE("a function of recompute that gives another result the second time is refused") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{42});
        std::uint64_t calls = 0;
        std::string const text = refusal([&] {
            mw::value_and_gradient(model, [&](auto const& m) {
                auto const part = [&](auto const& h) {
                    return mw::dropout(m.down(mw::gelu(h)), 0.5, mw::seed{1}, "a", calls++);
                };
                return squared_error<S1>(mw::recompute(part, m.up(x)), t);
            });
        });
        CHECK_MESSAGE(says(text, "the function of mw::recompute gave another result"), text);
    });
}

TEST_CASE("a gradient is stepped once, and with its own model") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42}),
             other = mw::init<model_type>(here, mw::seed{43});
        auto [value, gradient] = mw::value_and_gradient(model, loss);
        std::string const text = refusal([&] { mw::sgd(other, gradient, 0.1); });
        CHECK_MESSAGE(says(text, "was found for another model"), text);
        auto moved = std::move(model);  // the same model elsewhere
        CHECK(refusal([&] { mw::sgd(moved, gradient, 0.1); }).empty());
        CHECK(says(refusal([&] { mw::sgd(moved, gradient, 0.1); }), "was applied in an earlier step"));

        auto [again, found] = mw::value_and_gradient(moved, loss);
        found.retarget(other);
        CHECK(refusal([&] { mw::sgd(other, found, 0.1); }).empty());
    });
}

TEST_CASE("a gradient is stepped with the values that it was found for") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42}),
             other = mw::init<model_type>(here, mw::seed{43});
        auto const best = model;
        auto found = mw::value_and_gradient(model, loss);
        auto copied = found.gradient;
        mw::sgd(model, found.gradient, 0.1);
        CHECK(says(refusal([&] { mw::sgd(model, copied, 0.1); }), "other values of this one's parameters"));
        found = mw::value_and_gradient(model, loss);
        model = best;  // the same variable, other values
        CHECK(says(refusal([&] { mw::sgd(model, found.gradient, 0.1); }), "other values of this one's"));
        found = mw::value_and_gradient(model, loss);
        std::swap(model, other);
        CHECK(says(refusal([&] { mw::sgd(model, found.gradient, 0.1); }), "was found for another model"));
        auto twin = other;  // the same values elsewhere
        CHECK(refusal([&] { mw::sgd(twin, found.gradient, 0.1); }).empty());
        std::vector<float> mine(embed::size, 1), theirs(embed::size, 2);
        gain one{mw::view_of<decltype(gain::w)>(std::span(mine))},
            two{mw::view_of<decltype(gain::w)>(std::span(theirs))};
        auto of_users = mw::value_and_gradient(one, [](auto const& m) { return mw::sum<embed>(m.w * m.w); });
        CHECK(says(refusal([&] { mw::sgd(two, of_users.gradient, 0.1); }), "was found for another model"));
        CHECK(refusal([&] { mw::sgd(one, of_users.gradient, 0.1); }).empty());
    });
}

TEST_CASE("an optimiser keeps the moments of one model") {
    on_one_rank([](auto& here, auto const&, auto const&, auto loss) {
        auto model = mw::init<model_type>(here, mw::seed{42}),
             other = mw::init<model_type>(here, mw::seed{43});
        mw::adamw optimizer(model, {});
        auto const step = [&](auto& with, auto& m) {
            return refusal([&] { with.step(m, mw::value_and_gradient(m, loss).gradient); });
        };
        CHECK(step(optimizer, other).empty());  // before its first step it has none
        CHECK(says(step(optimizer, model), "took its last step with another model"));
        CHECK(step(optimizer, other).empty());

        auto const best = other;
        CHECK(step(optimizer, other).empty());
        other = best;  // a restore
        CHECK(step(optimizer, other).empty());
        auto moved = std::move(other);
        { moved.up.bias.mutable_span()[0] = 1; }
        CHECK(step(optimizer, moved).empty());
        auto copied = moved;  // the same values
        CHECK(step(optimizer, copied).empty());
        CHECK(says(step(optimizer, moved), "took its last step with another model"));
        // what is kept of it says nothing of another model, what is loaded may
        optimizer.visit_state([](auto const&, auto& value) {
            if constexpr (mw::any_tensor<decltype(value)>) CHECK(!value.local_span().empty());
        });
        CHECK(says(step(optimizer, moved), "took its last step with another model"));
        {
            auto loaded = std::pair(std::move(optimizer), 0).first;
            CHECK(says(step(loaded, moved), "took its last step with another model"));
            loaded.visit_state([](auto const&, auto& value) {
                if constexpr (mw::any_tensor<decltype(value)>) { value.mutable_local_span()[0] = 0; }
            });
            CHECK(step(loaded, moved).empty());
            loaded.retarget(copied);
            CHECK(step(loaded, copied).empty());
            optimizer = std::move(loaded);
        }
        auto second = optimizer;  // a copy is for a model of its own
        CHECK(step(second, moved).empty());
        CHECK(says(step(second, copied), "took its last step with another model"));
        optimizer.retarget(model);
        CHECK(step(optimizer, model).empty());
        auto pair = std::pair(std::move(optimizer), std::move(model));
        CHECK(step(pair.first, pair.second).empty());
    });
}

TEST_CASE("elements of a recorded value are not read without saying that no gradient is wanted") {
    on_one_rank([](auto& here, auto const& x, auto const&, auto loss) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        double seen = 0;
        auto const read = [&](auto f) {
            return refusal([&] {
                mw::value_and_gradient(model, [&](auto const& m) {
                    auto const y = loss(m);
                    seen = static_cast<double>(f(y));
                    return y;
                });
            });
        };
        std::string const text = read([](auto const& y) { return *y.data(); });
        CHECK_MESSAGE(says(text, "recordings.cpp:"), text);
        CHECK_MESSAGE(says(text, "are read while mw::value_and_gradient records it"), text);
        CHECK(says(read([](auto const& y) { return y.span()[0]; }), "no gradient would come through"));
        CHECK(says(read([](auto const& y) { return *y.local_data(); }), "no gradient would come through"));
        CHECK(says(read([](auto const& y) { return y.local_span()[0]; }), "no gradient would come through"));
        CHECK(
            says(read([](auto const& y) { return y.summand_span()[0]; }), "no gradient would come through"));
        CHECK(says(read([](auto const& y) {
                       return std::async(std::launch::async, [&] { return *y.data(); }).get();
                   }),
                   "no gradient would come through"));
        CHECK(says(refusal([&] {
                       mw::value_and_gradient(model, [&](auto const& m) {
                           seen = static_cast<double>(m.up.bias.data()[0]);
                           return loss(m);
                       });
                   }),
                   "no gradient would come through"));
        // the model in the place of the recorded one
        CHECK(says(read([&](auto const&) { return model.up.bias.data()[0]; }),
                   "no gradient would come through"));
        CHECK(read([&](auto const&) { return model.up.bias.detached().data()[0]; }).empty());
        CHECK(model.up.bias.data()[0] == 0);
        CHECK(read([](auto const& y) { return *y.detached().data(); }).empty());
        double const right = mw::value_and_gradient(model, loss).loss;
        CHECK(seen == doctest::Approx(right));
        std::optional<decltype(loss(model))> kept;  // read when the recording is over
        mw::value_and_gradient(model, [&](auto const& m) { return *(kept = loss(m)); });
        CHECK(static_cast<double>(*kept->data()) == doctest::Approx(right));
        CHECK(static_cast<double>(*mw::scale(*kept, 2).data()) == doctest::Approx(2 * right));
        CHECK(x.data() != nullptr);
    });
}

TEST_CASE("a recorded value is not computed with where nothing is recorded") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto const model = mw::init<model_type>(here, mw::seed{42});
        auto const refused = [&](auto f) { return refusal([&] { mw::value_and_gradient(model, f); }); };
        std::string const text = refused([&](auto const& m) {
            auto other = std::async(std::launch::async, [&] { return m(x); });
            auto const y = m(x);
            return squared_error<S1>(y * other.get(), t);
        });
        CHECK_MESSAGE(says(text, "records on another thread or outside of this mw::run"), text);
        CHECK(says(refused([&](auto const& m) {
                       std::optional<mw::tensor_of<S1, float, batch, embed>> inner;
                       mw::run<S1>(mw::threads{}, [&](mw::rank<S1>&) { inner = m(x); });
                       return squared_error<S1>(*inner + m(x), t);
                   }),
                   "records on another thread or outside of this mw::run"));
        CHECK(says(refused([&](auto const& m) {
                       auto y = m(x);
                       std::async(std::launch::async, [&] { y.mutable_span()[0] = 0; }).get();
                       return squared_error<S1>(m(x) + y, t);
                   }),
                   "is written by hand while mw::value_and_gradient records it"));
        // another thread may compute with constants, and with a recording of its own
        CHECK(refused([&](auto const& m) {
                  auto other = std::async(std::launch::async, [&] { return mw::detached(m)(x); });
                  return squared_error<S1>(m(x) - other.get(), t);
              }).empty());
        double const right =
            mw::value_and_gradient(model, [&](auto const& m) { return squared_error<S1>(m(x), t); }).loss;
        double found = 0;
        CHECK(refused([&](auto const& m) {
                  auto const own = mw::detached(m);
                  std::thread([&] {
                      found = mw::value_and_gradient(own, [&](auto const& k) {
                                  return squared_error<S1>(k(x), t);
                              }).loss;
                  }).join();
                  return squared_error<S1>(m(x), t);
              }).empty());
        CHECK(found == right);
    });
}

TEST_CASE("every rank gives as many micro-batches") {
    using S = places<2, 1>::S;
    std::string const text = refusal([&] {
        mw::run<S>(mw::threads{.deadline = std::chrono::seconds(5)}, [&](mw::rank<S>& here) {
            auto const model = mw::init<mlp<S>>(here, mw::seed{42});
            auto const t = mw::place<batch, embed>(here, noise(2));
            std::vector<std::remove_cvref_t<decltype(t)>> micro;
            for (unsigned k = 0; k < 3; ++k) micro.push_back(mw::place<batch, embed>(here, noise(10 + k)));
            if (here.index().on_this_rank() == 1) micro.pop_back();
            mw::value_and_gradient_over(model, micro, [&](auto const& m, auto const& x) {
                auto const d = m(x) - t;
                auto const ones = mw::map([](auto v) { return v * 0 + 1; }, d.detached());
                return mw::loss_parts{mw::sum<batch, embed>(d * d), mw::sum<batch, embed>(ones)};
            });
        });
    });
    CHECK_MESSAGE(says(text, "different numbers of micro-batches, this one"), text);
}

TEST_CASE("a plan of a loop without an end has one") {
    auto const program = []<class S>(mw::rank<S>& here) {
        auto model = mw::init<mlp<S>>(here, mw::seed{42});
        auto const x = mw::place<batch, embed>(here, noise(1)), t = mw::place<batch, embed>(here, noise(2));
        double loss = 1;
        while (loss > 0.01) {
            auto [value, gradient] =
                mw::value_and_gradient(model, [&](auto const& m) { return squared_error<S>(m(x), t); });
            mw::sgd(model, gradient, 0.5);
            loss = value;
        }
    };
    using S = places<1, 2>::S;
    std::string const text = refusal([&] { (void)mw::explain<S>(program, {.most_steps = 100}); });
    CHECK_MESSAGE(says(text, "mw::explain ran 100 steps of this program and saw no end"), text);
}
}  // namespace
