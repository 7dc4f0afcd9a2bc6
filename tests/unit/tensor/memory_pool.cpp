// memory_pool: what is given back is used again, and what fits nothing any more is given up.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

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

TEST_CASE("what a model keeps lies side by side, and is given up as a whole") {
    std::size_t const before = from_backend;
    {
        auto const pool = new_pool();
        std::vector<mw::detail::block*> weights;
        std::vector<std::pair<std::byte*, std::size_t>> places;
        for (std::size_t i = 0; i < 60; ++i) {
            weights.push_back(pool->take(100'000 + 64 * i, mw::purpose::parameters));
            places.emplace_back(static_cast<std::byte*>(weights.back()->data), weights.back()->bytes);
            std::memset(weights.back()->data, 1, weights.back()->bytes);
        }
        std::sort(places.begin(), places.end());
        for (std::size_t i = 1; i < places.size(); ++i)
            CHECK(places[i - 1].first + places[i - 1].second <= places[i].first);
        if (mw::detail::blocks_are_cut) {
            CHECK(pool->use().backend_requests == 2);  // 6 MB in slabs of 4
            CHECK(pool->use().reserved == 8 * mega);
        }
        CHECK(from_backend - before == pool->use().reserved);
        // an activation has memory of its own, and finds that of weights that are gone
        auto* const activation = pool->take(100'000, mw::purpose::activations);
        CHECK(activation->cut_from == nullptr);
        pool->give_back(activation);
        std::size_t const requests = pool->use().backend_requests;
        for (auto* const each : weights) pool->give_back(each);
        for (auto*& each : weights) each = pool->take(each->bytes, mw::purpose::gradients);
        CHECK(pool->use().backend_requests == requests);
        for (auto* const each : weights) pool->give_back(each);
        pool->give_back(pool->take(200 * mega, mw::purpose::activations));  // gives up what nobody holds
        CHECK(pool->use().reserved == 200 * mega);
        CHECK(from_backend - before == 200 * mega);
    }
    CHECK(from_backend == before);
}
