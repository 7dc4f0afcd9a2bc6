// What is frozen: parameters that a function of a mw::parameter_info chooses.
//
#include <meshwise/tensor/freeze.hpp>

namespace mw = meshwise;

struct embed : mw::axis<64> {};
struct layer {
    mw::tensor<float, mw::axes<embed>> gain;
    static constexpr auto parameters = mw::fields<&layer::gain, mw::constant{1}>();
};

void program(layer& model) {
#if REJECTED == 1
    // sentence: take a model and a function that chooses parameters
    mw::freeze(model, "gain");
#elif REJECTED == 2
    // sentence: take a model and a function that chooses parameters
    mw::unfreeze(model, [](int) { return true; });
#else
    mw::freeze(model, [](mw::parameter_info const& p) { return p.is_in("gain"); });
    mw::unfreeze(model, [](auto const& p) { return p.role == mw::role::gain; });
    mw::freeze(model), mw::unfreeze(model), mw::freeze(model.gain), mw::unfreeze(model.gain);
#endif
}
