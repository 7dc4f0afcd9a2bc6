// dropout: elements set to zero at random, the others scaled so that the mean stays. Whether an element stays
// depends on seed, name, step and its GLOBAL index only: one mask on every mesh, the same for all ranks that
// hold an element, and computed again for the gradient instead of being kept.
// Cost: one pass and one random number per element, forward and backward; no memory but the result's.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

namespace detail {
// the global index of the first element of a run along the last axis
template <class X>
std::size_t first_of_run(shard<X> const& part, std::size_t run) {
    std::size_t global = 0, stride = 1;
    for (std::size_t i = X::axis_count; i-- > 0; stride *= part.whole[i]) {
        std::size_t at = 0;
        if (i + 1 < X::axis_count) at = run % part.local[i], run /= part.local[i];
        global += (part.first[i] + at) * stride;
    }
    return global;
}

/// Which elements stay, and by what they are multiplied.
struct dropout_mask {
    random_stream numbers;
    std::uint64_t dropped_below;  // of 2^53
    double factor;

    dropout_mask(double probability, seed s, std::string_view name, std::uint64_t step)
        : numbers(s, name, step),
          dropped_below(static_cast<std::uint64_t>(probability * 0x1p53)),
          factor(probability < 1 ? 1 / (1 - probability) : 0) {}

    template <class X>
    X applied(X const& x) const {
        using T = typename X::value_type;
        using B = typename X::backend;
        auto out = result_of<X>(x);
        shard<X> const part(x);
        if (x.local_size() == 0) return out;
        std::size_t run = 1;
        if constexpr (X::axis_count > 0) run = part.local.back();
        T* const to = out.mutable_data();
        T const* const from = x.raw_data();
        auto const times = static_cast<summed_as<T>>(factor);
        B::parallel(x.local_size() / run, 1 + 16384 / run, [=, this](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                std::size_t const global = first_of_run(part, begin);
                for (std::size_t i = 0; i < run; ++i)
                    to[begin * run + i] = (numbers.bits(global + i) >> 11U) < dropped_below
                                              ? T{}
                                              : static_cast<T>(from[begin * run + i] * times);
            }
        });
        return out;
    }
};
}  // namespace detail

/// x with each element dropped with this probability, the others divided by 1 - probability.
/// Placement: any, kept: a mask is linear, and all summands of a pending sum get the same one.
/// Communication: none.
/// Errors: a probability outside [0, 1].
/// Source: Srivastava et al., 2014. Example: x = mw::dropout(x, 0.1, run_seed, "block.3.attention", step);
template <any_tensor X>
auto dropout(X const& x, double probability, seed s, std::string_view name, std::uint64_t step,
             std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, detail::no_maximum<typename X::layout>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        if (!detail::zero_to_one.has(probability))
            detail::check_options(("mw::dropout of " + std::string(name)).c_str(),
                                  {{"probability", probability, detail::zero_to_one}}, &where);
        if constexpr (X::mesh::ranks > 1)
            detail::note_common(common_kind::dropout, {detail::bits_of(probability), s.value, step,
                                                       detail::hash_of_bytes(name.data(), name.size())});
        if (probability == 0) return x;
        detail::dropout_mask const mask(probability, s, name, step);
        auto out = mask.applied(x);
        if (recorded)
            record_linear(out, where, [to = target_of(x), mask](auto const& d, mesh_mask pending) {
                contribute(to, mask.applied(d), pending);
            });
        return out;
    }
}

}  // namespace meshwise
