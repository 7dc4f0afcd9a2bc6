#include <doctest/doctest.h>
#include <meshwise/backend/dry_run.hpp>
#include <meshwise/backend/reproducible.hpp>

#include <cstdint>
#include <thread>

using meshwise::dry_run;

static_assert(!dry_run::computes);
static_assert(meshwise::any_backend<meshwise::detail::reproducible_backend<dry_run, 8>>);
static_assert(meshwise::detail::reproducible_backend<dry_run, 8>::leaves == 8);

TEST_CASE("dry_run reserves no memory") {
    auto* const memory = static_cast<float*>(dry_run::allocate(std::size_t{1} << 60));
    CHECK(memory != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
    float const before = *memory;
    dry_run::fill(memory, std::size_t{1} << 58, 7.0F);
    CHECK(*memory == before);
    dry_run::deallocate(memory, std::size_t{1} << 60);
}

TEST_CASE("dry_run counts products and attention, per thread") {
    float* const x = static_cast<float*>(dry_run::allocate(4));
    dry_run::flops() = 0;
    dry_run::gemm(meshwise::gemm_shape{.m = 2, .n = 3, .k = 5}, x, x, x);
    CHECK(dry_run::flops() == 60);
    dry_run::batched_gemm(10, 0, 0, 0, meshwise::gemm_shape{.m = 2, .n = 3, .k = 5}, x, x, x);
    CHECK(dry_run::flops() == 660);
    dry_run::flops() = 0;
    meshwise::attention_shape shape{
        .batch = 2, .kv_heads = 3, .group = 2, .queries = 4, .keys = 4, .head_dim = 8};
    dry_run::attention(shape, x, x, x, x, x);
    CHECK(dry_run::flops() == 12 * 16 * 8 * 4);
    dry_run::flops() = 0;
    shape.causal = true;
    dry_run::attention(shape, x, x, x, x, x);
    CHECK(dry_run::flops() == 12 * 10 * 8 * 4);
    dry_run::attention_gradient(shape, x, x, x, x, x, x, x, x, x);
    CHECK(dry_run::flops() == 12 * 10 * 8 * (4 + 10));
    std::uint64_t elsewhere = 1;
    std::thread([&] { elsewhere = dry_run::flops(); }).join();
    CHECK(elsewhere == 0);
}
