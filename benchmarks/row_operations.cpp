// How fast is what is not a product: softmax, norms, activations, cross-entropy over 50304 columns, AdamW, the gradient
// of an embedding, on data that no cache holds? The limit is the time to move each input and output once at the
// memory's calibrated speed. Results are compared with the serial backend's. Peer: PyTorch.
#include <algorithm>
#include <functional>
#include <memory>

#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>

#include "peers/kernels.hpp"

namespace {

using namespace bench;
namespace mw = meshwise;

/// Arrays of one question, in memory as tensors have it.
struct arrays {
    std::size_t rows, n;
    std::vector<std::pair<float*, std::size_t>> all{};

    arrays(std::size_t r, std::size_t columns) : rows(r), n(columns) {}
    arrays(arrays const&) = delete;
    arrays& operator=(arrays const&) = delete;
    ~arrays() {
        for (auto const& [at, count] : all) mw::tbb::deallocate(at, count * sizeof(float));
    }
    float* make(std::size_t count, std::uint32_t which = 0) {
        auto* const at = static_cast<float*>(mw::tbb::allocate(count * sizeof(float)));
        which == 0 ? void(std::fill_n(at, count, 0.0F)) : fill(at, count, which);
        all.emplace_back(at, count);
        return at;
    }
};

/// One operation, made for either backend: what it computes, where the result is, how many arrays of rows x n it moves.
struct operation {
    std::function<void()> ours, serial;
    float* result;
    std::size_t count;
    double arrays_moved;
};

template <class Both>
operation made(Both both, float* result, std::size_t count, double moved) {
    return {[both] { both(mw::tbb{}); }, [both] { both(mw::serial{}); }, result, count, moved};
}

operation make(std::string const& name, arrays& a) {
    std::size_t const rows = a.rows, n = a.n, size = rows * n;
    if (name == "adamw") {
        float *const p = a.make(size, 1), *const g = a.make(size, 2), *const m = a.make(size),
                     *const v = a.make(size);
        auto const step = [=](auto backend) {
            using B = decltype(backend);
            mw::adamw_numbers const how{
                .weight_decay = 0.1, .bias_correction1 = 0.1, .bias_correction2 = 0.001};
            B::adamw(size, p, g, m, v, how);
        };
        operation one = made(step, p, size, 7);
        one.serial = [=, again = one.serial] {  // from the same beginning
            fill(p, size, 1), std::fill_n(m, size, 0.0F), std::fill_n(v, size, 0.0F);
            again();
        };
        return one;
    }
    if (name == "embedding_gradient") {
        float *const table = a.make(size), *const d = a.make(1024 * n, 2);
        auto const ids = std::make_shared<std::vector<std::int32_t>>();
        for (std::size_t i = 0; i < 1024; ++i) ids->push_back(id(i, 5, rows));
        return made(
            [=](auto backend) {  // a gradient made anew
                backend.parallel(size, std::size_t{1} << 16, [=](std::size_t begin, std::size_t end) {
                    std::fill(table + begin, table + end, 0.0F);
                });
                backend.scatter_add_rows(1024, ids->data(), 0, rows, n, d, table);
            },
            table, size, 1);
    }
    float *const x = a.make(size, 1), *const y = a.make(size);
    auto const targets = std::make_shared<std::vector<std::int32_t>>();
    for (std::size_t i = 0; i < rows; ++i) targets->push_back(id(i, 5, n));
    if (name == "cross_entropy") {
        float *const largest = a.make(rows), *const parts = a.make(2 * rows), *const losses = a.make(rows);
        return made(
            [=](auto backend) {
                backend.target_and_exp_sum(rows, n, n, x, targets->data(), 0, largest, parts, parts + rows);
                for (std::size_t i = 0; i < rows; ++i)
                    losses[i] = largest[i] + std::log(parts[rows + i]) - parts[i];
            },
            losses, rows, 1);
    }
    if (name == "cross_entropy_gradient") {
        float *const normalizer = a.make(rows), *const scale = a.make(rows), *const largest = a.make(rows);
        std::fill_n(largest, rows, 0.0F);
        std::fill_n(normalizer, rows, static_cast<float>(std::log(static_cast<double>(n) * std::sinh(1.0))));
        std::fill_n(scale, rows, 1.0F);
        for (std::size_t r = 0; r < rows; ++r) {
            double sum = 0;
            for (std::size_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[r * n + i]));
            normalizer[r] = static_cast<float>(std::log(sum));
        }
        return made(
            [=](auto backend) {
                backend.cross_entropy_gradient(rows, n, n, x, largest, normalizer, targets->data(), 0, scale,
                                               mw::smoothed_target{}, y);
            },
            y, size, 2);
    }
    float *const gain = a.make(n, 3), *const bias = a.make(n, 4), *const inverse = a.make(rows);
    auto const means = std::make_shared<std::vector<double>>(rows);
    if (name == "softmax") return made([=](auto backend) { backend.softmax(rows, n, x, y); }, y, size, 2);
    if (name == "layer_norm")
        return made(
            [=](auto backend) {
                backend.layer_norm(rows, n, x, gain, bias, 1e-5, y, means->data(), inverse);
            },
            y, size, 2);
    if (name == "rms_norm")
        return made([=](auto backend) { backend.rms_norm(rows, n, x, gain, 1e-5, y, inverse); }, y, size, 2);
    mw::iteration_space<1> l{.dims = 1, .extents = {size}, .out = {1}};
    l.in[0][0] = 1;
    float const* const from = x;
    if (name == "gelu")
        return made([=](auto backend) { backend.map(l, mw::elementary::gelu{}, y, from); }, y, size, 2);
    if (name == "silu")
        return made([=](auto backend) { backend.map(l, mw::elementary::silu{}, y, from); }, y, size, 2);
    float *const d = a.make(size, 2), *const dx = a.make(size), *const sums = a.make(2 * n);
    if (name == "softmax_gradient") {
        mw::serial::softmax(rows, n, x, y);
        return made([=](auto backend) { backend.softmax_gradient(rows, n, y, d, dx); }, dx, size, 3);
    }
    mw::serial::layer_norm(rows, n, x, gain, bias, 1e-5, y, means->data(), inverse);
    if (name == "layer_norm_gradient")
        return made(
            [=](auto backend) {
                backend.layer_norm_gradient(rows, n, x, gain, means->data(), inverse, d, dx);
            },
            dx, size, 3);
    return made(
        [=](auto backend) {
            backend.layer_norm_parameters(rows, n, x, means->data(), inverse, d, sums, sums + n);
        },
        sums, n, 2);
}

