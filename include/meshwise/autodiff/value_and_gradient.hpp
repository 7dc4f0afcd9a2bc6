// value_and_gradient: runs a function of a model, and finds how its loss changes with every parameter.
//   auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);  // of model.loss(inputs, targets)
//   auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) { return m.loss(inputs, targets); });
// The loss is a pair (sum, count), each possibly pending; they are divided after both are whole. Micro-batches add
// up before anything is reduced: one reduction per parameter and step, made when the optimiser asks for it, or, where the
// communicator works beside the program, begun in the last backward pass as soon as a gradient is final.
#pragma once

#include <atomic>
#include <cmath>
#include <iterator>
#include <memory>

#include <meshwise/autodiff/dead_captures.hpp>
#include <meshwise/autodiff/loss.hpp>
#include <meshwise/autodiff/model_gradient.hpp>
#include <meshwise/autodiff/record.hpp>

namespace meshwise {

/// The last argument of value_and_gradient: a loss scale, or nothing. It notes the line of the call.
/// Example:
/// mw::loss_scale scale;
/// auto [loss, gradient] = mw::value_and_gradient(model, f, scale);  // becomes a with_scale
struct with_scale {
    with_scale(std::source_location at = std::source_location::current()) : where(at) {}
    with_scale(loss_scale& s, std::source_location at = std::source_location::current())
        : scale(&s),
          where(at) {}

