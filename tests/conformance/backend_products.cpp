// What every backend for host memory promises about matrix products and attention.
#include "conformance/backend_reference.hpp"

#include <array>

namespace mw = meshwise;

namespace {

/// Columns enough to be shared among threads, where there are any.
template <class Backend>
constexpr std::size_t wide = std::is_same_v<Backend, mw::serial> ? 70 : 1700;

std::ptrdiff_t signed_size(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// A (m, k), B (k, n) and C (m, n), each row-major or, where said, column-major.
mw::gemm_shape product(std::size_t m, std::size_t n, std::size_t k, bool a_turned = false,
                       bool b_turned = false, bool c_turned = false) {
    mw::gemm_shape shape{.m = m, .n = n, .k = k};
    shape.a_m = a_turned ? 1 : signed_size(k);
    shape.a_k = a_turned ? signed_size(m) : 1;
    shape.b_k = b_turned ? 1 : signed_size(n);
    shape.b_n = b_turned ? signed_size(k) : 1;
    shape.c_m = c_turned ? 1 : signed_size(n);
    shape.c_n = c_turned ? signed_size(m) : 1;
    return shape;
}

template <class T, class R>
std::vector<double> product_reference(mw::gemm_shape const& shape, T const* a, T const* b,
                                      std::vector<R> const& c) {
    std::vector<double> wanted(c.begin(), c.end());
    for (std::size_t i = 0; i < shape.m; ++i) {
        for (std::size_t j = 0; j < shape.n; ++j) {
            double total = 0;
            for (std::size_t l = 0; l < shape.k; ++l) {
                total += static_cast<double>(a[signed_size(i) * shape.a_m + signed_size(l) * shape.a_k]) *
                         static_cast<double>(b[signed_size(l) * shape.b_k + signed_size(j) * shape.b_n]);
            }
            auto const at = static_cast<std::size_t>(signed_size(i) * shape.c_m + signed_size(j) * shape.c_n);
            wanted[at] = shape.accumulate ? wanted[at] + total : total;
        }
    }
    return wanted;
}

/// Small attention: (batch, token, kv_head, group, head_dim) for q, (batch, token, kv_head, head_dim) for k,
/// v.
mw::attention_shape heads_of(std::size_t batch, std::size_t kv_heads, std::size_t group, std::size_t queries,
                             std::size_t keys, std::size_t dim) {
    mw::attention_shape shape{.batch = batch,
                              .kv_heads = kv_heads,
                              .group = group,
                              .queries = queries,
                              .keys = keys,
                              .head_dim = dim};
    shape.scale = 1 / std::sqrt(static_cast<double>(dim));
    shape.q_group = signed_size(dim);
    shape.q_head = signed_size(dim * group);
    shape.q_token = shape.q_head * signed_size(kv_heads);
    shape.q_batch = shape.q_token * signed_size(queries);
    shape.k_head = shape.v_head = signed_size(dim);
    shape.k_token = shape.v_token = signed_size(dim * kv_heads);
    shape.k_batch = shape.v_batch = shape.k_token * signed_size(keys);
    return shape;
}

struct attention_results {
    std::vector<double> o, lse, dq, dk, dv;
};

/// Attention and its gradients with the whole matrix of weights, in double, one query after the other.
template <class T>
attention_results attention_reference(mw::attention_shape const& s, std::vector<T> const& q,
                                      std::vector<T> const& k, std::vector<T> const& v,
                                      std::vector<T> const& d_o) {
    attention_results r{std::vector<double>(q.size()),
                        {},
                        std::vector<double>(q.size()),
                        std::vector<double>(k.size()),
                        std::vector<double>(v.size())};
    std::size_t const dim = s.head_dim, heads = s.kv_heads * s.group;
    for (std::size_t b = 0; b < s.batch; ++b) {
        for (std::size_t head = 0; head < heads; ++head) {
            for (std::size_t i = 0; i < s.queries; ++i) {
                std::size_t const at_q = ((b * s.queries + i) * heads + head) * dim;
                auto const at_k = [&](std::size_t j) {
                    return ((b * s.keys + j) * s.kv_heads + head / s.group) * dim;
                };
                auto const length = s.key_lengths ? static_cast<std::size_t>(s.key_lengths[b]) : s.keys;
                std::vector<double> weight(s.keys);
                double total = 0, mean = 0;
                for (std::size_t j = 0; j < s.keys; ++j) {
                    if (j >= length || (s.causal && signed_size(j) > signed_size(i) + s.first_query))
                        continue;
                    double score = 0;
                    for (std::size_t d = 0; d < dim; ++d) score += double(q[at_q + d]) * k[at_k(j) + d];
                    total += weight[j] = std::exp(s.scale * score);
                }
                r.lse.push_back(std::log(total));
                if (total == 0) continue;
                std::vector<double> d_weight(s.keys);
                for (std::size_t j = 0; j < s.keys; ++j) {
                    weight[j] /= total;
                    for (std::size_t d = 0; d < dim; ++d) {
                        r.o[at_q + d] += weight[j] * v[at_k(j) + d];
                        r.dv[at_k(j) + d] += weight[j] * d_o[at_q + d];
                        d_weight[j] += double(d_o[at_q + d]) * v[at_k(j) + d];
                    }
                    mean += weight[j] * d_weight[j];
                }
                for (std::size_t j = 0; j < s.keys; ++j) {
                    double const d_score = s.scale * weight[j] * (d_weight[j] - mean);
                    for (std::size_t d = 0; d < dim; ++d) {
                        r.dq[at_q + d] += d_score * k[at_k(j) + d];
                        r.dk[at_k(j) + d] += d_score * q[at_q + d];
                    }
                }
            }
        }
    }
    return r;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm with any strides and sizes", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // 44 and 128 rows leave two behind tiles of 6 and of 14 rows.
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 1, 1},
                                                                         {1, 70, 33},
                                                                         {70, 1, 33},
                                                                         {3, 5, 7},
                                                                         {17, 33, 65},
                                                                         {44, 33, 65},
                                                                         {64, 64, 64},
                                                                         {130, 70, 300},
                                                                         {128, 70, 300}}) {
        auto const a = values<T>(m * k, 1), b = values<T>(k * n, 2), before = values<T>(m * n, 3);
        for (unsigned turned = 0; turned < 16; ++turned) {
            auto shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
            shape.accumulate = (turned & 8) != 0;
            auto c = before;
            B::gemm(shape, a.data(), b.data(), c.data());
            CAPTURE(m);
            CAPTURE(turned);
            check_close(c, product_reference(shape, a.data(), b.data(), before), 512);
        }
    }
    auto empty = product(2, 2, 0);
    std::vector<T> c{1, 2, 3, 4};
    empty.accumulate = true;
    B::gemm(empty, c.data(), c.data(), c.data());
    CHECK(c == std::vector<T>{1, 2, 3, 4});
    empty.accumulate = false;
    B::gemm(empty, static_cast<T*>(nullptr), static_cast<T*>(nullptr), c.data());
    CHECK(c == std::vector<T>(4));
}

