// Number, kind, mesh axes and bytes of the collectives of a step, exact; the plan against the run; memory.
#include <doctest/doctest.h>

#include <meshwise/plan/explain.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "tiny_models.hpp"

namespace {
std::atomic<std::size_t> heap_requests{0};
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    ++heap_requests;
    if (void* const p = std::malloc(bytes == 0 ? 1 : bytes)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t alignment) {
    ++heap_requests;
    auto const a = static_cast<std::size_t>(alignment);
    if (void* const p = std::aligned_alloc(a, (bytes + a - 1) / a * a)) return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

namespace mw = meshwise;
using mw::operation;

template <class S>
mw::plan plan_of_steps(std::size_t steps) {
    return mw::explain<S>([&](auto& here) { tiny::train<tiny::gpt>(here, steps, false, [](auto&&...) {}); });
}
constexpr std::size_t layers = tiny::layer::size;

TEST_CASE("tensor parallel: 2 all-reduces forward and 2 backward per layer") {
    using S = tiny::places<1, 2>::tensor_parallel<>;
    auto const plan = plan_of_steps<S>(1);
    mw::mesh_mask const tp = S::mesh::bit<tiny::places<1, 2>::tp>;
    // forward: the embedding, each layer's two, and the loss's maximum and sums
    CHECK(plan.count(operation::all_reduce, tp, "forward") == 1 + 2 * layers + 2);
    // backward: the head's input, each layer's two
    CHECK(plan.count(operation::all_reduce, tp, "backward") == 1 + 2 * layers);
    CHECK(plan.count(operation::all_gather, tp) == 0);
    CHECK(plan.count(operation::reduce_scatter, tp) == 0);
    // the parameters owe nothing on tp; the norm is one all-reduce over the mesh
    CHECK(plan.count(operation::all_reduce, 3, "optimizer") +
              plan.count(operation::all_reduce, tp, "optimizer") ==
          1);
    for (auto const& c : plan.collectives)
        if (c.phase == "backward")
            CHECK(c.bytes ==
                  c.times * tiny::batch::size * tiny::token::size * tiny::embed::size * sizeof(float));
}

TEST_CASE("sequence parallel: 4 all-gathers and 4 reduce-scatters per layer") {
    using places = tiny::places<1, 2>;
    using S = places::sequence_parallel<>;
    auto const plan = plan_of_steps<S>(1);
    mw::mesh_mask const tp = S::mesh::bit<places::tp>;
    // besides the layers: the head gathers its input; ids and targets come split by token and are gathered
    CHECK(plan.count(operation::all_gather, tp, "forward") == 2 * layers + 1 + 2);
    CHECK(plan.count(operation::reduce_scatter, tp, "forward") ==
          2 * layers + 1);  // and the embedding scatters
    CHECK(plan.count(operation::all_gather, tp, "backward") == 2 * layers + 1);
    CHECK(plan.count(operation::reduce_scatter, tp, "backward") == 2 * layers + 1);
    CHECK(plan.count(operation::all_reduce, tp, "backward") == 0);
}

TEST_CASE("data parallel: each parameter once, with its bytes") {
    using places = tiny::places<4, 1>;
    using S = places::tensor_parallel<>;
    auto const plan = plan_of_steps<S>(1);
    mw::mesh_mask const dp = S::mesh::bit<places::dp>;
    std::size_t const parameters = mw::parameter_count<tiny::gpt<S>>;
    CHECK(plan.count(operation::all_reduce, dp, "forward") +
              plan.count(operation::all_reduce, dp, "backward") ==
          0);
    std::size_t elements = 0;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<tiny::gpt<S>>(here, mw::seed{1});
        std::size_t n = 0;
        mw::for_each_parameter(
            model, [&](std::size_t, std::string_view, auto& p, mw::initial) { n += p.local_size(); });
        if (here.is_first().on_this_rank()) elements = n;
    });
    std::size_t times = 0, bytes = 0;
    for (auto const& c : plan.collectives)
        if (c.phase == "optimizer" && c.where.line() != 0) times += c.times, bytes += c.bytes;
    CHECK(times == parameters + 1);  // and the norm
    CHECK(bytes == elements * sizeof(float) + parameters * sizeof(double));
}