    loss_scale* scale = nullptr;
    std::source_location where;
};

namespace detail {
inline tape& own_tape() {
    thread_local tape t;
    return t;
}
inline recording_id next_recording() {
    static std::atomic<recording_id> last{0};
    recording_id const next = 1 + last.fetch_add(1, std::memory_order_relaxed);
    recording_id const number = next & untyped_tensor::is_a_gradient;  // after 2^31 they begin anew
    return number != 0 && number <= untyped_tensor::recordings ? number : next_recording();
}
class recording {
public:
    /// Of the model that the program has, and of the copy that the recorded function gets.
    recording(tape& t, void const* model, void const* recorded, std::size_t bytes)
        : here_(current()),
          tape_(t) {
        if (t.top() != 0)
            throw error(
                "mw::value_and_gradient was called inside another one; call them one after the other (a gradient of a "
                "gradient, such as a product with the Hessian, is not computed)");
        begin_recording(here_.recording_number = next_recording());
        here_.recording = here_.noting_uses = &t;
        here_.models = {{model, recorded}, bytes};
    }
    recording(recording const&) = delete;
    recording& operator=(recording const&) = delete;
    ~recording() {
        here_.recording = here_.noting_uses = nullptr;
        here_.frame_of_loss = nullptr;
        end_recording(std::exchange(here_.recording_number, 0));
        here_.models = {};
        tape_.set_watcher(nullptr);
        tape_.cut(0);
    }

private:
    context& here_;
    tape& tape_;
};

template <class... X>
constexpr bool without_bfloat16(list<X...>) {
    return (!std::is_same_v<typename X::value_type, bfloat16> && ...);
}

// Whether a class has a member of this name, whatever it is: it makes the other one ambiguous.
struct has_loss {
    int loss;
};
struct has_call {
    void operator()();
};
template <class T, class Other>
struct both : T, Other {};
template <class T>
constexpr bool has_member_loss() {
    if constexpr (std::is_final_v<T>)
        return true;
    else
        return !requires { &both<T, has_loss>::loss; };
}
template <class F>
constexpr bool is_callable() {
    if constexpr (std::is_class_v<F> && !std::is_final_v<F>)
        return !requires { &both<F, has_call>::operator(); };
    else
        return std::is_pointer_v<F> || std::is_class_v<F>;
}

[[noreturn]] void refuse_loss(std::source_location where);
[[noreturn]] void refuse_frozen_model(std::source_location where);
[[noreturn]] void refuse_count(double sum, std::source_location where);
[[noreturn]] void refuse_recorded_count(std::source_location where);
[[noreturn]] void refuse_micro_batches(std::size_t count, std::source_location where);
[[noreturn]] void refuse_no_micro_batches(std::source_location where);
[[noreturn]] void refuse_change_of_copy(std::source_location where);

// an argument of model.loss behind the first, which is a tensor
template <class T>
concept input = !std::is_same_v<std::remove_cvref_t<T>, loss_scale> &&
                !std::is_same_v<std::remove_cvref_t<T>, with_scale> &&
                !std::is_same_v<std::remove_cvref_t<T>, std::source_location>;
}  // namespace detail

/// Runs f(model, batch) for every micro-batch and returns the mean loss over all of them with its gradient. A loss scale
/// outlives the gradient made with it; the loss itself is not scaled.
/// Communication: what f does and its backward, then one small all-reduce for (sum, count); the parameters'
/// gradients stay pending, or are summed meanwhile (see `gradient_buckets`). Errors: a nested call; a loss that does not depend, or whose count depends,
/// on the parameters that f was given; a model of which everything is frozen; a parameter used otherwise than as f was given it; a member of the model that f writes; no batches; a count of 0 beside a sum that is not. A loss that still has axes does not
/// compile.
/// Example: auto [loss, gradient] = mw::value_and_gradient_over(model, micro_batches, [](auto const& m, auto const& b) {
///              return m.loss(b.inputs, b.targets); });
template <class Model, class Batches, class F>
loss_and_gradient<Model> value_and_gradient_over(Model const& model, Batches const& batches, F f,
                                                 with_scale how = std::source_location::current()) {
    static_assert(
        detail::without_bfloat16(detail::parameter_types<Model>()),
        "meshwise: parameters that are trained are float or double: for products in bfloat16 take "
        "mw::precision<mw::bfloat16> instead of mw::weight_dtype; for generation make a narrow model of the "
        "trained one with mw::cast_weights");
    tape& t = detail::own_tape();
    context& here = current();
    std::source_location const where = how.where;
    if (here.planned != nullptr) here.planned->count_step();
    loss_and_gradient<Model> result;
    result.gradient.of = detail::mark_of(model, where);
    Model recorded = model;
    detail::recording const scope(t, &model, &recorded, sizeof(Model));
    std::array<local_elements, parameter_count<Model>> elements{};
    auto const traits = detail::traits_of(model);
    bool trains = parameter_count<Model> == 0;
    for_each_parameter(
        recorded, []<class X>() { return elements_of<X>(); },
        [&](std::size_t i, std::string_view, auto& p, local_elements const& of) {
            elements[i] = of;
            node_id const leaf = t.leaf(*of.operations, of.size, where);
            if (traits[i].frozen) {
                p.set_frozen(true), p.set_constant();
                return;
            }
            trains = true;
            p.set_node(leaf, traits[i].role == role::statistic ? detail::untyped_tensor::is_a_statistic
                                                               : here.recording_number);
            p.mark_leaf(here.recording_number);
        });
    if (!trains) detail::refuse_frozen_model(where);
    node_id const parameters = t.top();
    // The function gets a copy: what it writes to a mutable member would be lost with it.
    std::uint64_t const members = detail::hash_of_bytes(&recorded, sizeof(Model));

    detail::loss_numbers total;
    std::size_t micro_batches = 0;
    double const scale = how.scale != nullptr ? how.scale->checked() : 1;
    if (how.scale != nullptr) detail::note_common(common_kind::options, {detail::bits_of(scale)});
    using iterator = decltype(std::begin(batches));
    for (auto next = std::begin(batches); next != std::end(batches); ++next) {
        auto const& batch = *next;
        ++micro_batches;
        t.note_uses(parameters);
        auto const loss = detail::call_with_frame(here, f, recorded, batch);
        if constexpr (detail::is_a_loss<std::remove_cvref_t<decltype(loss)>>()) {
            auto const& sum = detail::sum_part(loss);
            using Sum = std::remove_cvref_t<decltype(sum)>;
            auto const numbers = detail::numbers_of(loss);
            total.sum += numbers.sum, total.count += numbers.count, total.pending = numbers.pending;
            if (Sum::backend::leaves > 1) total.tree_type = element_type_of<typename Sum::value_type>;
            if (sum.node() == 0 || sum.recording() != here.recording_number) detail::refuse_loss(where);
            if constexpr (detail::is_loss_parts<std::remove_cvref_t<decltype(loss)>>)
                if (loss.count.node() != 0 && loss.count.recording() == here.recording_number)
                    detail::refuse_recorded_count(where);
            allocating_for const gradients(purpose::gradients);
            auto one = result_of<gradient_of<Sum>>(sum);
            Sum::backend::fill(one.mutable_data(), 1, static_cast<typename Sum::value_type>(scale));
            t.contribute(sum.node(), 0, one.memory());
            // An iterator that goes through the batches once cannot know which is the last: nothing is begun early.
            if constexpr (std::forward_iterator<iterator> && Sum::backend::computes)
                if (here.team->bucket_bytes(here.team->mesh().every_axis()) > 0 &&
                    std::next(next) == std::end(batches))
                    result.gradient.under_way = gradient_buckets::for_leaves(t, elements);
            t.set_watcher(result.gradient.under_way.get());
            pull_back(t, parameters);
        }
    }

    if (micro_batches == 0) detail::refuse_no_micro_batches(where);
    if (detail::hash_of_bytes(&recorded, sizeof(Model)) != members) detail::refuse_change_of_copy(where);
    if (result.gradient.under_way) result.gradient.under_way->close();
    for (std::size_t i = 0; i < result.gradient.parts.size(); ++i) {
        auto const id = static_cast<node_id>(i + 1);
        result.gradient.ways[i] = t.ways(id);
        if (t.has_gradient(id)) {
            result.gradient.parts[i] = t.merged(id);
            if (here.planned == nullptr) continue;
            bool const early = std::forward_iterator<iterator> && t.first_use(id) > parameters + 1;
            here.planned->add(result.gradient.parts[i].pending, t.size_of_node(id) * t.elements(id).size,
                              early);
        }
    }
    if (here.team->group_size(total.pending) > 1) {
        doing const loss("loss");
        // the numbers of micro-batches and their squares: equal on all ranks if and only if the mean of the squares is the
        // square of the mean
        constexpr bool many = !std::is_same_v<Batches, std::array<int, 1>>;
        auto const batches_here = static_cast<double>(micro_batches);
        std::array<double, 4> sums{total.sum, total.count, batches_here, batches_here * batches_here};
        if (total.tree_type == element_type::float64) {
            here.team->all_reduce(total.pending, reduction::sum, element_type::float64, sums.data(),
                                  sums.data(), many ? 4 : 2, where);
            total.sum = sums[0];
        } else {
            // for equal bits the sum over ranks rounds as the sum over leaves does; the counts are exact in double
            auto sum = static_cast<float>(total.sum);
            here.team->all_reduce(total.pending, reduction::sum, element_type::float32, &sum, &sum, 1, where);
            here.team->all_reduce(total.pending, reduction::sum, element_type::float64, &sums[1], &sums[1],
                                  many ? 3 : 1, where);
            total.sum = static_cast<double>(sum);
        }
        total.count = sums[1];
        if (many && static_cast<double>(here.team->group_size(total.pending)) * sums[3] != sums[2] * sums[2])
            detail::refuse_micro_batches(micro_batches, where);
    }
    // of no elements the sum is 0; any other sum would train nothing
    if (total.count == 0 && total.sum != 0) detail::refuse_count(total.sum, where);
    result.loss = total.count == 0 ? 0 : total.sum / total.count;
    result.gradient.count = total.count;
    result.gradient.micro_batches = micro_batches;
    result.gradient.scale = total.count == 0 ? 0 : 1 / total.count / scale;
    result.gradient.scaled_by = how.scale;
    return result;
}

/// f(model) -> loss, with one batch. See `value_and_gradient_over`.
/// Errors: a loss that is no tensor, that has axes or is a pending sum without its count does not compile.
/// Example: auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) { return m.loss(inputs, targets); });
template <class Model, class F>
    requires(!any_tensor<F>)
loss_and_gradient<Model> value_and_gradient(Model const& model, F f,
                                            with_scale how = std::source_location::current()) {
    if constexpr (detail::is_callable<F>()) {
        std::array<int, 1> const once{};
        return value_and_gradient_over(model, once, [&](Model const& m, int) { return f(m); }, how);
    } else {
        static_assert(never<F>, "meshwise: mw::value_and_gradient takes a model and a function of it that "
                                "returns the loss, or a model and the tensors that its member `loss` takes");
        return {};
    }
}

namespace detail {
template <class Model, class... Input>
loss_and_gradient<Model> gradient_of_member(Model const& model, with_scale how, Input const&... inputs) {
    if constexpr (has_member_loss<Model>()) {
        std::array<int, 1> const once{};
        return value_and_gradient_over(
            model, once, [&](Model const& m, int) { return m.loss(inputs...); }, how);
    } else {
        static_assert(
            never<Model>,
            "meshwise: this model has no member `loss` for mw::value_and_gradient(model, inputs...): "
            "add `auto loss(auto const& inputs...) const`, or give a function of the model");
        return {};
    }
}
}  // namespace detail

/// model.loss(inputs...) -> loss, with one batch: the first argument is a tensor.
/// Example: auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
template <class Model, any_tensor A>
loss_and_gradient<Model> value_and_gradient(Model const& model, A const& a,
                                            with_scale how = std::source_location::current()) {
    return detail::gradient_of_member(model, how, a);
}
template <class Model, any_tensor A, detail::input B>
loss_and_gradient<Model> value_and_gradient(Model const& model, A const& a, B const& b,
                                            with_scale how = std::source_location::current()) {
    return detail::gradient_of_member(model, how, a, b);
}
template <class Model, any_tensor A, detail::input B, detail::input C>
loss_and_gradient<Model> value_and_gradient(Model const& model, A const& a, B const& b, C const& c,
                                            with_scale how = std::source_location::current()) {
    return detail::gradient_of_member(model, how, a, b, c);
}
template <class Model, any_tensor A, detail::input B, detail::input C, detail::input D>
loss_and_gradient<Model> value_and_gradient(Model const& model, A const& a, B const& b, C const& c,
                                            D const& d, with_scale how = std::source_location::current()) {
    return detail::gradient_of_member(model, how, a, b, c, d);
}
template <class Model, any_tensor A, detail::input B, detail::input C, detail::input D, detail::input E>
loss_and_gradient<Model> value_and_gradient(Model const& model, A const& a, B const& b, C const& c,
                                            D const& d, E const& e,
                                            with_scale how = std::source_location::current()) {
    return detail::gradient_of_member(model, how, a, b, c, d, e);
}

namespace detail {
struct refused_gradient {
    poison loss, gradient;
};
}  // namespace detail
// of what is no model
template <class Model, class... Given>
    requires(!any_model<Model>)
detail::refused_gradient value_and_gradient(Model const&, Given const&...) {
    static_assert(never<Model>,
                  "meshwise: mw::value_and_gradient takes a model first, and a model lists its parameters: "
                  "static constexpr auto parameters = mw::fields<&model::up, &model::down>();");
    return {};
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/value_and_gradient.inl.hpp>
#endif