TEST_CASE_TEMPLATE("gemm of bfloat16 gives float", On, on<meshwise::serial, float>,
                   on<meshwise::tbb, float>) {
    using B = typename On::backend;
    std::size_t const m = 37, n = 50, k = 129;
    auto const wide_a = values<float>(m * k, 4), wide_b = values<float>(k * n, 5);
    std::vector<mw::bfloat16> a(m * k), b(k * n);
    B::cast(a.data(), wide_a.data(), a.size());
    B::cast(b.data(), wide_b.data(), b.size());
    for (unsigned turned = 0; turned < 8; ++turned) {
        auto const shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
        std::vector<float> c(m * n);
        B::gemm(shape, a.data(), b.data(), c.data());
        auto const expected = product_reference(shape, a.data(), b.data(), c);
        check_close(c, expected, 512);
        // a float operand is rounded first
        B::gemm(shape, wide_a.data(), b.data(), c.data());
        check_close(c, expected, 512);
        B::gemm(shape, a.data(), wide_b.data(), c.data());
        check_close(c, expected, 512);
        B::batched_gemm(1, 0, 0, 0, shape, wide_a.data(), b.data(), c.data());
        check_close(c, expected, 512);
    }
}

TEST_CASE_TEMPLATE("a product's elements keep their bits in any part and with any threads", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const m = 150, n = 170, k = 600;
    auto const a = values<T>(m * k, 6), b = values<T>(k * n, 7);
    auto const whole = [&] {
        std::vector<T> c(m * n);
        B::gemm(product(m, n, k), a.data(), b.data(), c.data());
        return c;
    };
    auto const c = whole();
    CHECK(same_with_more_threads<B>(whole));
    for (auto const& [top, left, height, width] : std::vector<std::array<std::size_t, 4>>{
             {0, 0, 1, 170}, {149, 0, 1, 170}, {0, 169, 150, 1}, {13, 29, 31, 33}, {75, 85, 75, 85}}) {
        for (bool const turned : {false, true}) {
            auto shape = product(m, n, k);
            shape.m = height;
            shape.n = width;
            shape.c_m = turned ? 1 : signed_size(width);
            shape.c_n = turned ? signed_size(height) : 1;
            std::vector<T> part(height * width);
            B::gemm(shape, &a[top * k], &b[left], part.data());
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < height; ++i) {
                for (std::size_t j = 0; j < width; ++j) {
                    T const* const mine = &part[turned ? j * height + i : i * width + j];
                    wrong += !same_bits(mine, &c[(top + i) * n + left + j], 1);
                }
            }
            CHECK(wrong == 0);
        }
    }
}

