// A program whose system calls check.py lets fail: it saves one checkpoint, or says which ones are whole.
//   save FOLDER STEP     saves step STEP on two ranks
//   save FOLDER          prints the steps there, oldest first, if each has what was saved; fails else
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "unit/io/small_model.hpp"

#include <meshwise/io/checkpoints.hpp>

namespace {

namespace mw = meshwise;
using two = small::places<2, 1>;
using one = small::places<1, 1>;

template <class P>
using model_on = typename P::template model<typename P::by_both>;

void save(std::string const& folder, std::uint64_t step) {
    mw::run<two::by_both>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<model_on<two>>(here, mw::seed{step});
        mw::checkpoints(folder, {.keep = 2}).save(here, step, mw::state_of("model", model, "step", step));
    });
}

void check(std::string const& folder) {
    for (std::uint64_t const step : mw::detail::checkpoint_folder(folder).steps())
        mw::run<one::by_both>(mw::threads{}, [&](auto& here) {
            model_on<one> loaded;
            std::uint64_t told = 0;
            mw::checkpoints(folder).load(here, step, mw::state_of("model", loaded, "step", told));
            auto saved = mw::init<model_on<one>>(here, mw::seed{step});
            if (told != step || small::content(here, loaded) != small::content(here, saved))
                throw mw::error("step " + std::to_string(step) + " has another content than was saved");
            std::printf("%llu\n", static_cast<unsigned long long>(step));
        });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 64;
    try {
        if (argc > 2)
            save(argv[1], std::strtoull(argv[2], nullptr, 10));
        else
            check(argv[1]);
    } catch (std::exception const& problem) {
        std::fprintf(stderr, "save: %s\n", problem.what());
        return 1;
    }
}
