// How fast are everyday operations that move or reduce what no cache holds? The limit is a copy of as many bytes, measured in the
// same run, both on one thread: a reduction reads them, a move reads and writes. In double the operations agree with PyTorch (tests/oracle).
#include "rows.hpp"

#include <functional>

#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/moves/triangle.hpp>
#include <meshwise/ops/reductions/argmax.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/logsumexp.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/reductions/norm.hpp>
#include <meshwise/ops/reductions/prod.hpp>
#include <meshwise/ops/reductions/variance.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

using namespace bench;
namespace mw = meshwise;

struct rows_axis : mw::axis<8192> {};
struct columns : mw::axis<2048> {};
struct twice : mw::axis<4096> {};
struct half : mw::axis<1024> {};
using S = mw::strategy<mw::mesh<>>;
using matrix = mw::tensor_of<S, float, rows_axis, columns>;

/// Moves this many matrices' worth of bytes.
struct operation {
    char const* name;
    double matrices;
    std::function<void(matrix const&)> run;
};

mw::tensor_of<S, std::int32_t, half> every_second() {
    std::vector<std::int32_t> ids(half::size);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(2 * i % columns::size);
    return mw::cut_from<mw::tensor_of<S, std::int32_t, half>>(std::span<std::int32_t const>(ids));
}
template <class Y>
void keep(Y const& y) {
    auto const* const first = y.data();
    benchmark::DoNotOptimize(first);
    benchmark::ClobberMemory();
}

operation const operations[] = {
    {"sum", 1, [](matrix const& x) { keep(mw::sum<columns>(x)); }},
    {"max", 1, [](matrix const& x) { keep(mw::max<columns>(x)); }},
    {"argmax", 1, [](matrix const& x) { keep(mw::argmax<columns>(x)); }},
    {"variance", 1, [](matrix const& x) { keep(mw::variance<columns>(x)); }},
    {"logsumexp", 1, [](matrix const& x) { keep(mw::logsumexp<columns>(x)); }},
    {"norm", 1, [](matrix const& x) { keep(mw::norm<columns>(x)); }},
    {"prod", 1, [](matrix const& x) { keep(mw::prod<columns>(x)); }},
    {"cumsum", 2, [](matrix const& x) { keep(mw::cumsum<columns>(x)); }},
    {"tril", 2, [](matrix const& x) { keep(mw::tril<rows_axis, columns>(x)); }},
    {"flip", 2, [](matrix const& x) { keep(mw::flip<columns>(x)); }},
    {"repeat", 3, [](matrix const& x) { keep(mw::repeat<columns, twice>(x)); }},
    {"take", 1.5,
     [ids = std::function(every_second)](matrix const& x) { keep(mw::take<columns>(x, ids())); }},
};

void answer(question& here, operation const& one) {
    mw::run<S>(mw::threads{}, [&](auto&) {
        static auto x = [] {
            auto made = matrix::uninitialized();
            mw::fill_by_index(made,
                              [](std::size_t i) { return 0.7F + static_cast<float>(i * 37 % 1009) / 1679; });
            return made;
        }();
        auto const copied = [&] {
            auto made = matrix::uninitialized();
            auto const* const from = x.data();
            auto* const to = made.mutable_data();
            matrix::backend::parallel(made.local_size(), 65536, [&](std::size_t begin, std::size_t end) {
                std::copy(from + begin, from + end, to + begin);
            });
            keep(made);
        };
        auto const timed = [](std::string name, auto f) {
            return contender{std::move(name), [f] {
                                 double const start = now(watch::this_thread);
                                 f();
                                 return now(watch::this_thread) - start;
                             }};
        };
        std::vector<contender> all{timed("ours", [&] { one.run(x); }), timed("copy", copied)};
        std::vector<double> seconds;
        mw::tbb::enter(1, [&] { seconds = in_turns(all); });
        row r{.name = std::string("everyday/") + one.name, .ours = 1e3 * seconds[0], .unit = "ms"};
        r.limit = 1e3 * seconds[1] * one.matrices / 2;
        here.report(r);
    });
}

}  // namespace

int main(int argc, char** argv) {
    for (operation const& one : operations)
        ask(std::string("everyday/") + one.name, [&](question& here) { answer(here, one); });
    return run(argc, argv);
}
