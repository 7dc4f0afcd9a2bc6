// What a model lists as its parameters: members, each followed by how it starts, or names of their own before them; no
// member and no name twice.
//
// lines: 14
#include <meshwise/tensor/parameter_walk.hpp>

namespace mw = meshwise;

struct embed : mw::axis<64> {};
struct position : mw::up_to<64> {};
using weight = mw::tensor<float, mw::axes<embed>>;

struct layer {
    weight up, down;
    mw::tensor<float, mw::axes<position, embed>> table;
#if REJECTED == 1
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<mw::normal{}, &layer::up>();
#elif REJECTED == 2
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<&layer::up, 3>();
#elif REJECTED == 3
    // sentence: takes a name, a member, and how it starts
    static constexpr auto parameters = mw::fields(&layer::up, &layer::down);
#elif REJECTED == 4
    // sentence: takes a name, a member, and how it starts
    static constexpr auto parameters = mw::fields("up", &layer::up, "down");
#elif REJECTED == 5
    // sentence: two fields of this model have the same name
    static constexpr auto parameters = mw::fields<&layer::up, &layer::up>();
#elif REJECTED == 6
    // sentence: two fields of this model have the same name
    static constexpr auto parameters = mw::fields("w", &layer::up, "w", &layer::down);
#elif REJECTED == 7
    // sentence: this model lists one member under two names
    static constexpr auto parameters = mw::fields("up", &layer::up, "down", &layer::up);
#elif REJECTED == 8
    // sentence: starts with a number that is not finite, or with a negative deviation
    static constexpr auto parameters = mw::fields<&layer::up, mw::normal{-1}, &layer::down>();
#elif REJECTED == 9
    // sentence: starts with a number that is not finite, or with a negative deviation
    static constexpr auto parameters =
        mw::fields("up", &layer::up, mw::constant{__builtin_nanf("")}, "down", &layer::down);
#elif REJECTED == 10
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<&layer::up, mw::role::bias, mw::role::gain>();
#elif REJECTED == 11
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<mw::role::bias, &layer::up>();
#elif REJECTED == 12
    // sentence: a parameter of this model has an axis of mw::up_to
    // lines: 20
    static constexpr auto parameters = mw::fields<&layer::up, &layer::table>();
#elif REJECTED == 13
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<mw::frozen, &layer::up>();
#elif REJECTED == 14
    // sentence: takes a name, a member, and how it starts
    static constexpr auto parameters = mw::fields("up", mw::frozen, &layer::up);
#elif REJECTED == 15
    // sentence: takes pointers to members, each followed by how it starts
    static constexpr auto parameters = mw::fields<&layer::up, mw::frozen, mw::normal{1}, mw::frozen>();
#else
    static constexpr auto parameters = mw::fields<&layer::up, mw::normal{0.02F}, mw::role::table, mw::frozen,
                                                  &layer::down, mw::role::gain>();
    static constexpr auto named = mw::fields("mlp.up", &layer::up, mw::role::matrix, mw::normal{0.02F},
                                             mw::inputs{1}, "mlp.down", &layer::down, mw::frozen);
#endif
};

void program(layer& model) {
    mw::for_each_parameter(model, [](std::size_t, std::string_view, auto&, mw::initial) {});
}
