// default_backend: oneTBB where it is installed, plain loops otherwise (or with MESHWISE_SERIAL defined).
#pragma once

#include <meshwise/backend/reproducible.hpp>
#include <meshwise/backend/serial.hpp>
#include <meshwise/core/strategy.hpp>

#if !defined(MESHWISE_SERIAL) && __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb.hpp>
#define MESHWISE_HAS_TBB 1
#endif

namespace meshwise {

#ifdef MESHWISE_HAS_TBB
/// The backend of a strategy that names none.
/// Example: static_assert(std::is_same_v<mw::backend_of<S>, mw::best_backend>);
using best_backend = tbb;
#else
using best_backend = serial;
#endif

namespace detail {
template <class Option, std::size_t Leaves>
struct chosen_backend {
    using type = reproducible_backend<Option, Leaves>;
};
template <class Option>
struct chosen_backend<Option, 1> {
    using type = Option;
};
}  // namespace detail

/// The backend of a strategy's tensors.
/// Example:
/// static_assert(std::is_same_v<mw::backend_of<mw::strategy<mesh, mw::on<mw::serial>>>, mw::serial>);
template <class S>
using backend_of = typename detail::chosen_backend<
    std::conditional_t<std::is_same_v<typename S::backend_option, default_backend>, best_backend,
                       typename S::backend_option>,
    S::leaves>::type;

}  // namespace meshwise
