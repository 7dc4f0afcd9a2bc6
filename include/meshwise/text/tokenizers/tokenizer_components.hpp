// tokenizer_components: what the components of a tokenizer.json have in common, and its post_processor.
// Guarantees: every key of a component is used or refused by name.
#pragma once

#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/json_members.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise::detail {

std::string component_type(json const& component);
input_error unknown_component(json const& where, std::string const& what, std::string const& type);

/// The parts of a "Sequence", or the component itself; empty for null.
std::vector<json const*> components_of(json const* component, char const* list);

/// Calls f(members) for a component, whose type is known.
template <class F>
void read_component(json const& one, std::string const& what, F f) {
    read_members(one, what, [&](json_members& members) {
        members.without_effect({"type"});
        f(members);
    });
}

/// The frame of one TemplateProcessing.
void read_template(json const& one, vocabulary const& v, spelling how, text_frame& frame);

/// The special tokens around one text. Templates for two texts are only checked, because encode takes one.
text_frame read_frame(json const* post_processor, vocabulary const& v, spelling how, bool& trim_offsets);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/tokenizer_components.inl.hpp>
#endif
