// How mw::run is called: the strategy, where its ranks run, and a program that takes its rank by reference.
// sentence: gives the program its rank by reference
#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/parallel/run.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;
using other = mw::strategy<mw::mesh<tp>>;

int main() {
#if REJECTED == 1
    mw::run<S>(mw::threads{}, [](auto here) { (void)here; });
#elif REJECTED == 2
    mw::run<S>(mw::threads{}, [](mw::rank<S> here) { (void)here; });
#elif REJECTED == 3
    mw::run<S>(mw::threads{}, [] {});
#elif REJECTED == 4
    mw::run<S>(mw::threads{}, [](mw::rank<other>& here) { (void)here; });
#elif REJECTED == 5
    // sentence: needs the strategy, and where its ranks run
    mw::run(mw::threads{}, [](auto& here) { (void)here; });
#elif REJECTED == 6
    // sentence: needs the strategy, and where its ranks run
    mw::run<S>([](auto& here) { (void)here; });
#elif REJECTED == 7
    // sentence: tensors end with the run that made them
    auto x =
        mw::run<S>(mw::threads{}, [](mw::rank<S>& here) { return here.place<batch>(std::vector<float>(8)); });
#elif REJECTED == 8
    // sentence: needs to know where its ranks run
    mw::run<S>(mw::one_rank{}, [](auto& here) { (void)here; });
#elif REJECTED == 9
    // what a program with a mistake in it returns is used in silence
    double const sum = mw::run<S>(mw::threads{}, [](mw::rank<other>& here) { return here.team().size(); });
    return sum > 0;
#else
    mw::run<S>(mw::threads{}, [](auto& here) { (void)here; });
    auto const ranks = mw::run<S>(mw::threads{}, [](mw::rank<S>& here) { return here.team().size(); });
    return ranks == 2 ? 0 : 1;
#endif
}
