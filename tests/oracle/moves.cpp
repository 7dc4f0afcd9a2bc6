// Operations of ops/moves: random shapes, also of 0 and 1 elements; infinities and NaN move as all else does.
#include <meshwise/ops/moves/align.hpp>
#include <meshwise/ops/moves/chunk.hpp>
#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/expand.hpp>
#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/moves/triangle.hpp>

#include "oracle.hpp"

namespace {

using namespace oracle;

struct most_batch : mw::axis<4> {};
struct most_token : mw::axis<6> {};
struct batch : mw::up_to<4> {};
struct token : mw::up_to<6> {};
struct embed : mw::axis<4> {};
struct heads : mw::axis<2> {};
struct head_dim : mw::axis<2> {};
struct twice : mw::up_to<12> {};
struct thrice : mw::up_to<18> {};
struct half : mw::axis<2> {};
struct windows : mw::up_to<6> {};
struct window : mw::axis<2> {};
struct pair : mw::axis<2> {};
struct one : mw::axis<1> {};
struct last : mw::axis<1> {};
struct chosen : mw::axis<5> {};
struct vocab : mw::axis<3> {};
struct joined : mw::axis<8> {};
struct chosen_of_four : mw::axis<4> {};

struct whole {
    tensor<most_batch, most_token, embed> x, y;
    static constexpr auto parameters = mw::fields<&whole::x, &whole::y>();
};
struct shape {
    std::size_t batch, token;
};
template <class... A>
auto ids(std::vector<std::int32_t> const& numbers) {
    return mw::cut_from<mw::tensor_of<S, std::int32_t, A...>>(std::span<std::int32_t const>(numbers));
}

void add_all(cases& all, std::string const& of, whole const& model, shape const& size) {
    auto const cut = [size](auto const& x) {
        return mw::slice<most_token, token>(mw::slice<most_batch, batch>(x, 0, size.batch), 0, size.token);
    };
    auto const add = [&](std::string const& name, auto op) {
        all.add(name + of, model, [&](whole const& m) { return op(cut(m.x), cut(m.y)); });
    };
    add("slice", [](auto const& x, auto const&) { return mw::slice<embed, half>(x, 1); });
    add("slice_with_step",
        [](auto const& x, auto const&) { return mw::slice<embed, half>(x, 3, {.step = -2}); });
    add("flip", [](auto const& x, auto const&) { return mw::flip<token>(x); });
    add("roll", [](auto const& x, auto const&) { return mw::roll<token>(x, 2); });
    add("roll_back", [](auto const& x, auto const&) { return mw::roll<embed>(x, -7); });
    add("shift", [](auto const& x, auto const&) { return mw::shift<token>(x, 2); });
    add("shift_back", [](auto const& x, auto const&) { return mw::shift<token>(x, -1); });
    add("pad", [](auto const& x, auto const&) { return mw::pad<token, twice>(x, 2, 3); });
    add("repeat", [](auto const& x, auto const&) { return mw::repeat<token, twice>(x); });
    add("repeat_last", [](auto const& x, auto const&) { return mw::repeat<embed, joined>(x); });
    add("tile", [](auto const& x, auto const&) { return mw::tile<token, thrice>(x); });
    add("tile_last", [](auto const& x, auto const&) { return mw::tile<embed, joined>(x); });
    add("unfold", [](auto const& x, auto const&) { return mw::unfold<token, windows, window>(x); });
    add("unfold_apart", [](auto const& x, auto const&) {
        return mw::unfold<token, windows, window>(x, {.step = 2, .dilation = 2});
    });
    add("concatenate", [](auto const& x, auto const& y) { return mw::concatenate<token, twice>(x, y); });
    add("concatenate_three",
        [](auto const& x, auto const& y) { return mw::concatenate<token, thrice>(x, y, x); });
    add("stack", [](auto const& x, auto const& y) { return mw::stack<pair>(x, y); });
    add("chunk", [](auto const& x, auto const&) {
        auto const [early, late] = mw::chunk<embed, half>(x);
        return early * late;
    });
    add("pieces", [](auto const& x, auto const& y) {
        auto const [first, second, third] = mw::pieces<embed, one, half, last>(x);
        return second * mw::expand<half>(mw::squeeze<one>(first)) +
               mw::slice<embed, half>(y, 1) * mw::expand<half>(mw::squeeze<last>(third));
    });
    add("expand", [](auto const& x, auto const&) { return mw::expand<pair>(x); });
    add("squeeze", [](auto const& x, auto const&) { return mw::squeeze<one>(mw::expand<one>(x)); });
    add("transpose",
        [](auto const& x, auto const&) { return mw::transpose<mw::axes<embed, batch, token>>(x); });
    add("split_axis",
        [](auto const& x, auto const&) { return mw::split_axis<embed, mw::axes<heads, head_dim>>(x); });
    add("merge_axes", [](auto const& x, auto const& y) {
        return mw::merge_axes<mw::axes<pair, embed>, joined>(
            mw::transpose<mw::axes<batch, token, pair, embed>>(mw::stack<pair>(x, y)));
    });
    add("rename", [](auto const& x, auto const&) { return mw::rename<embed, chosen_of_four>(x); });
    add("tril", [](auto const& x, auto const&) { return mw::tril<token, embed>(x, 1); });
    add("triu", [](auto const& x, auto const&) { return mw::triu<embed, token>(x, -1); });
    add("take", [](auto const& x, auto const&) { return mw::take<embed>(x, ids<chosen>({3, 0, 0, 2, 3})); });
    add("take_along", [](auto const& x, auto const&) {
        return mw::take<embed>(mw::transpose<mw::axes<embed, batch, token>>(x), ids<chosen>({1, 1, 0, 3, 2}));
    });
    add("scatter_add", [](auto const& x, auto const&) {
        return mw::scatter_add<vocab, mw::axes<batch, vocab, token>>(x, ids<embed>({2, 0, 2, 2}));
    });
    add("index_add", [](auto const& x, auto const& y) {
        return mw::index_add<embed>(x, mw::rename<embed, chosen_of_four>(y),
                                    ids<chosen_of_four>({3, 0, 3, 3}));
    });
    add("settle", [](auto const& x, auto const& y) { return mw::settle<S>(mw::align(x, y)); });
}

}  // namespace

int main(int count, char** arguments) {
    return main_of(count, arguments, [](rank&, cases& all) {
        using most = tensor<most_batch, most_token, embed>;
        whole model{some<most>(1), some<most>(2)};
        for (shape const& of : {shape{4, 6}, shape{1, 5}, shape{3, 2}, shape{2, 1}, shape{0, 4}, shape{3, 0}})
            add_all(all, "@" + std::to_string(of.batch) + "x" + std::to_string(of.token), model, of);
        numbers const special{std::nan(""),
                              std::numeric_limits<double>::infinity(),
                              1,
                              -0.0,
                              -std::numeric_limits<double>::infinity(),
                              2,
                              3};
        mw::fill_by_index(model.x, [&](std::size_t i) { return special[i % special.size()]; });
        add_all(all, "@4x6-special", model, {4, 6});
    });
}
