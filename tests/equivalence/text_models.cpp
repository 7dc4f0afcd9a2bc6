// Classifier, tagger and the encoder-decoder of the paper on meshes against one rank, with dropout and smoothed labels on:
// losses, every gradient, the weights after three steps. The masks are the same on every mesh, or nothing would agree.
#include <algorithm>
#include <cmath>

#include "max_with_nan.hpp"
#include "meshes.hpp"
#include "text_models.hpp"

namespace {

namespace mw = meshwise;
using namespace tiny;

// in double: three steps of adamw make of the rounding of a small gradient element what no bound on weights can know
template <std::size_t Dp, std::size_t Tp>
using tensor_parallel =
    tiny::on_serial<typename tiny::places<Dp, Tp>::template tensor_parallel<mw::dtype<double>>>;
template <std::size_t Dp, std::size_t Tp>
using sequence_parallel = tiny::on_serial<typename tiny::places<Dp, Tp>::template sequence_parallel<
    mw::split<source, typename tiny::places<Dp, Tp>::tp>, mw::dtype<double>>>;

template <template <class> class Model>
void agrees() {
    auto const alone = tiny::train<Model, tensor_parallel<1, 1>>(3);
    for (std::size_t i = 0; i < alone.gradients.size(); ++i) {  // everything takes part
        CAPTURE(alone.names[i]);
        double most = 0;
        for (double const g : alone.gradients[i]) most = std::max(most, std::abs(g));
        CHECK(most > 0);
    }
    tiny::check_equal(alone, tiny::train<Model, tensor_parallel<2, 2>>(3));
    tiny::check_equal(alone, tiny::train<Model, sequence_parallel<1, 4>>(3));
}

TEST_CASE("classifier, the first token") { agrees<by_cls>(); }
TEST_CASE("classifier, the mean") { agrees<by_mean>(); }
TEST_CASE("classifier, the maximum") { agrees<by_max>(); }
TEST_CASE("tagger") { agrees<tagged>(); }
TEST_CASE("encoder-decoder of the paper") { agrees<of_the_paper>(); }
TEST_CASE("encoder-decoder with three tables") { agrees<untied>(); }

struct context : mw::axis<24> {};
struct one : mw::up_to<24> {};

// also on a mesh that splits the target's tokens in training
TEST_CASE("a target written from a cache, in pieces: sines and cosines go on where it ends") {
    using S = sequence_parallel<2, 2>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        mw::without_recording const off;
        auto const m = mw::init<of_the_paper<S>>(here, mw::seed{11});
        auto const counted = place<S, tiny::batch>(lengths());
        auto const memory = m.encode(place<S, tiny::batch, source>(tiny::ids(8, 0)), counted);
        auto const text = tiny::ids(0, 0);
        auto const whole =
            here.gather(m.head(m.decode(memory, counted, place<S, tiny::batch, tiny::token>(text))));
        typename of_the_paper<S>::template cache<tiny::batch, context> cache;
        auto const kept = m.project_memory(memory);
        constexpr std::size_t tokens = tiny::token::size, wide = tiny::vocab::size;
        double most = 0;
        for (std::size_t first = 0, count = 1; first < tokens;
             first += count, count = std::min(tokens - first, count + 2)) {
            std::vector<std::int32_t> some;
            for (std::size_t b = 0; b < tiny::batch::size; ++b)
                for (std::size_t t = first; t < first + count; ++t) some.push_back(text[b * tokens + t]);
            auto const step = mw::place<tiny::batch, one>(here, some, {count});
            auto const found = here.gather(m.head(m.decode(kept, counted, step, cache)));
            for (std::size_t i = 0; i < found.size(); ++i) {
                std::size_t const row = i / wide, b = row / count, t = first + row % count;
                most = worse(most, std::abs(static_cast<double>(found[i]) -
                                            static_cast<double>(whole[(b * tokens + t) * wide + i % wide])));
            }
        }
        CHECK(cache.length() == tokens);
        CHECK(most < 1e-4);
    });
}

}  // namespace
