// map_loop: the loop of a map, around the blocks that its function is applied to.
// Guarantees: the bits of an element depend neither on its position nor on the strides.
// Costs: compiled once for each list of element types, whatever the functions.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include <meshwise/backend/cpu/blocks.hpp>
#include <meshwise/backend/cpu/coalesce.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/backend/tbb/threads.hpp>

namespace meshwise::tbb_kernels {

/// Applies f to `count` whole blocks of contiguous elements; in[i] advances by step[i] elements per block.
template <class R, class... T>
using map_blocks = void(void const* f, std::size_t count, R* out,
                        std::array<std::ptrdiff_t, sizeof...(T)> step, T const*... in);

/// One map over one iteration space.
template <class Instructions, class R, class... T>
class map_over_space {
    static constexpr std::size_t inputs = sizeof...(T);
    using steps = std::array<std::ptrdiff_t, inputs>;
    using pointers = std::tuple<T const*...>;
    using blocks_of_inputs = std::tuple<std::array<T, cpu::block>...>;

public:
    map_over_space(iteration_space<inputs> const& space, map_blocks<R, T...>* blocks, void const* f, R* out,
                   T const*... in)
        : space_(cpu::coalesce(space)),
          blocks_(blocks),
          f_(f),
          out_(out),
          in_(in...) {
        bool contiguous = space_.dims > 0 && space_.out[space_.dims - 1] == 1;
        for (std::size_t i = 0; contiguous && i < inputs; ++i) {
            contiguous = space_.in[i][space_.dims - 1] == 0 || space_.in[i][space_.dims - 1] == 1;
        }
        // Rows much shorter than a block are gathered into full blocks instead.
        by_rows_ = contiguous && 2 * space_.extents[space_.dims - 1] >= cpu::block;
    }

    /// Computes the points [begin, end). Bounds that are multiples of `block` cost least.
    void compute(std::size_t begin, std::size_t end) const {
        cpu::walker<inputs> here(space_, begin);
        if (by_rows_) {
            while (begin < end) {
                std::size_t const n = std::min(here.run(), end - begin);
                row(here, n, std::index_sequence_for<T...>{});
                here.advance(n);
                begin += n;
            }
        } else {
            for (; begin < end; begin += cpu::block) {
                gathered(here, std::min(cpu::block, end - begin), std::index_sequence_for<T...>{});
            }
        }
    }

private:
    template <std::size_t... I>
    void row(cpu::walker<inputs> const& here, std::size_t n, std::index_sequence<I...>) const {
        steps step{};
        pointers from{(std::get<I>(in_) + here.in(I))...};
        blocks_of_inputs buffer;
        auto broadcast = [&](auto& values, auto*& pointer, std::size_t input) {
            bool const moves = space_.in[input][space_.dims - 1] != 0;
            step[input] = moves ? static_cast<std::ptrdiff_t>(cpu::block) : 0;
            if (moves) return;
            values.fill(*pointer);
            pointer = values.data();
        };
        (broadcast(std::get<I>(buffer), std::get<I>(from), I), ...);
        R* const to = out_ + here.out();
        std::size_t const whole = n / cpu::block, rest = n % cpu::block;
        if (whole != 0) blocks_(f_, whole, to, step, std::get<I>(from)...);
        if (rest == 0) return;
        auto pad = [&](auto& values, auto* pointer, std::size_t input) {
            if (step[input] == 0) return;
            std::copy_n(pointer + whole * cpu::block, rest, values.begin());
            std::fill(values.begin() + static_cast<std::ptrdiff_t>(rest), values.end(), values[rest - 1]);
        };
        (pad(std::get<I>(buffer), std::get<I>(from), I), ...);
        R values[cpu::block];
        blocks_(f_, 1, values, step, std::get<I>(buffer).data()...);
        std::copy_n(values, rest, to + whole * cpu::block);
    }

