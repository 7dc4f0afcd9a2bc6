// What mw::run returns: what the program of the first rank of this process returned. Whole values from braces.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct one : mw::axis<1> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using on_four = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::on<mw::serial>>;

TEST_CASE("the first rank's result is the result of the run") {
    for (int again = 0; again < 20; ++again)
        CHECK(mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>& here) {
                  return 10 + here.index().on_this_rank();
              }) == 10);
}

TEST_CASE("a result may be moved, and need not have a default") {
    auto const owned = mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>& here) {
        return std::make_unique<std::size_t>(here.index().on_this_rank());
    });
    CHECK(*owned == 0);
    auto const text = mw::run<on_four>(mw::threads{}, [](auto&) { return std::string("ready"); });
    CHECK(text == "ready");
    static_assert(std::is_void_v<decltype(mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>&) {}))>);
}

TEST_CASE("a rank that throws is an error of the run, whatever the others return") {
    CHECK_THROWS(mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>& here) {
        if (here.index().on_this_rank() == 3) throw std::runtime_error("rank 3");
        return 1;
    }));
}

TEST_CASE(
    "values in braces are placed as a vector of them, and a mean under a strategy is that of all ranks") {
    auto const found = mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>& here) {
        auto const x = here.place<batch>({1.0, 2.0, 3.0, 10.0});
        static_assert(mw::shards<decltype(x)::layout, batch> == 2);
        auto all = here.gather(x);
        all.push_back(*mw::mean<on_four, batch>(x).data());
        return all;
    });
    CHECK(found == std::vector<double>{1, 2, 3, 10, 4});
    auto const whole = mw::run<on_four>(mw::threads{}, [](mw::rank<on_four>& here) {
        auto const x = here.place<one>({3.0F});
        return std::vector<float>{*mw::mean<one>(x).data(), *mw::mean<on_four, one>(x).data()};
    });
    CHECK(whole == std::vector<float>{3, 3});
}

}  // namespace
