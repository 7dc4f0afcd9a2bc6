// model_axes: the axes of a model are one type that names them, so that two of them cannot be swapped:
//   struct small {
//       struct vocab : mw::axis<50304> {};
//       struct token : mw::axis<1024> {};
//       struct embed : mw::axis<768> {};
//       struct heads : mw::axis<12> {};
//       struct head_dim : mw::axis<64> {};
//       struct ffn : mw::axis<3072> {};
//       struct layer : mw::axis<12> {};
//   };
//   template <class Any>
//   using small_gpt = mw::gpt<Any, small>;
// A type of axes may have more than a model asks for, and may name axes of elsewhere: using token = my_token;
// Guarantees: a name that is missing gives one error, which says what to add. Costs: an alias a name.
#pragma once

#include <meshwise/core/axis.hpp>
#include <meshwise/core/verdict.hpp>

namespace meshwise::detail {

// For each name: what a type of axes calls so; where it does not, the sentence, and an axis that keeps all else silent.

template <class Axes>
struct vocab_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `vocab`: add `struct vocab : mw::axis<N> {};` to them");
};
template <class Axes>
struct vocab_in {
    static_assert(sizeof(vocab_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::vocab>
struct vocab_in<Axes> {
    using type = typename Axes::vocab;
};

template <class Axes>
struct token_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `token`: add `struct token : mw::axis<N> {};` to them");
};
template <class Axes>
struct token_in {
    static_assert(sizeof(token_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::token>
struct token_in<Axes> {
    using type = typename Axes::token;
};

template <class Axes>
struct embed_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `embed`: add `struct embed : mw::axis<N> {};` to them");
};
template <class Axes>
struct embed_in {
    static_assert(sizeof(embed_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::embed>
struct embed_in<Axes> {
    using type = typename Axes::embed;
};

template <class Axes>
struct heads_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `heads`: add `struct heads : mw::axis<N> {};` to them");
};
template <class Axes>
struct heads_in {
    static_assert(sizeof(heads_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::heads>
struct heads_in<Axes> {
    using type = typename Axes::heads;
};

template <class Axes>
struct head_dim_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `head_dim`: add `struct head_dim : mw::axis<N> {};` to them");
};
template <class Axes>
struct head_dim_in {
    static_assert(sizeof(head_dim_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::head_dim>
struct head_dim_in<Axes> {
    using type = typename Axes::head_dim;
};

template <class Axes>
struct ffn_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `ffn`: add `struct ffn : mw::axis<N> {};` to them");
};
template <class Axes>
struct ffn_in {
    static_assert(sizeof(ffn_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::ffn>
struct ffn_in<Axes> {
    using type = typename Axes::ffn;
};

template <class Axes>
struct layer_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `layer`: add `struct layer : mw::axis<N> {};` to them");
};
template <class Axes>
struct layer_in {
    static_assert(sizeof(layer_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::layer>
struct layer_in<Axes> {
    using type = typename Axes::layer;
};

template <class Axes>
struct kv_heads_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `kv_heads`: add `struct kv_heads : mw::axis<N> {};` to them");
};
template <class Axes>
struct kv_heads_in {
    static_assert(sizeof(kv_heads_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::kv_heads>
struct kv_heads_in<Axes> {
    using type = typename Axes::kv_heads;
};

template <class Axes>
struct group_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `group`: add `struct group : mw::axis<N> {};` to them");
};
template <class Axes>
struct group_in {
    static_assert(sizeof(group_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::group>
struct group_in<Axes> {
    using type = typename Axes::group;
};

template <class Axes>
struct source_vocab_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `source_vocab`: add `struct source_vocab : mw::axis<N> {};` to them");
};
template <class Axes>
struct source_vocab_in {
    static_assert(sizeof(source_vocab_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::source_vocab>
struct source_vocab_in<Axes> {
    using type = typename Axes::source_vocab;
};

template <class Axes>
struct target_vocab_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `target_vocab`: add `struct target_vocab : mw::axis<N> {};` to them");
};
template <class Axes>
struct target_vocab_in {
    static_assert(sizeof(target_vocab_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::target_vocab>
struct target_vocab_in<Axes> {
    using type = typename Axes::target_vocab;
};

template <class Axes>
struct source_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `source`: add `struct source : mw::axis<N> {};` to them");
};
template <class Axes>
struct source_in {
    static_assert(sizeof(source_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::source>
struct source_in<Axes> {
    using type = typename Axes::source;
};

template <class Axes>
struct target_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `target`: add `struct target : mw::axis<N> {};` to them");
};
template <class Axes>
struct target_in {
    static_assert(sizeof(target_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::target>
struct target_in<Axes> {
    using type = typename Axes::target;
};

template <class Axes>
struct classes_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `classes`: add `struct classes : mw::axis<N> {};` to them");
};
template <class Axes>
struct classes_in {
    static_assert(sizeof(classes_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::classes>
struct classes_in<Axes> {
    using type = typename Axes::classes;
};

template <class Axes>
struct tags_missing {
    static_assert(
        never<Axes>,
        "meshwise: the axes of this model have no `tags`: add `struct tags : mw::axis<N> {};` to them");
};
template <class Axes>
struct tags_in {
    static_assert(sizeof(tags_missing<Axes>) > 0);
    struct type : axis<1> {};
};
template <class Axes>
    requires any_axis<typename Axes::tags>
struct tags_in<Axes> {
    using type = typename Axes::tags;
};

// the axes of an encoder_decoder, as its encoder and its decoder know them
template <class Axes>
struct source_side {
    using vocab = typename source_vocab_in<Axes>::type;
    using token = typename source_in<Axes>::type;
    using embed = typename embed_in<Axes>::type;
    using heads = typename heads_in<Axes>::type;
    using head_dim = typename head_dim_in<Axes>::type;
    using ffn = typename ffn_in<Axes>::type;
    using layer = typename layer_in<Axes>::type;
};
template <class Axes>
struct target_side : source_side<Axes> {
    using vocab = typename target_vocab_in<Axes>::type;
    using token = typename target_in<Axes>::type;
};

}  // namespace meshwise::detail
