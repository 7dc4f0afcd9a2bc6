// A part or a summand that is read as the whole value, and constants that are made as summands.
#include <vector>

#include <meshwise/tensor/shard.hpp>

#include <meshwise/tensor/constants.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
using mesh = mw::mesh<dp>;
using whole = mw::tensor<float, mw::axes<batch>, mw::layout<mesh>>;
using part = mw::tensor<float, mw::axes<batch>, mw::layout<mesh, mw::split<batch, dp>>>;
using pending = mw::tensor<float, mw::axes<batch>, mw::layout<mesh, mw::partial<dp>>>;

float program(whole& w, part& p, pending& s, std::vector<float>& numbers) {
#if REJECTED == 1
    // sentence: this rank holds a part of it: x.local_span() is the part
    return p.data()[0];
#elif REJECTED == 2
    // sentence: this rank holds a part of it: x.local_span() is the part
    for (float& one : p.mutable_span()) one = 0;
#elif REJECTED == 3
    // sentence: this value is a pending sum, and a rank holds one summand of it
    return s.span()[0];
#elif REJECTED == 4
    // sentence: this value is a pending sum, and a rank holds one summand of it
    return s.local_span()[0];
#elif REJECTED == 5
    // sentence: a constant of the type of a pending sum would count once per rank
    s = mw::full<pending>(1);
#elif REJECTED == 6
    // sentence: a constant of the type of a pending sum would count once per rank
    s = mw::view_of<pending>(numbers);
#elif REJECTED == 7
    // sentence: a constant of the type of a pending sum would count once per rank
    s = mw::cut_from<pending>(std::span<float const>(numbers));
#elif REJECTED == 8
    // sentence: x.size() of a value that is split or padded could mean two numbers: x.true_size() over all ranks
    return p.local_span()[0] / static_cast<float>(p.size());
#else
    p = mw::view_of<part>(numbers);
    for (float& one : p.mutable_local_span()) one = 0;
    for (float& one : w.mutable_span()) one = 0;
    if (w.size() + s.size() + p.true_size() + p.local_size() == 8 + 8 + 8 + 4) return 1;
    return w.data()[0] + w.span()[0] + p.local_span()[0] + s.summand_span()[0];
#endif
    return 0;
}
