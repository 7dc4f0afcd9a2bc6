// muon: the momentum of a whole matrix is made orthogonal before it is a step; what is no matrix goes by AdamW.
// Guarantees: norm and products are those of the whole matrix, whatever splits it: what is summed over a split axis is summed over
// the ranks that split it, never each rank's part by itself. Costs: two products of the matrix with its smaller side for each
// iteration, and one all-reduce of its side that is whole. A matrix that is split both ways is brought together along its rows.
// Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; Liu et al., Muon is scalable for LLM
// training, 2025.
#pragma once

#include <algorithm>
#include <vector>

#include <meshwise/optim/adamw.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// Numbers of Muon. Parameters whose role is not `matrix`, and those of a group without `as_matrix` (the last layer of a language
/// model, say), are updated by AdamW with the numbers that begin with adam.
/// Example: constexpr mw::muon_options options{.learning_rate = 0.02, .adam_learning_rate = 3e-4, .weight_decay = 0.01};
struct muon_options {
    double learning_rate = 0.02;
    double momentum = 0.95;
    bool nesterov = true;
    std::size_t iterations = 5;  // of Newton and Schulz
    bool sized_as_adam = false;  // steps of 0.2 sqrt(larger side) instead of sqrt(max(1, outputs / inputs))
    double adam_learning_rate = 3e-4;
    double adam_beta1 = 0.9;
    double adam_beta2 = 0.95;
    double adam_epsilon = 1e-8;
    double weight_decay = 0;      // of matrices and tables, unless `groups` says otherwise
    double clip_norm = 0;         // largest norm of the whole gradient; 0: any
    std::size_t most_skips = 10;  // steps in a row that may be skipped because a gradient is not finite
    /// The factors of each parameter's learning rate and weight decay, by its name and role.
    parameter_group (*groups)(parameter_info const&) = &usual_group;
};

