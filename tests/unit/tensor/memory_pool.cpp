// memory_pool: what is given back is used again, and what fits nothing any more is given up.
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>

#include <meshwise/tensor/memory_pool.hpp>

namespace mw = meshwise;

namespace {
std::size_t from_backend = 0;

void* allocate(std::size_t bytes) {
    from_backend += bytes;
    return std::malloc(bytes);
}
void deallocate(void* memory, std::size_t bytes) noexcept {
    from_backend -= bytes;
    std::free(memory);
}
std::unique_ptr<mw::memory_pool, mw::memory_pool::owner> new_pool() {
    return std::unique_ptr<mw::memory_pool, mw::memory_pool::owner>(
        new mw::memory_pool(&allocate, &deallocate));
}
constexpr std::size_t mega = std::size_t{1} << 20U;
}  // namespace

TEST_CASE("equal steps ask the backend once, however often they come") {
    auto const pool = new_pool();
    auto const step = [&] {
        auto* const a = pool->take(40 * mega, mw::purpose::activations);
        auto* const b = pool->take(3 * mega, mw::purpose::activations);
        pool->give_back(a);
        pool->give_back(b);
    };
    for (int i = 0; i < 10; ++i) step();
    CHECK(pool->use().backend_requests == 2);
    CHECK(pool->use().reserved == 43 * mega);
    CHECK(pool->use().live_total == 0);
}

TEST_CASE("batches of ever other shapes keep no more than about twice what was held at once") {
    {
        auto const pool = new_pool();
        auto* const kept = pool->take(10 * mega, mw::purpose::parameters);
        for (std::size_t size = 1; size <= 60; ++size) {
            auto* const one = pool->take(size * mega, mw::purpose::activations);
            CHECK(from_backend == pool->use().reserved);
            CHECK(pool->use().reserved <= 2 * pool->use().most_total + 16 * mega);
            pool->give_back(one);
        }
        CHECK(pool->use().live_total == kept->bytes);
        pool->give_back(kept);
    }
    CHECK(from_backend == 0);
}
