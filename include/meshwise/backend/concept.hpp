// backend: where numbers are crunched. What every backend offers, in one place.
// Guarantees: a type that models it has the whole interface; all kernels are position independent (below).
// Costs: types only, nothing at run time.
//
// All members are static; memory is raw; element types are float and double unless said. Sizes are
// std::size_t, strides are std::ptrdiff_t in elements. Kernels work on memory that allocate returned (or any
// host memory for host backends); element-wise kernels may write onto one of their inputs with the same
// strides, the others may not alias.
//
// Position independence: the bits of an output element depend only on the values it is made from and, for
// sums, on an order fixed by the number of summands. They depend neither on how many rows or columns a call
// covers, nor on where in them the element lies, nor on the number of threads. That is what makes a split
// tensor bitwise equal to a whole one.
//
// -- a rank and its threads
// name                                       std::string_view
// memory_is_host                             std::true_type when the CPU may touch what allocate returns
// leaves                                     contractions over a split axis are this many leaf products
// computes                                   false for backends that only count (dry_run)
// allocate(bytes) -> void*                   64-byte aligned, throws std::bad_alloc
// deallocate(pointer, bytes) noexcept
// enter(workers, f)                          runs f(), a rank's program, with at most `workers` threads
// parallel(count, grain, f)                  f(begin, end) over disjoint ranges that cover [0, count)
//
// -- products
// gemm(gemm_shape, a, b, c)                  float, double; also bfloat16 and float a, b, in any order, with
//                                            float c: each float is rounded to the nearest bfloat16 first
// gemm(gemm_shape, a, b, c, bias)            the same, then + bias[n]; null: no bias. Not for bfloat16
// batched_gemm(batch, a_step, b_step, c_step, gemm_shape, a, b, c)
// packed_elements<T>(gemm_shape)             elements of a packed B; 0 where packing does not pay
// pack(gemm_shape, b, packed)                arranges B for the products that follow
// gemm_packed(gemm_shape, a, packed, c)      or (..., c, bias): the bits of gemm; b_k and b_n are not looked at
// attention(attention_shape, q, k, v, o, lse)
// attention_gradient(attention_shape, q, k, v, o, lse, d_o, d_q, d_k, d_v)
//                                            float, double; also bfloat16 with float lse
//
// -- element by element
// fill(y, n, value)                          any trivially copyable type, as are copy and permute
// copy(y, x, n)
// permute(loops<1>, out, in)                 strided copy
// cast(y, x, n)                              between float, double, bfloat16 and the integer types
// add_to(y, x, n)                            y += x
// add(out, x, y, n)                          out = x + y
// scale(y, n, factor)                        y *= factor
// map(loops<Inputs>, f, out, in...)          out[i] = f(in[i]...), broadcasting by strides of 0
// map_many<Outs>(n, f, outs, ins)            std::array<R*, Outs>, std::array<T const*, Ins>;
//                                            f takes Ins scalars, returns std::array<R, Outs>
// adamw(n, p, g, m, v, adamw_numbers)
//
// -- reductions
// sum(loops<1>, out, in)                     out strides are 0 on the reduced dimensions; out is overwritten
// max(loops<1>, out, in)                     the same; NaN wins
// sum_squares(n, x) -> double
//
// -- rows: x is (rows, n), contiguous
// argmax_rows(rows, n, x, int32 out)         ties: the lowest index; NaN wins
// row_max(rows, n, x, out)                   NaN wins
// softmax(rows, n, x, y)                     a row that is all -inf gives zeros
// softmax_gradient(rows, n, y, dy, dx)
// layer_norm(rows, n, x, gain, bias, eps, y, mean, inverse_deviation)
// layer_norm_gradient(rows, n, x, gain, mean, inverse_deviation, dy, dx)
// layer_norm_parameters(rows, n, x, mean, inverse_deviation, dy, dgain, dbias)     gradients overwritten
// rms_norm(rows, n, x, gain, eps, y, inverse_deviation)
// rms_norm_gradient(rows, n, x, gain, inverse_deviation, dy, dx)
// rms_norm_parameters(rows, n, x, inverse_deviation, dy, dgain)
// rope(outer, tokens, heads, head_dim, first_position, base, rope_pairing, inverse, x, y)
//                                            x is (outer, tokens, heads, head_dim), y may be x;
//                                            inverse: the gradient
//
// -- tables and losses: ids and targets are int32 and global, a backend's columns or rows start at `first`
// gather_rows(count, ids, first, rows, n, table, out)          ids outside [first, first + rows) give zeros
// scatter_add_rows(count, ids, first, rows, n, dy, dtable)     added to dtable, in the order of occurrence
// target_and_exp_sum(rows, n, valid, x, targets, first, out_max, out_target, out_exp_sum)
//                                            the maximum of the valid columns, -inf without any; the target's
//                                            logit if it is in [first, first + valid), else 0; the sum of
//                                            exp(x - maximum) over the valid columns. Where target ==
//                                            ignored_target no column is valid
// cross_entropy_gradient(rows, n, valid, x, log_normalizer, targets, first, row_scale, expected, dx)
//                                            row_scale (exp(x - log_normalizer) - expected.each
//                                            - expected.target [column == target]);
//                                            columns from `valid` on and ignored rows get 0; dx may be x
#pragma once

#include <meshwise/backend/attention_shape.hpp>
#include <meshwise/backend/bfloat16.hpp>
#include <meshwise/backend/gemm_shape.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meshwise {

