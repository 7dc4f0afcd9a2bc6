// One training step (a Transformer block, a head, cross-entropy, AdamW) written three times, for check.py to count:
//   library      on one rank, a mesh without axes
//   with_axes    the same, and two mesh axes of size 1 over which everything is split
//   by_hand      the kernels of the same backend called one after the other, into memory that is there before
// The second step alone runs inside `counted`. What is printed says whether all three computed the same.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

struct batch : mw::axis<2> {};
struct token : mw::axis<64> {};
struct embed : mw::axis<128> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<32> {};
struct ffn : mw::axis<512> {};
struct vocab : mw::axis<256> {};
struct dp : mw::mesh_axis<1> {};
struct tp : mw::mesh_axis<1> {};

using alone = mw::strategy<mw::mesh<>>;
using with_axes = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<heads, tp>,
                               mw::split<ffn, tp>, mw::split<vocab, tp>, mw::split<token, tp>>;

template <class S>
struct model_of {
    mw::transformer_block<mw::layer_norm_of<S, embed>, mw::self_attention<S, embed, heads, head_dim>,
                          mw::feed_forward<S, embed, ffn>>
        block;
    mw::linear_without_bias<S, embed, vocab> head;
    static constexpr auto parameters = mw::fields<&model_of::block, &model_of::head>();
};

constexpr std::size_t rows_of_input = batch::size * token::size;
constexpr mw::adamw_options options{.learning_rate = 1e-3, .weight_decay = 0};

// check.py counts what happens between the way in and the way out, so it must be a function that is called
extern "C" [[gnu::noinline]] void counted(void (*f)(void*), void* data) {
    f(data);
    asm volatile("" ::: "memory");
}
void (*volatile const counted_function)(void (*)(void*), void*) = counted;

template <class F>
void a_step_and_a_counted_one(F step) {
    step();
    counted_function([](void* f) { (*static_cast<F*>(f))(); }, &step);
}

std::vector<float> input() {
    mw::random_stream const numbers(mw::seed{2}, "input");
    std::vector<float> x;
    for (std::size_t i = 0; i < rows_of_input * embed::size; ++i)
        x.push_back(static_cast<float>(numbers.normal(i)));
    return x;
}
std::vector<std::int32_t> labels() {
    std::vector<std::int32_t> y;
    for (std::size_t i = 0; i < rows_of_input; ++i)
        y.push_back(static_cast<std::int32_t>(i * 31 % vocab::size));
    return y;
}

void print(double loss, std::vector<std::vector<float>> const& parameters) {
    std::printf("%.9g", loss);
    for (auto const& each : parameters) {
        double sum = 0, weight = 1;
        for (float const x : each) sum += x * (weight = -0.999 * weight);
        std::printf(" %.9g", sum);
    }
    std::puts("");
}

template <class Model>
std::vector<std::vector<float>> values_of(Model const& model) {
    std::vector<std::vector<float>> values;
    mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto const& p, mw::initial) {
        values.emplace_back(p.span().begin(), p.span().end());
    });
    return values;
}

template <class S>
void by_the_library() {
    mw::run<S>(mw::threads{.workers_per_rank = 1}, [](auto& here) {
        auto model = mw::init<model_of<S>>(here, mw::seed{1});
        auto optimizer = mw::adamw(model, options);
        auto const x = mw::place<batch, token, embed>(here, input());
        auto const y = mw::place<batch, token>(here, labels());
        double last = 0;
        a_step_and_a_counted_one([&] {
            auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) {
                auto const scores = m.head(m.block(x));
                return mw::cross_entropy<vocab>(scores, mw::align(y, scores));
            });
            optimizer.step(model, gradient);
            last = loss;
        });
        print(last, values_of(model));
    });
}

using B = mw::backend_of<alone>;

// memory of the backend, zero at first, kept to the end of the program
float* numbers(std::size_t count) {
    auto* const made = static_cast<float*>(B::allocate(count * sizeof(float)));
    std::memset(made, 0, count * sizeof(float));
    return made;
}

struct step_by_hand {
    static constexpr std::size_t E = embed::size, F = ffn::size, V = vocab::size;
    static constexpr std::size_t rows = rows_of_input;
    // in the order of the model's fields
    enum { gain1, bias1, wq, bq, wk, bk, wv, bv, wo, bo, gain2, bias2, wu, bu, wd, bd, wh, count };