void answer(question& here, std::string const& full_name, std::string const& name, std::size_t rows,
            std::size_t n, std::size_t threads) {
    mw::tbb::enter(threads, [&] {
        arrays a(rows, n);
        operation const one = make(name, a);
        one.ours();
        std::vector<float> const result(one.result, one.result + one.count);
        one.serial();
        if (!agree(result, {one.result, one.count}))
            return here.fail(full_name + " is not what the serial backend computes");
        std::vector<contender> all{timed("ours", watch_for(threads), one.ours)};
        std::string const what = name + " " + std::to_string(rows) + " " + std::to_string(n);
        if (auto peer = peers::torch_kernel(threads, what, result.data(), result.size()))
            all.push_back(*peer);
        double const bytes = one.arrays_moved * static_cast<double>(rows * n * sizeof(float));
        auto const seconds = in_turns(all);
        row r{.name = full_name,
              .ours = bytes / seconds[0] * 1e-9,
              .unit = "GB/s",
              .limit = read_bandwidth(threads) * 1e-9};
        if (all.size() > 1) r.peers.emplace_back("PyTorch", bytes / seconds[1] * 1e-9);
        here.report(r.beside_the_best_peer());
    });
}

void add(std::string const& name, std::size_t rows, std::size_t n) {
    for (std::size_t const threads : {std::size_t{1}, std::size_t{2}}) {
        std::string const full = "rows/" + name + "/" + std::to_string(rows) + "x" + std::to_string(n) +
                                 "/threads:" + std::to_string(threads);
        ask(full, [=](question& here) { answer(here, full, name, rows, n, threads); });
    }
}

}  // namespace

int main(int argc, char** argv) {
    for (std::string const name : {"softmax", "softmax_gradient", "layer_norm", "layer_norm_gradient",
                                   "layer_norm_parameters", "rms_norm", "gelu", "silu"})
        add(name, 16384, 768);
    for (std::string const name : {"cross_entropy", "cross_entropy_gradient"}) add(name, 512, 50304);
    add("adamw", 16384, 768);
    add("embedding_gradient", 50304, 768);
    return run(argc, argv);
}
