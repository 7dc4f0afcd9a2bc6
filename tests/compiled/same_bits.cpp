// Prints a hash of the results of every kernel, for the tbb and the serial backend, and of a trained model. Built twice,
// header-only and linked to meshwise::compiled, it prints the same lines (tests/compiled/CMakeLists.txt).
#include <bit>
#include <cstdint>
#include <cstdio>
#include <vector>

#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

namespace {

template <class T>
std::vector<T> numbers(std::size_t count, std::uint64_t seed) {
    std::vector<T> out(count);
    for (T& x : out) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        x = static_cast<T>(static_cast<float>(static_cast<std::int32_t>(seed >> 33)) / 1073741824.0F - 1.0F);
    }
    return out;
}

// FNV-1a
template <class T>
void mix(std::uint64_t& hash, T const* values, std::size_t count) {
    auto const* const bytes = reinterpret_cast<unsigned char const*>(values);
    for (std::size_t i = 0; i < count * sizeof(T); ++i) hash = (hash ^ bytes[i]) * 1099511628211U;
}

template <class B, class... T>
void show(char const* what, std::vector<T> const&... results) {
    std::uint64_t hash = 14695981039346656037U;
    (mix(hash, results.data(), results.size()), ...);
    std::printf("%.*s %s %016llx\n", static_cast<int>(B::name.size()), B::name.data(), what,
                static_cast<unsigned long long>(hash));
}

mw::gemm_shape shape_of(std::size_t m, std::size_t n, std::size_t k) {
    auto const row = [](std::size_t length) { return static_cast<std::ptrdiff_t>(length); };
    return {
        .m = m, .n = n, .k = k, .a_m = row(k), .a_k = 1, .b_k = row(n), .b_n = 1, .c_m = row(n), .c_n = 1};
}

template <class B, class Left, class Right, class R>
void products() {
    for (std::size_t m : {1U, 3U, 70U, 200U}) {
        std::size_t const n = 77, k = 131, batch = 3;
        auto const shape = shape_of(m, n, k);
        auto const a = numbers<Left>(batch * m * k, m);
        auto const b = numbers<Right>(batch * k * n, 7);
        std::vector<R> c(m * n), packed_c(m * n), many(batch * m * n);
        B::gemm(shape, a.data(), b.data(), c.data());
        std::vector<Right> packed(B::template packed_elements<Right>(shape));
        constexpr bool packs = std::is_same_v<Right, mw::bfloat16> || std::is_same_v<Left, Right>;
        if (packs && !packed.empty()) {
            B::pack(shape, b.data(), packed.data());
            if constexpr (packs) B::gemm_packed(shape, a.data(), packed.data(), packed_c.data());
        }
        B::batched_gemm(batch, static_cast<std::ptrdiff_t>(m * k), static_cast<std::ptrdiff_t>(k * n),
                        static_cast<std::ptrdiff_t>(m * n), shape, a.data(), b.data(), many.data());
        show<B>("products", c, packed_c, many);
        if constexpr (std::is_same_v<Left, R> && std::is_same_v<Right, R>) {
            auto const bias = numbers<R>(n, 5);
            B::gemm(shape, a.data(), b.data(), c.data(), bias.data());
            if (!packed.empty()) B::gemm_packed(shape, a.data(), packed.data(), packed_c.data(), bias.data());
            show<B>("products with bias", c, packed_c);
        }
    }
}

template <class B, class T>
void attention() {
    using number = mw::attention_number<T>;
    for (std::size_t queries : {1U, 40U}) {
        std::size_t const batch = 2, heads = 2, group = 2, keys = 70, dim = 24;
        mw::attention_shape shape{.batch = batch,
                                  .kv_heads = heads,
                                  .group = group,
                                  .queries = queries,
                                  .keys = keys,
                                  .head_dim = dim,
                                  .causal = true,
                                  .first_query = 30,
                                  .scale = 0.2};
        auto const step = [](std::size_t elements) { return static_cast<std::ptrdiff_t>(elements); };
        shape.q_token = step(dim), shape.q_group = step(queries * dim), shape.q_head = group * shape.q_group;
        shape.q_batch = heads * shape.q_head;
        shape.k_token = shape.v_token = step(dim), shape.k_head = shape.v_head = step(keys * dim);
        shape.k_batch = shape.v_batch = heads * shape.k_head;
        std::size_t const q_size = batch * heads * group * queries * dim, k_size = batch * heads * keys * dim;
        auto const q = numbers<T>(q_size, 1), k = numbers<T>(k_size, 2), v = numbers<T>(k_size, 3),
                   d = numbers<T>(q_size, 4);
        std::vector<T> o(q_size), dq(q_size), dk(k_size), dv(k_size);
        std::vector<number> lse(batch * heads * group * queries);
        B::attention(shape, q.data(), k.data(), v.data(), o.data(), lse.data());
        B::attention_gradient(shape, q.data(), k.data(), v.data(), o.data(), lse.data(), d.data(), dq.data(),
                              dk.data(), dv.data());
        show<B>("attention", o, lse, dq, dk, dv);
    }
}

