// recompute: runs a part of a model without keeping its activations; the backward pass runs it once more.
// Costs: one more forward of that part, collectives included; saves all memory it would have kept.
// Source: Chen et al., Training deep nets with sublinear memory cost, 2016.
#pragma once

#include <cstdint>

#include <meshwise/autodiff/dead_captures.hpp>
#include <meshwise/autodiff/record.hpp>

namespace meshwise {

namespace detail {
// two results of the same function have the same; of a long one a share is read, so that it costs little beside the function
template <class X>
std::uint64_t digest_of_result(X const& x) {
    if constexpr (X::backend::computes)
        return hash_of_share(x.raw_data(), x.local_size() * sizeof(typename X::value_type),
                             std::size_t{1} << 16U);
    else
        return 0;
}
[[noreturn]] void refuse_recomputed(std::source_location where);

template <class Out, class F, class X>
void note_recomputed(tape& t, Out& out, F f, X const& x, std::source_location where) {
    place_on_tape(
        out, t.record(element_operations_of<summed_as<typename Out::value_type>, typename Out::backend>,
                      out.local_size(), where,
                      [f, x, where, digest = digest_of_result(out)](tape& on, node_id id) {
                          contributions const wanted = on.gradient_of(id);
                          X again = x.detached();
                          node_id const leaf = on.leaf(
                              element_operations_of<summed_as<typename X::value_type>, typename X::backend>,
                              x.local_size(), where);
                          place_on_tape(again, leaf);
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
                          if (digest != digest_of_result(made)) refuse_recomputed(where);
                          if (made.node() == leaf) {  // f returned its operand
                              if (x.node() == 0) return;
                              for (std::size_t i = 0; i < wanted.count; ++i)
                                  on.contribute(x.node(), wanted.kinds[i].pending, wanted.kinds[i].memory);
                              return;
                          }
                          if (made.node() == 0) return;  // nothing was recorded
                          for (std::size_t i = 0; i < wanted.count; ++i)
                              on.contribute(made.node(), wanted.kinds[i].pending, wanted.kinds[i].memory);
                          on.backward(leaf);
                          if (x.node() == 0) return;
                          contributions const found = on.gradient_of(leaf);
                          for (std::size_t i = 0; i < found.count; ++i)
                              on.contribute(x.node(), found.kinds[i].pending, found.kinds[i].memory);
                      }));
}
}  // namespace detail

/// f(x), recomputed in the backward pass. `f` is kept until then: it captures models by pointer and small things by
/// value, and must give the same result twice (random numbers here do).
/// Errors: the second result differs from the first: all elements are compared, of more than 64 KiB a share of 64 KiB. A variable of
/// the loss captured by reference, which is gone by then (dead_captures.hpp says where this is seen).
/// Example: x = mw::recompute([b = &model.blocks[0]](auto const& x) { return (*b)(x); }, x);
template <class F, any_tensor X>
auto recompute(F f, X const& x, std::source_location where = std::source_location::current()) {
    tape* const t = current().recording;
    if (t == nullptr) return f(x);
    detail::check_captures(f, "mw::recompute", where);
    auto out = [&] {
        without_recording const off;
        return f(x.detached());
    }();
    if constexpr (!is_poison<decltype(out)>) detail::note_recomputed(*t, out, f, x, where);
    return out;
}

// of several values
template <class F, any_tensor X, any_tensor Y, class... More>
auto recompute(F const&, X const&, Y const&, More const&...) {
    static_assert(
        any_poison<X, Y>,
        "meshwise: mw::recompute is about a function of one tensor; what else it reads it captures, models and "
        "parameters by pointer: mw::recompute([w = &model.weight](auto const& t) { return mw::dot<embed>(t, *w); }, x)");
    return poison{};
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/recompute.inl.hpp>
#endif