    template <std::size_t... I>
    void gathered(cpu::walker<inputs>& here, std::size_t n, std::index_sequence<I...>) const {
        blocks_of_inputs buffer;
        cpu::walker<inputs> reading = here;
        for_each_run(reading, n, [&](std::size_t done, std::size_t run) {
            (gather(std::get<I>(buffer), std::get<I>(in_) + reading.in(I), stride(space_.in[I]), done, run),
             ...);
        });
        (pad(std::get<I>(buffer), n), ...);
        R values[cpu::block];
        blocks_(f_, 1, values, steps{}, std::get<I>(buffer).data()...);
        for_each_run(here, n, [&](std::size_t done, std::size_t run) {
            R* const to = out_ + here.out();
            std::ptrdiff_t const along = stride(space_.out);
            for (std::size_t i = 0; i < run; ++i)
                to[static_cast<std::ptrdiff_t>(i) * along] = values[done + i];
        });
    }

    template <class Visit>
    static void for_each_run(cpu::walker<inputs>& here, std::size_t n, Visit&& visit) {
        for (std::size_t done = 0; done < n;) {
            std::size_t const run = std::min(here.run(), n - done);
            visit(done, run);
            here.advance(run);
            done += run;
        }
    }

    template <class In>
    static void gather(std::array<In, cpu::block>& to, In const* from, std::ptrdiff_t along, std::size_t done,
                       std::size_t run) {
        for (std::size_t i = 0; i < run; ++i) to[done + i] = from[static_cast<std::ptrdiff_t>(i) * along];
    }

    template <class In>
    static void pad(std::array<In, cpu::block>& values, std::size_t n) {
        std::fill(values.begin() + static_cast<std::ptrdiff_t>(n), values.end(), values[n - 1]);
    }

    std::ptrdiff_t stride(
        std::array<std::ptrdiff_t, iteration_space<inputs>::max_dims> const& strides) const {
        return space_.dims == 0 ? 0 : strides[space_.dims - 1];
    }

    iteration_space<inputs> space_;
    map_blocks<R, T...>* blocks_;
    void const* f_;
    R* out_;
    pointers in_;
    bool by_rows_;
};

/// Elements per range of an element-wise loop: whole blocks, enough work for a few microseconds.
inline constexpr std::size_t elements_per_range = 512 * cpu::block;

/// f(begin, end) for ranges of [0, n), shared by the threads.
template <class Instructions, class F>
void for_each_range(std::size_t n, F&& f) {
    threads<Instructions>::parallel((n + elements_per_range - 1) / elements_per_range, 1,
                                    [&](std::size_t begin, std::size_t end) {
                                        f(begin * elements_per_range, std::min(end * elements_per_range, n));
                                    });
}

/// The map of all points of the space.
template <class Instructions, class R, class... T>
void map_loop(iteration_space<sizeof...(T)> const& space, map_blocks<R, T...>* blocks, void const* f, R* out,
              T const*... in) {
    map_over_space<Instructions, R, T...> const all(space, blocks, f, out, in...);
    for_each_range<Instructions>(space.size(),
                                 [&](std::size_t begin, std::size_t end) { all.compute(begin, end); });
}

// The loops that meshwise::compiled holds: up to 4 inputs of the result's type. Others are compiled where they are used.
// NOLINTBEGIN(bugprone-macro-parentheses): a type that is an argument of a template takes none
#define MESHWISE_MAP_LOOPS_OF(declare, T)                                                                    \
    declare void map_loop<simd::native>(iteration_space<1> const&, map_blocks<T, T>*, void const*, T*,       \
                                        T const*);                                                           \
    declare void map_loop<simd::native>(iteration_space<2> const&, map_blocks<T, T, T>*, void const*, T*,    \
                                        T const*, T const*);                                                 \
    declare void map_loop<simd::native>(iteration_space<3> const&, map_blocks<T, T, T, T>*, void const*, T*, \
                                        T const*, T const*, T const*);                                       \
    declare void map_loop<simd::native>(iteration_space<4> const&, map_blocks<T, T, T, T, T>*, void const*,  \
                                        T*, T const*, T const*, T const*, T const*);
#define MESHWISE_MAP_LOOPS(declare)                                                                          \
    MESHWISE_MAP_LOOPS_OF(declare, float)                                                                    \
    MESHWISE_MAP_LOOPS_OF(declare, double)                                                                   \
    MESHWISE_MAP_LOOPS_OF(declare, bfloat16)
// NOLINTEND(bugprone-macro-parentheses)
#if defined(MESHWISE_COMPILED)
MESHWISE_MAP_LOOPS(extern template)
#endif

}  // namespace meshwise::tbb_kernels
