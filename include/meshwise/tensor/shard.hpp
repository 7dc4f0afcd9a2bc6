#pragma once
// shard: which elements of the whole tensor this rank holds, and the way between the two.
#include <cstring>

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

namespace detail {
template <class Mesh, class... M>
std::size_t piece_index(communicator const& team, list<M...>) {
    std::size_t at = 0;
    ((at = at * M::ranks + (M::ranks == 1 ? 0 : team.coordinate(index_of<M, apply_to<list, Mesh>>))), ...);
    (void)team;
    return at;
}
// see `shard`
template <class F>
void for_each_run(std::span<std::size_t const> whole, std::span<std::size_t const> local,
                  std::span<std::size_t const> first, F& f) {
    if (whole.empty()) return f(std::size_t{0}, std::size_t{0}, std::size_t{1});
    std::size_t const last = whole.size() - 1;
    std::array<std::size_t, 16> at{};
    std::size_t rows = 1;
    for (std::size_t i = 0; i < last; ++i) rows *= local[i];
    for (std::size_t row = 0; row < rows; ++row) {
        std::size_t global = 0;
        for (std::size_t i = 0; i <= last; ++i) global = global * whole[i] + first[i] + at[i];
        f(row * local[last], global, local[last]);
        for (std::size_t i = last; i-- > 0;) {
            if (++at[i] < local[i]) break;
            at[i] = 0;
        }
    }
}
}  // namespace detail

/// The first global index of an axis that this rank holds of x.
template <tensor_axis Axis, class X>
std::size_t first_of_axis(X const& x) {
    return detail::piece_index<typename X::mesh>(*current().team, split_of<typename X::layout, Axis>{}) *
           x.template local<Axis>();
}

/// Global extents of all axes, and the first index this rank holds of each.
template <class X>
struct shard {
    static_assert(X::axis_count <= 16);
    std::array<std::size_t, X::axis_count> whole{}, local{}, first{};

    explicit shard(X const& x) {
        [&]<class... A>(axes<A...>) {
            std::size_t at = 0;
            ((whole[at] = x.template extent<A>(), local[at] = x.template local<A>(),
              first[at] = first_of_axis<A>(x), ++at),
             ...);
        }(typename X::axes{});
    }

    std::size_t whole_size() const {
        std::size_t n = 1;
        for (std::size_t e : whole) n *= e;
        return n;
    }

    /// f(local position, global position, length) for every contiguous run this rank holds.
    template <class F>
    void for_each_run(F f) const {
        detail::for_each_run(whole, local, first, f);
    }
};

/// This rank's part of a whole array that every rank can see.
template <class X>
X cut_from(std::span<typename X::value_type const> whole, typename X::extents_type extents = {}) {
    X x = X::uninitialized(extents);
    shard<X> const s(x);
    if (whole.size() != s.whole_size())
        throw error("a tensor of " + std::to_string(s.whole_size()) + " elements was given " +
                    std::to_string(whole.size()) + "; give the whole array on every rank");
    auto* const out = x.mutable_data();
    // a plan has no memory to write to; the comparison tells g++ 12 that the memory of others exists
    if (!X::backend::computes || out == nullptr) return x;
    s.for_each_run([&](std::size_t local, std::size_t global, std::size_t n) {
        std::memcpy(out + local, whole.data() + global, n * sizeof(typename X::value_type));
    });
    return x;
}

/// A tensor over the user's memory, which holds this rank's part and outlives the tensor. Nothing is copied.
template <class X>
X view_of(std::span<typename X::value_type> local, typename X::extents_type extents = {}) {
    X x = X::over(buffer::of_user(local.data(), local.size_bytes()), extents);
    if (x.size() != local.size())
        throw error("a view of " + std::to_string(x.size()) + " elements was given " +
                    std::to_string(local.size()) + "; the span holds what this rank holds");
    return x;
}

/// The same number everywhere.
template <class X>
X filled(typename X::value_type value, typename X::extents_type extents = {}) {
    if constexpr (is_poison<X>)
        return {};
    else {
        X x = X::uninitialized(extents);
        X::backend::fill(x.mutable_data(), x.size(), value);
        return x;
    }
}

}  // namespace meshwise