    std::array<float*, count> p{}, g{}, m{}, v{};
    std::array<std::size_t, count> sizes{};
    std::vector<double> mean_of_1 = std::vector<double>(rows), mean_of_2 = mean_of_1;
    double *mean1 = mean_of_1.data(), *mean2 = mean_of_2.data();
    float *x = numbers(rows * E), *n1 = numbers(rows * E), *inverse1 = numbers(rows), *q = numbers(rows * E),
          *k = numbers(rows * E), *u = numbers(rows * E), *attended = numbers(rows * E),
          *lse = numbers(rows * heads::size), *h1 = numbers(rows * E), *n2 = numbers(rows * E),
          *inverse2 = numbers(rows), *up = numbers(rows * F), *act = numbers(rows * F),
          *h2 = numbers(rows * E), *logits = numbers(rows * V), *largest = numbers(rows),
          *log_sum = numbers(rows), *parts = numbers(2 * rows), *losses = numbers(rows),
          *counts = numbers(rows), *scale = numbers(rows), *d_logits = numbers(rows * V),
          *d_h2 = numbers(rows * E), *d_act = numbers(rows * F), *d_n = numbers(rows * E),
          *d_h1 = numbers(rows * E), *d_attended = numbers(rows * E), *dq = numbers(rows * E),
          *dk = numbers(rows * E), *du = numbers(rows * E), *part = numbers(rows * E);
    std::vector<std::int32_t> y = labels();
    std::size_t steps = 0;

    explicit step_by_hand(std::vector<std::vector<float>> const& start) {
        for (std::size_t i = 0; i < count; ++i) {
            sizes[i] = start[i].size();
            for (auto* to : {&p, &g, &m, &v}) (*to)[i] = numbers(sizes[i]);
            std::copy(start[i].begin(), start[i].end(), p[i]);
        }
        auto const from = input();
        std::copy(from.begin(), from.end(), x);
    }

    // y = x w + bias
    static void times(float const* a, float const* w, float* out, std::size_t in, std::size_t to,
                      float const* bias = nullptr) {
        auto const k_step = static_cast<std::ptrdiff_t>(in), n_step = static_cast<std::ptrdiff_t>(to);
        B::gemm({rows, to, in, k_step, 1, n_step, 1, n_step, 1}, a, w, out, bias);
    }
    // dx = dy w^T
    static void times_transposed(float const* d, float const* w, float* out, std::size_t in, std::size_t to) {
        auto const k_step = static_cast<std::ptrdiff_t>(to), n_step = static_cast<std::ptrdiff_t>(in);
        B::gemm({rows, in, to, k_step, 1, 1, k_step, n_step, 1}, d, w, out);
    }
    // dw = x^T dy
    static void weight_gradient(float const* a, float const* d, float* out, std::size_t in, std::size_t to) {
        auto const m_step = static_cast<std::ptrdiff_t>(in), n_step = static_cast<std::ptrdiff_t>(to);
        B::gemm({in, to, rows, 1, m_step, n_step, 1, n_step, 1}, a, d, out);
    }
    static void bias_gradient(float const* d, float* out, std::size_t n) {
        mw::iteration_space<1> l{.dims = 2, .extents = {rows, n}, .out = {0, 1}};
        l.in[0] = {static_cast<std::ptrdiff_t>(n), 1};
        B::sum(l, out, d);
    }
    template <std::size_t Inputs>
    static mw::iteration_space<Inputs> flat(std::size_t n) {
        mw::iteration_space<Inputs> l{.dims = 1, .extents = {n}, .out = {1}};
        for (auto& each : l.in) each[0] = 1;
        return l;
    }
    static void plus(float* out, float const* a, float const* b, std::size_t n) {
        B::map(flat<2>(n), mw::elementary::plus{}, out, a, b);
    }
    static float total(float const* of) {
        mw::iteration_space<1> l{.dims = 1, .extents = {rows}};
        l.in[0][0] = 1;
        float sum = 0;
        B::sum(l, &sum, of);
        return sum;
    }

