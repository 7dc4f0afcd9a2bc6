// lstm and gru: states that go from token to token, and what they say at each.
//   mw::lstm<S, token, embed, ffn> cell;
//   auto const seen = cell(x);               // (batch, token, embed) -> seen.output (batch, token, ffn), seen.state
//   auto const more = cell(y, seen.state);   // goes on where x ended
// Gates, their order and their biases are those of torch: what it calls weight_ih_l0 is `input`, weight_hh_l0 is `recurrent`.
// Placement: batches and columns of the state may be split. Tokens go one after the other on every rank; where the strategy
// splits them, they are gathered.
// Cost: one product for all tokens, then one of the state for each; a split state is gathered once a token.
#pragma once

#include <vector>

#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/moves/expand.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/moves/slice.hpp>

namespace meshwise {

namespace elementary {
struct lstm_cell {
    constexpr auto operator()(auto input, auto forget, auto candidate, auto cell) const {
        return sigmoid(forget) * cell + sigmoid(input) * tanh(candidate);
    }
};
struct lstm_output {
    constexpr auto operator()(auto output, auto cell) const { return sigmoid(output) * tanh(cell); }
};
// the state has a bias of its own, which the reset gate multiplies too
struct gru_state {
    constexpr auto operator()(auto x_reset, auto x_update, auto x_new, auto h_reset, auto h_update,
                              auto h_new, auto h) const {
        auto const candidate = tanh(x_new + sigmoid(x_reset + h_reset) * h_new);
        return candidate + sigmoid(x_update + h_update) * (h - candidate);
    }
};
}  // namespace elementary

namespace detail {
// the state as what the next one is made of
template <class Hidden>
struct state_before : Hidden {};
template <std::size_t N>
struct gates : axis<N> {};
template <class Axis>
struct one_of : axis<1> {};

template <class Axis, class X>
auto element_of(X const& x, std::size_t i, std::source_location where) {
    return squeeze<one_of<Axis>>(slice<Axis, one_of<Axis>>(x, i, 1, where), where);
}

/// Values of the tokens as one with the axis Token, whose extents are those of `like`.
template <class Token, class Out, class X, class Like>
Out joined_tokens(std::vector<X> const& x, Like const& like, std::source_location where) {
    using B = typename X::backend;
    Out out = result_of<Out>(like);
    auto const first = run_of_axis::of<Token>(out, 0, 1);
    std::vector<target<X>> targets;
    bool recorded = false;
    run_of_axis run = first;
    for (X const& one : x) {
        recorded = is_recorded(where, one) || recorded;
        run.template put<B>(out.mutable_data(), one.raw_data());
        run.first += run.run;
        targets.push_back(target_of(one));
    }
    clear_padding(out);  // of tokens
    if (recorded)
        record_linear(out, where, [targets, first](auto const& d, mesh_mask pending) {
            run_of_axis at = first;
            for (target<X> const& to : targets) {
                auto part = gradient_of<X>::uninitialized(to.extents);
                at.template take<B>(part.mutable_data(), d.raw_data());
                contribute(to, part, pending);
                at.first += at.run;
            }
        });
    return out;
}

// of the products of all tokens with the weights of N gates: where they lie while one token is looked at after the other
template <class S, class Token, std::size_t N, class Product>
struct token_by_token {
    using of_token = as_axes<without<as_list<typename Product::axes>, list<Token>>>;
    using place = layout_for<S, of_token>;
    using state_axes = without<as_list<of_token>, list<gates<N>>>;
    using output_axes = without<as_list<typename Product::axes>, list<gates<N>>>;
    using whole = relayout<typename Product::axes, list<>, place>;
    using state = with_place<Product, as_axes<state_axes>, relayout<state_axes, list<>, place>>;
    using output = with_place<Product, as_axes<output_axes>, relayout<output_axes, list<>, place>>;
};

template <class State>
State state_of_zeros(auto const& like) {
    State zero = result_of<State>(like);
    State::backend::fill(zero.mutable_data(), zero.local_size(), typename State::value_type{});
    return zero;
}

/// All tokens one after the other: state = step(product, state), and what `said(state)` is, as (..., Token, ...).
template <class S, class Token, class Places, class Product, class State, class Step, class Said>
auto over_tokens(Product const& products, State& state, Step step, Said said, std::source_location where) {
    auto const whole = reshard<typename Places::whole>(products, where);
    std::vector<typename Places::state> outputs;
    for (std::size_t t = 0; t < true_extent<Token>(whole); ++t) {
        state = step(element_of<Token>(whole, t, where), state);
        outputs.push_back(said(state));
    }
    return settle<S>(joined_tokens<Token, typename Places::output>(outputs, whole, where), where);
}

template <class X, class Token, class In>
using recurrent_input = all_of<not_refused<X>, readable<X, In>,
                               typename missing_input<list<Token>, typename X::operand::axes>::verdict>;
}  // namespace detail

/// What `lstm` and `gru` return: the state at every token, and all that a call which goes on has to know.
/// Example:
/// auto cell = here.init<mw::gru<S, token, embed, ffn>>(mw::seed{1});
/// auto const [output, state] = cell(x);
template <class Output, class State>
struct recurrent_result {
    Output output;
    State state;
};
/// The state of `lstm`: what it says, and what it keeps for itself.
/// Example:
/// auto cell = here.init<mw::lstm<S, token, embed, ffn>>(mw::seed{1});
/// auto const kept = cell(x).state.cell;
template <class X>
struct lstm_state {
    X hidden, cell;
};

namespace detail {
// the tensor in the state of an lstm
template <class T>
struct in_lstm_state {
    using type = void;
};
template <class X>
struct in_lstm_state<lstm_state<X>> {
    using type = X;
};
// Can a layer whose states are these begin with an H?
template <class State, class H>
constexpr bool begins_with() {
    if constexpr (is_tensor_type<H>)
        return std::is_same_v<typename H::axes, typename State::axes> &&
               std::is_same_v<typename H::value_type, typename State::value_type>;
    else
        return is_poison<H>;
}
template <class Before>
concept a_state_before = !std::is_convertible_v<Before, std::source_location>;
}  // namespace detail

/// Long short-term memory along Token, from In to Hidden. Gates stand in torch's order: input, forget, candidate, output.
/// Placement: x where S puts it; the output goes where S puts its axes. Communication: that of two `linear`, the second once a
/// token. Source: Hochreiter and Schmidhuber, Long short-term memory, 1997.
/// Example:
/// auto cell = here.init<mw::lstm<S, token, embed, ffn>>(mw::seed{1});
/// auto const first = cell(x);
/// auto const second = cell(y, first.state).output;
template <any_strategy S, any_axis Token, class In, any_axis Hidden>
struct lstm {
    using gates = detail::gates<4>;
    linear<S, In, axes<gates, Hidden>> input;
    linear<S, detail::state_before<Hidden>, axes<gates, Hidden>> recurrent;

