// serial: the reference backend: plain loops, one thread, the C++ standard library only.
// Guarantees: the concept `any_backend`; position independence; sums in double. The other backends are tested against
// it.
// Costs: speed. Use it to check, to debug and to read.
#pragma once

#include <cstddef>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/serial/elements.hpp>
#include <meshwise/backend/serial/products.hpp>
#include <meshwise/backend/serial/rows.hpp>

namespace meshwise {

/// The backend that is easiest to read: see backend/concept.hpp for its members.
/// Example: using checked = mw::strategy<mesh, mw::split<batch, dp>, mw::on<mw::serial>>;
struct serial : serial_kernels::products, serial_kernels::elements, serial_kernels::rows {
    static constexpr std::string_view name = "serial";
    using memory_is_host = std::true_type;
    static constexpr std::size_t leaves = 1;
    static constexpr bool computes = true;

    static void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{64}); }
    static void deallocate(void* memory, std::size_t) noexcept {
        ::operator delete(memory, std::align_val_t{64});
    }

    template <class F>
    static decltype(auto) enter(std::size_t, F&& f) {
        return std::forward<F>(f)();
    }

    template <class F>
    static void parallel(std::size_t count, std::size_t, F&& f) {
        if (count > 0) f(std::size_t{0}, count);
    }
};

static_assert(any_backend<serial>);

}  // namespace meshwise
