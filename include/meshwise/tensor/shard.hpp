// shard: which elements of the whole tensor this rank holds, and the way between the two.
#pragma once

#include <algorithm>
#include <cstring>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
// Numbers that a program has are a value, and a rank of a pending sum holds one summand of it.
template <class X>
constexpr void refuse_pending_by_hand() {
    static_assert(
        !is_partial<typename X::layout>,
        "meshwise: a constant of the type of a pending sum would count once per rank: make it of a settled "
        "type, such as mw::tensor_of<strategy, float, axes...>, or of the value that mw::settle<strategy>(x) is");
}

// see `shard`
template <class F>
void for_each_run(std::span<std::size_t const> whole, std::span<std::size_t const> local,
                  std::span<std::size_t const> first, F& f) {
    if (whole.empty()) return f(std::size_t{0}, std::size_t{0}, std::size_t{1});
    std::size_t const last = whole.size() - 1;
    // what lies behind the end of an axis is padding, and no element of `whole`
    std::size_t const run = first[last] < whole[last] ? std::min(local[last], whole[last] - first[last]) : 0;
    if (run == 0) return;
    std::array<std::size_t, most_axes> at{};
    std::size_t rows = 1;
    for (std::size_t i = 0; i < last; ++i) rows *= local[i];
    for (std::size_t row = 0; row < rows; ++row) {
        std::size_t global = 0;
        bool is_inside = true;
        for (std::size_t i = 0; i <= last; ++i) {
            global = global * whole[i] + first[i] + at[i];
            is_inside = is_inside && first[i] + at[i] < whole[i];
        }
        if (is_inside) f(row * local[last], global, run);
        for (std::size_t i = last; i-- > 0;) {
            if (++at[i] < local[i]) break;
            at[i] = 0;
        }
    }
}
}  // namespace detail

/// Global extents of all axes, and the first index this rank holds of each.
/// Example:
/// mw::shard const part(x);
/// part.for_each_run([](std::size_t local, std::size_t global, std::size_t n) { std::cout << local << ' ' << global << ' ' << n << '\n'; });
template <class X>
struct shard {
    std::array<std::size_t, X::axis_count> whole{}, local{}, first{};

    explicit shard(X const& x) {
        [&]<class... A>(axes<A...>) {
            std::size_t at = 0;
            ((whole[at] = x.template stored_extent<A>(), local[at] = x.template local_extent<A>(),
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

namespace detail {
// What this rank holds of x is compared with the ranks that hold the same of it, at their next collective.
template <class X>
void note_elements(X const& x, common_kind kind) {
    if constexpr (alike_along<typename X::layout> != 0 && X::backend::computes)
        current().team->note_common(
            hash_of_bytes(x.raw_data(), x.local_size() * sizeof(typename X::value_type)), kind,
            alike_along<typename X::layout>);
}

// see `cut_from`. Of a long array each rank compares a share, and all of what it holds: the rest it does not read.
template <class X>
X cut_whole(std::span<typename X::value_type const> whole, typename X::extents_type extents,
            common_kind kind) {
    X x = X::uninitialized(extents);
    shard<X> const s(x);
    if (whole.size() != s.whole_size())
        throw_error({"a tensor of ", s.whole_size(), " elements",
                     (has_padding(typename X::axes{}) ? ", with the padding of its axes," : ""),
                     " was given ", whole.size(), "; give the whole array on every rank"});
    if constexpr (X::mesh::ranks > 1)
        current().team->note_common(hash_of_share(whole.data(), whole.size_bytes()), kind);
    auto* const out = x.mutable_data();
    // a plan has no memory to write to; the comparison tells g++ 12 that the memory of others exists
    if (!X::backend::computes || out == nullptr) return x;
    s.for_each_run([&](std::size_t local, std::size_t global, std::size_t n) {
        std::memcpy(out + local, whole.data() + global, n * sizeof(typename X::value_type));
    });
    detail::clear_padding(x);
    if (whole.size_bytes() > most_of_share) note_elements(x, kind);
    return x;
}
}  // namespace detail

/// This rank's part of a whole array that every rank can see. What it has in the padding of an axis is left out.
/// Errors: an array of another size; ranks with different arrays throw at their next collective.
/// Example:
/// std::vector<float> const whole(batch::size * embed::size);
/// auto part = mw::cut_from<value<batch, embed>>(std::span(whole));
template <class X>
X cut_from(std::span<typename X::value_type const> whole,
           typename X::extents_type extents = detail::no_extents<X::bounded_count>()) {
    detail::refuse_pending_by_hand<X>();
    return detail::cut_whole<X>(whole, extents, common_kind::elements);
}

/// A tensor over the user's memory, which holds this rank's part and outlives the tensor. Nothing is copied; what
/// stands in the padding of an axis becomes zero.
/// Errors: memory of another size. Ranks that hold the same part and have it different now throw at their next collective
/// (of more than a million bytes a share is compared); what is written to the memory later is not compared.
/// Example:
/// std::vector<float> local(batch::size / 2 * embed::size);  // batch is split over two ranks
/// auto part = mw::view_of<value<batch, embed>>(std::span(local));
template <class X>
X view_of(std::span<typename X::value_type> local,
          typename X::extents_type extents = detail::no_extents<X::bounded_count>()) {
    detail::refuse_pending_by_hand<X>();
    X x = X::over(buffer::of_user(local.data(), local.size_bytes()), extents);
    if (x.local_size() != local.size())
        detail::throw_error({"a view of ", x.local_size(), " elements was given ", local.size(),
                             "; the span holds what this rank holds"});
    detail::clear_padding(x);
    if constexpr (detail::alike_along<typename X::layout> != 0 && X::backend::computes)
        current().team->note_common(detail::hash_of_share(local.data(), local.size_bytes()),
                                    common_kind::elements, detail::alike_along<typename X::layout>);
    return x;
}

}  // namespace meshwise
