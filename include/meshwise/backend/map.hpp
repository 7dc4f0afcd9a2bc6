// map: any scalar function over any strides, as one vectorised pass; the element-wise kernels of the tbb
// backend.
// Guarantees: every element is computed by the same block of code, whatever its position and the strides.
// Costs: one pass over the memory; operands that are neither contiguous nor broadcast are gathered 64 at a
// time.
#pragma once

#include <meshwise/backend/collapse.hpp>
#include <meshwise/backend/lanes.hpp>
#include <meshwise/backend/math.hpp>
#include <meshwise/backend/one_code.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

namespace meshwise::fast {

/// One map over one space.
template <class Instructions, class F, class R, class... T>
class mapping {
    static constexpr std::size_t inputs = sizeof...(T);
    using steps = std::array<std::ptrdiff_t, inputs>;
    using pointers = std::tuple<T const*...>;
    using blocks_of_inputs = std::tuple<std::array<T, block>...>;

public:
    mapping(loops<inputs> const& space, F const& f, R* out, T const*... in)
        : space_(collapse(space)),
          f_(f),
          out_(out),
          in_(in...) {
        bool contiguous = space_.dims > 0 && space_.out[space_.dims - 1] == 1;
        for (std::size_t i = 0; contiguous && i < inputs; ++i) {
            contiguous = space_.in[i][space_.dims - 1] == 0 || space_.in[i][space_.dims - 1] == 1;
        }
        // Rows much shorter than a block are better gathered into full ones.
        by_rows_ = contiguous && 2 * space_.extents[space_.dims - 1] >= block;
    }

    /// Computes the points [begin, end). Cutting at multiples of `block` costs least.
    void compute(std::size_t begin, std::size_t end) const {
        walker<inputs> here(space_, begin);
        if (by_rows_) {
            while (begin < end) {
                std::size_t const n = std::min(here.run(), end - begin);
                row(here, n, std::index_sequence_for<T...>{});
                here.advance(n);
                begin += n;
            }
        } else {
            for (; begin < end; begin += block) {
                gathered(here, std::min(block, end - begin), std::index_sequence_for<T...>{});
            }
        }
    }

private:
    // The one place where f is computed. Not inlined, so that there is one machine code for all elements.
    MESHWISE_ONE_CODE static void blocks(F const& f, std::size_t count, R* out, steps step, T const*... in) {
        for (; count != 0; --count) {
            R values[block];
            for (std::size_t i = 0; i < block; ++i) values[i] = static_cast<R>(f(in[i]...));
            std::memcpy(static_cast<void*>(out), values, sizeof values);
            out += block;
            [[maybe_unused]] std::size_t input = 0;
            ((in += step[input++]), ...);
        }
    }

    template <std::size_t... I>
    void row(walker<inputs> const& here, std::size_t n, std::index_sequence<I...>) const {
        steps step{};
        pointers from{(std::get<I>(in_) + here.in(I))...};
        blocks_of_inputs buffer;
        auto broadcast = [&](auto& values, auto*& pointer, std::size_t input) {
            bool const moves = space_.in[input][space_.dims - 1] != 0;
            step[input] = moves ? static_cast<std::ptrdiff_t>(block) : 0;
            if (moves) return;
            values.fill(*pointer);
            pointer = values.data();
        };
        (broadcast(std::get<I>(buffer), std::get<I>(from), I), ...);
        R* const to = out_ + here.out();
        std::size_t const whole = n / block, rest = n % block;
        if (whole != 0) blocks(f_, whole, to, step, std::get<I>(from)...);
        if (rest == 0) return;
        auto pad = [&](auto& values, auto* pointer, std::size_t input) {
            if (step[input] == 0) return;
            std::copy_n(pointer + whole * block, rest, values.begin());
            std::fill(values.begin() + static_cast<std::ptrdiff_t>(rest), values.end(), values[rest - 1]);
        };
        (pad(std::get<I>(buffer), std::get<I>(from), I), ...);
        R values[block];
        blocks(f_, 1, values, step, std::get<I>(buffer).data()...);
        std::copy_n(values, rest, to + whole * block);
    }

    template <std::size_t... I>
    void gathered(walker<inputs>& here, std::size_t n, std::index_sequence<I...>) const {
        blocks_of_inputs buffer;
        walker<inputs> reading = here;
        for_each_run(reading, n, [&](std::size_t done, std::size_t run) {
            (gather(std::get<I>(buffer), std::get<I>(in_) + reading.in(I), stride(space_.in[I]), done, run),
             ...);
        });
        (pad(std::get<I>(buffer), n), ...);
        R values[block];
        blocks(f_, 1, values, steps{}, std::get<I>(buffer).data()...);
        for_each_run(here, n, [&](std::size_t done, std::size_t run) {
            R* const to = out_ + here.out();
            std::ptrdiff_t const along = stride(space_.out);
            for (std::size_t i = 0; i < run; ++i)
                to[static_cast<std::ptrdiff_t>(i) * along] = values[done + i];
        });
    }

    template <class Visit>
    static void for_each_run(walker<inputs>& here, std::size_t n, Visit&& visit) {
        for (std::size_t done = 0; done < n;) {
            std::size_t const run = std::min(here.run(), n - done);
            visit(done, run);
            here.advance(run);
            done += run;
        }
    }

    template <class In>
    static void gather(std::array<In, block>& to, In const* from, std::ptrdiff_t along, std::size_t done,
                       std::size_t run) {
        for (std::size_t i = 0; i < run; ++i) to[done + i] = from[static_cast<std::ptrdiff_t>(i) * along];
    }

