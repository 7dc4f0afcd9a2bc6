// Operations of ops/elements: random shapes, also of 0 and 1 elements; then every pair of numbers at which functions are
// special: NaN, infinities, zeros, corners.
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/elements/compound_assignment.hpp>
#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/moves/slice.hpp>

#include "oracle.hpp"

namespace {

using namespace oracle;

// operands are cut from parameters, whose extents are fixed
struct most_batch : mw::axis<3> {};
struct most_embed : mw::axis<14> {};
struct batch : mw::up_to<3> {};
struct embed : mw::up_to<14> {};

struct whole {
    tensor<most_batch, most_embed> x, y;
    tensor<most_embed> row;
    tensor<most_batch> column;
    static constexpr auto parameters = mw::fields<&whole::x, &whole::y, &whole::row, &whole::column>();
};
struct operands {
    tensor<batch, embed> x, y;
    tensor<embed> row;
    tensor<batch> column;
};
struct shape {
    std::size_t rows, columns;
};
operands cut(whole const& m, shape of) {
    auto const both = [&](auto const& x) {
        return mw::slice<most_embed, embed>(mw::slice<most_batch, batch>(x, 0, of.rows), 0, of.columns);
    };
    return {both(m.x), both(m.y), mw::slice<most_embed, embed>(m.row, 0, of.columns),
            mw::slice<most_batch, batch>(m.column, 0, of.rows)};
}

void add_all(cases& all, std::string const& of, whole const& model, shape const& size) {
    auto const add = [&](std::string const& name, auto op) {
        all.add(name + of, model, [&](whole const& m) { return op(cut(m, size)); });
    };
    auto const values = [&](std::string const& name, auto op) {
        all.add_values(name + of, model, [&](whole const& m) { return op(cut(m, size)); });
    };
#define ELEMENT_CASE(function) add(#function, [](operands const& m) { return mw::function(m.x); })
    ELEMENT_CASE(exp), ELEMENT_CASE(expm1), ELEMENT_CASE(log), ELEMENT_CASE(log1p), ELEMENT_CASE(log2),
        ELEMENT_CASE(sqrt), ELEMENT_CASE(rsqrt), ELEMENT_CASE(sin), ELEMENT_CASE(cos), ELEMENT_CASE(tanh),
        ELEMENT_CASE(sigmoid), ELEMENT_CASE(softplus), ELEMENT_CASE(erf), ELEMENT_CASE(floor),
        ELEMENT_CASE(ceil), ELEMENT_CASE(round), ELEMENT_CASE(abs), ELEMENT_CASE(sign), ELEMENT_CASE(gelu),
        ELEMENT_CASE(silu), ELEMENT_CASE(relu), ELEMENT_CASE(mish), ELEMENT_CASE(hard_swish);
#undef ELEMENT_CASE
    add("leaky_relu", [](operands const& m) { return mw::leaky_relu(m.x, 0.1); });
    add("elu", [](operands const& m) { return mw::elu(m.x, 1.5); });
    add("clamp", [](operands const& m) { return mw::clamp(m.x, -1, 1.5); });
    for (double const n : {0.0, 1.0, 2.0, 3.0, -1.5, 0.75})
        add("pow_of_" + std::to_string(n).substr(0, 4), [n](operands const& m) { return mw::pow(m.x, n); });
    add("pow_from_number", [](operands const& m) { return mw::pow(1.5, m.x); });
    add("pow_from_0", [](operands const& m) { return mw::pow(0, m.x); });
    add("pow", [](operands const& m) { return mw::pow(m.x, m.y); });
    add("max", [](operands const& m) { return mw::max(m.x, m.y); });
    add("min", [](operands const& m) { return mw::min(m.x, m.y); });
    add("max_with_number", [](operands const& m) { return mw::max(0.5, m.x); });
    add("min_with_number", [](operands const& m) { return mw::min(m.x, 1); });

    add("x+y", [](operands const& m) { return m.x + m.y; });
    add("x-y", [](operands const& m) { return m.x - m.y; });
    add("x*y", [](operands const& m) { return m.x * m.y; });
    add("x_over_y", [](operands const& m) { return m.x / m.y; });
    add("x+row", [](operands const& m) { return m.x + m.row; });
    add("row-x", [](operands const& m) { return m.row - m.x; });
    add("column*x", [](operands const& m) { return m.column * m.x; });
    add("x_over_row", [](operands const& m) { return m.x / m.row; });
    add("row_over_x", [](operands const& m) { return m.row / m.x; });
    add("column*row", [](operands const& m) { return m.column * m.row; });
    add("column_over_row", [](operands const& m) { return m.column / m.row; });
    add("x+1", [](operands const& m) { return m.x + 1; });
    add("x-2.5", [](operands const& m) { return m.x - 2.5; });
    add("1-x", [](operands const& m) { return 1 - m.x; });
    add("x*2.5", [](operands const& m) { return m.x * 2.5; });
    add("x_over_3", [](operands const& m) { return m.x / 3; });
    add("2_over_x", [](operands const& m) { return 2 / m.x; });
    add("-x", [](operands const& m) { return -m.x; });
    add("assigned", [](operands const& m) {
        auto total = m.x;
        total += m.y, total *= m.row, total -= 2, total /= m.column;
        return total;
    });
    add("map", [](operands const& m) {
        return mw::map([](auto a, auto b) { return a * mw::sigmoid(b) + b; }, m.x, m.row);
    });
    add("where", [](operands const& m) { return mw::where(m.x > m.y, m.x, m.y * 2); });
    add("where_number", [](operands const& m) { return mw::where(mw::isfinite(m.x), m.x, 7); });
    add("where_two_numbers",
        [](operands const& m) { return m.y * mw::where(!(m.x > 0 && m.y < 1) || m.x < -1, 1.5, -1.0); });
    add("dropout", [](operands const& m) { return mw::dropout(m.x + 9, 0.25, mw::seed{5}, "here", 3); });

    values("less", [](operands const& m) { return m.x < m.y; });
    values("less_or_equal", [](operands const& m) { return m.x <= m.row; });
    values("greater", [](operands const& m) { return 0.5 > m.x; });
    values("greater_or_equal", [](operands const& m) { return m.x >= m.y; });
    values("equal", [](operands const& m) { return m.x == m.y; });
    values("not_equal", [](operands const& m) { return m.x != 1; });
    values("isnan", [](operands const& m) { return mw::isnan(m.x); });
    values("isfinite", [](operands const& m) { return mw::isfinite(m.x); });
    values("and", [](operands const& m) { return m.x > 0 && m.y > 0; });
    values("or", [](operands const& m) { return m.x > 0 || m.y > 0; });
    values("cast_to_float", [](operands const& m) { return mw::cast<float>(m.x); });
}

}  // namespace

