// Bodies of vocabulary_files.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/vocabulary_files.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string in_byte_letters(std::string_view bytes) {
    std::string out;
    for (char c : bytes) append_utf8(out, byte_letters()[static_cast<unsigned char>(c)]);
    return out;
}

MESHWISE_BODY std::string vocabulary_to_json(vocabulary const& v, spelling how) {
    std::string out = "{";
    for (std::size_t i = 0; i < v.size(); ++i) {
        auto const id = static_cast<std::int32_t>(i);
        if (!v.has(id)) continue;
        auto const token = v.id_to_token(id);
        if (how == spelling::plain && invalid_utf8(token) != token.npos)
            throw error("the token " + in_quotes(token) + " of " + v.source() +
                        " is not UTF-8 and cannot be written as JSON; a byte-level tokenizer writes its own");
        out += (out.size() > 1 ? ",\n" : "\n") +
               json_text(how == spelling::byte_letters && !v.is_added(id) ? in_byte_letters(token) : token) +
               ": " + std::to_string(id);
    }
    return out + "\n}\n";
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::string vocabulary_to_json(vocabulary const& v) {
    return detail::vocabulary_to_json(v, detail::spelling::plain);
}

MESHWISE_BODY vocabulary vocabulary_from_json(std::filesystem::path const& path, special_names const& roles) {
    std::string const source = "vocabulary " + path_in_quotes(path);
    auto const none = [](std::string const&, std::int32_t) { return false; };
    return vocabulary(detail::tokens_from_json(json::from_file(path), detail::spelling::plain, source, none),
                      roles, {}, source);
}

}  // namespace meshwise
