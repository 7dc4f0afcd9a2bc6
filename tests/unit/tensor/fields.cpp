// fields: a model's parameters are walked in one order, by name, with their types or without.
#include <doctest/doctest.h>

#include <meshwise/tensor/parameter_walk.hpp>

#include <cstring>

namespace mw = meshwise;

namespace {

struct in : mw::axis<2> {};
struct out : mw::axis<3> {};
struct layer {
    mw::tensor<float, mw::axes<in, out>> weight = mw::tensor<float, mw::axes<in, out>>::uninitialized();
    mw::tensor<double, mw::axes<out>> bias = mw::tensor<double, mw::axes<out>>::uninitialized();
    static constexpr auto parameters = mw::fields<&layer::weight, &layer::bias>();
};
struct model {
    std::array<layer, 2> layers;
    mw::tensor<float, mw::axes<in, out>> last = mw::tensor<float, mw::axes<in, out>>::uninitialized();
    static constexpr auto parameters = mw::fields<&model::layers, &model::last>();
};

template <class T, int... I>
struct of_any {
    T up_2{};
    struct inner {
        T deep{};
    };
    std::array<T, 2> down{};
    static constexpr auto parameters = mw::fields<&of_any::up_2, mw::normal{0.5F}, &of_any::down>();
};
struct more : of_any<layer> {
    layer last;
    static constexpr auto parameters = mw::fields<&more::last, &more::down, mw::constant{2}>();
};
struct renamed {
    layer a, b;
    static constexpr auto parameters = mw::fields("mlp.up", &renamed::a, "b", &renamed::b, mw::constant{1});
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
        m, []<class X>() { return facts{X::axis_count, sizeof(typename X::value_type)}; },
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

TEST_CASE("fields are called as the members are, in class templates, local and derived classes too") {
    constexpr auto plain = of_any<of_any<layer, 1>, 2>::parameters.about;
    static_assert(plain.size() == 2 && plain[0].name == "up_2" && plain[1].name == "down");
    static_assert(plain[0].start.how == mw::initial::kind::normal && plain[0].start.number == 0.5F);
    static_assert(plain[1].start.how == mw::initial::kind::constant && plain[1].start.number == 0);
    static_assert(more::parameters.about[0].name == "last" && more::parameters.about[1].name == "down");
    static_assert(more::parameters.about[1].start.number == 2);
    static_assert(mw::fields<&of_any<layer>::inner::deep>().about[0].name == "deep");
    struct local {
        layer x;
    };
    static_assert(mw::fields<&local::x>().about[0].name == "x");
    static_assert(renamed::parameters.about[0].name == "mlp.up" && renamed::parameters.about[1].name == "b");
    static_assert(mw::fields().about.empty());
    static_assert(mw::parameter_count<more> == 6);
    more m;
    std::string names;
    mw::for_each_parameter(
        m, [&](std::size_t, std::string_view name, auto&, mw::initial) { names += std::string(name) + " "; });
    CHECK(names == "last.weight last.bias down.0.weight down.0.bias down.1.weight down.1.bias ");
}

TEST_CASE("writing without a type announces it") {
    model m;
    auto const before = m.last.memory().version();
    mw::for_each_parameter(
        m, []<class X>() { return 0; },
        [](std::size_t, std::string_view, auto& x, int) { x.mutable_bytes(); });
    CHECK(m.last.memory().version() != before);
}

}  // namespace
