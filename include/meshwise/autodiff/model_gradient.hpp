// model_gradient: what value_and_gradient finds: the gradient of every parameter, whose sums over ranks are made when an
// optimiser asks for them.
#pragma once

#include <array>
#include <memory>

#include <meshwise/autodiff/gradient_buckets.hpp>
#include <meshwise/autodiff/loss_scale.hpp>
#include <meshwise/autodiff/record.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/padding.hpp>
#include <meshwise/tensor/parameter_walk.hpp>

namespace meshwise {

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
// Values of a model are known by the last writes to its parameters, wherever it was moved or copied to.
struct model_mark {
    model_mark() = default;
    explicit model_mark(std::uint64_t last_writes) : known(true), writes(last_writes) {}
    model_mark(model_mark const&) = default;
    model_mark& operator=(model_mark const&) = default;
    // what was moved from is a gradient of nothing
    model_mark(model_mark&& other) noexcept
        : known(std::exchange(other.known, false)),
          writes(other.writes) {}
    model_mark& operator=(model_mark&& other) noexcept {
        known = std::exchange(other.known, false), writes = other.writes;
        return *this;
    }
    ~model_mark() = default;

    bool known = false;
    std::uint64_t writes = 0;
};
[[noreturn]] void refuse_empty_gradient(std::source_location where);
[[noreturn]] void refuse_empty_parameter(std::string_view name, std::source_location where);
struct users_memory {
    std::uintptr_t begin, end;
    std::size_t parameter;
};
// Errors: two of `count` pieces of the user's memory overlap.
void refuse_shared_views(users_memory const* views, std::size_t count, std::source_location where);
// Errors: a parameter has no value; two are views of the same memory, which each would change.
template <class Model>
model_mark mark_of(Model const& model, std::source_location where) {
    std::uint64_t writes = 0;
    users_memory views[parameter_count<Model> + 1];
    std::size_t viewed = 0;
    for_each_parameter(
        model, []<class X>() { return 0; },
        [&](std::size_t i, std::string_view name, untyped_tensor const& p, int) {
            if (!p.has_value()) refuse_empty_parameter(name, where);
            std::uintptr_t at = 0;
            if (p.memory().is_users()) {
                at = reinterpret_cast<std::uintptr_t>(p.memory().data());
                views[viewed++] = {at, at + p.memory().bytes(), i};
            }
            writes = (writes ^ p.memory().version() ^ at) * 0x9E3779B97F4A7C15U;
        });
    refuse_shared_views(views, viewed, where);
    return model_mark(writes);
}

// The types of all parameters, in order, as tags.
template <class Model>
inline constexpr auto parameter_tags = [] {
    std::array<void const*, parameter_count<Model>> tags{};
    std::size_t at = 0;
    auto put = [&]<class X>() { tags[at++] = &type_tag<X>; };
    visit_types<Model>(put);
    return tags;
}();
[[noreturn]] void refuse_parameter(std::string_view of, std::size_t index, std::size_t count,
                                   axis_name const* names, std::source_location where);
// Errors: there is no parameter `index`, or it is of another type than X.
template <class Model, class X>
void check_parameter(std::string_view of, std::size_t index, std::source_location where) {
    constexpr auto const& tags = parameter_tags<Model>;
    if (index >= tags.size() || tags[index] != &type_tag<X>)
        refuse_parameter(of, index, tags.size(), names_of(static_cast<typename X::axes*>(nullptr)), where);
}
}  // namespace detail

