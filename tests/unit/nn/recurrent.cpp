// lstm, gru and embedding_bag: against loops and differences on meshes of 1 to 4 ranks.
#include <cmath>

#include <meshwise/backend/serial.hpp>
#include <meshwise/nn/recurrent.hpp>
#include <meshwise/ops/rows/embedding_bag.hpp>
#include <meshwise/tensor/constants.hpp>

#include "../ops/agreement.hpp"
#include "../ops/meshes.hpp"
#include "../ops/on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<2> {};
struct token : mw::axis<4> {};
struct embed : mw::axis<3> {};
struct hidden : mw::axis<6> {};
constexpr std::size_t rows = batch::size, tokens = token::size, width = embed::size, states = hidden::size;

template <class... Part>
using serially = mw::strategy<Part..., mw::on<mw::serial>, mw::dtype<double>>;
using whole = serially<mw::mesh<>>;
using by_rows_2 = serially<mw::mesh<dp2>, split<batch, dp2>>;
using by_states_3 = serially<mw::mesh<tp3>, split<hidden, tp3>>;
using by_both = serially<grid<2, 2>, split<batch, dp2>, split<hidden, tp2>>;
// tokens are gathered
using by_tokens_4 = serially<mw::mesh<cp4>, split<token, cp4>>;

template <class S, class Cell>
struct operands {
    mw::tensor_of<S, double, batch, token, embed> x;
    Cell cell;
    static constexpr auto parameters = mw::fields<&operands::x, &operands::cell>();
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// inputs: x, then weight and bias of the input and of the recurrent product, as torch has them but (from, gate, to)
numbers by_loops(std::size_t gates, std::vector<numbers> const& in) {
    numbers out(rows * tokens * states);
    for (std::size_t b = 0; b < rows; ++b) {
        numbers h(states), c(states);
        for (std::size_t t = 0; t < tokens; ++t) {
            numbers of_x(gates * states), of_h(gates * states);
            for (std::size_t to = 0; to < gates * states; ++to) {
                of_x[to] = in[2][to], of_h[to] = in[4][to];
                for (std::size_t from = 0; from < width; ++from)
                    of_x[to] += in[0][(b * tokens + t) * width + from] * in[1][from * gates * states + to];
                for (std::size_t from = 0; from < states; ++from)
                    of_h[to] += h[from] * in[3][from * gates * states + to];
            }
            for (std::size_t i = 0; i < states; ++i) {
                auto const gate = [&](std::size_t k) { return of_x[k * states + i] + of_h[k * states + i]; };
                if (gates == 4) {
                    c[i] = sigmoid(gate(1)) * c[i] + sigmoid(gate(0)) * std::tanh(gate(2));
                    h[i] = sigmoid(gate(3)) * std::tanh(c[i]);
                } else {
                    double const n =
                        std::tanh(of_x[2 * states + i] + sigmoid(gate(0)) * of_h[2 * states + i]);
                    h[i] = (1 - sigmoid(gate(1))) * n + sigmoid(gate(1)) * h[i];
                }
                out[(b * tokens + t) * states + i] = h[i];
            }
        }
    }
    return out;
}

template <class S, template <class, class, class, class> class Cell>
void check(std::size_t gates) {
    using Operands = operands<S, Cell<S, token, embed, hidden>>;
    CAPTURE(gates);
    CAPTURE(S::mesh::ranks);
    std::vector<numbers> const inputs{varied(rows * tokens * width, 1), varied(width * gates * states, 2),
                                      varied(gates * states, 3), varied(states * gates * states, 4),
                                      varied(gates * states, 5)};
    auto const weights = varied(rows * tokens * states, 6);
    auto const expected =
        by_differences(inputs, weights, [&](std::vector<numbers> const& in) { return by_loops(gates, in); });
    for (outcome const& one :
         on_ranks<S, Operands>(inputs, weights, [](auto&, Operands const& m) { return m.cell(m.x).output; }))
        check_reference(one, expected);
}
template <class S>
void check_both() {
    check<S, mw::lstm>(4);
    check<S, mw::gru>(3);
}

TEST_CASE("lstm and gru and their gradients, whole and split") {
    check_both<whole>();
    check_both<by_rows_2>();
    check_both<by_states_3>();
    check_both<by_both>();
    check_both<by_tokens_4>();
}

struct run : mw::axis<3> {};
struct only_x {
    mw::tensor_of<whole, double, batch, token> x;
    static constexpr auto parameters = mw::fields<&only_x::x>();
};

TEST_CASE("slices that overlap add up in one gradient") {
    auto const weights = varied(rows * 3, 2);
    auto const seen =
        on_ranks<whole, only_x>({varied(rows * tokens, 1)}, weights, [](auto&, only_x const& m) {
            return mw::slice<token, run>(m.x, 0) * 2 + mw::slice<token, run>(m.x, 1) * 3;
        });
    for (std::size_t i = 0; i < rows * tokens; ++i) {
        std::size_t const row = i / tokens, t = i % tokens;
        double const expected =
            (t < 3 ? 2 * weights[row * 3 + t] : 0) + (t > 0 ? 3 * weights[row * 3 + t - 1] : 0);
        CHECK(seen[0].gradients[0][i] == doctest::Approx(expected).epsilon(1e-14));
    }
}

struct padded_token : mw::padded<3, 2> {};
TEST_CASE("padding of the tokens stays zero") {
    mw::run<whole>(mw::threads{}, [](auto& here) {
        auto const cell = mw::init<mw::gru<whole, padded_token, embed, hidden>>(here, mw::seed{1});
        for (int turn = 0; turn < 2; ++turn) {
            {
                auto const old = mw::full<mw::tensor_of<whole, double, batch, token, hidden>>(9);
            }  // whose memory comes back
            auto const x = mw::full<mw::tensor_of<whole, double, batch, padded_token, embed>>(1);
            auto const output = cell(x).output;
            for (std::size_t b = 0; b < rows; ++b)
                for (std::size_t i = 0; i < states; ++i)
                    CHECK(output.data()[(b * padded_token::size + 3) * states + i] == 0);
        }
    });
}

struct some : mw::up_to<4> {};

template <class Cell>
void check_in_two(auto& here, Cell const& cell) {
    using X = mw::tensor_of<by_states_3, double, batch, some, embed>;
    numbers const x = varied(rows * tokens * width, 1);
    auto const part = [&](std::size_t first, std::size_t count) {
        numbers cut_out;
        for (std::size_t b = 0; b < rows; ++b)
            for (std::size_t i = 0; i < count * width; ++i)
                cut_out.push_back(x[(b * tokens + first) * width + i]);
        return mw::cut_from<X>(std::span<double const>(cut_out), {count});
    };
    auto const all = cell(part(0, 4)), first = cell(part(0, 3)), none = cell(part(0, 0), first.state),
               second = cell(part(3, 1), none.state);
    CHECK(none.output.local_size() == 0);
    auto const last = [](auto const& y, std::size_t t) {
        return mw::slice<some, mw::detail::one_of<some>>(y, t);
    };
    CHECK(distance(numbers(here.gather(last(all.output, 3))), numbers(here.gather(last(second.output, 0)))) <
          1e-15);
}

TEST_CASE("a text that is read in parts, of run-time lengths") {
    mw::run<by_states_3>(mw::threads{}, [](auto& here) {
        check_in_two(here, mw::init<mw::lstm<by_states_3, some, embed, hidden>>(here, mw::seed{1}));
        check_in_two(here, mw::init<mw::gru<by_states_3, some, embed, hidden>>(here, mw::seed{1}));
    });
}

struct word : mw::axis<6> {};
std::vector<std::int32_t> const ids{1, 0, 5, 1, 0, 0, 0, 0};
using by_words_3 = serially<mw::mesh<tp3>, split<word, tp3>>;
using by_words_and_rows = serially<grid<2, 2>, split<batch, dp2>, split<word, tp2>>;

template <class S>
struct only_table {
    mw::tensor_of<S, double, word, embed> table;
    static constexpr auto parameters = mw::fields<&only_table::table>();
};

numbers bags(mw::embedding_bag_options const& how, numbers const& table) {
    numbers out(rows * width);
    for (std::size_t b = 0; b < rows; ++b) {
        double n = 0;
        for (std::size_t t = 0; t < tokens; ++t) n += ids[b * tokens + t] != how.padding_id.value_or(-1);
        for (std::size_t t = 0; t < tokens; ++t)
            for (std::size_t e = 0; e < width; ++e) {
                std::int32_t const id = ids[b * tokens + t];
                if (id == how.padding_id.value_or(-1)) continue;
                out[b * width + e] += table[static_cast<std::size_t>(id) * width + e] /
                                      (how.mode == mw::bag_mode::mean ? n : 1);
            }
    }
    return out;
}

template <class S>
void check_bags() {
    CAPTURE(S::mesh::ranks);
    std::vector<numbers> const inputs{varied(word::size * width, 1)};
    auto const weights = varied(rows * width, 2);
    for (mw::embedding_bag_options const how :
         {mw::embedding_bag_options{}, {.mode = mw::bag_mode::sum, .padding_id = 1}, {.padding_id = 0}}) {
        auto const expected =
            by_differences(inputs, weights, [&](std::vector<numbers> const& in) { return bags(how, in[0]); });
        for (outcome const &one :
             on_ranks<S, only_table<S>>(inputs, weights, [&](auto& here, only_table<S> const& m) {
                 return mw::embedding_bag<S, word, token>(m.table, here.template place<batch, token>(ids),
                                                          how);
             }))
            check_reference(one, expected);
    }
}

TEST_CASE("bags of rows and their gradient, whole and split; a bag of nothing is zero") {
    check_bags<whole>();
    check_bags<by_rows_2>();
    check_bags<by_tokens_4>();
    check_bags<by_words_3>();
    check_bags<by_words_and_rows>();
    mw::run<whole>(mw::threads{}, [](auto& here) {
        auto const table = cut<mw::tensor_of<whole, double, word, embed>>(varied(word::size * width, 1));
        auto const y =
            mw::embedding_bag<word, token>(table, here.template place<batch, token>(ids), {.padding_id = 0});
        CHECK(distance(here.gather(y), bags({.padding_id = 0}, varied(word::size * width, 1))) < 1e-15);
    });
}

}  // namespace
