// Bodies of record.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/autodiff/record.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void detail::refuse_operand(untyped_tensor const& x,
                                                                       axis_name const* names,
                                                                       std::source_location where) {
    std::string text = detail::sentence({detail::at_line(where), "a tensor"});
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    context const& here = current();
    if (!x.has_value())
        text +=
            " is used that was never given a value, or was moved from: make it with mw::place, mw::full or, in "
            "a model, mw::init, and list every member of the model in mw::fields";
    else if (x.node() != 0 && x.recording() != here.recording_number && is_under_way(x.recording()))
        text +=
            " is used that mw::value_and_gradient records on another thread or outside of this mw::run, so no "
            "gradient would come back from here: compute with it on the thread that runs the loss, or give "
            "x.detached()";
    else if (x.memory().is_being_written())
        text +=
            " is used while a span from mutable_span() or mutable_local_span() may still write to it, and it has a "
            "padded axis, whose padding is cleared when the span ends: let the span end first, in a block of its "
            "own, or write with mw::fill_by_index";
    else if (x.memory().pool() != here.pool.get() && !x.memory().is_users())
        text +=
            " is used that belongs to another rank or another run, so it is another part of the value: make it "
            "again in this run, from whole numbers (here.gather gives them) with mw::place, or from a file";
    else if ((x.memory().version() & memory_pool::written_alone) != 0 && !here.pool->works_alone())
        text +=
            " is used that was made or changed in here.only_on_first or here.on_first, so it is another value on the "
            "first rank than on the others: make and change tensors on all ranks, or give the others the numbers with "
            "here.on_first";
    else if (x.node() != 0)
        text +=
            " is used that was recorded in an earlier call of mw::value_and_gradient, whose tape is gone: keep "
            "x.detached() of it (mw::detached(model) of a model) where it is to be a constant";
    else
        text +=
            " is a parameter of the model that mw::value_and_gradient records, or a copy that shares its memory, and "
            "not as the recorded function got it, so it would get no gradient: use the function's own argument (m, not model), "
            "list the member in mw::fields, or say that it is a constant: w.detached(), of a model mw::detached(model)";
    throw error(text);
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void detail::refuse_without_gradient(std::string_view operation,
                                                                                std::source_location where) {
    detail::throw_error(
        {detail::at_line(where), operation,
         " was given a value that mw::value_and_gradient records, and has no gradient to hand back: give it "
         "x.detached() where no gradient is wanted through it"});
}

[[gnu::noinline]] MESHWISE_BODY void detail::refuse_captured() {
    throw error(
        "the first function of mw::custom_gradient computed with a value that mw::value_and_gradient records and that "
        "is none of its operands, so it would get no gradient: give it as an operand behind the others, or capture "
        "its x.detached() where no gradient is wanted");
}

[[gnu::noinline]] MESHWISE_BODY void detail::refuse_contribution(untyped_tensor const& gradient,
                                                                 axis_name const* names,
                                                                 std::source_location where) {
    std::string text = detail::sentence({detail::at_line(where), "the gradient of a tensor"});
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    text +=
        gradient.has_value()
            ? " has other extents than the tensor itself: give the operand's own, mw::result_of<X>(x) or an "
              "operation on it"
            : " was never given a value, or was moved from: where an operand has no gradient it is "
              "mw::zeros_like(x)";
    throw error(text);
}

MESHWISE_BODY void pull_back(tape& t, node_id down_to) {
    without_recording const off;
    doing const backward("backward");
    struct restore {
        tape *before, *noting;
        ~restore() {
            detail::tape_going_backwards() = before;
            current().noting_uses = noting;
        }
    } const at_end{std::exchange(detail::tape_going_backwards(), &t),
                   std::exchange(current().noting_uses, nullptr)};
    t.backward(down_to);
}

}  // namespace meshwise
