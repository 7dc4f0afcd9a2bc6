// one_hot: ids as rows of zeros with a one where the id says. Rule: the ids' placement, Classes whole.
// An id has no gradient. Cost: one pass over the result.
#pragma once

#include <meshwise/core/ignore_index.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/ops/rows/checked_ids.hpp>

namespace meshwise {

namespace detail {
template <class Classes, class Ids>
using encodable = all_of<not_refused<Ids>, not_pending<typename Ids::layout>, counts_in_int32<Ids>,
                         not_there_yet<Classes, typename Ids::axes>, few_axes<Ids::axis_count + 1>>;
}  // namespace detail

/// 1 at the index that an id gives, 0 elsewhere, along a new last axis Classes; all 0 for mw::ignore_index. The elements are
/// float, or T. Placement: Classes whole, the other axes as in `ids`. Communication: none.
/// Errors: an id outside of Classes; ids that are not int32 do not compile.
/// Example: auto rows = mw::one_hot<label>(labels);
template <any_axis Classes, class T = float, any_tensor Ids>
auto one_hot(Ids const& ids, std::source_location where = std::source_location::current()) {
    using verdict = detail::encodable<Classes, Ids>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        static_assert(!Classes::bounded, "meshwise: the classes of mw::one_hot are an axis of fixed size");
        check_operands(where, ids);
        detail::check_ids<Classes>(ids, "id", ignore_index);
        using all = as_axes<detail::concat<detail::as_list<typename Ids::axes>, detail::list<Classes>>>;
        using out_type =
            tensor<T, all, relayout<all, detail::list<>, typename Ids::layout>, typename Ids::backend>;
        auto out = result_of<out_type>(ids);
        T* const elements = out.mutable_data();
        out_type::backend::fill(elements, out.local_size(), T{});
        if constexpr (out_type::backend::computes)
            for (std::size_t i = 0; i < ids.local_size(); ++i)
                if (std::int32_t const id = ids.raw_data()[i]; id != ignore_index)
                    elements[i * Classes::size + static_cast<std::size_t>(id)] = T{1};
        detail::clear_padding(out);
        return out;
    }
}

}  // namespace meshwise