/// An n-dimensional iteration space with one output and `Inputs` inputs.
/// Shape and units: dimension 0 is outermost; strides count elements; an input stride of 0 broadcasts, an
/// output stride of 0 reduces (sum and max only). No dimension at all means one element.
template <std::size_t Inputs>
struct loops {
    static constexpr std::size_t max_dims = 8;
    std::size_t dims = 0;
    std::array<std::size_t, max_dims> extents{};
    std::array<std::ptrdiff_t, max_dims> out{};
    std::array<std::array<std::ptrdiff_t, max_dims>, Inputs> in{};

    /// How many points the space has.
    [[gnu::always_inline]] constexpr std::size_t size() const {
        std::size_t points = 1;
        for (std::size_t d = 0; d < dims; ++d) points *= extents[d];
        return points;
    }
};

/// The numbers of one AdamW step, where g' = gradient_scale g:
/// m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2,
/// p -= learning_rate (m / bias_correction1 / (sqrt(v / bias_correction2) + epsilon) + weight_decay p).
/// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
struct adamw_numbers {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double epsilon = 1e-8;
    double weight_decay = 0;
    double bias_correction1 = 1;  // 1 - beta1^step
    double bias_correction2 = 1;  // 1 - beta2^step
    double gradient_scale = 1;
};

/// Which components of a head rope rotates together: (2i, 2i + 1), or (i, i + head_dim / 2).
enum class rope_pairing { adjacent, halves };

/// The probability that a loss expects of a row's columns: `each` of every column that counts, and `target` more
/// of the target's.
struct expected_probability {
    double target = 1;
    double each = 0;
};

/// A target that takes no part in the loss.
inline constexpr std::int32_t ignored_target = -100;

/// The product of a backend's kernels: see the list at the head of this file.
template <class B>
concept backend = requires(std::size_t n, std::ptrdiff_t step, void* memory, float* y, float const* x,
                           double number, std::int32_t* indices, std::int32_t const* ids,
                           bfloat16 const* narrow, bfloat16* halves, bool flag) {
    { B::name } -> std::convertible_to<std::string_view>;
    typename B::memory_is_host;
    { B::leaves } -> std::convertible_to<std::size_t>;
    { B::computes } -> std::convertible_to<bool>;
    { B::allocate(n) } -> std::same_as<void*>;
    { B::deallocate(memory, n) }
    noexcept;
    B::enter(n, [] {});
    B::parallel(n, n, [](std::size_t, std::size_t) {});

    B::gemm(gemm_shape{}, x, x, y);
    B::gemm(gemm_shape{}, x, x, y, x);
    B::gemm(gemm_shape{}, narrow, narrow, y);
    B::gemm(gemm_shape{}, x, narrow, y);
    B::gemm(gemm_shape{}, narrow, x, y);
    B::batched_gemm(n, step, step, step, gemm_shape{}, x, x, y);
    B::batched_gemm(n, step, step, step, gemm_shape{}, narrow, narrow, y);
    B::batched_gemm(n, step, step, step, gemm_shape{}, x, narrow, y);
    { B::template packed_elements<float>(gemm_shape{}) } -> std::same_as<std::size_t>;
    { B::template packed_elements<bfloat16>(gemm_shape{}) } -> std::same_as<std::size_t>;
    B::pack(gemm_shape{}, x, y);
    B::gemm_packed(gemm_shape{}, x, x, y);
    B::gemm_packed(gemm_shape{}, narrow, narrow, y);
    B::gemm_packed(gemm_shape{}, x, narrow, y);
    B::gemm_packed(gemm_shape{}, x, x, y, x);
    B::attention(attention_shape{}, x, x, x, y, y);
    B::attention(attention_shape{}, narrow, narrow, narrow, halves, y);
    B::attention_gradient(attention_shape{}, x, x, x, x, x, x, y, y, y);
    B::attention_gradient(attention_shape{}, narrow, narrow, narrow, narrow, x, narrow, halves, halves,
                          halves);

    B::fill(y, n, 0.0F);
    B::copy(y, x, n);
    B::permute(loops<1>{}, y, x);
    B::cast(y, narrow, n);
    B::add_to(y, x, n);
    B::add(y, x, x, n);
    B::scale(y, n, 1.0F);
    B::map(
        loops<2>{}, [](auto a, auto b) { return a + b; }, y, x, x);
    B::template map_many<2>(
        n,
        [](auto a) {
            return std::array{a, a};
        },
        std::array{y, y}, std::array{x});
    B::adamw(n, y, x, y, y, adamw_numbers{});

    B::sum(loops<1>{}, y, x);
    B::max(loops<1>{}, y, x);
    { B::sum_squares(n, x) } -> std::same_as<double>;

    B::argmax_rows(n, n, x, indices);
    B::row_max(n, n, x, y);
    B::softmax(n, n, x, y);
    B::softmax_gradient(n, n, x, x, y);
    B::layer_norm(n, n, x, x, x, number, y, y, y);
    B::layer_norm_gradient(n, n, x, x, x, x, x, y);
    B::layer_norm_parameters(n, n, x, x, x, x, y, y);
    B::rms_norm(n, n, x, x, number, y, y);
    B::rms_norm_gradient(n, n, x, x, x, x, y);
    B::rms_norm_parameters(n, n, x, x, x, y);
    B::rope(n, n, n, n, n, number, rope_pairing::halves, flag, x, y);

    B::gather_rows(n, ids, n, n, n, x, y);
    B::scatter_add_rows(n, ids, n, n, n, x, y);
    B::target_and_exp_sum(n, n, n, x, ids, n, y, y, y);
    B::cross_entropy_gradient(n, n, n, x, x, ids, n, x, expected_probability{}, y);
};

}  // namespace meshwise
