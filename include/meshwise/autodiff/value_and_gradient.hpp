#pragma once
// value_and_gradient: runs a function of a model, and finds how its loss changes with every parameter.
//   auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) { return m.loss(batch); });
// The loss is a pair (sum, count), each possibly pending; they are divided after both are whole. Micro-batches add
// up before anything is reduced: one reduction per parameter and step, made when the optimiser asks for it, or, where the
// communicator works beside the program, begun in the last backward pass as soon as a gradient is final.
#include <cmath>
#include <iterator>
#include <memory>

#include <meshwise/autodiff/gradient_buckets.hpp>
#include <meshwise/autodiff/loss_scale.hpp>
#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/fields.hpp>

namespace meshwise {

/// A loss that is not yet divided: sum over the elements that count, and how many they are.
template <class Sum, class Count>
struct loss_parts {
    Sum sum;
    Count count;
};

namespace detail {
// what is left of one parameter's gradient, reduced; zeros where nothing came
inline buffer whole_gradient(contributions::one& part, std::size_t index, gradient_buckets* under_way,
                             element_operations const& elements, std::size_t size,
                             std::source_location where) {
    if (!part.memory && under_way != nullptr) under_way->finish(index, part);
    if (!part.memory) return tape::zeros(elements, size);
    if (part.pending != 0)
        part.memory =
            tape::reduced(elements.type, elements.size, size, part.pending, std::move(part.memory), where);
    part.pending = 0;
    return part.memory;
}
}  // namespace detail

/// Gradient contributions of all parameters of a model, in the order of its fields, not yet reduced and not yet
/// divided by `count`.
template <class Model>
struct model_gradient {
    std::array<contributions::one, parameter_count<Model>> parts{};
    double scale = 1;                               // what the parts are still to be multiplied by
    loss_scale* scaled_by = nullptr;                // whom to tell whether they are finite
    std::shared_ptr<gradient_buckets> under_way{};  // the sums that have begun already, if any

