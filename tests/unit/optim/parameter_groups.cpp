// What weight decay is for: matrices and tables of the models that come with the library, and of the user's by what they say
// or how they start; groups by role and by name; factors that are no factors.
#include <doctest/doctest.h>

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/llama.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

namespace mw = meshwise;

using S = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;
struct axes {
    struct embed : mw::axis<8> {};
    struct head_dim : mw::axis<4> {};
    struct ffn : mw::axis<8> {};
    struct layer : mw::axis<1> {};
    struct vocab : mw::axis<6> {};
    struct token : mw::axis<3> {};
    struct heads : mw::axis<2> {};
    struct kv_heads : mw::axis<2> {};
    struct group : mw::axis<1> {};
    struct source : mw::axis<3> {};
    using source_vocab = vocab;
    using target_vocab = vocab;
    using target = token;
};
struct batch : mw::axis<2> {};

/// What each parameter loses to weight decay in one step, as a multiple of learning rate, weight decay and itself.
template <class Model, class Loss>
std::map<std::string, double> decayed(mw::adamw_options how, Loss loss) {
    std::map<std::string, double> found;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        how.learning_rate = 0.5, how.epsilon = 1;
        auto const stepped = [&](double decay) {
            auto model = mw::init<Model>(here, mw::seed{1});
            mw::for_each_parameter(model, [](std::size_t, std::string_view, auto& p, mw::initial) {
                mw::fill_by_index(p, [](std::size_t i) { return 1 + 0.25 * static_cast<double>(i % 3); });
            });
            how.weight_decay = decay;
            mw::adamw optimizer(model, how);
            auto made = mw::value_and_gradient(model, [&](Model const& m) { return loss(here, m); });
            optimizer.step(model, made.gradient);
            return model;
        };
        auto const with = stepped(0.5), without = stepped(0);
        std::vector<double> kept;
        mw::for_each_parameter(without, [&](std::size_t, std::string_view, auto const& p, mw::initial) {
            kept.push_back(static_cast<double>(*p.data()));
        });
        mw::for_each_parameter(with, [&](std::size_t i, std::string_view name, auto const& p, mw::initial) {
            found[std::string(name)] = (kept[i] - static_cast<double>(*p.data())) / (0.5 * 0.5);
        });
    });
    return found;
}
std::map<std::string, double> of_gpt(mw::adamw_options const& how = {}) {
    return decayed<mw::gpt<S, axes>>(how, [](auto& here, auto const& m) {
        auto const ids = mw::place<batch, axes::token>(here, std::vector<std::int32_t>{1, 2, 3, 4, 5, 0});
        return m.loss(ids, ids);
    });
}
std::vector<std::string> names_of(std::map<std::string, double> const& found) {
    std::vector<std::string> names;
    for (auto const& [name, factor] : found) {
        CAPTURE(name);
        bool const is_none_or_all = std::abs(factor) < 1e-5 || std::abs(factor - 1) < 1e-5;
        CHECK(is_none_or_all);
        if (factor > 0.5) names.push_back(name);
    }
    return names;
}

TEST_CASE("of the models that come with the library matrices and tables are decayed, no bias and no gain") {
    CHECK(names_of(of_gpt()) ==
          std::vector<std::string>{"blocks.0.attention.key.weight", "blocks.0.attention.out.weight",
                                   "blocks.0.attention.query.weight", "blocks.0.attention.value.weight",
                                   "blocks.0.mlp.down.weight", "blocks.0.mlp.up.weight", "positions",
                                   "table"});
}

template <class Model>
std::map<std::string, mw::role> roles_of() {
    static std::map<std::string, mw::role> found;
    found.clear();
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto const model = mw::init<Model>(here, mw::seed{1});
        (void)mw::detail::groups_of(
            model,
            [](mw::parameter_info const& p) {
                found[std::string(p.name)] = p.role;
                return mw::parameter_group{};
            },
            std::source_location::current());
    });
    return found;
}

template <class Model>
void check_roles_by_name() {
    for (auto const& found : roles_of<Model>()) {
        std::string const& name = found.first;
        mw::role const role = found.second;
        CAPTURE(name);
        auto const ends = [&](std::string const& word) { return name.ends_with(word); };
        if (ends("bias"))
            CHECK(role == mw::role::bias);
        else if (ends("gain"))
            CHECK(role == mw::role::gain);
        else if (ends("weight") || ends("unembed"))
            CHECK(role == mw::role::matrix);
        else {
            CHECK((ends("table") || ends("positions")));
            CHECK(role == mw::role::table);
        }
    }
}

TEST_CASE("every parameter of every model that comes with the library is what it is called") {
    check_roles_by_name<mw::gpt<S, axes>>();
    check_roles_by_name<mw::llama<S, axes>>();
    check_roles_by_name<mw::encoder_decoder<S, axes>>();
    check_roles_by_name<mw::encoder_decoder<S, axes, {.tied = mw::tied_tables::none}>>();
}

struct low_rank {
    mw::parameter<S, axes::embed, axes::ffn> down, up_starts_at_zero, shift, counts;
    mw::parameter<S, axes::embed> noise;
    static constexpr auto parameters =
        mw::fields<&low_rank::down, mw::normal{0.1F}, &low_rank::up_starts_at_zero, mw::role::matrix,
                   &low_rank::shift, &low_rank::counts, mw::constant{2}, &low_rank::noise, mw::role::bias,
                   mw::normal{1}>();
};
struct around {
    low_rank inner;
    std::array<low_rank, 1> tables;
    static constexpr auto parameters =
        mw::fields("first", &around::inner, "then", &around::tables, mw::role::table);
};

