// tag: learns a tag for each word of a sentence, and then tags the words of each line of standard input.
//   tag                                                       a small grammar, learned within a minute
//   tag --text train.conllu --held-out dev.conllu --folder runs/ewt --score test.conllu
//   tag --folder runs/ewt --answer                            no training: what the folder holds
// A file that ends with .conllu is CoNLL-U and has universal tags; any other is IOB2: a word and its tag a line.
// The model and its split are in tag/model.hpp, what it does with texts in tag/program.cpp.
#include "tag/model.hpp"

int main(int argc, char** argv) {
    tag::settings how;
    how.folder = "tag.model";
    examples::options options(
        "tag", "Learns a tag for each word, and tags the words of each line of standard input: \"the/DET\".");
    options.path(
        "text", how.text,
        "the sentences to learn: CoNLL-U if it ends with .conllu, else IOB2; a small grammar when not given");
    options.path("held-out", how.held_out,
                 "sentences that choose the epoch to keep; a tenth of the others when not given");
    options.path("score", how.score, "in the place of lines: sentences to score");
    how.declare(options);
    if (auto const code = options.parse(argc, argv)) return *code;
    if (!how.held_out.empty() && how.text.empty())
        return examples::misuse("--held-out needs the sentences to learn; give them with --text");
    if (how.answer && how.replace)
        return examples::misuse("--answer trains nothing, so leave out --replace, or --answer");
    if (how.answer && !how.text.empty())
        return examples::misuse("--answer trains nothing, so leave out --text, or --answer");
    return examples::start<tag::small, tag::base, tag::places>(
        how, how.text.empty(),
        [&]<class Size, class S>(auto const& folder) { tag::train<Size, S>(how, folder); },
        [&]<class Size, class S>(auto const& folder) { tag::answer<Size, S>(how, folder); });
}
