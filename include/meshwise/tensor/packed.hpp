// packed: keeps a model's weights in packed form while it is applied often and seldom changed.
#pragma once

#include <vector>

#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

/// While it lives, products with a model's parameters of two and more axes read them in the form that the backend packs
/// operands into, with the same bits. A weight is packed by the first product that uses it, once for each way in which
/// it is used, and again after it was written (an optimiser's step, a loader): a write is what mutable_data announces.
/// Lives and dies on the thread of the rank that made it. Weights in the user's own memory stay as they are.
/// Example: mw::packed_weights const kept = mw::packed(model);
class packed_weights {
public:
    template <class Model>
    explicit packed_weights(Model const& model) : here_(current()) {
        for_each_parameter(model, [&](std::size_t, std::string_view, auto const& p, initial) {
            if constexpr (std::remove_cvref_t<decltype(p)>::axis_count >= 2) want(p.memory());
        });
    }
    packed_weights(packed_weights const&) = delete;
    packed_weights& operator=(packed_weights const&) = delete;
    ~packed_weights() {
        for (buffer& one : wanted_) {
            here_.packs.release(one);
            one.end_quiet_hold();
        }
    }

private:
    void want(buffer const& memory) {
        if (!memory || memory.is_users()) return;
        wanted_.push_back(memory.quiet_hold());
        here_.packs.want(memory);
    }

    context& here_;
    std::vector<buffer> wanted_;
};

/// Placement: any. Communication: none. Cost: as much memory as the weights that products use, counted as parameters;
/// a packing costs the time of copying the weight. It pays where weights are read many times between writes: serving,
/// searches (which hold one themselves), scoring; for several rows most, for one row because a packed weight is one
/// stream through memory. bfloat16 is packed where the processor multiplies it (vdpbf16ps). It does not pay in training,
/// where each form is used once a step: 4 % slower at 256 tokens of width 768.
/// Example: auto const kept = mw::packed(model);
///          for (int i = 0; i < 100; ++i) auto const losses = model.loss(ids, targets);
template <class Model>
packed_weights packed(Model const& model) {
    return packed_weights(model);
}

}  // namespace meshwise