int main(int count, char** arguments) {
    return main_of(count, arguments, [](rank&, cases& all) {
        whole model{some<tensor<most_batch, most_embed>>(1), some<tensor<most_batch, most_embed>>(2),
                    some<tensor<most_embed>>(3), some<tensor<most_batch>>(4)};
        for (shape const& of : {shape{3, 11}, shape{1, 5}, shape{2, 1}, shape{0, 4}, shape{3, 0}})
            add_all(all, "@" + std::to_string(of.rows) + "x" + std::to_string(of.columns), model, of);

        constexpr double infinity = std::numeric_limits<double>::infinity();
        numbers const special{0,   -0.0, 1,     -1,     0.5,      2,         -2,
                              1.5, -2.5, 1e300, -1e300, infinity, -infinity, std::nan("")};
        for (std::size_t i = 0; i < special.size(); i += most_batch::size) {
            auto const row_of = [&](std::size_t at) {
                std::size_t const row = i + at;
                return special[row < special.size() ? row : 0];
            };
            mw::fill_by_index(model.x, [&](std::size_t at) { return row_of(at / most_embed::size); });
            mw::fill_by_index(model.y, [&](std::size_t at) { return special[at % most_embed::size]; });
            mw::fill_by_index(model.row, [&](std::size_t at) { return special[at]; });
            mw::fill_by_index(model.column, row_of);
            add_all(all, "@special" + std::to_string(i), model, {most_batch::size, most_embed::size});
        }
    });
}
