// backend: the interface of every backend, which holds memory and computes on it.
// Guarantees: a type that models `any_backend` has every member; all kernels are position independent (below).
// Costs: types only; nothing at run time.
//
// All members are static. Memory is raw; element types are float and double unless said. Sizes are std::size_t;
// strides are std::ptrdiff_t in elements. Kernels work on memory that allocate returned, and on a host backend on any
// host memory. Element-wise kernels may write to one of their inputs with the same strides; for the other kernels,
// operands must not overlap.
//
// Position independence: the bits of an output element depend only on the values it is computed from and, for sums,
// on an order that the number of summands fixes. They do not depend on how many rows or columns a call covers, on the
// element's place among them, or on the number of threads. This makes a split tensor bitwise equal to a whole one.
//
// -- a rank and its threads
// name                                       std::string_view
// memory_is_host                             std::true_type if the CPU may access what allocate returns
// leaves                                     number of leaf products of a contraction over a split axis
// computes                                   false for a backend that only counts (dry_run)
// allocate(bytes) -> void*                   64-byte aligned, throws std::bad_alloc
// deallocate(pointer, bytes) noexcept
// enter(workers, f)                          runs f(), the program of a rank, with at most `workers` threads
// parallel(count, grain, f)                  f(begin, end) over disjoint ranges that cover [0, count)
//
// -- products
// gemm(gemm_shape, a, b, c)                  float, double; also bfloat16 and float a, b, in any order, with
//                                            float c: each float is first rounded to the nearest bfloat16
// gemm(gemm_shape, a, b, c, bias)            the same, then + bias[n] unless bias is null; not for bfloat16
// batched_gemm(batch, a_step, b_step, c_step, gemm_shape, a, b, c)
// packed_elements<T>(gemm_shape)             elements of a packed B; 0 if packing does not pay
// pack(gemm_shape, b, packed)                arranges B for later products
// gemm_packed(gemm_shape, a, packed, c)      or (..., c, bias): the bits of gemm; b_k and b_n are ignored
// attention(attention_shape, q, k, v, o, lse)
// attention_gradient(attention_shape, q, k, v, o, lse, d_o, d_q, d_k, d_v)
//                                            float, double; also bfloat16 with float lse
//
// -- element by element
// fill(y, n, value)                          any trivially copyable type, as are copy and permute
// copy(y, x, n)
// permute(iteration_space<1>, out, in)                 strided copy
// cast(y, x, n)                              between float, double, bfloat16 and the integer types,
//                                            toward 0 and kept in the range of integers; NaN is 0 there
// add_to(y, x, n)                            y += x
// add(out, x, y, n)                          out = x + y
// scale(y, n, factor)                        y *= factor
// map(iteration_space<Inputs>, f, out, in...)          out[i] = f(in[i]...), broadcasting by strides of 0
// map_many<Outs>(n, f, outs, ins)            std::array<R*, Outs>, std::array<T const*, Ins>;
//                                            f takes Ins scalars, returns std::array<R, Outs>
// adamw(n, p, g, m, v, adamw_numbers)
//
// -- reductions
// sum(iteration_space<1>, out, in)                     out strides are 0 on the reduced dimensions; out is overwritten
// max(iteration_space<1>, out, in)                     the same; NaN wins
// sum_squares(n, x) -> double
//
// -- rows: x is (rows, n), contiguous
// argmax_rows(rows, n, x, int32 out)         ties: the lowest index; NaN wins
// row_max(rows, n, x, out)                   NaN wins
// softmax(rows, n, x, y)                     a row that is all -inf gives zeros
// softmax_gradient(rows, n, y, dy, dx)
// layer_norm(rows, n, x, gain, bias, eps, y, double mean, inverse_deviation)
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
// gather_rows(count, ids, first, rows, n, table, out)          an id outside [first, first + rows) gives zeros
// scatter_add_rows(count, ids, first, rows, n, dy, dtable)     adds to dtable, in the order of occurrence
// target_and_exp_sum(rows, n, valid, x, targets, first, out_max, out_target, out_exp_sum, out_sum = nullptr)
//                                            the maximum of the valid columns, or -inf without any; the target's
//                                            logit if it is in [first, first + valid), else 0; the sum of
//                                            exp(x - maximum) over the valid columns, and of x - maximum
//                                            where it is asked for. Where target == ignore_index no column is
//                                            valid; a maximum of -inf is not subtracted
// cross_entropy_gradient(rows, n, valid, x, largest, log_sum, targets, first, row_scale, smoothed, dx)
//                                            row_scale (exp((x - largest) - log_sum) - smoothed.each
//                                            - smoothed.target [column == target]);
//                                            0 in columns from `valid` on and in ignored rows; dx may be x
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <meshwise/backend/shapes.hpp>
#include <meshwise/scalar/bfloat16.hpp>

