// adafactor: second moments of a matrix by their means over rows and over columns, in little memory.
// Guarantees: means and norms are those of the whole parameter, whatever splits it: what is summed over a split axis is summed
// over the ranks that split it. Costs: five small all-reduces for a parameter that is split.
// Source: Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost, 2018, in the form of
// torch.optim.Adafactor.
#pragma once

#include <algorithm>

#include <meshwise/optim/optimizer.hpp>

namespace meshwise {

/// Numbers of Adafactor.
/// Example: constexpr mw::adafactor_options options{.learning_rate = 1e-2, .weight_decay = 0.1};
struct adafactor_options {
    double learning_rate =
        1e-2;                   // relative to the root mean square of a parameter, and at most 1 / sqrt(step)
    double decay_power = 0.8;   // the second moments forget with 1 - step^-decay_power
    double least_size = 1e-3;   // for a parameter whose root mean square is smaller
    double largest_update = 1;  // root mean square to which an update is shortened
    double weight_decay = 0;    // of matrices and tables, unless `groups` says otherwise
    double clip_norm = 0;       // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
struct adafactor_rule {
    using options = adafactor_options;
    static constexpr char const* name = "mw::adafactor";
    static constexpr std::size_t moment_count = 2;
    static constexpr char const* moments[]{"mean_square", "mean_square_of_columns"};
    static std::array<option_value, 7> ranges(adafactor_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"decay_power", how.decay_power, at_least_zero},
                 {"least_size", how.least_size, above_zero},
                 {"largest_update", how.largest_update, above_zero},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    static bool is_matrix(parameter_traits const& traits, std::size_t rows, std::size_t columns) {
        return traits.role != role::bias && traits.role != role::gain && rows > 1 && columns > 1;
    }
    static std::array<std::size_t, 2> moment_sizes(adafactor_options const&, parameter_traits const& traits,
                                                   std::size_t count, matrix_view const& of) {
        if (is_matrix(traits, of.whole_rows, of.whole_columns)) return {of.rows, of.columns};
        return {count, 0};
    }
    template <class X, class F>
    static void with_type(std::size_t which, parameter_traits const& traits, F f) {
        auto const of = matrix_view_of<X>(traits.inputs);
        if (!is_matrix(traits, of.whole_rows, of.whole_columns)) return f.template operator()<X>();
        [&]<std::size_t... Rows>(std::index_sequence<Rows...>) {
            ((Rows + 1 == traits.inputs ? with_axes<X, Rows + 1>(which, f) : void()), ...);
        }(std::make_index_sequence < X::axis_count == 0 ? 0 : X::axis_count - 1 > {});
    }
    template <class X>
    static parameter_rule<adafactor_options> rule_for() {
        return {elements_of<X>(), &update<typename X::value_type, typename X::backend>, &matrix_view_of<X>};
    }
    template <class T, class Backend>
    static void update(parameter_step const& one, adafactor_options const& how) {
        matrix_view const& of = one.matrix;
        context& here = current();
        auto const temporary = [&](std::size_t n) {
            return buffer(*here.pool, n * sizeof(T), purpose::gradients);
        };
        auto const mean_over = [&](double sum, mesh_mask over, std::size_t count) {
            sum_over_ranks(over, &sum, 1, one.where);
            return sum / static_cast<double>(count);
        };
        std::size_t const n = one.count, whole = of.whole_rows * of.whole_columns;
        mesh_mask const everywhere = of.split_rows | of.split_columns;
        T* const values = one.values<T>();
        T const* const gradients = one.gradients<T>();
        auto const step = static_cast<double>(one.step);
        auto const fresh = static_cast<T>(std::pow(step, -how.decay_power)),
                   scale = static_cast<T>(one.gradient_scale);
        constexpr T epsilon = std::numeric_limits<T>::epsilon();
        double const size = std::sqrt(mean_over(Backend::sum_squares(n, values), everywhere, whole));
        double const rate = std::max(how.least_size, size) * std::min(one.learning_rate, 1 / std::sqrt(step));

        buffer made = temporary(n);
        auto* const change = static_cast<T*>(made.mutable_data());
        map_elements<Backend>(n, [=](auto g) { return (scale * g) * (scale * g); }, change, gradients);
        auto const mix = [=](auto old, auto now) { return old + fresh * (now - old); };
        if (!is_matrix(one.traits, of.whole_rows, of.whole_columns)) {
            T* const mean = one.moment<T>(0);
            map_elements<Backend>(n, mix, mean, mean, change);
            map_elements<Backend>(
                n, [=](auto g, auto v) { return scale * g * rsqrt(max(v, epsilon * epsilon)); }, change,
                gradients, mean);
        } else {
            T *const by_row = one.moment<T>(0), *const by_column = one.moment<T>(1);
            auto const add_squares = [&](T* moment, std::size_t count, bool rows, mesh_mask over,
                                         std::size_t summed) {
                buffer sums = temporary(count);
                auto* const to = static_cast<T*>(sums.mutable_data());
                iteration_space<1> space;
                space.dims = 2;
                space.extents[0] = of.rows, space.extents[1] = of.columns;
                space.in[0][0] = static_cast<std::ptrdiff_t>(of.columns), space.in[0][1] = 1;
                space.out[0] = rows ? 1 : 0, space.out[1] = rows ? 0 : 1;
                Backend::sum(space, to, change);
                sum_over_ranks(over, to, count, one.where);
                auto const divisor = static_cast<T>(summed);
                map_elements<Backend>(
                    count, [=](auto old, auto sum) { return mix(old, sum / divisor); }, moment, moment, to);
            };
            add_squares(by_row, of.rows, true, of.split_columns, of.whole_columns);
            add_squares(by_column, of.columns, false, of.split_rows, of.whole_rows);
            double sum = 0;
            if (Backend::computes)
                for (std::size_t i = 0; i < of.rows; ++i) sum += static_cast<double>(by_row[i]);
            auto const mean = std::max(static_cast<T>(mean_over(sum, of.split_rows, of.whole_rows)), epsilon);
            iteration_space<3> space;
            space.dims = 2;
            space.extents[0] = of.rows, space.extents[1] = of.columns;
            space.out[0] = space.in[0][0] = static_cast<std::ptrdiff_t>(of.columns);
            space.out[1] = space.in[0][1] = 1;
            space.in[1][0] = 1, space.in[1][1] = 0;
            space.in[2][0] = 0, space.in[2][1] = 1;
            Backend::map(
                space,
                [=](auto g, auto row, auto column) {
                    return scale * g * rsqrt(max(row * column / mean, epsilon * epsilon));
                },
                change, gradients, by_row, by_column);
        }
        double const length = std::sqrt(mean_over(Backend::sum_squares(n, change), everywhere, whole));
        auto const factor = static_cast<T>(rate / std::max(1.0, length / how.largest_update)),
                   kept = static_cast<T>(1 - one.learning_rate * one.weight_decay);
        map_elements<Backend>(
            n, [=](auto p, auto u) { return kept * p - factor * u; }, values, values, change);
    }

private:
    template <class X, std::size_t Rows, class F>
    static void with_axes(std::size_t which, F& f) {
        using all = as_list<typename X::axes>;
        using rows = typename split_list<Rows, all>::first;
        using kept = as_axes<rows>;
        using others = as_axes<without<all, rows>>;
        if (which == 0)
            f.template operator()<with_place<X, kept, relayout<kept, list<>, typename X::layout>>>();
        else
            f.template operator()<with_place<X, others, relayout<others, list<>, typename X::layout>>>();
    }
    template <std::size_t N, class List, class... Before>
    struct split_list {
        using first = list<Before...>;
    };
    template <std::size_t N, class A, class... Rest, class... Before>
        requires(N > 0)
    struct split_list<N, list<A, Rest...>, Before...> : split_list<N - 1, list<Rest...>, Before..., A> {};
};
}  // namespace detail

/// Adafactor without momentum. A weight is one matrix, whose rows are the axes that its product sums (mw::inputs).
/// Placement: parameter and gradient in the parameter's layout; of a matrix the means over rows and columns in the layout of
/// the axes that they keep. Communication: that of mw::adamw, and of a split parameter the sums of its squares over rows, columns and
/// all elements. Memory: one number for each row and column of a matrix, one for each element of what is none.
/// Errors: as mw::adamw; under mw::reproducible a model with split parameters does not compile.
/// Example:
/// mw::adafactor optimizer(model, {.learning_rate = 1e-2});
/// optimizer.step(model, gradient);
template <class Model>
class adafactor : public detail::optimizer<Model, detail::adafactor_rule> {
public:
    explicit adafactor(Model const& model, adafactor_options chosen = {},
                       std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::adafactor_rule>(model, chosen, where) {
        static_assert(
            !detail::sums_depend_on_mesh<Model>(),
            "meshwise: mw::adafactor has no fixed order of sums over ranks yet: leave mw::reproducible, or the rules that "
            "split parameters, out of the strategy, or take mw::adamw, mw::lion or mw::momentum_sgd");
    }
};

}  // namespace meshwise