    double operator()() {
        std::ptrdiff_t const token_step = E, batch_step = token::size * E, head_step = head_dim::size;
        mw::attention_shape shape{.batch = batch::size,
                                  .kv_heads = heads::size,
                                  .queries = token::size,
                                  .keys = token::size,
                                  .head_dim = head_dim::size,
                                  .causal = true,
                                  .scale = 1 / std::sqrt(static_cast<double>(head_dim::size))};
        shape.q_batch = shape.k_batch = shape.v_batch = batch_step;
        shape.q_token = shape.k_token = shape.v_token = token_step;
        shape.q_head = shape.k_head = shape.v_head = head_step;

        B::layer_norm(rows, E, x, p[gain1], p[bias1], 1e-5, n1, mean1, inverse1);
        times(n1, p[wq], q, E, E, p[bq]);
        times(n1, p[wk], k, E, E, p[bk]);
        times(n1, p[wv], u, E, E, p[bv]);
        B::attention(shape, q, k, u, attended, lse);
        times(attended, p[wo], h1, E, E, p[bo]), plus(h1, x, h1, rows * E);
        B::layer_norm(rows, E, h1, p[gain2], p[bias2], 1e-5, n2, mean2, inverse2);
        times(n2, p[wu], up, E, F, p[bu]);
        B::map(flat<1>(rows * F), mw::elementary::gelu{}, act, static_cast<float const*>(up));
        times(act, p[wd], h2, F, E, p[bd]), plus(h2, h1, h2, rows * E);
        times(h2, p[wh], logits, E, V);

        B::target_and_exp_sum(rows, V, V, logits, y.data(), 0, largest, parts, parts + rows);
        float const *const of_target = parts, *const exp_sum = parts + rows;
        B::map(flat<2>(rows), mw::elementary::log_of_sum{}, log_sum, exp_sum, y.data());
        B::map(flat<4>(rows), mw::elementary::loss_of_row{}, losses, static_cast<float const*>(largest),
               static_cast<float const*>(log_sum), of_target, y.data());
        B::map(flat<1>(rows), mw::elementary::counts{}, counts, y.data());
        double const loss = total(losses), counted_rows = total(counts);

        B::fill(scale, rows, 1.0F);
        B::cross_entropy_gradient(rows, V, V, logits, largest, log_sum, y.data(), 0, scale,
                                  mw::smoothed_target{}, d_logits);
        weight_gradient(h2, d_logits, g[wh], E, V), times_transposed(d_logits, p[wh], d_h2, E, V);
        bias_gradient(d_h2, g[bd], E), weight_gradient(act, d_h2, g[wd], F, E);
        times_transposed(d_h2, p[wd], d_act, F, E);
        B::map(flat<2>(rows * F), mw::detail::slope_of<0, float, mw::elementary::gelu>{}, d_act,
               static_cast<float const*>(d_act), static_cast<float const*>(up));
        bias_gradient(d_act, g[bu], F), weight_gradient(n2, d_act, g[wu], E, F);
        times_transposed(d_act, p[wu], d_n, E, F);
        B::layer_norm_gradient(rows, E, h1, p[gain2], mean2, inverse2, d_n, d_h1);
        B::layer_norm_parameters(rows, E, h1, mean2, inverse2, d_n, g[gain2], g[bias2]);
        B::add_to(d_h1, d_h2, rows * E);

        bias_gradient(d_h1, g[bo], E), weight_gradient(attended, d_h1, g[wo], E, E);
        times_transposed(d_h1, p[wo], d_attended, E, E);
        B::attention_gradient(shape, q, k, u, attended, lse, d_attended, dq, dk, du);
        bool first = true;
        for (auto const& [d, weight] : {std::pair{dq, wq}, {dk, wk}, {du, wv}}) {
            bias_gradient(d, g[static_cast<std::size_t>(weight) + 1], E);
            weight_gradient(n1, d, g[weight], E, E);
            times_transposed(d, p[weight], first ? d_n : part, E, E);
            if (!std::exchange(first, false)) B::add_to(d_n, part, rows * E);
        }
        B::layer_norm_parameters(rows, E, x, mean1, inverse1, d_n, g[gain1], g[bias1]);

        double squares = 0;
        for (std::size_t i = 0; i < count; ++i) squares += B::sum_squares(sizes[i], g[i]);
        if (!std::isfinite(squares)) return squares;
        ++steps;
        for (std::size_t i = 0; i < count; ++i)
            B::adamw(sizes[i], p[i], g[i], m[i], v[i],
                     mw::adamw_numbers{.learning_rate = options.learning_rate,
                                       .bias_correction1 = 1 - std::pow(0.9, static_cast<double>(steps)),
                                       .bias_correction2 = 1 - std::pow(0.999, static_cast<double>(steps)),
                                       .gradient_scale = 1 / counted_rows});
        return loss / counted_rows;
    }
};

void by_hand() {
    std::vector<std::vector<float>> values;
    mw::run<alone>(mw::threads{.workers_per_rank = 1},
                   [&](auto& here) { values = values_of(mw::init<model_of<alone>>(here, mw::seed{1})); });
    B::enter(1, [&] {
        step_by_hand step(values);
        double last = 0;
        a_step_and_a_counted_one([&] { last = step(); });
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i].assign(step.p[i], step.p[i] + step.sizes[i]);
        print(last, values);
    });
}

int main(int argc, char** argv) {
    std::string_view const which = argc == 2 ? argv[1] : "";
    if (which == "library")
        by_the_library<alone>();
    else if (which == "with_axes")
        by_the_library<with_axes>();
    else if (which == "by_hand")
        by_hand();
    else
        return std::puts("one_step library|with_axes|by_hand"), 2;
}
