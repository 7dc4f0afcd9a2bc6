// Bodies of tokenizer_components.hpp: see core/compiled.hpp.
#pragma once

#include <map>

#include <meshwise/text/tokenizers/tokenizer_components.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string component_type(json const& component) {
    return component.at("type", "the object").string("a type");
}

MESHWISE_BODY input_error unknown_component(json const& where, std::string const& what,
                                            std::string const& type) {
    return where.fault("the " + what + " " + in_quotes(type) + " is not supported");
}

MESHWISE_BODY std::vector<json const*> components_of(json const* component, char const* list) {
    if (!component) return {};
    if (component_type(*component) != "Sequence") return {component};
    std::vector<json const*> made;
    read_component(*component, "a sequence", [&](json_members& members) {
        for (json const& one : members.at(list).array(list)) made.push_back(&one);
    });
    return made;
}

MESHWISE_BODY void read_template(json const& one, vocabulary const& v, spelling how, text_frame& frame) {
    std::map<std::string, std::vector<std::int32_t>> ids;
    read_component(one, "the post_processor", [&](json_members& members) {
        if (auto const* table = members.find("special_tokens"))
            read_members(*table, "special_tokens", [&](json_members& names) {
                for (auto const& name : table->keys("special_tokens"))
                    read_members(names.at(name), "a special token of a template", [&](json_members& token) {
                        if (token.string("id") != name)
                            throw token.fault("the special token " + in_quotes(name) + " is called " +
                                              in_quotes(token.string("id")) + " inside");
                        auto const& numbers = token.at("ids").array("ids");
                        auto const& texts = token.at("tokens").array("tokens");
                        if (numbers.size() != texts.size())
                            throw token.fault("ids and tokens must have as many elements");
                        auto& list = ids[name];
                        for (std::size_t i = 0; i < numbers.size(); ++i) {
                            std::int64_t const id = numbers[i].integer("an id");
                            auto const& text = texts[i].string("a token");
                            bool const fits = id >= 0 && id < static_cast<std::int64_t>(v.size()) &&
                                              v.has(static_cast<std::int32_t>(id));
                            auto const known = fits ? v.id_to_token(static_cast<std::int32_t>(id)) : "";
                            if (!fits || (known != text && known != token_bytes(text, how)))
                                throw numbers[i].fault(
                                    "the template gives the token " + in_quotes(text) + " the id " +
                                    std::to_string(id) + ", which is " +
                                    (fits ? "that of " + in_quotes(known) : "none of the vocabulary"));
                            list.push_back(static_cast<std::int32_t>(id));
                        }
                    });
            });
        auto const read = [&](json const& list, bool is_pair, text_frame& made) {
            std::size_t texts = 0;
            for (json const& item : list.array(is_pair ? "pair" : "single"))
                read_members(item, "an item of a template", [&](json_members& kind) {
                    json const* const sequence_of = kind.find("Sequence");
                    json const& inner = sequence_of ? *sequence_of : kind.at("SpecialToken");
                    read_members(inner, "an item of a template", [&](json_members& about) {
                        auto const& name = about.string("id");
                        if (auto const* type = about.find("type_id");
                            type && type->integer("type_id") != 0 && !is_pair)
                            throw type->fault("type_id is supported only as 0 in the template for one text");
                        if (sequence_of) {
                            ++texts;
                            if (name != "A" && !(is_pair && name == "B"))
                                throw inner.fault("a template for one text has the sequence A, not " +
                                                  in_quotes(name));
                            return;
                        }
                        auto& side = texts > 0 ? made.after : made.before;
                        if (auto const known = ids.find(name); known != ids.end()) {
                            side.insert(side.end(), known->second.begin(), known->second.end());
                            return;
                        }
                        auto const id = v.token_to_id(name);
                        if (!id) throw inner.fault("the vocabulary lacks the token " + in_quotes(name));
                        side.push_back(*id);
                    });
                });
            if (!is_pair && texts != 1) throw one.fault("a template for one text must contain it once");
        };
        read(members.at("single"), false, frame);
        text_frame unused;
        if (auto const* pair = members.find("pair")) read(*pair, true, unused);
    });
}

MESHWISE_BODY text_frame read_frame(json const* post_processor, vocabulary const& v, spelling how,
                                    bool& trim_offsets) {
    text_frame frame;
    bool framed = false;
    auto const trim = [&](json const& one, json_members& members, bool if_trimmed) {
        // a space that was added is none of the text: without one the key says nothing
        bool const adds = members.boolean("add_prefix_space", if_trimmed);
        bool const trims = members.boolean("trim_offsets", if_trimmed);
        if (adds && trims)
            throw one.fault("add_prefix_space together with trim_offsets is not supported; set one to false");
        trim_offsets = trim_offsets || trims;
    };
    for (json const* one : components_of(post_processor, "processors")) {
        std::string const type = component_type(*one);
        if (type == "ByteLevel") {
            read_component(*one, "the post_processor", [&](json_members& members) {
                trim(*one, members, false);
                members.without_effect({"use_regex"});  // it acts in a pre_tokenizer
            });
            continue;
        }
        if (framed) throw one->fault("this is a second template; only one is supported");
        framed = true;
        if (type == "BertProcessing" || type == "RobertaProcessing") {
            read_component(*one, "the post_processor", [&](json_members& members) {
                if (type == "RobertaProcessing") trim(*one, members, true);
                for (char const* key : {"cls", "sep"}) {
                    auto const& pair = members.at(key).array(key);
                    if (pair.size() != 2) throw members.at(key).fault("expected a token and its id");
                    auto const& name = pair[0].string("a special token");
                    auto const bytes = token_bytes(name, how);
                    auto id = v.token_to_id(name);
                    if (!id && bytes) id = v.token_to_id(*bytes);
                    if (!id) throw pair[0].fault("the vocabulary lacks the token " + in_quotes(name));
                    if (pair[1].integer("the id of a special token") != *id)
                        throw pair[1].fault("the token " + in_quotes(name) + " has the id " +
                                            std::to_string(*id) + " in the vocabulary, not " +
                                            std::to_string(pair[1].integer("the id")));
                    (key[0] == 'c' ? frame.before : frame.after).push_back(*id);
                }
            });
        } else if (type == "TemplateProcessing")
            read_template(*one, v, how, frame);
        else
            throw unknown_component(*one, "post_processor", type);
    }
    return frame;
}

}  // namespace meshwise::detail
