// blocks: samples are a pure function of seed and global index, on every mesh; targets are inputs one later.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <set>

#include <meshwise/parallel/run.hpp>
#include <meshwise/text/batches/blocks.hpp>

namespace mw = meshwise;

namespace {
thread_local std::size_t allocations = 0;
}

// not inlined, or g++ takes malloc and delete for a mismatch
[[gnu::noinline]] void* operator new(std::size_t bytes) {
    ++allocations;
    if (void* const memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

struct batch : mw::axis<4> {};
struct token : mw::axis<8> {};
struct some : mw::up_to<4> {};
struct few : mw::up_to<8> {};

/// Every byte differs from its neighbours in a way that gives its place away: i -> i * 37 mod 251.
mw::byte_text numbered(std::size_t n) {
    std::string bytes;
    for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>(i * 37 % 251);
    return mw::byte_text::from_string(bytes);
}

using lone = mw::strategy<mw::mesh<>>;
mw::rank<lone> alone() { return mw::rank<lone>(mw::current()); }

/// The whole batch, the naive way.
template <class Start>
std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> expected(mw::byte_text const& text,
                                                                         std::uint64_t first, Start start) {
    std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>> both;
    for (std::uint64_t b = 0; b < batch::size; ++b)
        for (std::size_t t = 0; t < token::size; ++t) {
            both.first.push_back(text[start(first + b) + t]);
            both.second.push_back(text[start(first + b) + t + 1]);
        }
    return both;
}

std::vector<std::int32_t> values(auto const& x) { return {x.local_span().begin(), x.local_span().end()}; }

template <std::size_t Data, std::size_t Tensor, std::size_t Context>
void same_everywhere() {
    struct dp : mw::mesh_axis<Data> {};
    struct tp : mw::mesh_axis<Tensor> {};
    struct cp : mw::mesh_axis<Context> {};
    using strategy = mw::strategy<mw::mesh<dp, tp, cp>, mw::split<batch, dp>, mw::split<token, cp>>;
    auto const text = numbered(1000);
    mw::blocks<batch, token> const data(text, mw::seed{5});
    std::atomic<std::size_t> ranks = 0;
    mw::run<strategy>(mw::threads{}, [&](auto& here) {
        for (std::uint64_t step : {0U, 1U, 7U}) {
            auto const [inputs, targets] = data.batch(here, step);
            static_assert(
                std::is_same_v<decltype(inputs), mw::tensor_of<strategy, std::int32_t, batch, token> const>);
            CHECK(inputs.local_size() == batch::size / Data * token::size / Context);
            auto const whole =
                expected(text, step * batch::size, [&](std::uint64_t s) { return data.training_start(s); });
            CHECK(here.gather(inputs) == whole.first);
            CHECK(here.gather(targets) == whole.second);
            // this rank's rows and columns, by hand: nothing was moved between ranks
            for (std::size_t b = 0; b < batch::size / Data; ++b)
                for (std::size_t t = 0; t < token::size / Context; ++t) {
                    std::size_t const global =
                        ((here.template coordinate<dp>() * (batch::size / Data) + b) * token::size +
                         here.template coordinate<cp>() * (token::size / Context) + t)
                            .on_this_rank();
                    CHECK(inputs.local_span()[b * token::size / Context + t] == whole.first[global]);
                }
            auto const held = data.validation_batch(here, step);
            auto const seen =
                expected(text, step * batch::size, [&](std::uint64_t s) { return data.validation_start(s); });
            CHECK(here.gather(held.inputs) == seen.first);
            CHECK(here.gather(held.targets) == seen.second);
        }
        ++ranks;
    });
    CHECK(ranks == Data * Tensor * Context);
}

}  // namespace

TEST_CASE("targets are the inputs, one token later") {
    auto const text = numbered(500);
    mw::blocks<batch, token> const data(text, mw::seed{3});
    for (std::uint64_t step = 0; step < 50; ++step) {
        auto const [inputs, targets] = data.batch(alone(), step);
        REQUIRE(inputs.size() == batch::size * token::size);
        for (std::size_t b = 0; b < batch::size; ++b) {
            std::size_t const start = data.training_start(step * batch::size + b);
            for (std::size_t t = 0; t < token::size; ++t) {
                CHECK(inputs.local_span()[b * token::size + t] ==
                      static_cast<std::int32_t>((start + t) * 37 % 251));
                CHECK(targets.local_span()[b * token::size + t] ==
                      static_cast<std::int32_t>((start + t + 1) * 37 % 251));
            }
        }
    }
}

TEST_CASE("every mesh sees the same samples, each rank its own part") {
    same_everywhere<1, 1, 1>();
    same_everywhere<2, 1, 1>();
    same_everywhere<4, 1, 1>();
    same_everywhere<1, 2, 1>();
    same_everywhere<2, 2, 1>();
    same_everywhere<1, 1, 2>();
    same_everywhere<2, 1, 2>();
    same_everywhere<1, 2, 4>();
}

TEST_CASE("a batch is a function of its step: the order of asking does not matter") {
    mw::blocks<batch, token> const data(numbered(2000), mw::seed{11});
    std::vector<std::vector<std::int32_t>> forward;
    for (std::uint64_t step = 0; step < 20; ++step)
        forward.push_back(values(data.batch(alone(), step).inputs));
    for (std::uint64_t step = 20; step-- > 0;) {
        mw::blocks<batch, token> const again(numbered(2000), mw::seed{11});
        CHECK(values(again.batch(alone(), step).inputs) == forward[step]);
    }
    for (std::size_t i = 1; i < forward.size(); ++i) CHECK(forward[i] != forward[0]);
    mw::blocks<batch, token> const other(numbered(2000), mw::seed{12});
    CHECK(values(other.batch(alone(), 0).inputs) != forward[0]);
    CHECK_NOTHROW(
        data.batch(alone(), std::uint64_t{1} << 60U));  // a step far away costs no more than the first
    CHECK_THROWS_WITH_AS(data.batch(alone(), UINT64_MAX),
                         doctest::Contains("is too large: samples are counted in 64 bits"), mw::error);
}

TEST_CASE("the samples reach every place of the training text and none beyond") {
    mw::blocks<batch, token> const data(numbered(200), mw::seed{1});
    CHECK(data.validation_bytes() == 20);
    CHECK(data.training_bytes() == 180);
    std::vector<int> hits(200, 0);
    int const samples = 172 * 200;
    for (int s = 0; s < samples; ++s) {
        std::size_t const start = data.training_start(static_cast<std::uint64_t>(s));
        REQUIRE(start + token::size + 1 <= data.training_bytes());
        ++hits[start];
    }
    for (std::size_t start = 0; start < 172; ++start) {  // 200 each on average; 5 deviations of the binomial
        CHECK(hits[start] > 130);
        CHECK(hits[start] < 270);
    }
    for (std::size_t start = 172; start < 200; ++start) CHECK(hits[start] == 0);
}

TEST_CASE("the held-out tenth is read side by side, each byte a target once") {
    mw::blocks<batch, token> const data(numbered(1005), mw::seed{1});
    CHECK(data.validation_bytes() == 100);
    REQUIRE(data.validation_batches() == 3);  // 12 pieces of 8 targets, 4 a batch
    std::multiset<std::size_t> targets;
    for (std::uint64_t s = 0; s < 12; ++s)
        for (std::size_t t = 1; t <= token::size; ++t) targets.insert(data.validation_start(s) + t);
    CHECK(targets.size() == 96);
    for (std::size_t at = 906; at < 906 + 96; ++at) CHECK(targets.count(at) == 1);
    CHECK(data.validation_start(12) == data.validation_start(0));  // then again from its beginning
    CHECK(values(data.validation_batch(alone(), 3).targets) ==
          values(data.validation_batch(alone(), 0).targets));
    for (std::uint64_t s = 0; s < 1000; ++s) CHECK(data.training_start(s) + token::size < 905);
}

TEST_CASE("a text too short for validation trains on all of it and says so") {
    mw::blocks<batch, token> const data(numbered(89), mw::seed{1});
    CHECK_FALSE(data.has_validation());
    CHECK(data.training_bytes() == 89);
    CHECK(data.validation_batches() == 0);
    CHECK_THROWS_WITH_AS(
        data.validation_batch(alone(), 0),
        "a text of 89 bytes has no validation part: its last tenth, 8 bytes, is shorter than one block of 9; "
        "give a longer text or train without validation",
        mw::input_error);
    mw::blocks<batch, token> const just(numbered(90), mw::seed{1});
    CHECK(just.has_validation());
    CHECK(just.validation_batches() == 1);
    for (std::int32_t id : values(just.validation_batch(alone(), 9).inputs)) CHECK(id >= 0);
}

TEST_CASE("the shortest text has one sample, a shorter one is refused with both lengths") {
    mw::blocks<batch, token> const data(mw::byte_text::from_string("123456789"), mw::seed{1});
    CHECK(mw::byte_text::decode(values(data.batch(alone(), 0).inputs)) == "12345678123456781234567812345678");
    CHECK(mw::byte_text::decode(values(data.batch(alone(), 5).targets)) ==
          "23456789234567892345678923456789");
    CHECK_THROWS_WITH_AS(
        (mw::blocks<batch, token>(mw::byte_text::from_string("12345678"))),
        "the text has 8 bytes, but one block needs 9 bytes; give a longer text or make the blocks shorter",
        mw::input_error);
}

TEST_CASE("axes of run-time extent are filled to their bounds") {
    auto const text = numbered(500);
    mw::blocks<some, few> const bounded(text, mw::seed{3});
    mw::blocks<batch, token> const fixed(text, mw::seed{3});
    auto const [inputs, targets] = bounded.batch(alone(), 2);
    CHECK(inputs.extent<some>() == 4);
    CHECK(inputs.extent<few>() == 8);
    CHECK(values(inputs) == values(fixed.batch(alone(), 2).inputs));
    CHECK(values(targets) == values(fixed.batch(alone(), 2).targets));
}

TEST_CASE("a position goes on where it stood, with another batch size too") {
    mw::blocks<batch, token> const data(numbered(500), mw::seed{3});
    CHECK(data.position(6) == mw::data_position{3, 24});
    CHECK(data.step_at(data.position(6)) == 6);
    struct pair : mw::axis<2> {};
    mw::blocks<pair, token> const halves(numbered(500), mw::seed{3});
    REQUIRE(halves.step_at(data.position(6)) == 12);
    auto const large = values(data.batch(alone(), 6).inputs);
    auto const small = values(halves.batch(alone(), 12).inputs);
    CHECK(std::equal(small.begin(), small.end(), large.begin()));
    CHECK_THROWS_WITH_AS(
        data.step_at({4, 24}),
        "data of seed 3 cannot go on from a position of seed 4; take the seed of the run that is resumed",
        mw::error);
    CHECK_THROWS_WITH_AS(
        data.step_at({3, 26}),
        "a run that consumed 26 samples cannot go on in batches of 4; take a batch size that divides them",
        mw::error);
}

TEST_CASE("after the first step a batch costs no allocation") {
    struct dp : mw::mesh_axis<2> {};
    using strategy = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;
    mw::blocks<batch, token> const data(numbered(2000), mw::seed{3});
    mw::run<strategy>(mw::threads{}, [&](auto& here) {
        std::size_t before = 0, requests = 0;
        std::int64_t sum = 0;
        for (std::uint64_t step = 0; step < 100; ++step) {
            auto const [inputs, targets] = data.batch(here, step);
            sum += inputs.local_span()[0] + targets.local_span()[3];
            (void)data.validation_batch(here, step);
            if (step > 0) continue;
            before = allocations;
            requests = here.memory().use().backend_requests;
        }
        CHECK(allocations == before);
        CHECK(here.memory().use().backend_requests == requests);
        CHECK(sum > 0);
    });
}