namespace {

/// One row times weights as they lie or turned: right, and with the same bits for any threads and for each column alone.
template <class B, class Right, class R>
void check_one_row(std::size_t n, std::size_t k, bool b_turned, bool accumulate) {
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(b_turned);
    CAPTURE(accumulate);
    auto const a = values<R>(k, 6), before = values<R>(n, 8), bias = values<R>(n, 9),
               wide_b = values<R>(k * n, 7);
    std::vector<Right> const b(wide_b.begin(), wide_b.end());
    auto shape = product(1, n, k, false, b_turned);
    shape.accumulate = accumulate;
    double const epsilons = 4.0 * static_cast<double>(k);
    auto const whole = [&] {
        auto c = before;
        B::gemm(shape, a.data(), b.data(), c.data());
        return c;
    };
    auto const c = whole();
    if constexpr (std::is_same_v<Right, R>) {
        check_close(c, product_reference(shape, a.data(), b.data(), before), epsilons);
        auto with_bias = before;
        B::gemm(shape, a.data(), b.data(), with_bias.data(), bias.data());
        for (std::size_t j = 0; j < n; ++j) with_bias[j] -= c[j] + bias[j];
        CHECK(with_bias == std::vector<R>(n));
    } else {
        std::vector<Right> const narrow_a(a.begin(), a.end());
        check_close(c, product_reference(shape, narrow_a.data(), b.data(), before), epsilons);
    }
    CHECK(same_with_more_threads<B>(whole));
    CHECK(same_bits(B::enter(10, whole), c));  // more than there are blocks
    auto alone = before;
    shape.n = 1;
    for (std::size_t j = 0; j < n; ++j) B::gemm(shape, a.data(), &b[b_turned ? j * k : j], &alone[j]);
    CHECK(same_bits(alone, c));
}

}  // namespace

TEST_CASE_TEMPLATE("one row of a product is shared among threads without changing a bit", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // one, two, four and six blocks of k, of which the last may be odd; rows of whole vectors and not; too long to be
    // shared by blocks
    for (auto const& [n, k] : std::vector<std::pair<std::size_t, std::size_t>>{{1536, 300},
                                                                               {576, 576},
                                                                               {320, 1536},
                                                                               {1040, 700},
                                                                               {336, 2500},
                                                                               {544, 1031},
                                                                               {333, 600},
                                                                               {8208, 260}}) {
        if (std::is_same_v<B, mw::serial> && n > 600) continue;
        for (bool const turned : {false, true})
            for (bool const accumulate : {false, true}) {
                check_one_row<B, T, T>(n, k, turned, accumulate);
                if constexpr (std::is_same_v<T, float>)
                    check_one_row<B, mw::bfloat16, float>(n, k, turned, accumulate);
            }
    }
}