namespace meshwise {

/// The numbers of one AdamW step, with g' = gradient_scale g:
/// m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2,
/// p -= learning_rate (m / bias_correction1 / (sqrt(v / bias_correction2) + epsilon) + weight_decay p).
/// Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019.
/// Example: mw::adamw_numbers const first_step{.bias_correction1 = 1 - 0.9, .bias_correction2 = 1 - 0.999};
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

/// The pairs of components that rope rotates: (2i, 2i + 1), or (i, i + head_dim / 2).
/// Example: auto rotated = mw::rope<token, head_dim>(q, {.pairing = mw::rope_pairing::halves});
enum class rope_pairing { adjacent, halves };

/// The target distribution of a row: probability `each` for every valid column, and `target` more for the target's.
/// Label smoothing makes `each` positive.
/// Example: mw::smoothed_target const tenth_of_256{.target = 0.9, .each = 0.1 / 256};
struct smoothed_target {
    double target = 1;
    double each = 0;
};

/// A backend. The list of its members, and what each of them does, is at the head of backend/concept.hpp.
/// Example: static_assert(mw::any_backend<mw::serial>);
template <class B>
concept any_backend = requires(std::size_t n, std::ptrdiff_t step, void* memory, float* y, float const* x,
                               double number, double* means, double const* some_means, std::int32_t* indices,
                               std::int32_t const* ids, bfloat16 const* narrow, bfloat16* halves, bool flag) {
    { B::name } -> std::convertible_to<std::string_view>;
    typename B::memory_is_host;
    { B::leaves } -> std::convertible_to<std::size_t>;
    { B::computes } -> std::convertible_to<bool>;
    { B::allocate(n) } -> std::same_as<void*>;
    { B::deallocate(memory, n) } noexcept;
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
    B::permute(iteration_space<1>{}, y, x);
    B::cast(y, narrow, n);
    B::add_to(y, x, n);
    B::add(y, x, x, n);
    B::scale(y, n, 1.0F);
    B::map(iteration_space<2>{}, [](auto a, auto b) { return a + b; }, y, x, x);
    B::template map_many<2>(n, [](auto a) { return std::array{a, a}; }, std::array{y, y}, std::array{x});
    B::adamw(n, y, x, y, y, adamw_numbers{});

    B::sum(iteration_space<1>{}, y, x);
    B::max(iteration_space<1>{}, y, x);
    { B::sum_squares(n, x) } -> std::same_as<double>;

    B::argmax_rows(n, n, x, indices);
    B::row_max(n, n, x, y);
    B::softmax(n, n, x, y);
    B::softmax_gradient(n, n, x, x, y);
    B::layer_norm(n, n, x, x, x, number, y, means, y);
    B::layer_norm_gradient(n, n, x, x, some_means, x, x, y);
    B::layer_norm_parameters(n, n, x, some_means, x, x, y, y);
    B::rms_norm(n, n, x, x, number, y, y);
    B::rms_norm_gradient(n, n, x, x, x, x, y);
    B::rms_norm_parameters(n, n, x, x, x, y);
    B::rope(n, n, n, n, n, number, rope_pairing::halves, flag, x, y);

    B::gather_rows(n, ids, n, n, n, x, y);
    B::scatter_add_rows(n, ids, n, n, n, x, y);
    B::target_and_exp_sum(n, n, n, x, ids, n, y, y, y, y);
    B::cross_entropy_gradient(n, n, n, x, x, x, ids, n, x, smoothed_target{}, y);
};

}  // namespace meshwise
