// A tensor that a model does not list in mw::fields is told of when the model is made.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include <meshwise/meshwise.hpp>
#include <meshwise/plan.hpp>

namespace mw = meshwise;

namespace {

struct embed : mw::axis<4> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;
using two = mw::strategy<mw::mesh<tp>, mw::split<embed, tp>, mw::on<mw::serial>>;

template <class S>
struct pair {
    mw::parameter<S, embed> gain, bias;
    static constexpr auto parameters = mw::fields<&pair::gain, mw::constant{1}, &pair::bias>();
};
template <class S>
struct lacks_the_last {
    mw::parameter<S, embed> gain, bias;
    static constexpr auto parameters = mw::fields<&lacks_the_last::gain, mw::constant{1}>();
};
template <class S>
struct lacks_the_first {
    mw::parameter<S, embed> gain, bias;
    static constexpr auto parameters = mw::fields<&lacks_the_first::bias>();
};
template <class S>
struct lacks_a_model {
    mw::parameter<S, embed> gain;
    pair<S> inner;
    static constexpr auto parameters = mw::fields<&lacks_a_model::gain>();
};
template <class S>
struct holds_one_that_lacks {
    std::array<lacks_the_last<S>, 2> layers;
    static constexpr auto parameters = mw::fields<&holds_one_that_lacks::layers>();
};
template <class S>
struct derived : pair<S> {
    mw::parameter<S, embed> last;
    static constexpr auto parameters = mw::fields<&derived::last, &derived::bias>();
};
template <class S>
struct lacks_all {
    std::array<mw::parameter<S, embed>, 2> all;
    static constexpr auto parameters = mw::fields<>();
};
template <class S>
struct with_others {
    int before = 3;
    mw::parameter<S, embed> gain;
    struct {
        double p = 0.1;
        std::string name = "of a member that is no parameter";
        std::vector<float> numbers{1, 2, 3};
    } options;
    mw::parameter<S, embed> bias;
    mw::parameter<S, embed> table = mw::parameter<S, embed>::uninitialized();
    std::optional<mw::parameter<S, embed>> later;
    std::optional<pair<S>> frozen;
    static constexpr auto parameters = mw::fields<&with_others::gain, &with_others::bias>();
};

template <class S, class Model>
std::string said() {
    try {
        mw::run<S>(mw::threads{}, [](mw::rank<S>& here) { (void)mw::init<Model>(here, mw::seed{1}); });
    } catch (mw::error const& e) { return e.what(); }
    return "";
}
/// The same on one rank and where the tensors are split, but for the model's name.
template <template <class> class Model>
std::string said_everywhere() {
    auto const tail = [](std::string const& text) {
        return text.substr(std::min(text.size(), text.find(" does not list ")));
    };
    std::string const one = said<S, Model<S>>(), split = said<two, Model<two>>();
    CHECK(one.empty() == split.empty());
    CHECK(tail(one) == tail(split));
    return one;
}
bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a tensor that a model does not list is told of when the model is made") {
    CHECK(has(said_everywhere<lacks_the_last>(), "mw::fields of the model lacks_the_last<"));
    CHECK(has(said_everywhere<lacks_the_last>(),
              "the tensor that is declared behind gain, which would be neither"));
    CHECK(has(said_everywhere<lacks_the_first>(), "the tensor that is declared before bias"));
    CHECK(has(said_everywhere<lacks_a_model>(), "the tensor that is declared behind gain"));
    CHECK(has(said_everywhere<holds_one_that_lacks>(), "the tensor that is declared behind layers.0.gain"));
    CHECK(has(said_everywhere<derived>(), "the tensor that is declared before bias"));
    CHECK(has(said_everywhere<lacks_all>(), "does not list a tensor"));
}

TEST_CASE("members that are no tensors, and tensors that have a value, need not be listed") {
    CHECK(said_everywhere<pair>() == "");
    CHECK(said_everywhere<with_others>() == "");
}

TEST_CASE("a plan tells of it, too") {
    auto const planned = [](auto program) -> std::string {
        try {
            (void)mw::explain<two>(program);
        } catch (mw::error const& e) { return e.what(); }
        return "";
    };
    CHECK(has(planned([](auto& here) {
                  using here_strategy = typename std::remove_cvref_t<decltype(here)>::strategy;
                  (void)mw::init<lacks_the_last<here_strategy>>(here, mw::seed{1});
              }),
              "the tensor that is declared behind gain"));
    CHECK(planned([](auto& here) {
              using here_strategy = typename std::remove_cvref_t<decltype(here)>::strategy;
              (void)mw::init<with_others<here_strategy>>(here, mw::seed{1});
          }) == "");
}
