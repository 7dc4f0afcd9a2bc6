// Any bytes as a tokenizer's file, the first byte says of which kind: a tokenizer that works, or an error.
#include <cstdlib>

#include <meshwise/text/tokenizers/tokenizer_json.hpp>
#include <meshwise/text/tokenizers/train_bpe.hpp>

namespace mw = meshwise;

namespace {

void use(mw::tokenizer const& t) {
    std::string const text = "Hello w\xc3\xb6rld <s>\n\xff\xe2\x96\x81 12";
    try {
        auto const made = t.encode(text, {.special_text = true, .add_special_tokens = true});
        for (auto const& one : made.offsets)
            if (one.begin > one.end || one.end > text.size()) std::abort();
        static_cast<void>(t.decode(made.ids));
        static_cast<void>(t.decode(made.ids, false));
    } catch (mw::error const&) {}
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const rest(reinterpret_cast<char const*>(bytes) + 1, size - 1);
    try {
        switch (bytes[0] % 5) {
        case 0:
            use(*mw::detail::tokenizer_json_reader(mw::json::parse(rest, "fuzz"), "fuzz", {}).read());
            break;
        case 1: use(mw::sentencepiece_bpe::from_llama2c_bytes(rest, "fuzz")); break;
        case 2: {
            mw::vocabulary v(mw::detail::tokens_from_base64(rest, "fuzz"));
            auto const merges = mw::detail::merges_from_tokens(
                v, [](std::int32_t id) { return static_cast<std::uint32_t>(id); },
                [&](std::string_view token, auto& symbols) {
                    return mw::detail::bytes_of_token(v, token, symbols);
                });
            use(mw::byte_level_bpe(v, merges, {.ignore_merges = true}));
            break;
        }
        case 3: {
            std::vector<std::string> tokens;
            for (int b = 0; b < 256; ++b) tokens.push_back(std::string(1, static_cast<char>(b)));
            for (auto const* more : {"he", "ll", "llo", "hello"}) tokens.push_back(more);
            mw::vocabulary v(tokens);
            use(mw::byte_level_bpe(
                v, mw::detail::merges_from_lines(rest, v, mw::detail::spelling::byte_letters, "fuzz")));
            break;
        }
        default: {
            auto const t = mw::train_byte_level_bpe(rest, 300);
            if (t.decode(t.encode(rest).ids) != rest) std::abort();
            use(t);
        }
        }
    } catch (mw::error const&) {}
    return 0;
}
