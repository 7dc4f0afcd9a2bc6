// Compiling is passing: bytes of a model, from its types.
#include <meshwise/plan/budget.hpp>
namespace mw = meshwise;
namespace {
using namespace mw::literals;
struct embed : mw::axis<1024> {};
struct ffn : mw::axis<4096> {};
struct prompt : mw::up_to<16> {};
struct tp : mw::mesh_axis<4> {};

template <class S>
struct block {
    mw::tensor_of<S, float, embed, ffn> up;
    mw::tensor_of<S, double, ffn, embed> down;
    mw::tensor_of<S, float, embed> bias;
    static constexpr auto parameters = mw::fields<&block::up, mw::normal{}, &block::down, &block::bias>();
};
template <class S>
struct model {
    std::array<block<S>, 3> blocks;
    mw::tensor_of<S, float, prompt, embed> prefix;
    static constexpr auto parameters = mw::fields<&model::blocks, &model::prefix>();
};
using alone = mw::strategy<mw::mesh<>>;
using on_four = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

constexpr std::size_t prefix = 16 * 1024 * 4;
static_assert(mw::parameter_bytes_per_rank<block<alone>> == 1024 * 4096 * (4 + 8) + 1024 * 4);
static_assert(mw::parameter_bytes_per_rank<model<alone>> == 3 * (1024 * 4096 * (4 + 8) + 1024 * 4) + prefix);
static_assert(mw::parameter_bytes_per_rank<model<on_four>> ==
              3 * (1024 * 1024 * (4 + 8) + 1024 * 4) + prefix);
static_assert(mw::training_bytes_per_rank<model<on_four>> ==
              4 * mw::parameter_bytes_per_rank<model<on_four>>);

// numbers of all ranks, without padding; an axis of up_to counts with its bound
struct vocab : mw::padded<50257, 128> {};
struct table {
    mw::tensor_of<on_four, float, vocab, embed> rows;
    static constexpr auto parameters = mw::fields<&table::rows>();
};
static_assert(mw::parameter_elements<model<on_four>> == 3 * (2 * 1024 * 4096 + 1024) + 16 * 1024);
static_assert(mw::parameter_elements<model<alone>> == mw::parameter_elements<model<on_four>>);
static_assert(mw::parameter_elements<table> == 50257 * 1024);

static_assert(mw::fits<model<on_four>, mw::training_bytes_per_rank<model<on_four>>>::value);
static_assert(!mw::fits<model<on_four>, mw::training_bytes_per_rank<model<on_four>> - 1>::value);
static_assert(std::is_same_v<mw::fits<block<alone>, 1_MB>,
                             mw::broken<mw::memory_budget_exceeded, mw::bytes_needed<std::size_t{201342976}>,
                                        mw::bytes_allowed<std::size_t{1000000}>>>);
[[maybe_unused]] constexpr auto checked = [] { mw::require_fits<block<alone>, 1_GB>(); };
}  // namespace
