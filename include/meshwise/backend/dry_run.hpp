// dry_run: a backend that computes nothing and counts operations, to plan programs that are too large to run.
// Guarantees: the concept `any_backend`; tensors get no memory; products and attention are counted.
// Costs: the calls.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <meshwise/backend/concept.hpp>

namespace meshwise {

/// The backend that only counts: see backend/concept.hpp for its members. Every allocation returns the same 64 bytes,
/// which must not be read or written: programs ask `computes` before they look at a value.
/// Example: mw::dry_run::flops() = 0;
struct dry_run {
    static constexpr std::string_view name = "dry_run";
    using memory_is_host = std::true_type;
    static constexpr std::size_t leaves = 1;
    static constexpr bool computes = false;

    /// Floating point operations of this thread's products and attentions so far; a multiply-add counts as two.
    /// Assign 0 to start again.
    static std::uint64_t& flops() {
        thread_local std::uint64_t count = 0;
        return count;
    }

    static void* allocate(std::size_t) {
        alignas(64) static std::byte nothing[64];
        return nothing;
    }
    static void deallocate(void*, std::size_t) noexcept {}

    template <class F>
    static decltype(auto) enter(std::size_t, F&& f) {
        return std::forward<F>(f)();
    }
    template <class F>
    static void parallel(std::size_t, std::size_t, F&&) {}

    template <class Left, class Right, class R>
    static void gemm(gemm_shape const& shape, Left const*, Right const*, R*, R const* = nullptr) {
        flops() += std::uint64_t{2} * shape.m * shape.n * shape.k;
    }
    template <class Left, class Right, class R>
    static void batched_gemm(std::size_t batch, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,
                             gemm_shape const& shape, Left const*, Right const*, R*) {
        flops() += std::uint64_t{2} * batch * shape.m * shape.n * shape.k;
    }
    template <class T>
    static std::size_t packed_elements(gemm_shape const& shape) {
        return shape.k * shape.n;
    }
    template <class T>
    static void pack(gemm_shape const&, T const*, T*) {}
    template <class Left, class Right, class R>
    static void gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c,
                            R const* = nullptr) {
        gemm(shape, a, packed, c);
    }
    template <class T>
    static void attention(attention_shape const& shape, T const*, T const*, T const*, T*,
                          attention_number<T>*) {
        flops() += 2 * products(shape, 2);
    }
    template <class T>
    static void attention_gradient(attention_shape const& shape, T const*, T const*, T const*, T const*,
                                   attention_number<T> const*, T const*, T*, T*, T*) {
        flops() += 2 * products(shape, 5);  // the scores again, and the gradients of weights, q, k and v
    }

    template <class T>
    static void fill(T*, std::size_t, T) {}
    template <class T>
    static void copy(T*, T const*, std::size_t) {}
    template <class T>
    static void permute(iteration_space<1> const&, T*, T const*) {}
    template <class To, class From>
    static void cast(To*, From const*, std::size_t) {}
    template <class T>
    static void add_to(T*, T const*, std::size_t) {}
    template <class T>
    static void add(T*, T const*, T const*, std::size_t) {}
    template <class T>
    static void scale(T*, std::size_t, T) {}
    template <class F, class R, class... T>
    static void map(iteration_space<sizeof...(T)> const&, F const&, R*, T const*...) {}
    template <std::size_t Outs, class F, class R, class T, std::size_t Ins>
    static void map_many(std::size_t, F const&, std::array<R*, Outs>, std::array<T const*, Ins>) {}
    template <class T>
    static void adamw(std::size_t, T*, T const*, T*, T*, adamw_numbers const&) {}

    template <class T>
    static void sum(iteration_space<1> const&, T*, T const*) {}
    template <class T>
    static void max(iteration_space<1> const&, T*, T const*) {}
    template <class T>
    static double sum_squares(std::size_t, T const*) {
        return 0;
    }

    template <class T>
    static void argmax_rows(std::size_t, std::size_t, T const*, std::int32_t*) {}
    template <class T>
    static void row_max(std::size_t, std::size_t, T const*, T*) {}
    template <class T>
    static void softmax(std::size_t, std::size_t, T const*, T*) {}
    template <class T>
    static void softmax_gradient(std::size_t, std::size_t, T const*, T const*, T*) {}
    template <class T>
    static void layer_norm(std::size_t, std::size_t, T const*, T const*, T const*, double, T*, double*, T*) {}
    template <class T>
    static void layer_norm_gradient(std::size_t, std::size_t, T const*, T const*, double const*, T const*,
                                    T const*, T*) {}
    template <class T>
    static void layer_norm_parameters(std::size_t, std::size_t, T const*, double const*, T const*, T const*,
                                      T*, T*) {}
    template <class T>
    static void rms_norm(std::size_t, std::size_t, T const*, T const*, double, T*, T*) {}
    template <class T>
    static void rms_norm_gradient(std::size_t, std::size_t, T const*, T const*, T const*, T const*, T*) {}
    template <class T>
    static void rms_norm_parameters(std::size_t, std::size_t, T const*, T const*, T const*, T*) {}
    template <class T>
    static void rope(std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, double, rope_pairing,
                     bool, T const*, T*) {}

    template <class T>
    static void gather_rows(std::size_t, std::int32_t const*, std::size_t, std::size_t, std::size_t, T const*,
                            T*) {}
    template <class T>
    static void scatter_add_rows(std::size_t, std::int32_t const*, std::size_t, std::size_t, std::size_t,
                                 T const*, T*) {}
    template <class T>
    static void target_and_exp_sum(std::size_t, std::size_t, std::size_t, T const*, std::int32_t const*,
                                   std::size_t, T*, T*, T*, T* = nullptr) {}
    template <class T>
    static void cross_entropy_gradient(std::size_t, std::size_t, std::size_t, T const*, T const*, T const*,
                                       std::int32_t const*, std::size_t, T const*, smoothed_target, T*) {}

private:
    // Multiply-adds of `count` products of scores or weights; with `causal`, the pairs that a query may see. The
    // lengths of the batches are in memory that a dry run does not have.
    static std::uint64_t products(attention_shape const& shape, std::uint64_t count) {
        std::uint64_t pairs = 0;
        for (std::size_t i = 0; i < shape.queries; ++i) pairs += shape.visible(i, shape.keys);
        return count * pairs * shape.head_dim * shape.batch * shape.kv_heads * shape.group;
    }
};

static_assert(any_backend<dry_run>);

}  // namespace meshwise
