#pragma once
// recompute: runs a part of a model without keeping its activations; the backward pass runs it once more.
// Costs: one more forward of that part, collectives included; saves all memory it would have kept.
// Source: Chen et al., Training deep nets with sublinear memory cost, 2016.
#include <meshwise/autodiff/record.hpp>

namespace meshwise {

/// f(x), recomputed in the backward pass. `f` is kept until then: it captures models by pointer and small things by
/// value, and must give the same result twice (random numbers here do).
/// Example: x = mw::recompute([b = &block](auto const& x) { return (*b)(x); }, x);
template <class F, a_tensor X>
auto recompute(F f, X const& x, std::source_location where = std::source_location::current()) {
    tape* const t = current().recording;
    if (t == nullptr) return f(x);
    auto out = [&] {
        without_recording const off;
        return f(x.detached());
    }();
    using Out = decltype(out);
    out.set_node(t->record(
        element_operations_of<typename Out::value_type, typename Out::backend>, out.size(), where,
        [f, x, where](tape& on, node_id id) {
            contributions const wanted = on.gradient_of(id);
            X again = x.detached();
            node_id const leaf =
                on.leaf(element_operations_of<typename X::value_type, typename X::backend>, x.size(), where);
            again.set_node(leaf);
            context& here = current();
            here.recording = &on;
            struct stop {
                context& here;
                ~stop() { here.recording = nullptr; }
            };
            auto const made = [&] {
                stop const at_end{here};
                doing const again_forward("recompute");
                return f(again);
            }();
            if (made.node() == leaf || made.node() == 0) return;  // nothing was recorded
            for (std::size_t i = 0; i < wanted.count; ++i)
                on.contribute(made.node(), wanted.kinds[i].pending, wanted.kinds[i].memory);
            on.backward(leaf);
            if (x.node() == 0) return;
            contributions const found = on.gradient_of(leaf);
            for (std::size_t i = 0; i < found.count; ++i)
                on.contribute(x.node(), found.kinds[i].pending, found.kinds[i].memory);
        }));
    return out;
}

}  // namespace meshwise
