// What the meshes of gpt_on_*_ranks leave out: the token rule on tp (sequence parallel), grouped heads over two mesh
// axes, recomputation, micro-batches, and the order in which a mesh's axes are written.
#include "meshes.hpp"

namespace {

namespace mw = meshwise;
using tiny::on_serial, tiny::sequence_on;

template <std::size_t Dp, std::size_t Tp>
using tensor = on_serial<typename tiny::places<Dp, Tp>::template tensor_parallel<>>;
template <std::size_t Kv, std::size_t Group>
using grouped = on_serial<typename tiny::grouped_places<Kv, Group>::template tensor_parallel<>>;

TEST_CASE("gpt, sequence parallel") {
    auto const one = tiny::train<tiny::gpt, tiny::one_rank>(3);
    SUBCASE("tp 2") { tiny::check_equal(one, tiny::train<tiny::gpt, sequence_on<1, 2>>(3)); }
    SUBCASE("tp 4") { tiny::check_equal(one, tiny::train<tiny::gpt, sequence_on<1, 4>>(3)); }
    SUBCASE("dp 2 x tp 2") { tiny::check_equal(one, tiny::train<tiny::gpt, sequence_on<2, 2>>(3)); }
    SUBCASE("dp 2 x tp 2, blocks recomputed") {
        tiny::check_equal(one, tiny::train<tiny::gpt, sequence_on<2, 2>>(3, true));
    }
}

TEST_CASE("llama: 8 query heads, 2 kv heads") {
    auto const one = tiny::train<tiny::llama, grouped<1, 1>>(3);
    SUBCASE("kv heads over 2 ranks") { tiny::check_equal(one, tiny::train<tiny::llama, grouped<2, 1>>(3)); }
    SUBCASE("groups over 2 ranks, kv heads whole") {
        tiny::check_equal(one, tiny::train<tiny::llama, grouped<1, 2>>(3));
    }
    SUBCASE("kv heads over 2, groups over 4: more ranks than kv heads") {
        tiny::check_equal(one, tiny::train<tiny::llama, grouped<2, 4>>(3));
    }
    SUBCASE("sequence parallel, dp 2 x tp 2") {
        tiny::check_equal(one, tiny::train<tiny::llama, sequence_on<2, 2>>(3));
    }
    SUBCASE("recomputed on one rank: the same bits") {
        auto const again = tiny::train<tiny::llama, grouped<1, 1>>(3, true);
        CHECK(one.losses == again.losses);
        CHECK(one.weights == again.weights);
    }
}

// one step over all samples at once, or cut into micro-batches of unequal counts
struct half : mw::axis<tiny::batch::size / 2> {};
template <class S>
std::vector<double> gradient_of_table(bool in_two, std::size_t& collectives) {
    std::vector<double> result;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<tiny::gpt<S>>(here, mw::seed{11});
        auto const ids = tiny::ids(0, 0), targets = tiny::ids(0, 1);
        std::size_t const before = here.team().collectives();
        auto whole = [&](auto found) {
            auto const table = here.gather(found.gradient.whole(0, model.table));
            if (!here.is_first().on_this_rank()) return;
            collectives = here.team().collectives() - before;
            for (float v : table) result.push_back(static_cast<double>(v));
        };
        auto const loss = [](auto const& m, auto const& x, auto const& y) { return m.loss(x, y); };
        if (!in_two) {
            auto const x = mw::place<tiny::batch, tiny::token>(here, ids),
                       y = mw::place<tiny::batch, tiny::token>(here, targets);
            whole(mw::value_and_gradient(model, [&](auto const& m) { return loss(m, x, y); }));
        } else {
            std::span<std::int32_t const> const all(ids), wanted(targets);
            std::size_t const n = all.size() / 2;
            std::array const parts{0, 1};
            whole(mw::value_and_gradient_over(model, parts, [&](auto const& m, int part) {
                auto const first = static_cast<std::size_t>(part) * n;
                return loss(m, mw::place<half, tiny::token>(here, all.subspan(first, n)),
                            mw::place<half, tiny::token>(here, wanted.subspan(first, n)));
            }));
        }
    });
    return result;
}

TEST_CASE("micro-batches of unequal counts: the same gradient, reduced once") {
    struct dp : mw::mesh_axis<2> {};
    using S = mw::strategy<mw::mesh<dp>, mw::split<tiny::batch, dp>, mw::split<half, dp>, mw::on<mw::serial>>;
    std::size_t once = 0, twice = 0;
    auto const whole = gradient_of_table<S>(false, once), cut = gradient_of_table<S>(true, twice);
    CHECK(tiny::apart(whole, cut) < tiny::close);
    CHECK(once == 2);  // the loss, and one reduction of the table's gradient
    CHECK(twice == once);
}

TEST_CASE("the order of a mesh's axes changes nothing") {
    struct tp : mw::mesh_axis<2> {};
    struct dp : mw::mesh_axis<2> {};
    struct spare : mw::mesh_axis<1> {};
    using S = mw::strategy<mw::mesh<tp, spare, dp>, mw::split<tiny::batch, dp>, mw::split<tiny::heads, tp>,
                           mw::split<tiny::ffn, tp>, mw::split<tiny::vocab, tp>, mw::on<mw::serial>>;
    auto const usual = tiny::train<tiny::gpt, tensor<2, 2>>(3), turned = tiny::train<tiny::gpt, S>(3);
    CHECK(usual.losses == turned.losses);  // bit by bit: groups keep their order
    CHECK(usual.weights == turned.weights);
}

}  // namespace
