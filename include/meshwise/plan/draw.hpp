// draw: which rank holds what of a tensor type, as a small picture.
//   mw::print(mw::draw<decltype(x)>());
#pragma once

#include <string>

#include <meshwise/tensor/to_text.hpp>

namespace meshwise {

namespace detail {
// the range of an axis that a rank holds, "0..3", or "all"
template <class L, class Axis, class... M>
std::string held(list<M...>, std::array<std::size_t, 8> const& at) {
    if constexpr (sizeof...(M) == 0)
        return "all";
    else {
        std::size_t piece = 0;
        ((piece = piece * M::ranks + at[index_of<M, as_list<typename L::mesh>>]), ...);
        std::size_t const n = local_extent<L, Axis>;
        return std::to_string(piece * n) + ".." + std::to_string(piece * n + n - 1);
    }
}
}  // namespace detail

/// A line for the type and one for each rank (the first 16).
/// Example: std::puts(mw::draw<decltype(w)>().c_str());
template <class X>
std::string draw() {
    using L = typename X::layout;
    return []<class... A, class... M>(axes<A...>, mesh<M...>) {
        std::string text = detail::axes_text<L>({A::size...}, axes<A...>{});
        if constexpr (detail::sums_of<L>::size != 0)
            text += "  pending sum over " + detail::names_of(detail::sums_of<L>{});
        if constexpr (detail::maxima_of<L>::size != 0)
            text += "  pending maximum over " + detail::names_of(detail::maxima_of<L>{});
        text += "\n";
        std::array<std::size_t, 8> at{};
        constexpr std::array<std::size_t, 8> sizes{M::ranks...};
        constexpr std::array<std::string_view, 8> names{name_of<M>()...};
        std::size_t const shown = std::min<std::size_t>(mesh<M...>::ranks, 16);
        for (std::size_t r = 0; r < shown; ++r) {
            text += "  rank " + std::to_string(r) + " (";
            for (std::size_t i = 0; i < sizeof...(M); ++i)
                text += (i == 0 ? "" : ", ") + std::string(names[i]) + " " + std::to_string(at[i]);
            text += ")  [";
            bool first = true;
            ((text += std::string(first ? "" : ", ") + std::string(name_of<A>()) + " " +
                      detail::held<L, A>(split_of<L, A>{}, at),
              first = false),
             ...);
            text += "]\n";
            for (std::size_t i = sizeof...(M); i-- > 0;) {
                if (++at[i] < sizes[i]) break;
                at[i] = 0;
            }
        }
        if (shown < mesh<M...>::ranks)
            text += "  ... " + std::to_string(mesh<M...>::ranks - shown) + " more ranks\n";
        return text;
    }(typename X::axes{}, typename L::mesh{});
}

}  // namespace meshwise
