// loss: what a loss may be: a tensor without axes, or a pair (sum, count) of such, which may be pending alike.
// Guarantees: a loss that is something else is refused with one sentence.
#pragma once

#include <type_traits>
#include <utility>

#include <meshwise/communicator/element_type.hpp>
#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

/// A loss that is not yet divided: sum over the elements that count, and how many they are, which is a constant.
/// Example:
/// auto const kept = mw::sum<batch, token, embed>(x * x);
/// auto const count = mw::sum<batch, token, embed>(mw::full<decltype(x)>(1));
/// mw::loss_parts const mean_of_squares{kept, count};  // divided when both are whole
template <class Sum, class Count>
struct loss_parts {
    Sum sum;
    Count count;
};

namespace detail {
template <class X>
double host_value(X const& x) {
    return X::backend::computes ? static_cast<double>(*x.raw_data()) : 1.0;
}

/// Sum and count of one micro-batch, as numbers of this rank, and over which mesh axes they are pending.
struct loss_numbers {
    double sum = 0, count = 0;
    mesh_mask pending = 0;
    element_type tree_type = element_type::float64;  // in which sums over ranks are made
};
template <class T>
inline constexpr bool is_loss_parts = false;
template <class S, class C>
inline constexpr bool is_loss_parts<loss_parts<S, C>> = true;

template <class Loss>
auto const& sum_part(Loss const& loss) {
    if constexpr (is_loss_parts<Loss>)
        return loss.sum;
    else
        return loss;
}
template <class Loss>
loss_numbers numbers_of(Loss const& loss) {
    if constexpr (is_loss_parts<Loss>) {
        return {host_value(loss.sum), host_value(loss.count), sum_mask<typename decltype(loss.sum)::layout>};
    } else
        return {host_value(loss), 1.0, 0};
}

// What a loss may be, one sentence for each way to be wrong; true where the rest can be compiled.
template <class Loss>
constexpr bool is_a_loss() {
    using Sum = std::remove_cvref_t<decltype(sum_part(std::declval<Loss const&>()))>;
    if constexpr (is_poison<Sum>)
        return false;
    else if constexpr (!is_tensor_type<Sum>) {
        static_assert(never<Loss>,
                      "meshwise: a loss is a tensor without axes, and this one is not a tensor, so it has no "
                      "gradient: return what the operations of meshwise made of the model's parameters");
        return false;
    } else if constexpr (Sum::axis_count != 0) {
        static_assert(never<Loss>,
                      "meshwise: a loss is a tensor without axes, and this one still has some: sum it over "
                      "them, with mw::sum<axes...>(x), and settle the sum with mw::settle<strategy>(x)");
        return false;
    } else if constexpr (!is_loss_parts<Loss>) {
        static_assert(sum_mask<typename Sum::layout> == 0,
                      "meshwise: this loss is a pending sum without its count (of how many elements it is to "
                      "be the mean): return mw::loss_parts{sum, count}, as mw::cross_entropy does, or "
                      "mw::settle<strategy>(sum)");
        return sum_mask<typename Sum::layout> == 0;
    } else {
        constexpr bool alike =
            std::is_same_v<typename decltype(Loss::sum)::layout, typename decltype(Loss::count)::layout>;
        static_assert(alike, "meshwise: sum and count of a loss are pending over the same mesh axes: reduce "
                             "neither, or both");
        return alike;
    }
}
}  // namespace detail

}  // namespace meshwise