TEST_CASE(
    "a field that says nothing is what its start says; a role of a model is that of its silent parameters") {
    using enum mw::role;
    CHECK(roles_of<around>() == std::map<std::string, mw::role>{{"first.down", matrix},
                                                                {"first.up_starts_at_zero", matrix},
                                                                {"first.shift", bias},
                                                                {"first.counts", gain},
                                                                {"first.noise", bias},
                                                                {"then.0.down", table},
                                                                {"then.0.up_starts_at_zero", matrix},
                                                                {"then.0.shift", table},
                                                                {"then.0.counts", table},
                                                                {"then.0.noise", bias}});
}

TEST_CASE("groups by role and by name") {
    auto const chosen = [](mw::parameter_info const& p) {
        auto group = mw::usual_group(p);
        if (p.role == mw::role::table || p.is_in("mlp.up")) group.weight_decay = 0;
        if (p.is_in("down")) group.weight_decay = 0.5;
        if (p.is_in("out.weight")) group.learning_rate = 0;
        return group;
    };
    auto const found = of_gpt({.groups = chosen});
    CHECK(found.at("table") == doctest::Approx(0));
    CHECK(found.at("blocks.0.mlp.up.weight") == doctest::Approx(0));
    CHECK(found.at("blocks.0.mlp.down.weight") == doctest::Approx(0.5).epsilon(1e-5));
    CHECK(found.at("blocks.0.attention.key.weight") == doctest::Approx(1).epsilon(1e-5));
    CHECK(found.at("blocks.0.attention.out.weight") == doctest::Approx(0));
    constexpr mw::parameter_info p{"blocks.3.mlp.up.weight"};
    static_assert(p.is_in("mlp") && p.is_in("mlp.up") && p.is_in("weight") && p.is_in("blocks") &&
                  p.is_in("blocks.3.mlp.up.weight"));
    static_assert(!p.is_in("ml") && !p.is_in("lp.up") && !p.is_in("block") && !p.is_in("eight"));
}

TEST_CASE("a factor that is none is named with its parameter before anything is changed") {
    mw::adamw_options how;
    how.groups = [](mw::parameter_info const& p) {
        return mw::parameter_group{.weight_decay = p.is_in("positions") ? std::nan("") : 1};
    };
    std::string said;
    try {
        of_gpt(how);
    } catch (mw::error const& e) { said = e.what(); }
    CAPTURE(said);
    CHECK(said.find("weight_decay of the mw::parameter_group of positions is nan") != std::string::npos);
}

// what is printed to stderr meanwhile
std::string told(auto f) {
    std::fflush(stderr);
    int const kept = dup(2);
    std::FILE* const to = std::tmpfile();
    dup2(fileno(to), 2);
    f();
    std::fflush(stderr);
    dup2(kept, 2);
    close(kept);
    std::string text(static_cast<std::size_t>(std::ftell(to)), '\0');
    std::rewind(to);
    text.resize(std::fread(text.data(), 1, text.size(), to));
    std::fclose(to);
    return text;
}

TEST_CASE("a part of a name that no parameter has is told of, once") {
    std::string const text = told([] {
        mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
            auto const model = mw::init<mw::gpt<S, axes>>(here, mw::seed{1});
            for (int i = 0; i < 2; ++i)
                (void)mw::detail::groups_of(
                    model,
                    [](mw::parameter_info const& p) {
                        return mw::parameter_group{.weight_decay =
                                                       p.is_in("mlp.upp") || p.is_in("down") ? 0.0 : 1.0};
                    },
                    std::source_location::current());
        });
    });
    CAPTURE(text);
    std::size_t const first = text.find("\"mlp.upp\"");
    CHECK(first != std::string::npos);
    CHECK(text.find("\"mlp.upp\"", first + 1) == std::string::npos);
    CHECK(text.find("\"down\"") == std::string::npos);
}

struct twins {
    mw::parameter<S, axes::embed> one, other;
    static constexpr auto parameters =
        mw::fields<&twins::one, mw::constant{1}, &twins::other, mw::constant{1}>();
};

TEST_CASE("weights that begin tied and part at the first step are told of, once") {
    auto const steps_of = [](bool tied) {
        return told([=] {
            mw::run<S>(mw::threads{}, [=](mw::rank<S>& here) {
                auto model = mw::init<twins>(here, mw::seed{1});
                if (tied) model.other = model.one;
                for (int i = 0; i < 2; ++i) {
                    auto found = mw::value_and_gradient(
                        model, [](twins const& m) { return mw::sum(m.one * m.other * m.other); });
                    mw::sgd(model, found.gradient, 0.1);
                }
            });
        });
    };
    CHECK(steps_of(false) == "");
    std::string const text = steps_of(true), what = "parameters one and other begin with the same values";
    CAPTURE(text);
    std::size_t const first = text.find(what);
    CHECK(first != std::string::npos);
    CHECK(text.find(what, first + 1) == std::string::npos);
}

}  // namespace
