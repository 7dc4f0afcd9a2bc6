// rotary_embedding: rotary position embedding (rope); part of the tbb backend.
// Guarantees: an element depends on its pair, its global position and its place in the head only.
// Costs: one pass over x; the sine and cosine of an angle are computed once for all heads of a token.
// Source: Su et al., RoFormer: enhanced transformer with rotary position embedding, 2021.
#pragma once

#include <cstddef>

#include <meshwise/backend/concept.hpp>

namespace meshwise::tbb_kernels {

/// rope: see backend/concept.hpp.
template <class Instructions>
struct rotary_embedding {
    template <class T>
    static void rope(std::size_t outer, std::size_t tokens, std::size_t heads, std::size_t head_dim,
                     std::size_t first_position, double base, rope_pairing pairing, bool inverse, T const* x,
                     T* y);

private:
    template <class T>
    static void rotate_heads(std::size_t heads, std::size_t head_dim, rope_pairing pairing, T const* cosine,
                             T const* sine, T const* x, T* y);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/rotary_embedding.inl.hpp>
#endif
