// What every other mesh is compared with.
#include "../tiny_models.hpp"

namespace tiny {

template void train_one_rank<gpt>(mw::rank<one_rank>&, std::size_t, bool, outcome&);

}  // namespace tiny
