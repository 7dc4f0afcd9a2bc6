// The same program on threads and on processes: every loss, gradient, norm and weight has the same bits (D1), and
// equals one rank's; under reproducible<V> it has one rank's bits (D2). Run by mpirun -n 2 and -n 4.
#include <doctest/doctest.h>

#include <meshwise/communicator/mpi.hpp>

#include "equivalence/meshes.hpp"

namespace {

namespace mw = meshwise;

mw::mpi const policy{.deadline = std::chrono::minutes(2)};

mw::mpi_session& session() { return mw::mpi_session::start(0, nullptr); }

template <template <class> class Model, class S, class One>
void check(bool exact, std::size_t steps = 3) {
    if (S::mesh::ranks != session().size()) return;
    auto const processes = tiny::train<Model, S>(steps, false, policy);
    if (session().rank() != 0) return;
    CHECK(processes.losses.size() == steps);
    CHECK(processes.losses.back() != processes.losses.front());
    tiny::check_same_bits(processes, tiny::train<Model, S>(steps));
    auto const one = tiny::train<Model, One>(steps);
    if (exact)
        tiny::check_same_bits(processes, one);
    else
        tiny::check_equal(one, processes);
}

template <std::size_t Dp, std::size_t Tp>
using split = tiny::on_serial<typename tiny::places<Dp, Tp>::template sequence_parallel<>>;
template <std::size_t Dp, std::size_t Tp>
using exact = typename tiny::places<Dp, Tp>::template tensor_parallel<mw::reproducible<8>>;

}  // namespace

TEST_CASE("gpt split by batch") { check<tiny::gpt, split<2, 1>, split<1, 1>>(false); }
TEST_CASE("gpt split by heads, vocabulary and token") { check<tiny::gpt, split<1, 2>, split<1, 1>>(false); }
TEST_CASE("gpt split by all of them") { check<tiny::gpt, split<2, 2>, split<1, 1>>(false); }
TEST_CASE("llama split by heads and token") { check<tiny::llama, split<1, 2>, split<1, 1>>(false); }
TEST_CASE("reproducible: one rank's bits, batch") { check<tiny::gpt, exact<2, 1>, exact<1, 1>>(true, 20); }
TEST_CASE("reproducible: one rank's bits, all") { check<tiny::gpt, exact<2, 2>, exact<1, 1>>(true, 20); }
