// How fast are convolutions at ResNet-50's shapes and batch 8, forward and backward, with 1 and 2 threads? The limit is the
// calibrated peak, or the time to read x, y and the weights once where that is longer. Peer: oneDNN, which chooses the order of its arrays.
// Results are compared with sums in double first. Poolings and depthwise convolutions, whose limit is the memory, are compared with the serial
// backend's.
#include "peers/convolutions.hpp"

#include <random>

#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/products/conv.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

using namespace bench;
namespace mw = meshwise;
using mw::detail::window_sums;

std::ptrdiff_t sized(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

window_sums sums_of(convolution_shape const& s) {
    window_sums how;
    how.channels = s.in, how.columns = s.out, how.axis_count = 3, how.window_count = 2;
    std::size_t const e = s.edge_out();
    how.axes[0] = {.extent = s.batch, .x = sized(s.edge * s.edge * s.in), .y = sized(e * e * s.out)};
    how.axes[1] = {.extent = e, .y = sized(e * s.out), .window = 0};
    how.axes[2] = {.extent = e, .y = sized(s.out), .window = 1};
    for (std::size_t i = 0; i < 2; ++i)
        how.windows[i] = {.size = s.edge,
                          .windows = e,
                          .taps = s.taps,
                          .first = -sized(s.padding()),
                          .stride = sized(s.stride),
                          .step = sized(i == 0 ? s.edge * s.in : s.in)};
    return how;
}

struct arrays {
    convolution_shape s;
    std::vector<float> x, w, y, wanted_x, wanted_w;

    explicit arrays(convolution_shape const& shape) : s(shape), x(s.of_x()), w(s.of_w()), y(s.of_y()) {
        fill(x.data(), x.size(), 1), fill(w.data(), w.size(), 2), fill(y.data(), y.size(), 3);
    }
    // element (i, j) of the windows of point (b, r, c): its place in x, or beyond x
    std::size_t in_x(std::size_t b, std::size_t r, std::size_t c, std::size_t i, std::size_t j) const {
        std::size_t const row = r * s.stride + i - s.padding(), column = c * s.stride + j - s.padding();
        return row < s.edge && column < s.edge ? ((b * s.edge + row) * s.edge + column) * s.in : x.size();
    }
    /// 50 elements of `of` against sums in double.
    bool correct(convolution_pass pass, std::vector<float> const& of) const {
        std::mt19937 generator(2);
        std::size_t const e = s.edge_out();
        for (int sample = 0; sample < 50; ++sample) {
            std::size_t const at = generator() % of.size();
            double sum = 0, size = 0;
            auto const add = [&](float a, float b) {
                sum += double(a) * double(b), size += std::abs(double(a) * double(b));
            };
            std::size_t const first = pass == convolution_pass::forward ? at / s.out : 0,
                              end = pass == convolution_pass::forward ? first + 1 : s.batch * e * e;
            for (std::size_t p = first; p < end; ++p) {
                if (pass == convolution_pass::by_x && p / (e * e) != at / s.in / (s.edge * s.edge)) continue;
                for (std::size_t i = 0; i < s.taps; ++i)
                    for (std::size_t j = 0; j < s.taps; ++j) {
                        std::size_t const from = in_x(p / e / e, p / e % e, p % e, i, j),
                                          tap = (i * s.taps + j) * s.in;
                        if (from == x.size()) continue;
                        if (pass == convolution_pass::forward)
                            for (std::size_t k = 0; k < s.in; ++k)
                                add(x[from + k], w[(tap + k) * s.out + at % s.out]);
                        else if (pass == convolution_pass::by_weights && tap == at / s.out / s.in * s.in)
                            add(x[from + at / s.out % s.in], y[p * s.out + at % s.out]);
                        else if (pass == convolution_pass::by_x && from == at / s.in * s.in)
                            for (std::size_t o = 0; o < s.out; ++o)
                                add(y[p * s.out + o], w[(tap + at % s.in) * s.out + o]);
                    }
            }
            if (!(std::abs(of[at] - sum) <= 1e-5 * size)) return false;
        }
        return true;
    }
};

char const* name_of(convolution_pass pass) {
    return pass == convolution_pass::forward ? "forward"
           : pass == convolution_pass::by_x  ? "by_x"
                                             : "by_weights";
}

using alone = mw::strategy<mw::mesh<>>;

void answer(question& here, std::string const& name, convolution_shape const& s, convolution_pass pass,
            std::size_t threads) {
    mw::run<alone>(mw::threads{.workers_per_rank = threads}, [&](auto&) {
        arrays const given(s);
        window_sums const how = sums_of(s);
        mw::detail::raw_tensor x;
        x.axes = 4, x.extents = {s.batch, s.edge, s.edge, s.in};
        std::vector<float> found(pass == convolution_pass::forward ? s.of_y()
                                 : pass == convolution_pass::by_x  ? s.of_x()
                                                                   : s.of_w());
        auto const ours = [&] {
            if (pass == convolution_pass::forward)
                mw::detail::sum_windows<mw::tbb>(how, given.x.data(), given.w.data(), found.data());
            else if (pass == convolution_pass::by_x)
                mw::detail::sum_windows_of_elements<mw::tbb>(how, x, given.y.data(), given.w.data(),
                                                             given.w.size(), found.data());
            else
                mw::detail::sum_windows_of_weights<mw::tbb>(how, given.x.data(), given.y.data(), found.data(),
                                                            found.size());
        };
        ours();
        if (!given.correct(pass, found)) return here.fail(name + " is wrong");
        watch const clock = watch_for(threads);
        std::vector<contender> all{timed("ours", clock, ours)};
        if (current().compare)
            if (auto const peer = peers::onednn(s, pass, threads))
                all.push_back(timed("oneDNN", clock, *peer));
        double const before = peak(threads, 0.0F);
        auto const seconds = in_turns(all);
        double const by_arithmetic = std::max(before, peak(threads, 0.0F)),
                     by_memory = read_bandwidth(threads) * s.operations() / s.bytes();
        row r{.name = name,
              .ours = s.operations() / seconds[0] * 1e-9,
              .unit = "GFLOP/s",
              .limit = std::min(by_arithmetic, by_memory) * 1e-9};
        if (all.size() > 1) r.peers.emplace_back("oneDNN", s.operations() / seconds[1] * 1e-9);
        here.report(r.beside_the_best_peer());
    });
}

/// Windows of channels that each see themselves alone.
void answer_of_memory(question& here, std::string const& name, std::string const& what,
                      convolution_shape const& s, std::size_t threads) {
    mw::run<alone>(mw::threads{.workers_per_rank = threads}, [&](auto&) {
        mw::detail::pooling_windows how;
        how.how = sums_of(s);
        how.taps = s.taps * s.taps;
        how.lane_axes = 1, how.lanes[0] = how.how.axes[0], how.all_lanes = s.batch;
        how.place_axes = 2, how.places[0] = how.how.axes[1], how.places[1] = how.how.axes[2];
        how.all_places = s.edge_out() * s.edge_out();
        window_sums depthwise = how.how;
        depthwise.channels = depthwise.columns = 1;
        depthwise.axes[depthwise.axis_count++] = {
            .extent = s.in, .x = 1, .w = sized(how.taps), .y = 1, .weighted = true};
        how.how.columns = 1;
        arrays const given(s);
        std::vector<float> largest(s.of_y()), found, serial;
        mw::detail::pool_windows<mw::tbb, true>(how, given.x.data(), largest.data());
        auto const run = [&](auto backend, std::vector<float>& to) {
            using B = decltype(backend);
            if (what == "max_pool_gradient") {
                B::fill(to.data(), to.size(), 0.0F);
                mw::detail::pool_windows_back<B, true>(how, given.x.data(), largest.data(), given.y.data(),
                                                       to.data());
            } else if (what == "max_pool") {
                mw::detail::pool_windows<B, true>(how, given.x.data(), to.data());
            } else if (what == "avg_pool") {
                mw::detail::pool_windows<B, false>(how, given.x.data(), to.data());
            } else {
                mw::detail::sum_depthwise<B>(depthwise, given.x.data(), given.w.data(), to.data());
            }
        };
        bool const back = what == "max_pool_gradient";
        found.resize(back ? s.of_x() : s.of_y()), serial.resize(found.size());
        run(mw::tbb{}, found), run(mw::serial{}, serial);
        if (!agree(found, serial)) return here.fail(name + " is wrong");
        std::vector<contender> all{timed("ours", watch_for(threads), [&] { run(mw::tbb{}, found); })};
        double const bytes = 4.0 * static_cast<double>((back ? 3 : 1) * s.of_x() + (back ? 2 : 1) * s.of_y());
        here.report({.name = name,
                     .ours = bytes / in_turns(all)[0] * 1e-9,
                     .unit = "GB/s",
                     .limit = read_bandwidth(threads) * 1e-9});
    });
}

void add_all() {
    constexpr std::size_t batch = 8;
    convolution_shape const shapes[] = {
        {batch, 224, 3, 64, 7, 2},   {batch, 56, 64, 64, 1, 1},    {batch, 56, 64, 64, 3, 1},
        {batch, 56, 64, 256, 1, 1},  {batch, 56, 256, 64, 1, 1},   {batch, 56, 128, 128, 3, 2},
        {batch, 56, 256, 512, 1, 2}, {batch, 28, 128, 128, 3, 1},  {batch, 28, 128, 512, 1, 1},
        {batch, 14, 256, 256, 3, 1}, {batch, 14, 1024, 256, 1, 1}, {batch, 7, 512, 512, 3, 1}};
    for (convolution_pass const pass :
         {convolution_pass::forward, convolution_pass::by_x, convolution_pass::by_weights})
        for (std::size_t const threads : {1U, 2U})
            for (convolution_shape const& s : shapes) {
                if (pass == convolution_pass::by_x && s.in == 3)
                    continue;  // no gradient of pictures is asked for
                std::string const name =
                    "convolutions/" + std::string(name_of(pass)) + "/threads:" + std::to_string(threads) +
                    "/" + std::to_string(s.edge) + "x" + std::to_string(s.edge) + "x" + std::to_string(s.in) +
                    "to" + std::to_string(s.out) + "/" + std::to_string(s.taps) + "x" +
                    std::to_string(s.taps) + (s.stride == 1 ? "" : "/stride:2");
                ask(name, [=](question& here) { answer(here, name, s, pass, threads); });
            }
    for (std::string const what : {"max_pool", "max_pool_gradient", "avg_pool", "depthwise"})
        for (std::size_t const threads : {1U, 2U}) {
            std::string const name =
                "windows/" + what + "/threads:" + std::to_string(threads) + "/112x112x64/3x3/stride:2";
            ask(name, [=](question& here) {
                answer_of_memory(here, name, what, {batch, 112, 64, 64, 3, 2}, threads);
            });
        }
}

void goals() {
    for (std::string const pass : {"forward", "by_x", "by_weights"})
        for (std::string const threads : {"1", "2"}) {
            std::string const begin = "convolutions/" + pass + "/threads:" + threads + "/";
            summarise("goal/" + begin + " against oneDNN", begin, "", "oneDNN", 0.5);
        }
}

}  // namespace

int main(int argc, char** argv) {
    add_all();
    return run(argc, argv, goals);
}
