// lora: low-rank adapters around the linear layers of a model, which is frozen. Which model is fine-tuned is said by its strategy alone:
//   struct low : mw::axis<8> {};
//   using S = mw::strategy<mesh, mw::split<batch, dp>, mw::split<heads, tp>, mw::split<ffn, tp>, mw::split<vocab, tp>,
//                          mw::lora<low, 16>>;
//   auto tuned = mw::with_adapters<mw::gpt<S, sizes>>(here, model, mw::seed{1});  // model: mw::gpt<strategy, sizes>
//   auto merged = mw::merge_adapters<mw::gpt<strategy, sizes>>(tuned);
// Guarantees: names, initial values and placements of what is frozen are those of the model without adapters; the adapters'
// placements follow from the strategy as those of any parameter. Costs: two thin products for each layer.
// Source: Hu et al., LoRA: low-rank adaptation of large language models, 2021.
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/tensor/freeze.hpp>
#include <meshwise/tensor/members.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

/// Option of a strategy: mw::linear and mw::linear_without_bias are y = x W + b + (Alpha / rank) (x A) B. W and b are frozen; A, from
/// the inputs to the axis Rank, starts normal, and B, from there to the outputs, starts at zero. With axes Around only layers that
/// have one of them, as input or output, have adapters: mw::lora<low, 16, heads> are those of attention.
/// Placement and communication: those of mw::dot<S, In> and mw::dot<S, Rank>.
/// Example: using tuned = mw::strategy<mesh, mw::split<batch, dp>, mw::split<ffn, tp>, mw::lora<mw::rank_of_adapters<8>, 16>>;
template <any_axis Rank, std::size_t Alpha = Rank::true_size, any_axis... Around>
struct lora {
    using rank = Rank;
    static constexpr double scale = static_cast<double>(Alpha) / static_cast<double>(Rank::true_size);
};
/// An axis for adapters, for who has no other use for one.
/// Example: static_assert(mw::rank_of_adapters<8>::size == 8);
template <std::size_t N>
struct rank_of_adapters : axis<N> {};

/// Whether a parameter is none of an adapter: what is frozen beside adapters, for mw::freeze and for a budget.
/// Example: static_assert(mw::training_bytes_per_rank<my_model, mw::all_but_adapters> == mw::parameter_bytes_per_rank<my_model>);
constexpr bool all_but_adapters(parameter_info const& p) { return p.role != role::adapter; }

namespace detail {
template <class Rank, std::size_t Alpha, class... Around>
struct option<lora<Rank, Alpha, Around...>> : no_option {
    using rest = list<lora<Rank, Alpha, Around...>>;
};
template <class T>
inline constexpr bool is_lora = false;
template <class Rank, std::size_t Alpha, class... Around>
inline constexpr bool is_lora<lora<Rank, Alpha, Around...>> = true;

template <class S>
struct lora_option {
    using type = void;
};
template <class Mesh, class... Options>
struct lora_option<strategy<Mesh, Options...>> {
    using type =
        first_of<concat<list<>, std::conditional_t<is_lora<Options>, list<Options>, list<>>..., list<void>>>;
};
template <class S>
using lora_of = typename lora_option<S>::type;

template <class Lora, class Axes>
inline constexpr bool is_around = false;
template <class Rank, std::size_t Alpha, class... Around, class... A>
inline constexpr bool is_around<lora<Rank, Alpha, Around...>, list<A...>> =
    sizeof...(Around) == 0 || (is_one_of<Around, A...> || ...);
template <class S, class In, class Out>
concept has_adapter = is_around<lora_of<S>, concat<list_of<In>, list_of<Out>>>;

// A and B of a layer; their names in files are those of its fields
template <class S, class In, class Out>
struct adapter {
    using rank = typename lora_of<S>::rank;
    using down_type = typename layer_weight<S, In, rank>::type;
    using up_type = typename layer_weight<S, rank, Out>::type;

    static auto of(auto const& x, down_type const& down, up_type const& up, std::source_location where) {
        auto const low = dot_over<S>(list_of<In>{}, x, down, where);
        return dot_over<S>(list<rank>{}, scale(low, lora_of<S>::scale), up, where);
    }
    static auto merged(auto const& weight, down_type const& down, up_type const& up,
                       std::source_location where) {
        return add(weight, scale(dot_over<S>(list<rank>{}, down, up, where), lora_of<S>::scale), where);
    }
};
}  // namespace detail

// y = x W + b with an adapter: see mw::lora.
template <class S, class In, class Out>
    requires detail::has_adapter<S, In, Out>
struct linear<S, In, Out> {
    using adapter = detail::adapter<S, In, Out>;
    typename detail::layer_weight<S, In, Out>::type weight;
    detail::parameter_over<S, detail::list_of<Out>> bias;
    typename adapter::down_type lora_a;
    typename adapter::up_type lora_b;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return add(detail::affine<S>(detail::list_of<In>{}, x, weight, bias, where),
                       adapter::of(x, lora_a, lora_b, where), where);
    }

    static constexpr auto parameters =
        fields<&linear::weight, detail::initial_weight<In>, detail::inputs_of<In>, frozen, &linear::bias,
               frozen, &linear::lora_a, detail::initial_weight<In>, detail::inputs_of<In>, role::adapter,
               &linear::lora_b, role::adapter>();
};

