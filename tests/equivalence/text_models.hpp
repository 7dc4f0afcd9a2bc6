// Text models for tiny::train, which knows texts only: classifiers, a tagger, encoder-decoders, with dropout and smoothed
// labels on.
#pragma once
#include "tiny_models.hpp"

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/text_classifier.hpp>
#include <meshwise/nn/token_tagger.hpp>

namespace tiny {

struct classes : mw::axis<3> {};
struct tags : mw::axis<5> {};

struct source : mw::axis<24> {};
struct text_sizes : sizes {
    using classes = tiny::classes;
    using tags = tiny::tags;
    using source_vocab = tiny::vocab;
    using target_vocab = tiny::vocab;
    using source = tiny::source;
    using target = tiny::token;
};

inline std::vector<std::int32_t> lengths() {
    std::vector<std::int32_t> made(batch::size);
    for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = static_cast<std::int32_t>((i * 7) % (token::size + 1));  // 0 too
    return made;
}
inline std::vector<std::int32_t> labels(std::size_t count, std::size_t kinds) {
    std::vector<std::int32_t> made(count);
    for (std::size_t i = 0; i < count; ++i)
        made[i] = i % 7 == 3 ? mw::ignore_index : static_cast<std::int32_t>((i * i + i / 3) % kinds);
    return made;
}
template <class S, class... A>
auto place(std::vector<std::int32_t> const& whole) {
    return mw::cut_from<mw::tensor_of<S, std::int32_t, A...>>(whole);
}

inline constexpr mw::training noisy{.dropout = 0.2,
                                    .label_smoothing = 0.1,
                                    .smoothing = mw::smoothing::over_others,
                                    .from = mw::seed{9},
                                    .step = 4};

template <class S, mw::transformer_options Options>
struct classifier : mw::text_classifier<S, text_sizes, Options> {
    bool recompute_blocks = false;
    auto loss(auto const& inputs, auto const&) const {
        return classifier::text_classifier::loss(inputs, place<S, batch>(lengths()),
                                                 place<S, batch>(labels(batch::size, 3)), noisy);
    }
};
template <class S, mw::transformer_options Options>
struct tagger : mw::token_tagger<S, text_sizes, Options> {
    bool recompute_blocks = false;
    auto loss(auto const& inputs, auto const&) const {
        return tagger::token_tagger::loss(inputs, place<S, batch>(lengths()),
                                          place<S, batch, token>(labels(batch::size * token::size, 5)),
                                          noisy);
    }
};
template <class S, mw::transformer_options Options>
struct translator : mw::encoder_decoder<S, text_sizes, Options> {
    bool recompute_blocks = false;
    auto loss(auto const& inputs, auto const& targets) const {
        return translator::encoder_decoder::loss(place<S, batch, source>(ids(8, 0)),
                                                 place<S, batch>(lengths()), inputs, targets, noisy);
    }
};

template <class S>
using by_cls = classifier<S, {.pooling = mw::pooling::cls}>;
template <class S>
using by_mean = classifier<S, {.pooling = mw::pooling::mean}>;
template <class S>
using by_max = classifier<S, {.norms = mw::norm_order::after,
                              .positions = mw::position_kind::sinusoidal_interleaved,
                              .pooling = mw::pooling::max}>;
template <class S>
using tagged = tagger<S, {.padding_id = 0}>;
template <class S>
using of_the_paper = translator<S, {.norms = mw::norm_order::after,
                                    .positions = mw::position_kind::sinusoidal_halves,
                                    .first_position = 1,
                                    .tied = mw::tied_tables::all,
                                    .scale_embeddings = true,
                                    .padding_id = 3}>;
template <class S>
using untied = translator<S, {.tied = mw::tied_tables::none}>;

}  // namespace tiny