    template <any_tensor X>
    auto operator()(X const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::recurrent_input<X, Token, In>;
        if constexpr (!verdict::value) {
            // a refusal has the members of a result, so that its sentence stands alone
            (void)refuse<verdict>();
            return recurrent_result<poison, lstm_state<poison>>{};
        } else {
            // states are kept in float also where products are bfloat16: they go through all tokens
            auto const products = cast<typename S::element>(input(x, where), where);
            using places = detail::token_by_token<S, Token, 4, std::remove_const_t<decltype(products)>>;
            using state = typename places::state;
            return from<places>(products,
                                lstm_state<state>{detail::state_of_zeros<state>(products),
                                                  detail::state_of_zeros<state>(products)},
                                where);
        }
    }
    template <any_tensor X, detail::a_state_before Before>
    auto operator()(X const& x, Before const& before,
                    std::source_location where = std::source_location::current()) const {
        using verdict = detail::recurrent_input<X, Token, In>;
        using H = typename detail::in_lstm_state<Before>::type;
        if constexpr (!verdict::value) {
            // a refusal has the members of a result, so that its sentence stands alone
            (void)refuse<verdict>();
            return recurrent_result<poison, lstm_state<poison>>{};
        } else {
            // states are kept in float also where products are bfloat16: they go through all tokens
            auto const products = cast<typename S::element>(input(x, where), where);
            using places = detail::token_by_token<S, Token, 4, std::remove_const_t<decltype(products)>>;
            using state = typename places::state;
            constexpr bool fits = detail::begins_with<state, H>();
            static_assert(
                fits,
                "meshwise: mw::lstm goes on from the state that such a layer returned, an mw::lstm_state "
                "of two tensors with the axes of x, but Token and In, and Hidden last");
            if constexpr (!fits || is_poison<H>)
                return recurrent_result<poison, lstm_state<poison>>{};
            else
                return from<places>(products,
                                    lstm_state<state>{reshard<typename state::layout>(before.hidden, where),
                                                      reshard<typename state::layout>(before.cell, where)},
                                    where);
        }
    }

