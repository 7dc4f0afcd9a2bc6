// 40 steps in one go against 20 steps in a process that is killed, and 20 in another that resumes: the same losses and
// the same bits of the whole state. On the same mesh always, on another one under reproducible<V>.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include <sys/wait.h>
#include <unistd.h>

#include "sanitizers.hpp"
#include "tiny_models.hpp"
#include "unit/io/scratch.hpp"

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/io/digest.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/text/batches/blocks.hpp>

namespace {

namespace mw = meshwise;

constexpr std::size_t all_steps = under_address_sanitizer ? 8 : 40;

struct what_happened {
    std::vector<double> losses;
    std::uint64_t digest = 0;  // of weights, moments and numbers, on whole tensors
    bool operator==(what_happened const&) const = default;
};

template <class Rank, class State>
std::uint64_t digest_of(Rank& here, State const& state) {
    mw::detail::xxh64 digest;
    state.visit([&]<class X>(std::string const& name, X& x) {
        digest.add(std::as_bytes(std::span(name)));
        if constexpr (std::is_arithmetic_v<X>)
            digest.add(std::as_bytes(std::span(&x, 1)));
        else if constexpr (!mw::any_tensor<X>) {  // the steps that a parameter missed
            std::size_t const number = x;
            digest.add(std::as_bytes(std::span(&number, 1)));
        } else {
            auto whole = here.gather(x);
            // padding is not part of the state
            if constexpr (mw::detail::contains<tiny::vocab, typename X::axes>)
                whole.resize(whole.size() / tiny::vocab::size * tiny::vocab::true_size);
            digest.add(std::as_bytes(std::span(whole)));
        }
    });
    return digest.value();
}

// runs to step `stop`; saves at `save_at`; dies after `die_after` steps as by kill -9
template <class S>
what_happened train(std::string const& folder, std::size_t stop, std::size_t save_at,
                    std::size_t die_after = SIZE_MAX) {
    what_happened result;
    mw::checkpoints store(folder);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<tiny::gpt<S>>(here, mw::seed{11});
        mw::adamw optimizer(model, {.weight_decay = 0.1, .clip_norm = 1});
        mw::cosine_schedule const rate{.peak = 1e-2, .floor = 1e-3, .warm_up = 5, .steps = all_steps};
        mw::data_position position{.seed = 3, .samples = 0};
        auto const state = mw::state_of("model", model, "optimizer", optimizer, "data", position);
        std::size_t step = store.resume(here, state).value_or(0);
        CHECK(optimizer.steps() == step);
        CHECK(position.samples == step * tiny::batch::size);
        while (step < stop) {
            std::size_t const at = position.samples / tiny::batch::size;
            auto const inputs = mw::place<tiny::batch, tiny::token>(here, tiny::ids(at, 0)),
                       targets = mw::place<tiny::batch, tiny::token>(here, tiny::ids(at, 1));
            auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
            optimizer.options.learning_rate = rate(step);
            optimizer.step(model, gradient);
            position.samples += tiny::batch::size;
            if (here.is_first().on_this_rank()) result.losses.push_back(loss);
            ++step;
            if (step == save_at) store.save(here, step, state);
            if (step == die_after) {
                here.team().barrier(here.team().mesh().every_axis());
                kill(getpid(), SIGKILL);
            }
        }
        auto const digest = digest_of(here, state);
        if (here.is_first().on_this_rank()) result.digest = digest;
    });
    return result;
}

using tiny::on_serial;
template <std::size_t Dp, std::size_t Tp>
using plain = on_serial<typename tiny::places<Dp, Tp>::template tensor_parallel<>>;
template <std::size_t Dp, std::size_t Tp>
using exact = on_serial<typename tiny::places<Dp, Tp>::template tensor_parallel<mw::reproducible<8>>>;

// saves after the half, goes on for a few steps that are lost, and is killed
template <class S>
void half_in_a_process_that_is_killed(std::string const& folder) {
    if (under_thread_sanitizer)
        return (void)train<S>(folder, all_steps / 2, all_steps / 2);  // it does not follow a fork
    pid_t const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        try {
            train<S>(folder, all_steps, all_steps / 2, all_steps / 2 + 2);
        } catch (std::exception const& e) { std::fprintf(stderr, "%s\n", e.what()); }
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
}

template <class First, class Second>
void check_resumed_is_whole() {
    scratch const folder;
    auto const whole = train<First>(folder / "whole", all_steps, 0);
    half_in_a_process_that_is_killed<First>(folder / "half");
    auto const rest = train<Second>(folder / "half", all_steps, all_steps);
    REQUIRE(whole.losses.size() == all_steps);
    CHECK(whole.losses.front() != whole.losses.back());
    CHECK(rest.losses == std::vector<double>(whole.losses.begin() + all_steps / 2, whole.losses.end()));
    CHECK(rest.digest == whole.digest);
    // and once more from the end: nothing to do, the same state
    CHECK(train<Second>(folder / "half", all_steps, 0).digest == whole.digest);
}

TEST_CASE("resumed on the same mesh: the same bits") {
    SUBCASE("tp 2") { check_resumed_is_whole<plain<1, 2>, plain<1, 2>>(); }
    SUBCASE("dp 2 x tp 2") { check_resumed_is_whole<plain<2, 2>, plain<2, 2>>(); }
}

TEST_CASE("resumed on another mesh, reproducible<8>: the same bits") {
    SUBCASE("tp 2, then dp 2") { check_resumed_is_whole<exact<1, 2>, exact<2, 1>>(); }
    SUBCASE("dp 2 x tp 2, then one rank") { check_resumed_is_whole<exact<2, 2>, exact<1, 1>>(); }
}

}  // namespace
