// Tensors with named axes on one core: dot contracts by name, order does not matter, a wrong name does not compile.
#include <meshwise/meshwise.hpp>

#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<2> {};
struct embed : mw::axis<3> {};
struct ffn : mw::axis<4> {};

int main() {
    std::vector<float> const x_values{1, 2, 3, 4, 5, 6};
    std::vector<float> const w_values{1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1};
    auto const x = mw::cut_from<mw::tensor<float, mw::axes<batch, embed>>>(x_values);
    auto const w = mw::cut_from<mw::tensor<float, mw::axes<embed, ffn>>>(w_values);

    auto const y = mw::dot<embed>(x, w);  // (batch, ffn): embed is summed
    static_assert(std::is_same_v<decltype(y)::axes, mw::axes<batch, ffn>>);
    for (std::size_t b = 0; b < batch::size; ++b)
        std::printf("%4g %4g %4g %4g\n", double(y.span()[b * 4]), double(y.span()[b * 4 + 1]),
                    double(y.span()[b * 4 + 2]), double(y.span()[b * 4 + 3]));

    // any element-wise function; its derivative is found by running it on dual numbers
    auto const z = mw::map([](auto a) { return a * mw::sigmoid(a); }, y);

    bool const right = y.span()[0] == 1 && y.span()[3] == 6 && y.span()[7] == 15 &&
                       std::abs(z.span()[0] - 0.7310586F) < 1e-6F;
    std::puts(right ? "as expected" : "WRONG");
    return right && std::fflush(stdout) == 0 ? 0 : 1;
}