    /// Reduces what is pending of one parameter's gradient: `index` counts the fields in order.
    template <class X>
    X whole(std::size_t index, X const& parameter,
            std::source_location where = std::source_location::current()) {
        auto const& elements = element_operations_of<typename X::value_type, typename X::backend>;
        return X::over(whole(index, elements, parameter.size(), where), parameter.extents());
    }
    /// The same, of a parameter with so many elements on this rank.
    buffer whole(std::size_t index, element_operations const& elements, std::size_t size,
                 std::source_location where) {
        return detail::whole_gradient(parts[index], index, under_way.get(), elements, size, where);
    }
};

template <class Model>
struct valued_gradient {
    double value = 0;
    model_gradient<Model> gradient;
    double count = 1;
};

namespace detail {
inline tape& own_tape() {
    thread_local tape t;
    return t;
}
class recording {
public:
    explicit recording(tape& t) : here_(current()), tape_(t) {
        if (t.top() != 0)
            throw error(
                "mw::value_and_gradient was called inside another one; call them one after the other");
        here_.recording = here_.noting_uses = &t;
    }
    recording(recording const&) = delete;
    recording& operator=(recording const&) = delete;
    ~recording() {
        here_.recording = here_.noting_uses = nullptr;
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

template <class X>
double host_value(X const& x) {
    static_assert(
        X::axis_count == 0,
        "a loss is a tensor without axes, or a pair (sum, count) of such; sum it over its axes first");
    return X::backend::computes ? static_cast<double>(*x.data()) : 1.0;
}

/// Sum and count of one micro-batch, as numbers of this rank, and over which mesh axes they are pending.
struct loss_numbers {
    double sum = 0, count = 0;
    mesh_mask pending = 0;
    element_type tree_type = element_type::float64;  // in which sums over ranks are made
};
template <class T>
inline constexpr bool is_loss_parts = false;
template <class S, class C>
inline constexpr bool is_loss_parts<loss_parts<S, C>> = true;

template <class Loss>
auto const& sum_part(Loss const& loss) {
    if constexpr (is_loss_parts<Loss>)
        return loss.sum;
    else
        return loss;
}
template <class Loss>
loss_numbers numbers_of(Loss const& loss) {
    if constexpr (is_loss_parts<Loss>) {
        static_assert(
            std::is_same_v<typename decltype(loss.sum)::layout, typename decltype(loss.count)::layout>,
            "sum and count of a loss are pending over the same mesh axes");
        return {host_value(loss.sum), host_value(loss.count), sum_mask<typename decltype(loss.sum)::layout>};
    } else
        return {host_value(loss), 1.0, 0};
}
}  // namespace detail

/// Runs f(model, batch) for every micro-batch and returns the mean loss over all of them with its gradient. A loss scale
/// outlives the gradient made with it; the loss itself is not scaled.
/// Communication: what f does and its backward, then one small all-reduce for (sum, count); the parameters'
/// gradients stay pending, or are summed meanwhile (see `gradient_buckets`). Errors: a nested call; a loss that still has axes does not compile.
template <class Model, class Batches, class F>
valued_gradient<Model> value_and_gradient_over(Model const& model, Batches const& batches, F f,
                                               loss_scale* scaled_by,
                                               std::source_location where = std::source_location::current()) {
    static_assert(
        detail::without_bfloat16(detail::parameter_types<Model>()),
        "meshwise: gradients are float or double: train a model with float weights, then make a narrow "
        "one of it with mw::cast_weights");
    tape& t = detail::own_tape();
    context& here = current();
    valued_gradient<Model> result;
    detail::recording const scope(t);
    Model recorded = model;
    std::array<local_elements, parameter_count<Model>> elements{};
    for_each_parameter(
        recorded, []<class X>() { return elements_of<X>(); },
        [&](std::size_t i, std::string_view, auto& p, local_elements const& of) {
            elements[i] = of;
            p.set_node(t.leaf(*of.operations, of.size, where));
        });
    node_id const parameters = t.top();

    detail::loss_numbers total;
    double const scale = scaled_by != nullptr ? scaled_by->value : 1;
    using iterator = decltype(std::begin(batches));
    for (auto next = std::begin(batches); next != std::end(batches); ++next) {
        auto const& batch = *next;
        t.note_uses(parameters);
        auto const loss = f(recorded, batch);
        auto const& sum = detail::sum_part(loss);
        using Sum = std::remove_cvref_t<decltype(sum)>;
        if constexpr (!is_poison<Sum>) {
            static_assert(sum_mask<typename Sum::layout> == 0 ||
                              detail::is_loss_parts<std::remove_cvref_t<decltype(loss)>>,
                          "meshwise: this loss is a pending sum without its count; return "
                          "mw::loss_parts{sum, count}, as mw::cross_entropy does, or settle it");
            auto const numbers = detail::numbers_of(loss);
            total.sum += numbers.sum, total.count += numbers.count, total.pending = numbers.pending;
            if (Sum::backend::leaves > 1) total.tree_type = element_type_of<typename Sum::value_type>;
            if (sum.node() == 0) continue;
            allocating_for const gradients(purpose::gradients);
            auto one = result_of<gradient_of<Sum>>(sum);
            Sum::backend::fill(one.mutable_data(), 1, static_cast<typename Sum::value_type>(scale));
            t.contribute(sum.node(), 0, one.memory());
            // Who can go through the batches but once cannot know which is the last: nothing is begun early.
            if constexpr (std::forward_iterator<iterator> && Sum::backend::computes)
                if (here.team->bucket_bytes(here.team->mesh().every_axis()) > 0 &&
                    std::next(next) == std::end(batches))
                    result.gradient.under_way = std::make_shared<gradient_buckets>(t, elements);
            t.set_watcher(result.gradient.under_way.get());
            pull_back(t, parameters);
        }
    }

    if (result.gradient.under_way) result.gradient.under_way->close();
    for (std::size_t i = 0; i < result.gradient.parts.size(); ++i)
        if (auto const id = static_cast<node_id>(i + 1); t.has_gradient(id)) {
            result.gradient.parts[i] = t.merged(id);
            if (here.planned == nullptr) continue;
            bool const early = std::forward_iterator<iterator> && t.first_use(id) > parameters + 1;
            here.planned->add(result.gradient.parts[i].pending, t.size_of_node(id) * t.elements(id).size,
                              early);
        }
    if (here.team->group_size(total.pending) > 1) {
        doing const loss("loss");
        if (total.tree_type == element_type::float64) {
            std::array<double, 2> both{total.sum, total.count};
            here.team->all_reduce(total.pending, reduction::sum, element_type::float64, both.data(),
                                  both.data(), 2, where);
            total.sum = both[0], total.count = both[1];
        } else {
            // for equal bits the sum over ranks rounds as the sum over leaves does; the count is exact in double
            auto sum = static_cast<float>(total.sum);
            here.team->all_reduce(total.pending, reduction::sum, element_type::float32, &sum, &sum, 1, where);
            here.team->all_reduce(total.pending, reduction::sum, element_type::float64, &total.count,
                                  &total.count, 1, where);
            total.sum = static_cast<double>(sum);
        }
    }
    result.count = total.count;
    result.value = total.count == 0 ? 0 : total.sum / total.count;
    result.gradient.scale = total.count == 0 ? 0 : 1 / total.count / scale;
    result.gradient.scaled_by = scaled_by;
    return result;
}
template <class Model, class Batches, class F>
valued_gradient<Model> value_and_gradient_over(Model const& model, Batches const& batches, F f,
                                               std::source_location where = std::source_location::current()) {
    return value_and_gradient_over(model, batches, f, nullptr, where);
}
template <class Model, class Batches, class F>
valued_gradient<Model> value_and_gradient_over(Model const& model, Batches const& batches, F f,
                                               loss_scale& scale,
                                               std::source_location where = std::source_location::current()) {
    return value_and_gradient_over(model, batches, f, &scale, where);
}

/// One batch: f(model) -> loss. See `value_and_gradient_over`.
template <class Model, class F>
valued_gradient<Model> value_and_gradient(Model const& model, F f,
                                          std::source_location where = std::source_location::current()) {
    std::array<int, 1> const once{};
    return value_and_gradient_over(
        model, once, [&](Model const& m, int) { return f(m); }, where);
}
template <class Model, class F>
valued_gradient<Model> value_and_gradient(Model const& model, F f, loss_scale& scale,
                                          std::source_location where = std::source_location::current()) {
    std::array<int, 1> const once{};
    return value_and_gradient_over(
        model, once, [&](Model const& m, int) { return f(m); }, scale, where);
}

}  // namespace meshwise
