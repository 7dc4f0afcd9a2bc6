// fields: a model's parameters are walked in one order, by name, with their types or without.
#include <doctest/doctest.h>

#include <meshwise/tensor/fields.hpp>

#include <cstring>

namespace mw = meshwise;

namespace {

struct in : mw::axis<2> {};
struct out : mw::axis<3> {};
struct layer {
    mw::tensor<float, mw::axes<in, out>> weight = mw::tensor<float, mw::axes<in, out>>::uninitialized();
    mw::tensor<double, mw::axes<out>> bias = mw::tensor<double, mw::axes<out>>::uninitialized();
    static constexpr auto parameters = mw::fields("weight", &layer::weight, "bias", &layer::bias);
};
struct model {
    std::array<layer, 2> layers;
    mw::tensor<float, mw::axes<in, out>> last = mw::tensor<float, mw::axes<in, out>>::uninitialized();
    static constexpr auto parameters = mw::fields("layers", &model::layers, "last", &model::last);
};

struct facts {
    std::size_t axes, element_size;
};

TEST_CASE("a walk without types sees the same parameters in the same order, and what is said of each type") {
    model m;
    std::vector<std::string> typed, untyped;
    std::vector<void const*> memory;
    mw::for_each_parameter(m, [&](std::size_t i, std::string_view name, auto& x, mw::initial) {
        CHECK(i == typed.size());
        typed.push_back(std::string(name) + " " +
                        std::to_string(std::remove_cvref_t<decltype(x)>::axis_count) + " " +
                        std::to_string(sizeof *x.data()));
        memory.push_back(x.data());
    });
    mw::for_each_parameter(
        m,
        []<class X>() {
            return facts{X::axis_count, sizeof(typename X::value_type)};
        },
        [&](std::size_t i, std::string_view name, auto& x, facts const& of) {
            CHECK(i == untyped.size());
            CHECK(x.memory().data() == memory.at(i));
            untyped.push_back(std::string(name) + " " + std::to_string(of.axes) + " " +
                              std::to_string(of.element_size));
            std::memset(x.mutable_bytes(), 0, of.element_size);
        });
    CHECK(typed == std::vector<std::string>{"layers.0.weight 2 4", "layers.0.bias 1 8", "layers.1.weight 2 4",
                                            "layers.1.bias 1 8", "last 2 4"});
    CHECK(untyped == typed);
    CHECK(*m.layers[1].bias.data() == 0);
}

TEST_CASE("writing without a type announces it") {
    model m;
    auto const before = m.last.memory().version();
    mw::for_each_parameter(
        m, []<class X>() { return 0; },
        [](std::size_t, std::string_view, auto& x, int) { x.mutable_bytes(); });
    CHECK(m.last.memory().version() == before + 1);
}

}  // namespace