    template <class In>
    static void pad(std::array<In, block>& values, std::size_t n) {
        std::fill(values.begin() + static_cast<std::ptrdiff_t>(n), values.end(), values[n - 1]);
    }

    std::ptrdiff_t stride(std::array<std::ptrdiff_t, loops<inputs>::max_dims> const& strides) const {
        return space_.dims == 0 ? 0 : strides[space_.dims - 1];
    }

    loops<inputs> space_;
    F const& f_;
    R* out_;
    pointers in_;
    bool by_rows_;
};

/// Several outputs from contiguous inputs: out[o][i] = f(in[i]...)[o].
template <class Instructions, std::size_t Outs, class F, class R, class T, std::size_t Ins>
MESHWISE_ONE_CODE void map_many(std::size_t n, F const& f, std::array<R*, Outs> const& out,
                                std::array<T const*, Ins> const& in) {
    auto compute = [&](std::size_t begin, std::size_t count, auto const*... from)
        __attribute__((always_inline)) {
        R values[Outs][block];
        for (std::size_t i = 0; i < block; ++i) {
            std::array<R, Outs> const results = f(from[i]...);
            unroll<Outs>([&](auto o) __attribute__((always_inline)) { values[o][i] = results[o]; });
        }
        unroll<Outs>([&](auto o) __attribute__((always_inline)) { put(out[o] + begin, values[o], count); });
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) { for_each_block(n, compute, in[I]...); }
    (std::make_index_sequence<Ins>{});
}

}  // namespace meshwise::fast

namespace meshwise {

/// Element by element: see backend/concept.hpp for what each member does.
template <class Instructions>
struct tbb_elements {
    template <class T>
    static void fill(T* y, std::size_t n, T value) {
        divide(n, [=](std::size_t begin, std::size_t end) { std::fill(y + begin, y + end, value); });
    }

    template <class T>
    static void copy(T* y, T const* x, std::size_t n) {
        divide(n, [=](std::size_t begin, std::size_t end) {
            std::memcpy(static_cast<void*>(y + begin), x + begin, (end - begin) * sizeof(T));
        });
    }

    template <class To, class From>
    static void cast(To* y, From const* x, std::size_t n) {
        map(
            line<1>(n), [](From value) { return static_cast<To>(value); }, y, x);
    }

    // One rounding each: vector and scalar code agree without blocks.
    template <class T>
    static void add_to(T* y, T const* x, std::size_t n) {
        divide(n, [=](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) y[i] += x[i];
        });
    }

    template <class T>
    static void add(T* out, T const* x, T const* y, std::size_t n) {
        divide(n, [=](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) out[i] = x[i] + y[i];
        });
    }

    template <class T>
    static void scale(T* y, std::size_t n, T factor) {
        divide(n, [=](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i) y[i] *= factor;
        });
    }

    template <class F, class R, class... T>
    static void map(loops<sizeof...(T)> const& space, F f, R* out, T const*... in) {
        fast::mapping<Instructions, F, R, T...> const mapping(space, f, out, in...);
        divide(space.size(), [&](std::size_t begin, std::size_t end) { mapping.compute(begin, end); });
    }

    template <std::size_t Outs, class F, class R, class T, std::size_t Ins>
    static void map_many(std::size_t n, F f, std::array<R*, Outs> out, std::array<T const*, Ins> in) {
        divide(n, [&](std::size_t begin, std::size_t end) {
            auto outs = out;
            auto ins = in;
            for (auto& pointer : outs) pointer += begin;
            for (auto& pointer : ins) pointer += begin;
            fast::map_many<Instructions>(end - begin, f, outs, ins);
        });
    }

    template <class T>
    static void adamw(std::size_t n, T* p, T const* g, T* m, T* v, adamw_numbers const& numbers) {
        T const beta1 = static_cast<T>(numbers.beta1), rest1 = static_cast<T>(1 - numbers.beta1);
        T const beta2 = static_cast<T>(numbers.beta2), rest2 = static_cast<T>(1 - numbers.beta2);
        T const gradient_scale = static_cast<T>(numbers.gradient_scale);
        T const rate = static_cast<T>(numbers.learning_rate / numbers.bias_correction1);
        T const decay = static_cast<T>(numbers.learning_rate * numbers.weight_decay);
        T const square_scale = static_cast<T>(1 / numbers.bias_correction2);
        T const epsilon = static_cast<T>(numbers.epsilon);
        auto const step = [=](T weight, T gradient, T mean, T square) {
            T const scaled = gradient * gradient_scale;
            T const new_mean = beta1 * mean + rest1 * scaled;
            T const new_square = beta2 * square + rest2 * (scaled * scaled);
            T const change = rate * new_mean / (sqrt(new_square * square_scale) + epsilon);
            return std::array<T, 3>{weight - (change + decay * weight), new_mean, new_square};
        };
        map_many<3>(n, step, std::array<T*, 3>{p, m, v}, std::array<T const*, 4>{p, g, m, v});
    }

private:
    // Enough elements for a few microseconds, in whole blocks.
    static constexpr std::size_t grain = 512 * fast::block;

    template <class F>
    static void divide(std::size_t n, F&& f) {
        tbb_threads<Instructions>::parallel(
            (n + grain - 1) / grain, 1,
            [&](std::size_t begin, std::size_t end) { f(begin * grain, std::min(end * grain, n)); });
    }

    template <std::size_t Inputs>
    static loops<Inputs> line(std::size_t n) {
        loops<Inputs> space;
        space.dims = 1;
        space.extents[0] = n;
        space.out[0] = 1;
        for (auto& strides : space.in) strides[0] = 1;
        return space;
    }
};

}  // namespace meshwise