namespace detail {
// the rows of the whole matrix that this rank holds
template <class X>
std::vector<std::size_t> rows_here(std::size_t inputs) {
    std::vector<std::size_t> rows{0};
    auto add = [&, at = std::size_t{0}]<class A>(A*) mutable {
        if (at++ >= inputs) return;
        constexpr std::size_t here = local_extent<typename X::layout, A>;
        std::size_t const first =
            here * piece_index<typename X::mesh>(*current().team, split_of<typename X::layout, A>{});
        std::vector<std::size_t> more;
        for (std::size_t const row : rows)
            for (std::size_t i = 0; i < here; ++i) more.push_back(row * A::size + first + i);
        rows = std::move(more);
    };
    [&]<class... A>(axes<A...>) { (add(static_cast<A*>(nullptr)), ...); }(typename X::axes{});
    return rows;
}

struct muon_rule {
    using options = muon_options;
    static constexpr char const* name = "mw::muon";
    static constexpr std::size_t moment_count = 2;
    static constexpr char const* moments[]{"first_moment", "second_moment"};
    static std::array<option_value, 12> ranges(muon_options const& how) {
        return {{{"learning_rate", how.learning_rate, at_least_zero},
                 {"momentum", how.momentum, below_one},
                 {"nesterov", how.nesterov ? 1.0 : 0.0, zero_to_one},
                 {"iterations", static_cast<double>(how.iterations), one_or_more},
                 {"sized_as_adam", how.sized_as_adam ? 1.0 : 0.0, zero_to_one},
                 {"adam_learning_rate", how.adam_learning_rate, at_least_zero},
                 {"adam_beta1", how.adam_beta1, below_one},
                 {"adam_beta2", how.adam_beta2, below_one},
                 {"adam_epsilon", how.adam_epsilon, above_zero},
                 {"weight_decay", how.weight_decay, at_least_zero},
                 {"clip_norm", how.clip_norm, at_least_zero},
                 {"most_skips", static_cast<double>(how.most_skips), a_count}}};
    }
    static bool is_matrix(parameter_traits const& traits, matrix_view const& of) {
        return traits.role == role::matrix && of.whole_rows > 1 && of.whole_columns > 1;
    }
    static std::array<std::size_t, 2> moment_sizes(muon_options const&, parameter_traits const& traits,
                                                   std::size_t count, matrix_view const& of) {
        return {count, is_matrix(traits, of) ? 0 : count};
    }
    template <class X, class F>
    static void with_type(std::size_t, parameter_traits const&, F f) {
        f.template operator()<X>();
    }
    template <class X>
    static parameter_rule<muon_options> rule_for() {
        return {elements_of<X>(), &update<X>, &matrix_view_of<X>};
    }
    template <class X>
    static void update(parameter_step const& one, muon_options const& how) {
        using T = typename X::value_type;
        using B = typename X::backend;
        if (!is_matrix(one.traits, one.matrix)) {
            parameter_step by_adam = one;
            by_adam.learning_rate = how.adam_learning_rate * one.learning_rate_factor;
            return adamw_rule::update<T, B>(
                by_adam, {.beta1 = how.adam_beta1, .beta2 = how.adam_beta2, .epsilon = how.adam_epsilon});
        }
        matrix_part<T, B> all(one, how);
        if (one.matrix.split_rows != 0 && one.matrix.split_columns != 0)
            all.whole_rows(rows_here<X>(one.traits.inputs));
        all.orthogonalise(how.iterations);
        all.apply(how);
    }

private:
    // what this rank holds of a matrix on its way to being orthogonal
    template <class T, class B>
    class matrix_part {
    public:
        matrix_part(parameter_step const& step, muon_options const& how)
            : one_(step),
              rows_(step.matrix.rows),
              columns_(step.matrix.columns),
              split_rows_(step.matrix.split_rows),
              memory_(room(step.count)) {
            auto const scale = static_cast<T>(one_.gradient_scale), keep = static_cast<T>(how.momentum);
            T* const momentum = one_.moment<T>(0);
            auto const* const gradients = one_.gradients<T>();
            auto const mixed = [=](auto m, auto g) { return keep * m + (1 - keep) * (scale * g); };
            map_elements<B>(one_.count, mixed, momentum, momentum, gradients);
            if (how.nesterov)
                map_elements<B>(one_.count, mixed, values(), momentum, gradients);
            else
                B::copy(values(), momentum, one_.count);
            double squares = B::sum_squares(one_.count, values());
            sum_over_ranks(one_.matrix.split_rows | one_.matrix.split_columns, &squares, 1, one_.where);
            auto const inverse = static_cast<T>(1 / (std::sqrt(squares) + 1e-7));
            map_elements<B>(one_.count, [=](auto x) { return inverse * x; }, values(), values());
        }

        // Brings all rows together, for the columns of this rank.
        void whole_rows(std::vector<std::size_t> here) {
            std::size_t const shards = current().team->group_size(split_rows_);
            buffer all = room(rows_ * shards * columns_);
            auto* const to = static_cast<T*>(all.mutable_data());
            B::fill(to, rows_ * shards * columns_, T{});
            for (std::size_t i = 0; i < rows_; ++i)
                B::copy(to + here[i] * columns_, values() + i * columns_, columns_);
            rows_ *= shards;
            sum_over_ranks(std::exchange(split_rows_, 0), to, rows_ * columns_, one_.where);
            memory_ = std::move(all);
            here_ = std::move(here);
        }