// A transposed input, a row that is repeated, an output of short rows.
template <std::size_t Inputs>
mw::iteration_space<Inputs> strided(std::size_t rows, std::size_t columns) {
    mw::iteration_space<Inputs> space;
    space.dims = 2;
    space.extents = {rows, columns};
    space.out = {static_cast<std::ptrdiff_t>(columns), 1};
    for (std::size_t i = 0; i < Inputs; ++i) {
        if (i % 3 == 0) space.in[i] = {1, static_cast<std::ptrdiff_t>(rows)};
        if (i % 3 == 1) space.in[i] = {0, 1};
        if (i % 3 == 2) space.in[i] = {static_cast<std::ptrdiff_t>(columns), 1};
    }
    return space;
}

template <class B, class T>
void elements() {
    for (std::size_t n : {1U, 7U, 64U, 1000U, 100'000U}) {
        auto const x = numbers<T>(n, 1), y = numbers<T>(n, 2);
        std::vector<T> a(n), b(n), c = x, d = y, p = x, m(n), v(n);
        B::fill(a.data(), n, static_cast<T>(0.5F));
        B::copy(b.data(), x.data(), n);
        B::add_to(c.data(), y.data(), n);
        B::scale(d.data(), n, static_cast<T>(1.1F));
        show<B>("copies and sums", a, b, c, d);
        B::add(a.data(), x.data(), y.data(), n);
        std::vector<mw::bfloat16> narrow(n);
        std::vector<std::int32_t> whole(n);
        B::cast(narrow.data(), x.data(), n);
        B::cast(whole.data(), x.data(), n);
        B::cast(b.data(), narrow.data(), n);
        show<B>("casts", a, narrow, whole, b);
        for (int step = 1; step < 4; ++step)
            B::adamw(n, p.data(), y.data(), m.data(), v.data(), mw::adamw_numbers{.weight_decay = 0.1});
        show<B>("adamw", p, m, v);
    }
    for (std::size_t columns : {1U, 5U, 40U, 300U}) {
        std::size_t const rows = 33, n = rows * columns;
        auto const x = numbers<T>(n, 1), y = numbers<T>(n, 2), z = numbers<T>(n, 3);
        auto const small = numbers<mw::bfloat16>(n, 4);
        std::vector<T> one(n), two(n), three(n), moved(n), sum(n), largest(n);
        std::vector<std::uint8_t> signs(n);
        B::map(strided<1>(rows, columns), [](auto a) { return mw::exp(a); }, one.data(), x.data());
        B::map(
            strided<2>(rows, columns), [](auto a, auto b) { return a * mw::sigmoid(b) + b; }, two.data(),
            x.data(), y.data());
        B::map(
            strided<3>(rows, columns), [](auto a, auto b, auto c) { return a * b - c; }, three.data(),
            x.data(), y.data(), z.data());
        B::map(
            strided<3>(rows, columns), [](auto a, auto b, float c) { return a > b + c; }, signs.data(),
            x.data(), y.data(), small.data());
        show<B>("map", one, two, three, signs);
        auto const f = [](auto a, auto b) { return std::array{a * b + a, mw::tanh(b)}; };
        B::template map_many<2>(n, f, std::array{one.data(), two.data()}, std::array{x.data(), y.data()});
        show<B>("map_many", one, two);
        B::permute(strided<1>(rows, columns), moved.data(), x.data());
        auto space = strided<1>(rows, columns);
        space.out = {1, 0};
        B::sum(space, sum.data(), x.data());
        B::max(space, largest.data(), x.data());
        std::vector<double> const squares{B::sum_squares(n, x.data())};
        show<B>("permute and reductions", moved, sum, largest, squares);
    }
}

template <class B, class T>
void rows() {
    for (std::size_t n : {6U, 300U, 5000U}) {
        std::size_t const rows = 21, size = rows * n;
        auto const x = numbers<T>(size, 1), d = numbers<T>(size, 2), gain = numbers<T>(n, 3),
                   bias = numbers<T>(n, 4);
        std::vector<T> y(size), dx(size), most(rows), inverse(rows), of_gain(n), of_bias(n);
        std::vector<double> mean(rows);
        std::vector<std::int32_t> best(rows), targets(rows), ids{0, 3, 3, 100, -1, 20};
        for (std::size_t r = 0; r < rows; ++r) targets[r] = static_cast<std::int32_t>(r * n / rows);
        B::argmax_rows(rows, n, x.data(), best.data());
        B::row_max(rows, n, x.data(), most.data());
        B::softmax(rows, n, x.data(), y.data());
        B::softmax_gradient(rows, n, y.data(), d.data(), dx.data());
        show<B>("softmax", best, most, y, dx);
        B::layer_norm(rows, n, x.data(), gain.data(), bias.data(), 1e-5, y.data(), mean.data(),
                      inverse.data());
        B::layer_norm_gradient(rows, n, x.data(), gain.data(), mean.data(), inverse.data(), d.data(),
                               dx.data());
        B::layer_norm_parameters(rows, n, x.data(), mean.data(), inverse.data(), d.data(), of_gain.data(),
                                 of_bias.data());
        show<B>("layer_norm", y, dx, mean, inverse, of_gain, of_bias);
        B::rms_norm(rows, n, x.data(), gain.data(), 1e-5, y.data(), inverse.data());
        B::rms_norm_gradient(rows, n, x.data(), gain.data(), inverse.data(), d.data(), dx.data());
        B::rms_norm_parameters(rows, n, x.data(), inverse.data(), d.data(), of_gain.data());
        show<B>("rms_norm", y, dx, inverse, of_gain);
        for (auto pairing : {mw::rope_pairing::adjacent, mw::rope_pairing::halves})
            for (bool back : {false, true}) {
                B::rope(3, 7, 1, n, 5, 1e4, pairing, back, x.data(), y.data());
                show<B>("rope", y);
            }
        std::vector<T> taken(ids.size() * n), table(size), largest(rows), found(rows), sums(rows);
        B::gather_rows(ids.size(), ids.data(), 1, rows, n, x.data(), taken.data());
        B::scatter_add_rows(ids.size(), ids.data(), 1, rows, n, taken.data(), table.data());
        B::target_and_exp_sum(rows, n, n - 1, x.data(), targets.data(), 2, largest.data(), found.data(),
                              sums.data(), most.data());
        B::cross_entropy_gradient(rows, n, n - 1, x.data(), largest.data(), most.data(), targets.data(), 2,
                                  sums.data(), mw::smoothed_target{0.9, 0.001}, dx.data());
        show<B>("tables", taken, table, largest, found, sums, most, dx);
    }
}

template <class B>
void kernels() {
    products<B, float, float, float>();
    products<B, double, double, double>();
    products<B, mw::bfloat16, mw::bfloat16, float>();
    products<B, float, mw::bfloat16, float>();
    products<B, mw::bfloat16, float, float>();
    attention<B, float>();
    attention<B, double>();
    attention<B, mw::bfloat16>();
    elements<B, float>();
    elements<B, double>();
    rows<B, float>();
    rows<B, double>();
}

struct batch : mw::axis<8> {};
struct embed : mw::axis<64> {};
struct ffn : mw::axis<256> {};
struct dp : mw::mesh_axis<1> {};
struct tp : mw::mesh_axis<2> {};

template <class S>
struct layer {
    mw::linear<S, embed, ffn> up;
    mw::linear<S, ffn, embed> down;
    auto operator()(auto const& x) const { return x + down(mw::gelu(up(x))); }
    static constexpr auto parameters = mw::fields("up", &layer::up, "down", &layer::down);
};

template <class S, class Policy>
void train(Policy const& policy, char const* what) {
    mw::run<S>(policy, [&](mw::rank<S>& here) {
        auto model = mw::init<layer<S>>(here, mw::seed{42});
        auto optimizer = mw::adamw(model, {.learning_rate = 1e-2});
        auto const x = mw::place<batch, embed>(here, numbers<float>(batch::size * embed::size, 9));
        std::vector<double> losses;
        for (int step = 0; step < 10; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                auto const y = m(x);
                return mw::settle<S>(mw::sum<batch, embed>(y * y));
            });
            optimizer.step(model, gradient);
            losses.push_back(loss);
        }
        here.only_on_first([&] { show<mw::backend_of<S>>(what, losses); });
    });
}

}  // namespace

int main() {
    if constexpr (!std::is_same_v<mw::best_backend, mw::serial>) kernels<mw::best_backend>();
    kernels<mw::serial>();
    using fast = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;
    train<fast>(mw::threads{}, "training");
    train<mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>, mw::on<mw::serial>>>(
        mw::threads{}, "training");
    train<mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>, mw::reproducible<4>>>(
        mw::threads{}, "reproducible training");
}