// y = x W with an adapter: see mw::lora.
template <class S, class In, class Out>
    requires detail::has_adapter<S, In, Out>
struct linear_without_bias<S, In, Out> {
    using adapter = detail::adapter<S, In, Out>;
    typename detail::layer_weight<S, In, Out>::type weight;
    typename adapter::down_type lora_a;
    typename adapter::up_type lora_b;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return add(detail::dot_over<S>(detail::list_of<In>{}, x, weight, where),
                       adapter::of(x, lora_a, lora_b, where), where);
    }

    static constexpr auto parameters =
        fields<&linear_without_bias::weight, detail::initial_weight<In>, detail::inputs_of<In>, frozen,
               &linear_without_bias::lora_a, detail::initial_weight<In>, detail::inputs_of<In>, role::adapter,
               &linear_without_bias::lora_b, role::adapter>();
};

namespace detail {
template <class M>
concept adapted_layer = requires(M const& m) { m.lora_a, m.lora_b, m.weight; };

// Whether two models are the same but for adapters. Layers that have adapters have other types.
template <class To, class From>
constexpr bool carries_over();
template <class... ToField, class... FromField>
constexpr bool fields_carry_over(field_list<ToField...> const&, field_list<FromField...> const&) {
    if constexpr (sizeof...(ToField) == sizeof...(FromField))
        return (carries_over<typename ToField::type, typename FromField::type>() && ...);
    else
        return false;
}
template <class To, class From>
constexpr bool carries_over() {
    if constexpr (std::is_same_v<To, From>)
        return true;
    else if constexpr (adapted_layer<To> || adapted_layer<From>)
        return requires(To to, From from) { to.weight = from.weight; };
    else if constexpr (array_size<To> != 0 && array_size<To> == array_size<From>)
        return carries_over<typename To::value_type, typename From::value_type>();
    else if constexpr (any_model<To> && any_model<From>)
        return fields_carry_over(To::parameters, From::parameters);
    else
        return false;
}

// What is made of parameters here has no gradient to hand back to them.
template <class Model>
void check_not_recorded(Model const& model, std::string_view who, std::source_location where) {
    for_each_parameter(model, [&](std::size_t, std::string_view, auto const& p, initial) {
        if (is_recorded(where, p)) refuse_without_gradient(who, where);
    });
}
// A whole layer is carried where it has adapters on one of the two sides.
struct carries_layers {
    std::source_location where;

    template <class To, class From>
    static constexpr bool takes() {
        return adapted_layer<To> || adapted_layer<From>;
    }
    template <class To, class From>
    void operator()(To& to, From const& from) const {
        if constexpr (adapted_layer<From>)
            to.weight = From::adapter::merged(from.weight, from.lora_a, from.lora_b, where);
        else
            to.weight = from.weight;
        if constexpr (requires { to.bias; }) to.bias = from.bias;
    }
};
}  // namespace detail

/// A model with adapters around the layers of `base`, whose parameters it shares until one of the two is written, and of which all
/// but the adapters is frozen; mw::unfreeze trains norms or biases, too. The model answers as `base` does until it is trained.
/// Members that are no parameters are those of `base`.
/// Communication: none. Errors: models that differ in more than mw::lora do not compile; a model that is recorded, whose gradient
/// would end here; a model without values.
/// Example: auto tuned = mw::with_adapters<my_model>(here, model, mw::seed{1});  // my_model has no mw::lora: a copy that is frozen
template <any_model Adapted, any_model Base>
Adapted with_adapters(auto& here, Base const& base, seed s,
                      std::source_location where = std::source_location::current()) {
    static_assert(
        detail::carries_over<Adapted, Base>(),
        "meshwise: mw::with_adapters and mw::merge_adapters take the same model under two strategies, with and "
        "without mw::lora, and all else equal");
    if constexpr (detail::carries_over<Adapted, Base>()) {
        detail::check_not_recorded(base, "mw::with_adapters", where);
        auto made = here.template init<Adapted>(s);
        if constexpr (detail::check_carried<Adapted, Base, detail::carries_layers>())
            detail::carry_member(made, base, detail::carries_layers{where});
        freeze(made, &all_but_adapters);
        return made;
    } else
        return {};
}

/// The model without adapters, whose weights are W + (Alpha / rank) A B; nothing of it is frozen.
/// Communication: where A or B is split otherwise than W, what brings them together.
/// Errors: as mw::with_adapters.
/// Example: auto plain = mw::merge_adapters<my_model>(model);
template <any_model Base, any_model Adapted>
Base merge_adapters(Adapted const& model, std::source_location where = std::source_location::current()) {
    static_assert(
        detail::carries_over<Base, Adapted>(),
        "meshwise: mw::with_adapters and mw::merge_adapters take the same model under two strategies, with and "
        "without mw::lora, and all else equal");
    if constexpr (detail::carries_over<Base, Adapted>()) {
        detail::check_not_recorded(model, "mw::merge_adapters", where);
        allocating_for const parameters(purpose::parameters);
        Base merged{};
        if constexpr (detail::check_carried<Base, Adapted, detail::carries_layers>())
            detail::carry_member(merged, model, detail::carries_layers{where});
        for_each_parameter(
            merged, []<class X>() { return 0; },
            [](std::size_t, std::string_view, detail::untyped_tensor& p, int) { p.set_frozen(false); });
        return merged;
    } else
        return {};
}

}  // namespace meshwise