        // Iterations of Newton and Schulz: x <- a x + (b s + c s s) x, where s = x x^T, or from the right with x^T x. The sum
        // in s is over the axis that is split, if one is.
        void orthogonalise(std::size_t iterations) {
            constexpr T a = T(3.4445), b = T(-4.7750), c = T(2.0315);
            mesh_mask const over = split_rows_ | one_.matrix.split_columns;
            bool const left = over == 0 ? rows_ <= columns_ : split_rows_ == 0;
            std::size_t const side = left ? rows_ : columns_, along = left ? columns_ : rows_;
            buffer first = room(side * side), second = room(side * side), next = room(rows_ * columns_);
            auto *const s = static_cast<T*>(first.mutable_data()),
                        *const p = static_cast<T*>(second.mutable_data()),
                        *const y = static_cast<T*>(next.mutable_data());
            auto const n = static_cast<std::ptrdiff_t>(side), w = static_cast<std::ptrdiff_t>(columns_);
            std::ptrdiff_t const step = left ? w : 1, inner = left ? 1 : w;
            for (std::size_t i = 0; i < iterations; ++i) {
                T* const x = values();
                B::gemm({.m = side,
                         .n = side,
                         .k = along,
                         .a_m = step,
                         .a_k = inner,
                         .b_k = inner,
                         .b_n = step,
                         .c_m = n,
                         .c_n = 1},
                        x, x, s);
                sum_over_ranks(over, s, side * side, one_.where);
                B::gemm({.m = side,
                         .n = side,
                         .k = side,
                         .a_m = n,
                         .a_k = 1,
                         .b_k = n,
                         .b_n = 1,
                         .c_m = n,
                         .c_n = 1},
                        s, s, p);
                map_elements<B>(side * side, [=](auto one, auto two) { return b * one + c * two; }, s, s, p);
                if (left)
                    B::gemm({.m = rows_,
                             .n = columns_,
                             .k = side,
                             .a_m = n,
                             .a_k = 1,
                             .b_k = w,
                             .b_n = 1,
                             .c_m = w,
                             .c_n = 1},
                            s, x, y);
                else
                    B::gemm({.m = rows_,
                             .n = columns_,
                             .k = side,
                             .a_m = w,
                             .a_k = 1,
                             .b_k = n,
                             .b_n = 1,
                             .c_m = w,
                             .c_n = 1},
                            x, s, y);
                map_elements<B>(rows_ * columns_, [=](auto old, auto now) { return a * old + now; }, x, x, y);
            }
        }

        void apply(muon_options const& how) {
            auto const in = static_cast<double>(one_.matrix.whole_rows),
                       out = static_cast<double>(one_.matrix.whole_columns);
            double const size =
                how.sized_as_adam ? 0.2 * std::sqrt(std::max(in, out)) : std::sqrt(std::max(1.0, out / in));
            auto const rate = static_cast<T>(one_.learning_rate * size),
                       kept = static_cast<T>(1 - one_.learning_rate * one_.weight_decay);
            auto const move = [=](auto p, auto x) { return kept * p - rate * x; };
            T* const to = one_.values<T>();
            if (here_.empty()) return map_elements<B>(one_.count, move, to, to, values());
            for (std::size_t i = 0; i < here_.size(); ++i)
                map_elements<B>(columns_, move, to + i * columns_, to + i * columns_,
                                values() + here_[i] * columns_);
        }

    private:
        static buffer room(std::size_t n) { return {*current().pool, n * sizeof(T), purpose::gradients}; }
        T* values() { return static_cast<T*>(memory_.mutable_data()); }

        parameter_step const& one_;
        std::size_t rows_, columns_;
        mesh_mask split_rows_;
        buffer memory_;
        std::vector<std::size_t> here_{};  // the rows of this rank, where all were brought together
    };
};
}  // namespace detail

/// Muon: p -= learning_rate (size orthogonal(m) + weight_decay p), where m is the momentum of the whole matrix, whose rows are
/// the axes that its product sums (mw::inputs).
/// Placement: parameter, gradient and moments in the parameter's layout. Communication: that of mw::adamw, and of a split
/// matrix one number and, for each iteration, the product of the matrix with itself along the split axis.
/// Errors: as mw::adamw; under mw::reproducible a model with split parameters does not compile.
/// Example:
/// mw::muon optimizer(model, {.learning_rate = 0.02, .groups = [](mw::parameter_info const& p) {
///                                auto group = mw::usual_group(p);
///                                if (p.is_in("head")) group.as_matrix = false;  // by AdamW
///                                return group;
///                            }});
/// optimizer.step(model, gradient);
template <class Model>
class muon : public detail::optimizer<Model, detail::muon_rule> {
public:
    explicit muon(Model const& model, muon_options chosen = {},
                  std::source_location where = std::source_location::current())
        : detail::optimizer<Model, detail::muon_rule>(model, chosen, where) {
        static_assert(
            !detail::sums_depend_on_mesh<Model>(),
            "meshwise: mw::muon has no fixed order of sums over ranks yet: leave mw::reproducible, or the rules that "
            "split parameters, out of the strategy, or take mw::adamw, mw::lion or mw::momentum_sgd");
    }
};

}  // namespace meshwise
