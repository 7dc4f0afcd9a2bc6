// Compiling is passing: numbers of a rank are multiplied like any others, also where tensors can be, too.
#include <meshwise/meshwise.hpp>
namespace {
namespace mw = meshwise;
struct dp : mw::mesh_axis<2> {};
using here = mw::rank<mw::strategy<mw::mesh<dp>>>;
static_assert(std::is_same_v<decltype(10 * std::declval<here&>().index()), mw::per_rank<std::size_t>>);
static_assert(
    std::is_same_v<decltype(std::declval<here&>().coordinate<dp>() * 10), mw::per_rank<std::size_t>>);
struct embed : mw::axis<4> {};
using row = mw::tensor<float, mw::axes<embed>>;
static_assert(std::is_same_v<decltype(2 * row() * 0.5F), row>);
static_assert(std::is_same_v<decltype(2 * mw::poison() * 2), mw::poison>);
}  // namespace
