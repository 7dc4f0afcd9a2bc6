// shapes: sizes and strides of the kernels: an iteration space, a matrix product, an attention.
// Costs: plain data; nothing at run time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <meshwise/core/axis.hpp>
#include <meshwise/scalar/bfloat16.hpp>

namespace meshwise {

/// An n-dimensional iteration space with one output and `Inputs` inputs.
/// Shape and units: dimension 0 is outermost; strides count elements. An input stride of 0 broadcasts; an output
/// stride of 0 reduces (sum and max only). A space without dimensions has one element.
/// Example: mw::iteration_space<1> const transposition{.dims = 2, .extents = {3, 5}, .out = {5, 1}, .in = {{{1,
/// 3}}}};
template <std::size_t Inputs>
struct iteration_space {
    /// The axes of a tensor, and the one of ranks that packing for an exchange between ranks adds.
    static constexpr std::size_t max_dims = most_axes + 1;
    std::size_t dims = 0;
    std::array<std::size_t, max_dims> extents{};
    std::array<std::ptrdiff_t, max_dims> out{};
    std::array<std::array<std::ptrdiff_t, max_dims>, Inputs> in{};

    /// The number of points.
    [[gnu::always_inline]] constexpr std::size_t size() const {
        std::size_t points = 1;
        for (std::size_t d = 0; d < dims; ++d) points *= extents[d];
        return points;
    }
};

/// C(m, n) = sum over k of A(m, k) B(k, n); with `accumulate` the sum is added to C.
///
/// Shape and units: strides count elements and may have any value, 0 and negative included, as long as the elements
/// of C are distinct. To transpose an operand, exchange its two strides. A product with k == 0 is zero; one with m ==
/// 0 or n == 0 has no elements.
/// Example: mw::gemm_shape const rows{.m = 2, .n = 3, .k = 4, .a_m = 4, .a_k = 1, .b_k = 3, .b_n = 1, .c_m = 3, .c_n
/// = 1};
struct gemm_shape {
    std::size_t m = 0, n = 0, k = 0;
    std::ptrdiff_t a_m = 0, a_k = 0, b_k = 0, b_n = 0, c_m = 0, c_n = 0;
    bool accumulate = false;
};

/// The type in which an attention over elements of T is computed and its log-sum-exps are stored.
/// Example: static_assert(std::is_same_v<mw::attention_number<mw::bfloat16>, float>);
template <class T>
using attention_number = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// o = softmax(scale q k^T) v for every (batch, key-value head, query head of its group).
///
/// Shape and units: strides count elements; head_dim is contiguous. o and the gradient of q have the strides of q;
/// the gradients of k and v have the strides of k and v. The log-sum-exp of each row is contiguous: (batch, kv_heads,
/// group, queries). Query i sees key j if j is below the length of its batch and, with `causal`, j <= i +
/// first_query. A query that sees no key has output zero, log-sum-exp -inf and gradient zero.
/// Example: mw::attention_shape const one_token{.batch = 1, .kv_heads = 4, .queries = 1, .keys = 16, .head_dim = 8};
struct attention_shape {
    std::size_t batch = 0, kv_heads = 0, group = 1, queries = 0, keys = 0, head_dim = 0;
    bool causal = false;
    /// Global position of query 0 minus that of key 0; negative if the keys begin after it.
    std::ptrdiff_t first_query = 0;
    double scale = 1;
    /// Number of valid keys per batch; nullptr if all are valid.
    std::int32_t const* key_lengths = nullptr;
    std::ptrdiff_t q_batch = 0, q_token = 0, q_head = 0, q_group = 0;
    std::ptrdiff_t k_batch = 0, k_token = 0, k_head = 0;
    std::ptrdiff_t v_batch = 0, v_token = 0, v_head = 0;

    /// The number of the first `length` keys that query i sees.
    constexpr std::size_t visible(std::size_t i, std::size_t length) const {
        std::ptrdiff_t const past = static_cast<std::ptrdiff_t>(i) + first_query + 1;
        if (!causal || past >= static_cast<std::ptrdiff_t>(length)) return length;
        return past < 0 ? 0 : static_cast<std::size_t>(past);
    }
};

}  // namespace meshwise
