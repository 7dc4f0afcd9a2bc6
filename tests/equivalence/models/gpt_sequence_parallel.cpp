// Threads and processes are compared on these meshes.
#include "../tiny_models.hpp"

namespace tiny {

template void train_one_rank<gpt>(mw::rank<sequence_on<1, 1>>&, std::size_t, bool, outcome&);
template void train_one_rank<gpt>(mw::rank<sequence_on<1, 2>>&, std::size_t, bool, outcome&);
template void train_one_rank<gpt>(mw::rank<sequence_on<2, 1>>&, std::size_t, bool, outcome&);
template void train_one_rank<gpt>(mw::rank<sequence_on<2, 2>>&, std::size_t, bool, outcome&);

}  // namespace tiny