namespace {

/// Products with packed B: the bits of those without, for any threads.
template <class B, class Left, class Right, class R>
void check_packed(std::size_t m, std::size_t n, std::size_t k) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    auto const before = values<R>(m * n, 3), wide_a = values<R>(m * k, 1), wide_b = values<R>(k * n, 2);
    std::vector<Left> const a(wide_a.begin(), wide_a.end());
    std::vector<Right> const b(wide_b.begin(), wide_b.end());
    for (unsigned turned = 0; turned < 16; ++turned) {
        CAPTURE(turned);
        auto shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
        shape.accumulate = (turned & 8) != 0;
        auto c = before;
        B::gemm(shape, a.data(), b.data(), c.data());
        std::vector<Right> packed(B::template packed_elements<Right>(shape),
                                  Right(std::numeric_limits<float>::quiet_NaN()));
        if (packed.empty() && k != 0) {
            bool const has_no_form = std::is_same_v<B, mw::tbb> && std::is_same_v<Right, mw::bfloat16> &&
                                     !std::is_same_v<mw::fast::native, mw::fast::avx512_bf16>;
            CHECK(has_no_form);
            return;
        }
        B::pack(shape, b.data(), packed.data());
        shape.b_k = shape.b_n = 12345;  // not looked at
        auto const by_packed = [&] {
            auto own = before;
            B::gemm_packed(shape, a.data(), packed.data(), own.data());
            return own;
        };
        CHECK(same_bits(by_packed(), c));
        CHECK(same_with_more_threads<B>(by_packed));
    }
}

}  // namespace

TEST_CASE_TEMPLATE("a product with packed B has the bits of one without", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // up to three blocks of k, the last of which may be odd; one and more blocks of rows
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 70, 33},
                                                                         {1, wide<B>, 600},
                                                                         {7, wide<B>, 600},
                                                                         {70, 9, 33},
                                                                         {64, 64, 64},
                                                                         {130, 70, 300},
                                                                         {61, 70, 1201},
                                                                         {3, 40, 0}}) {
        check_packed<B, T, T, T>(m, n, k);
        if constexpr (std::is_same_v<T, float>) {
            check_packed<B, mw::bfloat16, mw::bfloat16, float>(m, n, k);
            check_packed<B, float, mw::bfloat16, float>(m, n, k);
        }
    }
    if constexpr (std::is_same_v<B, mw::tbb> &&
                  std::is_same_v<T, float>)  // more rows than are packed at once
        check_packed<B, float, mw::bfloat16, float>(2300, 40, 1030);
}

TEST_CASE_TEMPLATE("a bias in the product has the bits of one added afterwards", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 70, 33},
                                                                         {7, 70, 600},
                                                                         {70, 9, 33},
                                                                         {64, 3, 64},
                                                                         {296, wide<B>, 600},
                                                                         {130, 79, 1100},
                                                                         {3, 4, 0}}) {
        auto const a = values<T>(m * k, 1), b = values<T>(k * n, 2), bias = values<T>(n, 3);
        for (unsigned turned = 0; turned < 8; ++turned) {
            auto const shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
            std::vector<T> c(m * n), fused(m * n), by_packed(m * n);
            B::gemm(shape, a.data(), b.data(), c.data());
            for (std::size_t i = 0; i < m; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    c[static_cast<std::size_t>(signed_size(i) * shape.c_m + signed_size(j) * shape.c_n)] +=
                        bias[j];
            B::gemm(shape, a.data(), b.data(), fused.data(), bias.data());
            std::vector<T> packed(B::template packed_elements<T>(shape));
            CAPTURE(m);
            CAPTURE(turned);
            CHECK(same_bits(fused, c));
            if (packed.empty()) continue;  // B is too small for it
            B::pack(shape, b.data(), packed.data());
            B::gemm_packed(shape, a.data(), packed.data(), by_packed.data(), bias.data());
            CHECK(same_bits(by_packed, c));
        }
    }
}

TEST_CASE_TEMPLATE("batched_gemm is one gemm after the other", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const batch = 30, m = 20, n = 12, k = 40;
    auto const a = values<T>(batch * m * k, 8), b = values<T>(k * n, 9);  // b is shared
    auto const together = [&] {
        std::vector<T> c(batch * m * n);
        B::batched_gemm(batch, signed_size(m * k), 0, signed_size(m * n), product(m, n, k), a.data(),
                        b.data(), c.data());
        return c;
    };
    std::vector<T> apart(batch * m * n);
    for (std::size_t i = 0; i < batch; ++i) {
        B::gemm(product(m, n, k), &a[i * m * k], b.data(), &apart[i * m * n]);
    }
    CHECK(same_bits(together(), apart));
    CHECK(same_with_more_threads<B>(together));
}

