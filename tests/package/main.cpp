// The least a consumer does: include the whole library, compute something, and throw across its border.
#include <meshwise/meshwise.hpp>

#include <vector>

namespace mw = meshwise;

struct batch : mw::axis<2> {};
struct embed : mw::axis<3> {};

int main() {
    auto const x =
        mw::cut_from<mw::tensor<float, mw::axes<batch, embed>>>(std::vector<float>{1, 2, 3, 4, 5, 6});
    auto const w = mw::cut_from<mw::tensor<float, mw::axes<embed>>>(std::vector<float>{1, 0, 2});
    auto const y = mw::dot<embed>(x, w);
    try {
        throw mw::error("reached");
    } catch (mw::error const&) { return y.span()[0] == 7 && y.span()[1] == 16 ? 0 : 1; }
}
