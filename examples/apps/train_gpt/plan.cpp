// plan: what one training step will do, before it does anything.
#include "training.hpp"

#include <meshwise/plan/explain.hpp>

namespace train_gpt {

template <class S>
std::string plan_of(job const& what) {
    return mw::explain<S>([&](auto& here) { trained(here, what, 1, {}); }).text();
}

}  // namespace train_gpt

#define PLAN(S) template std::string train_gpt::plan_of<S>(job const&);
TRAIN_GPT_EACH_MESH(PLAN)
