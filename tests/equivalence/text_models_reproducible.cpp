// Text models under reproducible<V>, with dropout, smoothed labels and scaled embeddings: the same bits on every mesh.
#include <doctest/doctest.h>

#include "meshes.hpp"
#include "text_models.hpp"

namespace {

namespace mw = meshwise;

template <std::size_t Dp, std::size_t Tp>
using exact =
    typename tiny::places<Dp, Tp>::template tensor_parallel<mw::on<mw::serial>, mw::reproducible<4>>;

template <template <class> class Model>
void same_on_every_mesh() {
    auto const one = tiny::train<Model, exact<1, 1>>(2), other = tiny::train<Model, exact<2, 2>>(2);
    tiny::check_same_bits(one, other);
}

TEST_CASE("reproducible<4>: encoder-decoder") { same_on_every_mesh<tiny::of_the_paper>(); }
TEST_CASE("reproducible<4>: classifier, the mean") { same_on_every_mesh<tiny::by_mean>(); }

}  // namespace
