// What would it save to compute gelu, add the residual or hand a sum to the peers inside of the product before it? One
// block of GPT-2 124M (768 wide), 4 texts of 256 tokens, one thread. Each pass is timed as it is, over arrays, and with
// what a fused one would find at hand in a buffer that L1 holds; the difference is all that could be saved, in percent
// of the block's products forward and backward: of a step it is less. Nothing here is in the library: it is the reason.
#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/elements/activations.hpp>

#include "rows.hpp"

namespace {

using namespace bench;
namespace mw = meshwise;

constexpr std::size_t rows = 1024, embed = 768, ffn = 3072, at_hand = 2048;  // elements of a tile or two

struct array {
    float* at;
    std::size_t count;
    explicit array(std::size_t n, std::uint32_t which)
        : at(static_cast<float*>(mw::tbb::allocate(n * sizeof(float)))),
          count(n) {
        fill(at, n, which);
    }
    array(array const&) = delete;
    array& operator=(array const&) = delete;
    ~array() { mw::tbb::deallocate(at, count * sizeof(float)); }
};

mw::iteration_space<2> line(std::size_t n) {
    mw::iteration_space<2> l{.dims = 1, .extents = {n}, .out = {1}};
    l.in[0][0] = l.in[1][0] = 1;
    return l;
}
mw::iteration_space<1> line_of_one(std::size_t n) {
    mw::iteration_space<1> l{.dims = 1, .extents = {n}, .out = {1}};
    l.in[0][0] = 1;
    return l;
}

/// y = gelu(x), or y = x + r; `step`: how many elements at once, always the same ones of x where they are at hand.
void gelu(float* y, float const* x, std::size_t n, std::size_t step) {
    for (std::size_t i = 0; i < n; i += step)
        mw::tbb::map(line_of_one(step), mw::elementary::gelu{}, y + i, step == n ? x + i : x);
}
void residual(float* y, float const* x, float const* r, std::size_t n, std::size_t step) {
    for (std::size_t i = 0; i < n; i += step)
        mw::tbb::map(line(step), [](auto a, auto b) { return a + b; }, y + i, step == n ? x + i : x, r + i);
}

/// The forward products of a block, which are a third of its step's.
double seconds_of_products() {
    array const x(rows * embed, 1), h(rows * ffn, 2), up(embed * ffn, 3), out(rows * ffn, 4);
    auto const product = [&](std::size_t n, std::size_t k, float const* a) {
        mw::gemm_shape shape{.m = rows, .n = n, .k = k};
        shape.a_m = static_cast<std::ptrdiff_t>(k), shape.a_k = 1;
        shape.b_k = shape.c_m = static_cast<std::ptrdiff_t>(n), shape.b_n = shape.c_n = 1;
        mw::tbb::gemm(shape, a, up.at, out.at);
    };
    std::vector<contender> all{timed("products", watch::this_thread, [&] {
        product(3 * embed, embed, x.at), product(embed, embed, x.at);
        product(ffn, embed, x.at), product(embed, ffn, h.at);
    })};
    return in_turns(all, 2)[0];
}

void answer(question& here) {
    mw::tbb::enter(1, [&] {
        double const step = 3 * seconds_of_products();
        array const x(rows * ffn, 1), r(rows * ffn, 2), y(rows * ffn, 3), z(rows * ffn, 4);
        std::vector<float> wanted(at_hand);
        mw::serial::map(line_of_one(at_hand), mw::elementary::gelu{}, wanted.data(), x.at);
        gelu(y.at, x.at, x.count, x.count), gelu(z.at, x.at, x.count, at_hand);
        for (std::size_t i = 0; i < at_hand; ++i)
            if (std::abs(y.at[i] - wanted[i]) > 1e-5 || y.at[i] != z.at[i + at_hand])
                return here.fail("gelu is wrong");
        std::size_t const narrow = rows * embed;
        std::vector<contender> all{
            timed("gelu", watch::this_thread, [&] { gelu(y.at, x.at, x.count, x.count); }),
            timed("gelu, at hand", watch::this_thread, [&] { gelu(y.at, x.at, x.count, at_hand); }),
            timed("residual", watch::this_thread, [&] { residual(y.at, x.at, r.at, narrow, narrow); }),
            timed("residual, at hand", watch::this_thread,
                  [&] { residual(y.at, x.at, r.at, narrow, at_hand); }),
            timed("copy", watch::this_thread, [&] { mw::tbb::copy(y.at, x.at, narrow); })};
        auto const seconds = in_turns(all, 2);
        auto const report = [&](std::string const& name, double saved) {
            here.report({.name = "fused/" + name + ", at most", .ours = 100 * saved / step, .unit = "%"});
        };
        report("gelu", seconds[0] - seconds[1]);
        // A fused one does not write what is added, either: a copy reads and writes.
        report("2 residuals", 2 * (seconds[2] - seconds[3] + seconds[4]));
        report("4 sums handed to the peers", 4 * seconds[4]);
    });
}

}  // namespace

int main(int argc, char** argv) {
    ask("fused", answer);
    return run(argc, argv);
}
