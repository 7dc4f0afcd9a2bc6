// How fast are matrix products at the shapes of GPT-2 124M, and small ones whose data lie in the cache? f32 and
// bfloat16, forward, by transposed weights and for the gradient of weights, with 1 and 2 threads. The limit is the
// calibrated peak, or the time to read the operands, from the cache that holds them or from memory, where that is longer. Peers: Eigen, oneDNN with prepacked weights,
// OpenBLAS, and libxsmm for the small ones. Each result is compared with sums in double first.
#include "peers/products.hpp"

#include <algorithm>
#include <memory>

#include <meshwise/backend/cpu/gemm/tile.hpp>

namespace {

using namespace bench;
namespace mw = meshwise;

char const* name_of(form how) {
    return how == form::plain ? "plain" : how == form::transposed ? "transposed" : "weight_gradient";
}

/// What the registers' tile does alone, all of it in L1: a small product is made of such, and of what is left over.
struct one_tile {
    using set = mw::simd::native;
    static constexpr std::size_t rows = set::rows, columns = set::vectors * mw::simd::lanes<set, float>,
                                 step = 16;

    explicit one_tile(std::size_t k) : a(step * k), b(columns * k), c(rows * columns) {}
    double operations() const { return 2.0 * rows * static_cast<double>(b.size()); }
    void operator()() {
        mw::cpu::detail::tile_product<set, float, rows, set::vectors>(
            1, b.size() / columns, mw::cpu::detail::panels<float>{a.data(), step, 0}, 0, b.data(), columns,
            c.data(), columns, {});
    }
    std::vector<float> a, b, c;
};

template <class T>
void answer(question& here, std::string const& name, std::size_t m, std::size_t n, std::size_t k, form how,
            std::size_t threads) {
    mw::tbb::enter(threads, [&] {
        problem<T> p(m, n, k, how);
        watch const clock = watch_for(threads);
        std::vector<contender> all;
        std::string wrong;
        auto const add = [&](std::string const& who, peers::product const& f) {
            if (!f) return;
            (*f)();
            if (!p.correct()) wrong += (wrong.empty() ? "" : ", ") + who;
            all.push_back(timed(who, clock, *f));
        };
        // Weights are used often, so they are packed once; the peer oneDNN has them prepacked, too.
        std::size_t const elements = how == form::weight_gradient ? 0 : mw::tbb::packed_elements<T>(p.shape);
        auto const give_back = [elements](T* memory) { mw::tbb::deallocate(memory, elements * sizeof(T)); };
        std::unique_ptr<T, decltype(give_back)> const packed(
            static_cast<T*>(mw::tbb::allocate(elements * sizeof(T))), give_back);
        if (elements == 0) {
            add("ours", [&p] { mw::tbb::gemm(p.shape, p.a, p.b, p.c); });
        } else {
            mw::tbb::pack(p.shape, static_cast<T const*>(p.b), packed.get());
            add("ours", [&] {
                mw::tbb::gemm_packed(p.shape, static_cast<T const*>(p.a), static_cast<T const*>(packed.get()),
                                     p.c);
            });
            add("unpacked", [&p] { mw::tbb::gemm(p.shape, p.a, p.b, p.c); });
        }
        if (current().compare) {
            add("Eigen", peers::eigen(p, threads));
            add("oneDNN", peers::onednn(p, threads));
            add("OpenBLAS", peers::openblas(p, threads));
            add("libxsmm", peers::libxsmm(p));
        }
        if (!wrong.empty()) return here.fail(name + " of " + wrong + " is wrong");
        one_tile tile(k);
        if (std::is_same_v<T, float> && m == n && n == k)
            all.push_back(timed("tile", clock, [&] { tile(); }));
        double const before = peak(threads, T{});
        auto const seconds = in_turns(all);
        // up to 64 MB lie in a cache from one run to the next
        std::size_t const read =
            p.bytes() < 64e6 ? static_cast<std::size_t>(p.bytes()) : std::size_t{256} << 20;
        double const by_arithmetic = std::max(before, peak(threads, T{})),
                     by_memory = read_bandwidth(threads, read) * p.operations() / p.bytes();
        row r{.name = name,
              .ours = p.operations() / seconds[0] * 1e-9,
              .unit = "GFLOP/s",
              .limit = std::min(by_arithmetic, by_memory) * 1e-9};
        for (std::size_t i = 1; i < all.size(); ++i)
            if (all[i].name != "unpacked" && all[i].name != "tile")
                r.peers.emplace_back(all[i].name, p.operations() / seconds[i] * 1e-9);
        here.report(r.beside_the_best_peer());
        if (all.back().name == "tile")
            here.report({.name = "tile/" + name,
                         .ours = tile.operations() / seconds.back() * 1e-9,
                         .unit = "GFLOP/s",
                         .limit = r.limit});
        if (elements == 0) return;
        here.report({.name = "unpacked/" + name,
                     .ours = p.operations() / seconds[1] * 1e-9,
                     .unit = "GFLOP/s",
                     .limit = r.limit});
    });
}

template <class T>
void add(std::string const& type, std::size_t m, std::size_t n, std::size_t k, form how) {
    for (std::size_t const threads : {std::size_t{1}, std::size_t{2}}) {
        if (threads > 1 && m * n * k < 1 << 22) continue;  // not worth a second thread
        std::string const sizes =
            m == n && n == k
                ? "small/" + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n)
                : "M:" + std::to_string(m) + "/" + std::to_string(k) + "x" + std::to_string(n);
        std::string const name =
            "products/" + type + "/threads:" + std::to_string(threads) + "/" + sizes + "/" + name_of(how);
        ask(name, [=](question& here) { answer<T>(here, name, m, n, k, how, threads); });
    }
}

template <class T>
void add_all(std::string const& type) {
    for (std::size_t const m : {1U, 8U, 64U, 256U, 1024U})
        for (auto const& [k, n] : {std::pair<std::size_t, std::size_t>{768, 768},
                                   {768, 2304},
                                   {768, 3072},
                                   {3072, 768},
                                   {768, 50257}}) {
            add<T>(type, m, n, k, form::plain);
            add<T>(type, m, k, n, form::transposed);
            if (m >= 256) add<T>(type, k, n, m, form::weight_gradient);
        }
    for (std::size_t const edge : {32U, 64U, 128U}) add<T>(type, edge, edge, edge, form::plain);
}

void goals() {
    for (std::string const type : {"f32", "bf16"})
        for (std::string const threads : {"1", "2"}) {
            std::string const begin = "products/" + type + "/threads:" + threads + "/";
            auto const mean = [&](std::string const& part, std::string const& who, double goal) {
                summarise("goal/" + begin + part + " against " + who, begin, part, who, goal);
            };
            mean("M:8/", "oneDNN", 1.2);
            for (std::string const rows : {"M:64/", "M:256/", "M:1024/"}) mean(rows, "oneDNN", 0.95);
            for (std::string const rows : {"M:1/", "M:8/", "M:64/", "M:256/", "M:1024/"})
                mean(rows, "Eigen", 1.5);
            if (threads == "1") mean("small/", "libxsmm", 0.95);
        }
}

}  // namespace

int main(int argc, char** argv) {
    add_all<float>("f32");
    add_all<mw::bfloat16>("bf16");
    return run(argc, argv, goals);
}
