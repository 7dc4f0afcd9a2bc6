// A tensor with an axis of mw::up_to is made with its extents.
// sentence: a tensor with an axis of mw::up_to is made without its extents
// lines: 16
#include <meshwise/parallel/run.hpp>
namespace mw = meshwise;

struct batch : mw::up_to<8> {};
struct embed : mw::axis<16> {};
using S = mw::strategy<mw::mesh<>>;
using rows = mw::tensor_of<S, float, batch, embed>;

void program(mw::rank<S>& here, std::vector<float>& numbers) {
#if REJECTED == 1
    auto x = mw::place<batch, embed>(here, numbers);
#elif REJECTED == 2
    auto x = here.place<batch, embed>(numbers);
#elif REJECTED == 3
    auto x = mw::cut_from<rows>(std::span<float const>(numbers));
#elif REJECTED == 4
    auto x = mw::view_of<rows>(std::span<float>(numbers));
#elif REJECTED == 5
    auto x = rows::uninitialized();
#else
    auto x = mw::place<batch, embed>(here, numbers, {numbers.size() / embed::size});
    auto y = mw::cut_from<rows>(std::span<float const>(numbers), {2});
    auto z = rows::uninitialized(x.extents());
    auto fixed = mw::tensor_of<S, float, embed>::uninitialized();
#endif
    (void)x;
}
