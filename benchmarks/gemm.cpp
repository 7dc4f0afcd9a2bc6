// Matrix products of the tbb backend, as a share of the peak that the same process measures around each run,
// with Eigen beside them. Every result is compared with sums in double first; a wrong one is an error, not a
// time.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12's own AVX-512 header, as Eigen inlines it
#endif

#include <meshwise/backend/tbb.hpp>

#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include <time.h>

namespace mw = meshwise;
namespace fast = mw::fast;

namespace {

// The shapes of a transformer step: y = x w (as stored), dx = dy w^T, dw = x^T dy.
enum class form { plain, right_transposed, left_transposed };

// Seconds of this thread on a processor, so that what else runs on the machine does not count; of the wall
// clock where several threads work.
double now(bool this_thread) {
    timespec time{};
    clock_gettime(this_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Operations per second of independent multiply-adds on registers, in one thread: the best of several runs,
// since a busy machine only ever slows them down.
double one_thread_peak() {
    using type = fast::vector<fast::native, float>;
    constexpr std::size_t chains = 12, rounds = 300000;
    double best = 0;
    for (int run = 0; run < 8; ++run) {
        type sum[chains] = {};
        type factor = fast::splat<fast::native>(0.999f), term = fast::splat<fast::native>(0.001f);
        benchmark::DoNotOptimize(factor);
        benchmark::DoNotOptimize(term);
        double const start = now(true);
        for (std::size_t i = 0; i < rounds; ++i)
            fast::unroll<chains>([&](auto j)
                                     __attribute__((always_inline)) { sum[j] = sum[j] * factor + term; });
        double const time = now(true) - start;
        for (type& each : sum) benchmark::DoNotOptimize(each);
        best = std::max(best, 2.0 * chains * rounds * fast::lanes<fast::native, float> / time);
    }
    return best;
}

struct problem {
    std::size_t m, n, k;
    form how;
    std::vector<float> a, b, c;
    mw::gemm_shape shape;

    problem(std::size_t rows, std::size_t columns, std::size_t depth, form which)
        : m(rows),
          n(columns),
          k(depth),
          how(which),
          a(m * k),
          b(k * n),
          c(m * n) {
        std::mt19937 generator(1);
        std::uniform_real_distribution<float> values(-1, 1);
        for (float& x : a) x = values(generator);
        for (float& x : b) x = values(generator);
        auto const sm = static_cast<std::ptrdiff_t>(m), sn = static_cast<std::ptrdiff_t>(n),
                   sk = static_cast<std::ptrdiff_t>(k);
        shape = {m, n, k, sk, 1, sn, 1, sn, 1, false};
        if (how == form::right_transposed) shape.b_k = 1, shape.b_n = sk;
        if (how == form::left_transposed) shape.a_m = 1, shape.a_k = sm;
    }

    double operations() const { return 2.0 * static_cast<double>(m * n) * static_cast<double>(k); }

    bool correct() const {
        std::mt19937 generator(2);
        for (int sample = 0; sample < 300; ++sample) {
            std::size_t const i = generator() % m, j = generator() % n;
            double sum = 0, size = 0;
            for (std::size_t p = 0; p < k; ++p) {
                double const
                    x = a[i * static_cast<std::size_t>(shape.a_m) + p * static_cast<std::size_t>(shape.a_k)],
                    y = b[p * static_cast<std::size_t>(shape.b_k) + j * static_cast<std::size_t>(shape.b_n)];
                sum += x * y;
                size += std::abs(x * y);
            }
            if (!(std::abs(c[i * n + j] - sum) <= 1e-6 * size)) return false;
        }
        return true;
    }
};

template <class Product>
void measure(benchmark::State& state, problem& what, std::size_t threads, Product&& product) {
    product();
    if (!what.correct()) {
        state.SkipWithError("the product is wrong");
        return;
    }
    double peak = one_thread_peak(), best = 1e30, total = 0;
    for (auto _ : state) {
        double const start = now(threads == 1);
        product();
        double const time = now(threads == 1) - start;
        state.SetIterationTime(time);
        total += time;
        best = std::min(best, time);
    }
    peak = std::max(peak, one_thread_peak()) * static_cast<double>(threads);
    double const done = what.operations() * static_cast<double>(state.iterations());
    state.counters["GFLOP/s"] = done / total * 1e-9;
    state.counters["share"] = done / total / peak;
    state.counters["best_share"] = what.operations() / best / peak;
    state.counters["peak"] = peak * 1e-9;
}

void meshwise_product(benchmark::State& state, problem what, std::size_t threads) {
    mw::tbb::enter(threads, [&] {
        measure(state, what, threads,
                [&] { mw::tbb::gemm(what.shape, what.a.data(), what.b.data(), what.c.data()); });
    });
}

void packed_product(benchmark::State& state, problem what, std::size_t threads) {
    mw::tbb::enter(threads, [&] {
        std::vector<float> packed(mw::tbb::packed_elements<float>(what.shape));
        mw::tbb::pack(what.shape, what.b.data(), packed.data());
        measure(state, what, threads,
                [&] { mw::tbb::gemm_packed(what.shape, what.a.data(), packed.data(), what.c.data()); });
    });
}

void eigen_product(benchmark::State& state, problem what) {
    using rows = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
    using index = Eigen::Index;
    auto const m = static_cast<index>(what.m), n = static_cast<index>(what.n), k = static_cast<index>(what.k);
    rows c(what.c.data(), m, n);
    measure(state, what, 1, [&] {
        switch (what.how) {
        case form::plain: c.noalias() = rows(what.a.data(), m, k) * rows(what.b.data(), k, n); break;
        case form::right_transposed:
            c.noalias() = rows(what.a.data(), m, k) * rows(what.b.data(), n, k).transpose();
            break;
        case form::left_transposed:
            c.noalias() = rows(what.a.data(), k, m).transpose() * rows(what.b.data(), k, n);
            break;
        }
    });
}

void add(std::size_t m, std::size_t n, std::size_t k, form how) {
    char const* const forms[] = {"plain", "right_transposed", "left_transposed"};
    std::string const name = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + "/" +
                             forms[static_cast<std::size_t>(how)];
    auto const set_up = [](benchmark::internal::Benchmark* one) {
        one->UseManualTime()->Unit(benchmark::kMicrosecond);
    };
    for (std::size_t const threads : {std::size_t{1}, std::size_t{2}}) {
        std::string const where = name + "/threads:" + std::to_string(threads);
        set_up(benchmark::RegisterBenchmark(("meshwise/" + where).c_str(), [=](benchmark::State& state) {
            meshwise_product(state, problem(m, n, k, how), threads);
        }));
        set_up(benchmark::RegisterBenchmark(("packed/" + where).c_str(), [=](benchmark::State& state) {
            packed_product(state, problem(m, n, k, how), threads);
        }));
    }
    set_up(
        benchmark::RegisterBenchmark(("eigen/" + name + "/threads:1").c_str(), [=](benchmark::State& state) {
            eigen_product(state, problem(m, n, k, how));
        }));
}

}  // namespace

int main(int argc, char** argv) {
    // 12 sequences of 256 tokens through a width of 384, forward and backward; then few rows, as in
    // generation.
    for (auto const how : {form::plain, form::right_transposed}) {
        add(3072, 1152, 384, how);
        add(3072, 384, 384, how);
        add(3072, 1536, 384, how);
        add(3072, 384, 1536, how);
    }
    add(384, 1152, 3072, form::left_transposed);
    add(384, 1536, 3072, form::left_transposed);
    add(1536, 384, 3072, form::left_transposed);
    for (std::size_t const m : {1u, 8u, 64u}) {
        add(m, 1536, 384, form::plain);
        add(m, 1536, 384, form::right_transposed);
    }
    add(64, 64, 64, form::plain);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
