// Compiling is passing: what a type is called, wherever it stands.
#include <meshwise/tensor/name.hpp>
namespace {
struct embed {};
template <class T>
struct wrapped {
    struct inside {};
};
static_assert(meshwise::name_of<embed>() == "embed");
static_assert(meshwise::name_of<wrapped<int>>() == "wrapped<int>");
static_assert(meshwise::name_of<wrapped<embed>::inside>() == "inside");
}  // namespace
