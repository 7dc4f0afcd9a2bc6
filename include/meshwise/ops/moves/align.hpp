// align: brings a value to where another one, with which it is to be combined, already lives.
#pragma once

#include <meshwise/ops/moves/reshard.hpp>

namespace meshwise {

/// x, split as `like` splits the axes they share, whole otherwise. Communication: `reshard`; nothing where they agree.
/// Example: auto y = x + mw::align(bias, x);
template <any_tensor X, any_tensor Like>
auto align(X const& x, Like const&, std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Like>)
        return poison{};
    else
        return reshard<relayout<typename X::axes, detail::list<>, typename Like::layout>>(x, where);
}

}  // namespace meshwise