/// The gradient of a loss by all parameters of a model, in the order of its fields. Its `parts` are not yet reduced and not
/// yet multiplied by `scale`; `whole` and `replace` deal in the gradient of the loss itself.
/// Example:
/// auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
/// mw::model_gradient<my_model> const& parts = gradient;
template <class Model>
struct model_gradient {
    std::array<contributions::one, parameter_count<Model>> parts{};
    double scale = 1;               // what the parts are still to be multiplied by
    double count = 1;               // how many elements the loss is the mean of
    std::size_t micro_batches = 1;  // how many losses were added up
    std::array<std::uint32_t, parameter_count<Model>>
        ways{};                                     // of a statistic: how many its part is the sum of
    loss_scale* scaled_by = nullptr;                // the scale to tell whether they are finite
    std::shared_ptr<gradient_buckets> under_way{};  // the sums that have begun already, if any
    bool applied = false;                           // an optimiser has taken a step with it
    detail::model_mark of{};                        // the model that it is the gradient of

    /// Whether anything came to parameter `index`: its place among the fields, in order. The whole gradient of one to which
    /// nothing came is zero.
    bool reached(std::size_t index) const {
        return static_cast<bool>(parts[index].memory) ||
               (under_way != nullptr && under_way->has_begun(index));
    }
    /// The gradient is meant for this model, though it was found for another one, such as a copy with other values.
    void retarget(Model const& model, std::source_location where = std::source_location::current()) {
        of = detail::mark_of(model, where);
    }

    /// The gradient of the loss by one parameter, reduced, divided by the count and by a loss scale: `index` counts the
    /// fields in order. The tensor is to be read. To change the gradient, give another one back with `replace`.
    /// Errors: parameter `index` is of another type than `parameter`.
    template <class X>
    X whole(std::size_t index, X const& parameter,
            std::source_location where = std::source_location::current()) {
        detail::check_parameter<Model, X>("gradient.whole", index, where);
        check_operands(where, parameter);
        auto const& elements = element_operations_of<typename X::value_type, typename X::backend>;
        X made = X::over(whole(index, elements, parameter.local_size(), where), parameter.extents());
        if (scale != 1) made = times(made, scale);
        made.set_node(0, detail::untyped_tensor::is_a_gradient);
        return made;
    }
    /// A gradient of the loss in the place of the one that was found.
    /// Errors: it is of another type than parameter `index`: elements, axes and placement are the parameter's.
    /// Example: gradient.replace(0, gradient.whole(0, model.table) * 0.5F);
    template <class X>
    void replace(std::size_t index, X const& instead,
                 std::source_location where = std::source_location::current()) {
        static_assert(!is_partial<typename X::layout>,
                      "meshwise: the gradient of a parameter is replaced by a whole one: settle the sum");
        detail::check_parameter<Model, X>("gradient.replace", index, where);
        check_operands(where, instead);
        if (instead.local_size() * sizeof(typename X::value_type) > 0 && under_way != nullptr)
            under_way->finish(index, parts[index]);
        if (scale == 0) scale = 1;  // of a loss of no elements all parts are zero
        X made = scale == 1 ? instead.detached() : times(instead, 1 / scale);
        if constexpr (detail::has_padding(typename X::axes{})) {  // it may have been written by hand
            made.mutable_data();
            detail::clear_padding(made);
        }
        parts[index] = {0, made.memory()};
    }
    /// The same, of a parameter with so many elements on this rank.
    buffer whole(std::size_t index, element_operations const& elements, std::size_t size,
                 std::source_location where) {
        if (!of.known) detail::refuse_empty_gradient(where);
        return detail::whole_gradient(parts[index], index, under_way.get(), elements, size, where);
    }

private:
    template <class X>
    static X times(X const& x, double factor) {
        using T = typename X::value_type;
        X product = result_of<X>(x);
        X::backend::copy(product.mutable_data(), x.raw_data(), x.local_size());
        X::backend::scale(product.mutable_data(), x.local_size(), static_cast<T>(factor));
        return product;
    }
};

/// A loss, the same number on every rank, and its gradient: auto [loss, gradient] = mw::value_and_gradient(...).
/// Example: mw::loss_and_gradient<my_model> const found = mw::value_and_gradient(model, inputs, targets);
template <class Model>
struct loss_and_gradient {
    double loss = 0;
    model_gradient<Model> gradient;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/model_gradient.inl.hpp>
#endif