TEST_CASE_TEMPLATE("attention and its gradients", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::vector<std::int32_t> const lengths{150, 0};
    struct {
        std::size_t group, queries, keys, dim;
        std::ptrdiff_t first_query;
        bool causal, padded;
    } const cases[] = {{1, 1, 1, 8, 0, false, false},     {2, 5, 9, 16, 4, true, false},
                       {1, 130, 130, 64, 0, true, false}, {3, 70, 200, 24, 130, true, true},
                       {2, 33, 150, 40, 0, false, true},  {1, 100, 80, 64, 0, true, false},
                       {2, 9, 6, 8, -4, true, true},      {1, 70, 66, 8, -66, true, false}};
    for (auto const& [group, queries, keys, dim, first_query, causal, padded] : cases) {
        auto shape = heads_of(2, 2, group, queries, keys, dim);
        shape.causal = causal;
        shape.first_query = first_query;
        shape.key_lengths = padded ? lengths.data() : nullptr;
        std::size_t const q_size = 4 * group * queries * dim, k_size = 4 * keys * dim;
        auto const q = values<T>(q_size, 10), k = values<T>(k_size, 11), v = values<T>(k_size, 12),
                   d_o = values<T>(q_size, 13);
        std::vector<T> o(q_size, T{7}), lse(4 * group * queries, T{7}), dq(q_size, T{7}), dk(k_size, T{7}),
            dv(k_size, T{7});
        B::attention(shape, q.data(), k.data(), v.data(), o.data(), lse.data());
        B::attention_gradient(shape, q.data(), k.data(), v.data(), o.data(), lse.data(), d_o.data(),
                              dq.data(), dk.data(), dv.data());
        auto const wanted = attention_reference(shape, q, k, v, d_o);
        CAPTURE(keys);
        CAPTURE(dim);
        check_close(o, wanted.o, 32);
        check_close(lse, wanted.lse, 32);
        check_close(dq, wanted.dq, 128);
        check_close(dk, wanted.dk, 256);
        check_close(dv, wanted.dv, 256);
    }
}

TEST_CASE_TEMPLATE("attention of bfloat16 is computed in float and rounded once", On,
                   on<meshwise::serial, float>, on<meshwise::tbb, float>) {
    using B = typename On::backend;
    using mw::bfloat16;
    std::vector<std::int32_t> const lengths{150, 97};
    for (bool const causal : {false, true}) {
        auto shape = heads_of(2, 2, 3, 130, 150, 40);
        shape.causal = causal;
        shape.first_query = 20;
        shape.key_lengths = lengths.data();
        std::size_t const q_size = std::size_t{2} * 130 * 6 * 40, k_size = q_size / 130 * 150 / 3;
        auto const q = values<bfloat16>(q_size, 18), k = values<bfloat16>(k_size, 19),
                   v = values<bfloat16>(k_size, 20), d_o = values<bfloat16>(q_size, 21);
        std::vector<bfloat16> o(q_size), dq(q_size), dk(k_size), dv(k_size);
        std::vector<float> lse(2 * 6 * 130);
        B::attention(shape, q.data(), k.data(), v.data(), o.data(), lse.data());
        B::attention_gradient(shape, q.data(), k.data(), v.data(), o.data(), lse.data(), d_o.data(),
                              dq.data(), dk.data(), dv.data());
        auto const wanted = attention_reference(shape, q, k, v, d_o);
        check_close(lse, wanted.lse, 32);
        // Half a unit of bfloat16 is 2^15 of float's; the gradients of scores see o rounded, too.
        auto const check = [](std::vector<bfloat16> const& got, std::vector<double> const& exact,
                              double units) {
            check_close(std::vector<float>(got.begin(), got.end()), exact, units);
        };
        double const half = 0x1p15;
        check(o, wanted.o, 1.01 * half);
        check(dv, wanted.dv, 1.01 * half);
        check(dq, wanted.dq, 4 * half);
        check(dk, wanted.dk, 4 * half);
    }
}

