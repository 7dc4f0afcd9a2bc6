// What every backend for host memory promises about attention.
#include "conformance/backend_reference.hpp"

namespace mw = meshwise;

namespace {

std::ptrdiff_t signed_size(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

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
void check_last_query(std::size_t group, std::size_t keys, std::size_t dim, double scale,
                      std::size_t batch = 2, std::size_t kv_heads = 2) {
    CAPTURE(group);
    CAPTURE(keys);
    CAPTURE(dim);
    std::size_t const queries = 5, heads = kv_heads * group;
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
    if (!std::is_same_v<B, mw::serial>) check_last_query<B, T>(5, 4000, 64, 1);  // worth several threads
    if (!std::is_same_v<B, mw::serial>)
        check_last_query<B, T>(5, 8000, 64, 1, 1, 1);  // one group for all threads
    check_last_query<B, T>(1, 20, 520, 1);             // a head longer than a block of k
}
