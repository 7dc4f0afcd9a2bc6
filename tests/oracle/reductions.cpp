// Operations of ops/reductions: random shapes, also of 0 and 1 elements; rows with NaN, infinities, zeros and equal elements.
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/reductions/argmax.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/cumulative.hpp>
#include <meshwise/ops/reductions/logsumexp.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/reductions/norm.hpp>
#include <meshwise/ops/reductions/prod.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/ops/reductions/variance.hpp>

#include "oracle.hpp"

namespace {

using namespace oracle;

struct most_batch : mw::axis<4> {};
struct most_token : mw::axis<5> {};
struct most_embed : mw::axis<7> {};
struct batch : mw::up_to<4> {};
struct token : mw::up_to<5> {};
struct embed : mw::up_to<7> {};
struct top : mw::up_to<7> {};

struct whole {
    tensor<most_batch, most_token, most_embed> x;
    static constexpr auto parameters = mw::fields<&whole::x>();
};
struct shape {
    std::size_t batch, token, embed;
};

void add_all(cases& all, std::string const& of, whole const& model, shape const& size) {
    auto const cut = [size](whole const& m) {
        return mw::slice<most_embed, embed>(
            mw::slice<most_token, token>(mw::slice<most_batch, batch>(m.x, 0, size.batch), 0, size.token), 0,
            size.embed);
    };
    auto const add = [&](std::string const& name, auto op) {
        all.add(name + of, model, [&](whole const& m) { return op(cut(m)); });
    };
    auto const values = [&](std::string const& name, auto op) {
        all.add_values(name + of, model, [&](whole const& m) { return op(cut(m)); });
    };
    constexpr double infinity = std::numeric_limits<double>::infinity();
    // over the last axis, the first two, and all
#define REDUCTION_CASE(name, function, ...)                                                                  \
    add(#name, [](auto const& x) { return mw::function<embed>(x __VA_OPT__(, ) __VA_ARGS__); }),             \
        add(#name "_of_two",                                                                                 \
            [](auto const& x) { return mw::function<token, batch>(x __VA_OPT__(, ) __VA_ARGS__); }),         \
        add(#name "_of_all", [](auto const& x) { return mw::function(x __VA_OPT__(, ) __VA_ARGS__); })
    REDUCTION_CASE(sum, sum);
    REDUCTION_CASE(mean, mean);
    REDUCTION_CASE(max, max);
    REDUCTION_CASE(min, min);
    REDUCTION_CASE(prod, prod);
    REDUCTION_CASE(logsumexp, logsumexp);
    REDUCTION_CASE(variance, variance);
    REDUCTION_CASE(deviation, standard_deviation, {.correction = 0});
    REDUCTION_CASE(norm, norm);
    REDUCTION_CASE(norm_1, norm, {.p = 1});
    REDUCTION_CASE(norm_inf, norm, {.p = infinity});
#undef REDUCTION_CASE
    add("cumsum", [](auto const& x) { return mw::cumsum<token>(x); });
    add("cumsum_of_last", [](auto const& x) { return mw::cumsum<embed>(x); });
    add("cumprod", [](auto const& x) { return mw::cumprod<token>(x); });
    add("cumprod_of_last", [](auto const& x) { return mw::cumprod<embed>(x); });
    add("sort", [](auto const& x) { return mw::sort<embed>(x); });
    add("sort_descending", [](auto const& x) { return mw::sort<token>(x, {.descending = true}); });
    add("top_k", [size](auto const& x) { return mw::top_k<embed, top>(x, (size.embed + 1) / 2).values; });

    values("argsort", [](auto const& x) { return mw::argsort<embed>(x); });
    values("argsort_descending", [](auto const& x) { return mw::argsort<token>(x, {.descending = true}); });
    values("top_k_indices",
           [size](auto const& x) { return mw::top_k<embed, top>(x, (size.embed + 1) / 2).indices; });
    if (size.embed != 0) {
        values("argmax", [](auto const& x) { return mw::argmax<embed>(x); });
        values("argmin", [](auto const& x) { return mw::argmin<embed>(x); });
    }
    values("count_nonzero", [](auto const& x) { return mw::count_nonzero<token>(x); });
    values("any", [](auto const& x) { return mw::any<token>(x); });
    values("all", [](auto const& x) { return mw::all<token, embed>(x); });
}

}  // namespace

int main(int count, char** arguments) {
    return main_of(count, arguments, [](rank&, cases& all) {
        whole model{some<tensor<most_batch, most_token, most_embed>>(1)};
        for (shape const& of :
             {shape{4, 5, 7}, shape{1, 3, 6}, shape{3, 1, 1}, shape{0, 2, 3}, shape{2, 0, 3}, shape{2, 3, 0}})
            add_all(all,
                    "@" + std::to_string(of.batch) + "x" + std::to_string(of.token) + "x" +
                        std::to_string(of.embed),
                    model, of);

        constexpr double infinity = std::numeric_limits<double>::infinity();
        double const nan = std::nan("");
        numbers const rows[]{{nan, 1, 2, 3, nan, 0, -1},
                             {infinity, 1, 2, -1, 0.5, 2, 2},
                             {-infinity, 1, 2, -1, 0.5, 2, 2},
                             {infinity, -infinity, 0, 1, 1, 2, 3},
                             {0, 2, 0, 3, 1, -2, 0.5},
                             {0, 2, 4, 3, 1, -2, 0.5},
                             {1e300, 1e300, 1, -1e300, 2, 0, 1e9},
                             {1, 1, 1, 1, 1, 1, 1},
                             {0, -0.0, 0, -0.0, 0, 0, 0},
                             {-infinity, -infinity, -infinity, -infinity, -infinity, -infinity, -infinity}};
        std::size_t number = 0;
        for (auto const& row : rows) {
            mw::fill_by_index(model.x, [&](std::size_t i) {
                return i < 3 * row.size() ? row[i % row.size()] : 1 + 0.25 * static_cast<double>(i % 13);
            });
            add_all(all, "@special" + std::to_string(number++), model,
                    {most_batch::size, most_token::size, most_embed::size});
        }
    });
}