    static constexpr auto parameters = fields<&lstm::input, &lstm::recurrent>();

private:
    template <class Places, class Products, class State>
    auto from(Products const& products, State state, std::source_location where) const {
        auto output = detail::over_tokens<S, Token, Places>(
            products, state,
            [&](auto const& of_token, State const& before) {
                auto const all =
                    of_token +
                    recurrent(rename<Hidden, detail::state_before<Hidden>>(before.hidden, where), where);
                auto const gate = [&](std::size_t i) { return detail::element_of<gates>(all, i, where); };
                auto const cell = map(elementary::lstm_cell{}, gate(0), gate(1), gate(2), before.cell);
                return State{map(elementary::lstm_output{}, gate(3), cell), cell};
            },
            [](State const& s) { return s.hidden; }, where);
        return recurrent_result<decltype(output), State>{output, state};
    }
};

/// Gated recurrent unit along Token, from In to Hidden; the reset gate multiplies the product of the state, as torch has it.
/// Gates stand in torch's order: reset, update, new. Placement and communication: those of `lstm`; its state is a tensor.
/// Source: Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.
/// Example:
/// auto cell = here.init<mw::gru<S, token, embed, ffn>>(mw::seed{1});
/// auto const first = cell(x);
/// auto const second = cell(y, first.state).output;
template <any_strategy S, any_axis Token, class In, any_axis Hidden>
struct gru {
    using gates = detail::gates<3>;
    linear<S, In, axes<gates, Hidden>> input;
    linear<S, detail::state_before<Hidden>, axes<gates, Hidden>> recurrent;

    template <any_tensor X>
    auto operator()(X const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::recurrent_input<X, Token, In>;
        if constexpr (!verdict::value) {
            (void)refuse<verdict>();
            return recurrent_result<poison, poison>{};
        } else {
            // states are kept in float also where products are bfloat16: they go through all tokens
            auto const products = cast<typename S::element>(input(x, where), where);
            using places = detail::token_by_token<S, Token, 3, std::remove_const_t<decltype(products)>>;
            return from<places>(products, detail::state_of_zeros<typename places::state>(products), where);
        }
    }
    template <any_tensor X, detail::a_state_before H>
    auto operator()(X const& x, H const& before,
                    std::source_location where = std::source_location::current()) const {
        using verdict = detail::recurrent_input<X, Token, In>;
        if constexpr (!verdict::value) {
            (void)refuse<verdict>();
            return recurrent_result<poison, poison>{};
        } else {
            // states are kept in float also where products are bfloat16: they go through all tokens
            auto const products = cast<typename S::element>(input(x, where), where);
            using places = detail::token_by_token<S, Token, 3, std::remove_const_t<decltype(products)>>;
            using state = typename places::state;
            constexpr bool fits = detail::begins_with<state, H>();
            static_assert(
                fits,
                "meshwise: mw::gru goes on from the state that such a layer returned, a tensor with the "
                "axes of x, but Token and In, and Hidden last");
            if constexpr (!fits || is_poison<H>)
                return recurrent_result<poison, poison>{};
            else
                return from<places>(products, reshard<typename state::layout>(before, where), where);
        }
    }

    static constexpr auto parameters = fields<&gru::input, &gru::recurrent>();

private:
    template <class Places, class Products, class State>
    auto from(Products const& products, State state, std::source_location where) const {
        auto output = detail::over_tokens<S, Token, Places>(
            products, state,
            [&](auto const& of_x, State const& before) {
                auto const of_h =
                    recurrent(rename<Hidden, detail::state_before<Hidden>>(before, where), where);
                auto const gate = [&](auto const& of, std::size_t i) {
                    return detail::element_of<gates>(of, i, where);
                };
                return map(elementary::gru_state{}, gate(of_x, 0), gate(of_x, 1), gate(of_x, 2),
                           gate(of_h, 0), gate(of_h, 1), gate(of_h, 2), before);
            },
            [](State const& s) { return s; }, where);
        return recurrent_result<decltype(output), State>{output, state};
    }
};

}  // namespace meshwise
