// Attention and its gradient against plain loops in double, finite differences, and bits that must not
// change.
#include <meshwise/backend/cpu/attention/attention.hpp>
#include <meshwise/backend/cpu/attention/gradient.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "two_threads.hpp"

namespace mw = meshwise;
namespace cpu = mw::cpu;
namespace simd = mw::simd;

namespace {

struct one_range {
    template <class F>
    void operator()(std::size_t count, std::size_t, F&& f) const {
        f(std::size_t{0}, count);
    }
};

std::size_t at(std::size_t index, std::ptrdiff_t stride) { return index * static_cast<std::size_t>(stride); }

// Tokens outside heads, as a linear layer gives them, with a gap of `gap` elements after each token; or heads
// outside tokens.
mw::attention_shape make_shape(std::size_t batch, std::size_t kv_heads, std::size_t group,
                               std::size_t queries, std::size_t keys, std::size_t head_dim, bool causal,
                               std::ptrdiff_t first_query, bool tokens_outside, std::size_t gap = 0) {
    mw::attention_shape s;
    s.batch = batch, s.kv_heads = kv_heads, s.group = group, s.queries = queries, s.keys = keys;
    s.head_dim = head_dim, s.causal = causal, s.first_query = first_query;
    s.scale = 1 / std::sqrt(static_cast<double>(head_dim));
    auto const d = static_cast<std::ptrdiff_t>(head_dim), h = static_cast<std::ptrdiff_t>(kv_heads),
               g = static_cast<std::ptrdiff_t>(group), nq = static_cast<std::ptrdiff_t>(queries),
               nk = static_cast<std::ptrdiff_t>(keys), extra = static_cast<std::ptrdiff_t>(gap);
    if (tokens_outside) {
        s.q_group = d, s.q_head = g * d, s.q_token = h * g * d + extra, s.q_batch = nq * s.q_token;
        s.k_head = d, s.k_token = h * d + extra, s.k_batch = nk * s.k_token;
    } else {
        s.q_token = d + extra, s.q_group = nq * s.q_token, s.q_head = g * s.q_group, s.q_batch = h * s.q_head;
        s.k_token = d + extra, s.k_head = nk * s.k_token, s.k_batch = h * s.k_head;
    }
    s.v_batch = s.k_batch, s.v_token = s.k_token, s.v_head = s.k_head;
    return s;
}

template <class T>
std::vector<T> random(std::size_t count, unsigned seed, double size = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> values(0, size);
    std::vector<T> result(count);
    for (T& x : result) x = static_cast<T>(values(generator));
    return result;
}

constexpr double untouched = 77;

template <class T>
struct problem {
    mw::attention_shape shape;
    std::vector<T> q, k, v, d_o, o, lse, d_q, d_k, d_v;

    explicit problem(mw::attention_shape const& s, double size = 1) : shape(s) {
        std::size_t const of_q = at(s.batch, s.q_batch), of_k = at(s.batch, s.k_batch);
        q = random<T>(of_q, 1, size), k = random<T>(of_k, 2, size), v = random<T>(of_k, 3),
        d_o = random<T>(of_q, 4);
        o.assign(of_q, static_cast<T>(untouched)), d_q = o;
        d_k.assign(of_k, static_cast<T>(untouched)), d_v = d_k;
        lse.assign(s.batch * s.kv_heads * s.group * s.queries, static_cast<T>(untouched));
    }

