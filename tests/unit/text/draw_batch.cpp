// draw_batch: the picture of docs/text.md is the one that the library draws.
#include <doctest/doctest.h>

#include <meshwise/text/batches/draw_batch.hpp>
#include <meshwise/text/tokenizers/plain_tokenizers.hpp>

#include "files.hpp"

namespace mw = meshwise;

namespace {
std::string picture() {
    auto const words = mw::word_tokenizer::from_text("a dog runs in snow ein hund rennt schnee",
                                                     {.bos = "<s>", .eos = "</s>", .pad = "<pad>"});
    std::vector<mw::pair_example> pairs;
    for (auto const& [source, target] :
         {std::pair("a dog runs", "ein hund rennt"), std::pair("a dog runs in snow", "ein hund")})
        pairs.push_back({words.encode(source).ids, words.encode(target).ids});
    return mw::draw(mw::collate_pairs(pairs, {.pad = 2, .start = 0, .eos = 1}), words);
}
}  // namespace

TEST_CASE("draw_batch: what docs/text.md shows") {
    auto const page = mw::detail::read_input(source_folder() / "docs/text.md");
    auto const drawn = picture();
    INFO(drawn);
    CHECK(page.find("```text\n" + drawn + "```\n") != std::string::npos);
}

TEST_CASE("draw_batch: tokens with spaces, controls and no UTF-8 keep their columns") {
    auto const t = mw::character_tokenizer::from_text("\n \xc3\xa9\x1b", {.bos = "<s>"});
    mw::pair_batch const batch = mw::collate_pairs(
        std::vector<mw::pair_example>{{{1, 2, 3, 4}, {}}, {{4}, {4}}}, {.pad = 1, .start = 0, .eos = 0});
    CHECK(mw::draw(batch, t) == "source          _ \xef\xbf\xbd _ \xc3\xa9\n"
                                "                \xc3\xa9 \xc2\xb7 \xc2\xb7 \xc2\xb7\n"
                                "mask            1 1 1 1\n"
                                "                1 0 0 0\n"
                                "decoder input   <s> \xc2\xb7\n"
                                "                <s> \xc3\xa9\n"
                                "labels          <s>  -100\n"
                                "                \xc3\xa9    <s>\n");
}