TEST_CASE("a plan says which gradients can be summed during the backward pass") {
    using S = tiny::places<4, 1>::tensor_parallel<>;
    for (std::size_t const steps : {1UL, 3UL}) {
        auto const plan = plan_of_steps<S>(steps);
        REQUIRE(plan.gradients.size() == 1);
        auto const& found = plan.gradients[0];
        CHECK(found.mask == S::mesh::bit<tiny::places<4, 1>::dp>);
        CHECK(found.tensors == steps * mw::parameter_count<tiny::gpt<S>>);
        std::uint64_t bytes = 0;
        for (auto const& c : plan.collectives)
            if (c.phase == "optimizer" && c.what == operation::all_reduce) bytes += c.bytes;
        CHECK(found.bytes + steps * mw::parameter_count<tiny::gpt<S>> * sizeof(double) == bytes);  // the norm
        // all but the table, with which the model begins
        CHECK(found.bytes - found.early == steps * tiny::vocab::size * tiny::embed::size * sizeof(float));
        CHECK(plan.text().find("gradients summed over dp: ") != std::string::npos);
        CHECK(plan.text().find("every other collective is waited for where it is made") != std::string::npos);
        CHECK(plan.text().find("are final only when it ends") != std::string::npos);
    }
    CHECK(plan_of_steps<tiny::places<1, 2>::tensor_parallel<>>(1).gradients.empty());
    using exact = tiny::places<4, 1>::tensor_parallel<mw::reproducible<8>>;
    auto const plan = plan_of_steps<exact>(1);
    CHECK(plan.gradients.empty());
    CHECK(plan.text().find("each contribution to a gradient is summed where it is made") !=
          std::string::npos);
}

TEST_CASE("a gradient that comes after its sum has begun is an error") {
    auto const& elements = mw::element_operations_of<float, mw::serial>;
    mw::tape t;
    auto const leaf = t.leaf(elements, 4, std::source_location::current());
    auto const gradient = [] { return mw::buffer(*mw::current().pool, 16, mw::purpose::gradients); };
    t.contribute(leaf, 0, gradient());
    CHECK(t.take(leaf).memory);
    CHECK_THROWS_WITH_AS(t.contribute(leaf, 0, gradient()), doctest::Contains("is_recorded"), mw::error);
}

TEST_CASE("a run makes exactly the collectives of its plan") {
    using S = tiny::places<2, 2>::sequence_parallel<>;
    auto const plan = plan_of_steps<S>(2);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        tiny::train<tiny::gpt>(here, 2, false, [](auto&&...) {});
        CHECK(here.team().collectives() == plan.count());
    });
}

TEST_CASE("one rank: nothing is communicated") {
    CHECK(plan_of_steps<tiny::places<1, 1>::sequence_parallel<>>(1).count() == 0);
}

TEST_CASE("memory: nothing from the heap after the second step, and the bytes of the plan") {
    using S = tiny::places<1, 2>::sequence_parallel<>;
    auto const plan = plan_of_steps<S>(5);
    std::atomic<std::size_t> late{0};
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<tiny::gpt<S>>(here, mw::seed{11});
        mw::adamw optimizer(model, {.learning_rate = 1e-2, .clip_norm = 1});
        auto const inputs = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 0)),
                   targets = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 1));
        std::size_t requests = 0, heap = 0;
        for (int step = 0; step < 5; ++step) {
            if (step == 2) {
                here.team().barrier(3);
                requests = here.memory().use().backend_requests, heap = heap_requests;
                here.team().barrier(3);
            }
            // long enough for the other to look for the reason
            if (step == 3 && here.team().rank() == 1)
                std::this_thread::sleep_for(std::chrono::milliseconds(350));
            auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
            optimizer.step(model, gradient);
        }
        here.team().barrier(3);
        late += heap_requests - heap;
        here.team().barrier(3);
        CHECK(here.memory().use().backend_requests == requests);
        auto const use = here.memory().use();
        double const planned = static_cast<double>(plan.memory.most_total),
                     held = static_cast<double>(use.most_total);
        CHECK(held < 1.1 * planned);
        CHECK(held > 0.9 * planned);
        CHECK(
            use.reserved ==
            plan.memory
                .reserved);  // what the pool keeps is more than what is live at once; the plan says how much
    });
    CHECK(late.load() == 0);
}

}  // namespace
