// How much of the gradients' sums does a data-parallel step hide behind its backward pass? Run by `mpirun -n 2`: dp = 2.
// Three kinds of steps take turns in one run, each process with one core; the figures are medians of rank 0, and ratios are
// medians of the rounds' ratios.
//   overlapped   sums are started in buckets as gradients become final: mpi::gradient_bucket
//   afterwards   the same step with gradient_bucket = 0
//   alone        the same work of one process, without any communication
// What cannot overlap is
//   last         a sum of the last bucket, with which the backward pass ends: as many bytes as a bucket has, or, if they are
//                more, the table and the positions, with which the model begins, and all gradients too small to go alone
//   core         what this rank's own core has to copy and to add for all others. Between processes of one machine nobody
//                else does it, so it is the time of the sum itself, measured here. Across a network it is the time of the
//                sum on a link without a limit: run there first, and give the `core` it prints as the second argument.
// The goal is overlapped / (alone + last + core) <= 1.05. The weights of overlapped and afterwards are compared bit by bit.
//   bench_mpi_train_step [KiB of a bucket [core in ms [rounds]]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include <meshwise/communicator/mpi.hpp>
#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

namespace {

struct batch : mw::axis<32> {};
struct half_batch : mw::axis<16> {};
struct token : mw::axis<128> {};
struct embed : mw::axis<256> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<64> {};
struct ffn : mw::axis<1024> {};
struct vocab : mw::axis<256> {};
struct layer : mw::axis<4> {};

struct dp : mw::mesh_axis<2> {};
using two = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;
using one = mw::strategy<mw::mesh<>>;
struct sizes {
    using vocab = ::vocab;
    using token = ::token;
    using embed = ::embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};
template <class S>
using model_of = mw::gpt<S, sizes>;

using clock_type = std::chrono::steady_clock;
double milliseconds(clock_type::time_point since) {
    return std::chrono::duration<double, std::milli>(clock_type::now() - since).count();
}
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Five steps, of which the first warms up: the times of the others are appended. A digest of the weights.
template <class Batch, class Policy, class S>
std::uint64_t steps(Policy const& policy, S, std::vector<double>& times) {
    std::uint64_t digest = 14695981039346656037ULL;
    MPI_Barrier(MPI_COMM_WORLD);
    mw::run<S>(policy, [&](auto& here) {
        auto model = mw::init<model_of<S>>(here, mw::seed{1});
        mw::adamw optimizer(model, {.learning_rate = 1e-3, .clip_norm = 1});
        std::vector<std::int32_t> ids(Batch::size * token::size);
        for (std::size_t step = 0; step < 5; ++step) {
            mw::random_stream const numbers(mw::seed{3}, "ids", step);
            for (std::size_t i = 0; i < ids.size(); ++i)
                ids[i] = static_cast<std::int32_t>(numbers.bits(i) % 256);
            auto const x = mw::place<Batch, token>(here, std::span<std::int32_t const>(ids));
            auto const start = clock_type::now();
            auto [loss, gradient] = mw::value_and_gradient(model, x, x);
            optimizer.step(model, gradient);
            if (step > 0) times.push_back(milliseconds(start));
        }
        mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto& p, mw::initial) {
            for (std::size_t i = 0; i < p.size(); ++i) {
                std::uint32_t bits;
                std::memcpy(&bits, p.data() + i, sizeof bits);
                digest = (digest ^ bits) * 1099511628211ULL;
            }
        });
    });
    return digest;
}

/// A sum of so many bytes, made at once.
double sum_of(std::size_t bytes, mw::communicator& here) {
    std::vector<float> x(bytes / sizeof(float));
    std::vector<double> times;
    for (int i = 0; i < 9; ++i) {
        here.barrier(1);
        auto const start = clock_type::now();
        here.all_reduce(1, mw::reduction::sum, mw::element_type::float32, x.data(), x.data(), x.size());
        times.push_back(milliseconds(start));
    }
    return median(times);
}

}  // namespace

int main(int argc, char** argv) {
    // ./run bench gives all programs the same options; this one has numbers only, and no rows for --json
    std::vector<double> numbers;
    for (int i = 1; i < argc; ++i) {
        std::string_view const given = argv[i];
        char* end = nullptr;
        if (given == "--json" && i + 1 < argc)
            ++i;
        else if (!given.starts_with("--"))
            numbers.push_back(std::strtod(argv[i], &end));
        if (end != nullptr &&
            (end == argv[i] || *end != '\0' || !(numbers.back() >= 0) || numbers.size() > 3))
            return std::printf(
                       "'%s' is not one of up to three numbers: KiB of a bucket, core in ms, rounds\n",
                       argv[i]),
                   2;
    }
    mw::mpi const afterwards{argc, argv, {.workers_per_rank = 1, .gradient_bucket = 0}};
    mw::mpi overlapped = afterwards;
    overlapped.gradient_bucket =
        numbers.empty() ? mw::mpi{}.gradient_bucket : static_cast<std::size_t>(numbers[0]) << 10;
    int const rounds = numbers.size() > 2 ? std::max(1, static_cast<int>(numbers[2])) : 8;
    auto const process = mw::start_mpi(argc, argv);

    std::size_t late = 0, early = 0;
    {
        model_of<one> const shapes{};
        mw::for_each_parameter(shapes, [&](std::size_t i, std::string_view, auto const& p, mw::initial) {
            std::size_t const bytes =
                std::remove_cvref_t<decltype(p)>::uninitialized().size() * sizeof(float);
            (i < 2 || bytes * 8 < overlapped.gradient_bucket ? late : early) += bytes;
        });
    }
    double const core_elsewhere = numbers.size() > 1 ? numbers[1] : 0;
    std::size_t const all = late + early;
    late = std::min(all, std::max(late, overlapped.gradient_bucket));
    early = all - late;
    std::vector<double> with, after, alone, last, sum, core, ratio_with, ratio_after;
    for (int round = 0; round < rounds; ++round) {
        std::vector<double> times[3];
        auto const a = steps<batch>(overlapped, two{}, times[0]);
        steps<half_batch>(mw::threads{.workers_per_rank = 1}, one{}, times[1]);
        auto const b = steps<batch>(afterwards, two{}, times[2]);
        if (a != b) return std::puts("the weights differ"), 1;
        mw::run_mpi({1, {2}, {"dp"}}, afterwards, [&](mw::communicator& here, std::size_t) {
            last.push_back(sum_of(late, here));
            sum.push_back(sum_of(early, here));
        });
        core.push_back(core_elsewhere > 0 ? core_elsewhere : sum.back());
        with.push_back(median(times[0])), alone.push_back(median(times[1])),
            after.push_back(median(times[2]));
        double const bound = alone.back() + last.back() + core.back();
        ratio_with.push_back(with.back() / bound), ratio_after.push_back(after.back() / bound);
    }
    if (process.rank != 0) return 0;
    std::printf("bucket %zu KiB, gradients of %.1f MB, of which the last bucket has %.1f MB\n",
                overlapped.gradient_bucket >> 10, static_cast<double>(all) * 1e-6,
                static_cast<double>(late) * 1e-6);
    std::printf("%10s %10s %10s %8s %8s %8s %22s %22s\n", "overlapped", "afterwards", "alone", "last", "sum",
                "core", "overlapped / bound", "afterwards / bound");
    std::printf("%10.1f %10.1f %10.1f %8.2f %8.2f %8.2f %22.3f %22.3f\n", median(with), median(after),
                median(alone), median(last), median(sum), median(core), median(ratio_with),
                median(ratio_after));
}