    template <class Instructions = simd::native, class Parallel = one_range>
    problem& run(Parallel const& parallel = {}) {
        cpu::attention<Instructions>(shape, q.data(), k.data(), v.data(), o.data(), lse.data(), parallel);
        cpu::attention_gradient<Instructions>(shape, q.data(), k.data(), v.data(), o.data(), lse.data(),
                                              d_o.data(), d_q.data(), d_k.data(), d_v.data(), parallel);
        return *this;
    }
};

// The definition, all in double: probabilities first, gradients from them.
template <class T>
problem<double> reference(problem<T> const& p) {
    problem<double> r(p.shape);
    auto const& s = p.shape;
    r.q.assign(p.q.begin(), p.q.end()), r.k.assign(p.k.begin(), p.k.end()),
        r.v.assign(p.v.begin(), p.v.end());
    r.d_o.assign(p.d_o.begin(), p.d_o.end());
    for (std::size_t b = 0; b < s.batch; ++b)
        for (std::size_t h = 0; h < s.kv_heads; ++h) {
            std::size_t const keys_at = at(b, s.k_batch) + at(h, s.k_head);
            for (std::size_t j = 0; j < s.keys; ++j)
                for (std::size_t d = 0; d < s.head_dim; ++d)
                    r.d_k[keys_at + at(j, s.k_token) + d] = r.d_v[keys_at + at(j, s.k_token) + d] = 0;
            for (std::size_t g = 0; g < s.group; ++g)
                for (std::size_t i = 0; i < s.queries; ++i) {
                    std::size_t const row =
                        at(b, s.q_batch) + at(h, s.q_head) + at(g, s.q_group) + at(i, s.q_token);
                    auto const key = [&](std::size_t j) { return keys_at + at(j, s.k_token); };
                    std::vector<double> score(s.keys), weight(s.keys), d_weight(s.keys);
                    double sum = 0, along = 0;
                    std::vector<bool> sees(s.keys);
                    for (std::size_t j = 0; j < s.keys; ++j) {
                        sees[j] = (!s.causal || static_cast<std::ptrdiff_t>(j) <=
                                                    static_cast<std::ptrdiff_t>(i) + s.first_query) &&
                                  (!s.key_lengths || static_cast<std::int32_t>(j) < s.key_lengths[b]);
                        if (!sees[j]) continue;
                        for (std::size_t d = 0; d < s.head_dim; ++d)
                            score[j] += s.scale * r.q[row + d] * r.k[key(j) + d],
                                d_weight[j] += r.d_o[row + d] * r.v[key(j) + d];
                        sum += std::exp(score[j]);
                    }
                    for (std::size_t d = 0; d < s.head_dim; ++d) r.o[row + d] = r.d_q[row + d] = 0;
                    r.lse[((b * s.kv_heads + h) * s.group + g) * s.queries + i] = std::log(sum);
                    for (std::size_t j = 0; j < s.keys; ++j) {
                        if (!sees[j]) continue;
                        weight[j] = std::exp(score[j]) / sum;
                        along += weight[j] * d_weight[j];
                        for (std::size_t d = 0; d < s.head_dim; ++d) {
                            r.o[row + d] += weight[j] * r.v[key(j) + d];
                            r.d_v[key(j) + d] += weight[j] * r.d_o[row + d];
                        }
                    }
                    for (std::size_t j = 0; j < s.keys; ++j) {
                        if (!sees[j]) continue;
                        double const d_score = s.scale * weight[j] * (d_weight[j] - along);
                        for (std::size_t d = 0; d < s.head_dim; ++d) {
                            r.d_q[row + d] += d_score * r.k[key(j) + d];
                            r.d_k[key(j) + d] += d_score * r.q[row + d];
                        }
                    }
                }
        }
    return r;
}

template <class T>
bool close(std::vector<T> const& x, std::vector<double> const& expected, double tolerance) {
    double largest = 1;
    for (double const e : expected)
        if (std::isfinite(e)) largest = std::max(largest, std::abs(e));
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const value = static_cast<double>(x[i]);
        if (std::isinf(expected[i]) ? value != expected[i]
                                    : !(std::abs(value - expected[i]) <= tolerance * largest))
            return false;
    }
    return true;
}

template <class Instructions, class T>
void check(mw::attention_shape const& shape) {
    CAPTURE(shape.queries);
    CAPTURE(shape.keys);
    CAPTURE(shape.head_dim);
    CAPTURE(shape.causal);
    CAPTURE(shape.first_query);
    problem<T> p(shape);
    p.template run<Instructions>();
    auto const r = reference(p);
    double const tolerance = 20 * static_cast<double>(std::numeric_limits<T>::epsilon());
    CHECK(close(p.o, r.o, tolerance));
    CHECK(close(p.lse, r.lse, tolerance));
    CHECK(close(p.d_q, r.d_q, tolerance));
    CHECK(close(p.d_k, r.d_k, tolerance));
    CHECK(close(p.d_v, r.d_v, tolerance));
}