TEST_CASE_TEMPLATE("a head's attention does not depend on other heads, batches or threads", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const batch = 2, kv_heads = 3, group = 2, tokens = 90, dim = 32;
    std::size_t const q_size = batch * tokens * kv_heads * group * dim, k_size = q_size / group;
    auto const q = values<T>(q_size, 14), k = values<T>(k_size, 15), v = values<T>(k_size, 16),
               d_o = values<T>(q_size, 17);
    // Results: o, dq, dk and dv in the places that belong to the heads of this shape.
    auto const run = [&](mw::attention_shape const& shape, std::size_t at_q, std::size_t at_k) {
        std::vector<T> results(2 * q_size + 2 * k_size), lse(shape.batch * shape.kv_heads * group * tokens);
        T *const o = results.data(), *const dq = o + q_size, *const dk = dq + q_size, *const dv = dk + k_size;
        B::attention(shape, &q[at_q], &k[at_k], &v[at_k], o + at_q, lse.data());
        B::attention_gradient(shape, &q[at_q], &k[at_k], &v[at_k], o + at_q, lse.data(), &d_o[at_q],
                              dq + at_q, dk + at_k, dv + at_k);
        return results;
    };
    auto whole = heads_of(batch, kv_heads, group, tokens, tokens, dim);
    whole.causal = true;
    auto const all = run(whole, 0, 0);
    CHECK(same_with_more_threads<B>([&] { return run(whole, 0, 0); }));
    std::vector<T> joined(all.size());
    for (std::size_t b = 0; b < batch; ++b) {
        for (std::size_t h = 0; h < kv_heads; ++h) {
            auto one = whole;
            one.batch = one.kv_heads = 1;
            std::size_t const at = b * tokens * kv_heads * dim + h * dim;
            auto const part = run(one, at * group, at);
            for (std::size_t i = 0; i < joined.size(); ++i) joined[i] += part[i];  // disjoint, the rest is 0
        }
    }
    CHECK(all == joined);
}

namespace {

/// The last of some queries, alone: the bits that it has among the others.
template <class B, class In>
void check_last_query(std::size_t group, std::size_t keys, std::size_t dim, double scale) {
    CAPTURE(group);
    CAPTURE(keys);
    CAPTURE(dim);
    std::size_t const batch = 2, kv_heads = 2, queries = 5, heads = kv_heads * group;
    std::vector<std::int32_t> const lengths{static_cast<std::int32_t>(keys),
                                            static_cast<std::int32_t>(keys / 2)};
    auto among = heads_of(batch, kv_heads, group, queries, keys, dim);
    among.scale *= scale;
    among.causal = true;
    among.first_query = signed_size(keys) - signed_size(queries);
    among.key_lengths = lengths.data();
    auto const wide_q = values<float>(batch * queries * heads * dim, 14),
               wide_k = values<float>(batch * keys * kv_heads * dim, 15),
               wide_v = values<float>(batch * keys * kv_heads * dim, 16);
    std::vector<In> const q(wide_q.begin(), wide_q.end()), k(wide_k.begin(), wide_k.end()),
        v(wide_v.begin(), wide_v.end());
    using number = mw::attention_number<In>;
    std::vector<In> all(q.size());
    std::vector<number> all_lse(batch * heads * queries);
    B::attention(among, q.data(), k.data(), v.data(), all.data(), all_lse.data());
    auto alone = among;
    alone.queries = 1;
    alone.first_query = signed_size(keys) - 1;
    std::size_t const last = (queries - 1) * heads * dim;
    std::vector<number> lse(batch * heads);
    auto const run = [&] {
        std::vector<In> o(q.size());
        B::attention(alone, &q[last], k.data(), v.data(), &o[last], lse.data());
        return o;
    };
    auto const one = run();
    std::size_t wrong = 0;
    for (std::size_t b = 0; b < batch; ++b) {
        std::size_t const row = (b * queries + queries - 1) * heads * dim;
        wrong += !same_bits(&one[row], &all[row], heads * dim);
        for (std::size_t head = 0; head < heads; ++head)
            wrong +=
                !same_bits(&lse[b * heads + head], &all_lse[(b * heads + head) * queries + queries - 1], 1);
    }
    CHECK(wrong == 0);
    CHECK(same_with_more_threads<B>(run));
}

}  // namespace

TEST_CASE_TEMPLATE("one query alone has the bits that it has among others", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    for (std::size_t const group : {1U, 3U, 20U})
        for (auto const& [keys, dim] : std::vector<std::pair<std::size_t, std::size_t>>{
                 {5, 8}, {49, 64}, {64, 64}, {65, 24}, {200, 70}, {130, 130}}) {
            check_last_query<B, T>(group, keys, dim, 1);
            if constexpr (std::is_same_v<T, float>) check_last_query<B, mw::bfloat16>(group, keys, dim, 1);
        }
    check_last_query<B, T>(2, 70, 24, -3);
    check_last_query<B, T>(2, 70, 24, 0);
    if (!std::is_same_v<B, mw::serial>) check_last_query<B, T>(2, 4000, 64, 1);  // worth several threads
    check_last_query<B, T>(1, 20, 520, 1);  // a head longer than a block of k
}