bool same_bits(auto const& x, auto const& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("attention and its gradient agree with the definition", T, float, double) {
    for (bool const causal : {false, true})
        for (bool const tokens_outside : {false, true}) {
            std::size_t const gap = tokens_outside ? 5 : 0;
            for (std::size_t const queries : {1u, 2u, 15u, 63u, 64u, 65u, 130u})
                check<simd::native, T>(
                    make_shape(2, 2, 1, queries, queries, 16, causal, 0, tokens_outside, gap));
            for (std::size_t const keys : {1u, 14u, 64u, 100u, 200u})
                check<simd::native, T>(make_shape(1, 2, 3, 70, keys, 24, causal, 0, tokens_outside, gap));
            for (std::size_t const head_dim : {1u, 7u, 16u, 33u, 64u, 128u})
                check<simd::native, T>(
                    make_shape(1, 1, 2, 20, 90, head_dim, causal, 70, tokens_outside, gap));
        }
}

TEST_CASE_TEMPLATE("every instruction set computes the same attention", Set, simd::portable, simd::neon) {
    check<Set, float>(make_shape(2, 1, 2, 70, 75, 10, true, 5, true));
    check<Set, double>(make_shape(1, 1, 1, 33, 130, 17, false, 0, false));
}

TEST_CASE("keys beyond the length of their batch do not exist, whatever they hold") {
    std::int32_t const lengths[] = {0, 1, 64, 70, 99, 130};
    for (bool const causal : {false, true}) {
        auto shape = make_shape(6, 2, 2, 67, 130, 16, causal, 3, true);
        shape.key_lengths = lengths;
        problem<float> p(shape);
        for (std::size_t b = 0; b < shape.batch; ++b)
            for (std::size_t i = at(static_cast<std::size_t>(lengths[b]), shape.k_token);
                 i < at(shape.keys, shape.k_token); ++i)
                p.k[at(b, shape.k_batch) + i] = p.v[at(b, shape.k_batch) + i] =
                    std::numeric_limits<float>::quiet_NaN();
        p.run();
        auto const r = reference(p);
        CHECK(close(p.o, r.o, 2e-6));
        CHECK(close(p.lse, r.lse, 2e-6));
        CHECK(close(p.d_q, r.d_q, 2e-6));
        CHECK(close(p.d_k, r.d_k, 2e-6));
        CHECK(close(p.d_v, r.d_v, 2e-6));
        CHECK(p.lse[0] == -std::numeric_limits<float>::infinity());
        for (std::size_t i = 0; i < at(1, shape.q_batch); ++i) CHECK((p.o[i] == 0.0f && p.d_q[i] == 0.0f));
    }
}

TEST_CASE("queries before all keys see nothing, also inside a block") {
    check<simd::native, float>(make_shape(2, 1, 2, 90, 100, 16, true, -50, true));
    check<simd::native, double>(make_shape(1, 2, 1, 40, 100, 16, true, -50, false));
}

TEST_CASE("no keys at all") {
    problem<float> p(make_shape(1, 2, 1, 5, 0, 8, false, 0, true));
    p.run();
    for (float const x : p.o) CHECK(x == 0.0f);
    for (float const x : p.d_q) CHECK(x == 0.0f);
    for (float const x : p.lse) CHECK(x == -std::numeric_limits<float>::infinity());
}

TEST_CASE("no queries give zero gradients of keys and values") {
    problem<float> p(make_shape(1, 2, 1, 0, 5, 8, true, 0, true));
    p.run();
    for (float const x : p.d_k) CHECK(x == 0.0f);
    for (float const x : p.d_v) CHECK(x == 0.0f);
}

TEST_CASE("large scores neither overflow nor lose the running maximum") {
    problem<float> p(make_shape(1, 1, 1, 80, 300, 32, false, 0, true), 30);
    p.run();
    problem<double> r(p.shape);
    r.q.assign(p.q.begin(), p.q.end()), r.k.assign(p.k.begin(), p.k.end()),
        r.v.assign(p.v.begin(), p.v.end());
    r.run();
    CHECK(close(p.lse, r.lse, 1e-6));
    CHECK(close(p.o, r.o, 1e-3));  // scores of 1e4 carry errors of 1e-3 themselves
    bool finite = true;
    for (auto const* x : {&p.o, &p.d_q, &p.d_k, &p.d_v})
        for (float const value : *x) finite = finite && std::isfinite(value);
    CHECK(finite);
}

TEST_CASE("the gradient is the derivative") {
    problem<double> p(make_shape(1, 1, 2, 9, 70, 5, true, 62, true));
    p.run();
    auto const loss = [&](problem<double> const& from) {
        problem<double> moved = from;
        moved.run();
        double sum = 0;
        for (std::size_t i = 0; i < moved.o.size(); ++i) sum += moved.o[i] * moved.d_o[i];
        return sum;
    };
    auto const compare = [&](std::vector<double> problem<double>::* input,
                             std::vector<double> const& gradient) {
        for (std::size_t i = 0; i < gradient.size(); i += 7) {
            problem<double> up = p, down = p;
            double const step = 1e-5;
            (up.*input)[i] += step;
            (down.*input)[i] -= step;
            CHECK(gradient[i] ==
                  doctest::Approx((loss(up) - loss(down)) / (2 * step)).epsilon(1e-6).scale(1));
        }
    };
    compare(&problem<double>::q, p.d_q);
    compare(&problem<double>::k, p.d_k);
    compare(&problem<double>::v, p.d_v);
}

TEST_CASE_TEMPLATE("bits do not depend on other batches, heads, queries or on threads", T, float, double) {
    for (bool const causal : {false, true}) {
        auto const shape = make_shape(3, 2, 2, 150, 170, 64, causal, 20, true);
        problem<T> whole(shape), threads(shape), parts(shape), rows(shape);
        whole.run();
        threads.run(two_threads{});
        for (std::size_t b = 0; b < shape.batch; ++b)
            for (std::size_t h = 0; h < shape.kv_heads; ++h) {
                auto one = shape;
                one.batch = one.kv_heads = 1;
                std::size_t const to_q = at(b, shape.q_batch) + at(h, shape.q_head),
                                  to_k = at(b, shape.k_batch) + at(h, shape.k_head),
                                  row = (b * shape.kv_heads + h) * shape.group * shape.queries;
                auto& p = parts;
                cpu::attention(one, p.q.data() + to_q, p.k.data() + to_k, p.v.data() + to_k,
                               p.o.data() + to_q, p.lse.data() + row, one_range{});
                cpu::attention_gradient(one, p.q.data() + to_q, p.k.data() + to_k, p.v.data() + to_k,
                                        p.o.data() + to_q, p.lse.data() + row, p.d_o.data() + to_q,
                                        p.d_q.data() + to_q, p.d_k.data() + to_k, p.d_v.data() + to_k,
                                        one_range{});
            }
        for (auto const* other : {&threads, &parts}) {
            CHECK(same_bits(whole.o, other->o));
            CHECK(same_bits(whole.lse, other->lse));
            CHECK(same_bits(whole.d_q, other->d_q));
            CHECK(same_bits(whole.d_k, other->d_k));
            CHECK(same_bits(whole.d_v, other->d_v));
        }
        // Some queries at a time, as in decoding, or where tokens are split over ranks.
        std::vector<T> unused_k(whole.d_k.size()), unused_v(whole.d_v.size());
        for (std::size_t i = 0, step = 1; i < shape.queries; i += step, step = step * 3 % 71) {
            auto some = shape;
            some.queries = std::min(step, shape.queries - i);
            some.first_query += static_cast<std::ptrdiff_t>(i);
            std::vector<T> lse(shape.batch * shape.kv_heads * shape.group * some.queries);
            std::size_t const to = at(i, shape.q_token);
            cpu::attention(some, rows.q.data() + to, rows.k.data(), rows.v.data(), rows.o.data() + to,
                           lse.data(), one_range{});
            cpu::attention_gradient(some, rows.q.data() + to, rows.k.data(), rows.v.data(),
                                    rows.o.data() + to, lse.data(), rows.d_o.data() + to,
                                    rows.d_q.data() + to, unused_k.data(), unused_v.data(), one_range{});
            CHECK(lse.back() == whole.lse[whole.lse.size() - shape.queries + i + some.queries - 1]);
        }
        CHECK(same_bits(whole.o, rows.o));
        CHECK(same_bits(whole.d_q, rows.d_q));
    }
}
