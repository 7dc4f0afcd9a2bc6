// classify: learns to put texts into classes, and then says the class of each line of standard input.
//   classify                                                toy reviews, learned within a minute
//   classify --text train.txt --held-out dev.txt --folder runs/sst2 --score test.txt
//   classify --folder runs/sst2 --answer                    no training: what the folder holds
// A line of a file is "LABEL text"; a .tsv has LABEL, a tab and the text; a .jsonl has {"label": ..., "text": ...}.
// The model and its split are in classify/model.hpp, what it does with texts in classify/program.cpp.
#include "classify/model.hpp"

int main(int argc, char** argv) {
    classify::settings how;
    how.folder = "classify.model";
    examples::options options("classify", "Learns to put texts into classes, and says the class of each line "
                                          "of standard input with its probability.");
    options.path(
        "text", how.text,
        "the texts to learn, each line \"LABEL text\" (or .tsv, .jsonl); toy reviews when not given");
    options.path("held-out", how.held_out,
                 "texts that choose the epoch to keep; a tenth of the others when not given");
    options.path("score", how.score, "in the place of lines: texts to score");
    how.declare(options);
    if (auto const code = options.parse(argc, argv)) return *code;
    if (!how.held_out.empty() && how.text.empty())
        return examples::misuse("--held-out needs the texts to learn; give them with --text");
    if (how.answer && how.replace)
        return examples::misuse("--answer trains nothing, so leave out --replace, or --answer");
    if (how.answer && !how.text.empty())
        return examples::misuse("--answer trains nothing, so leave out --text, or --answer");
    return examples::start<classify::small, classify::base, classify::places>(
        how, how.text.empty(),
        [&]<class Size, class S>(auto const& folder) { classify::train<Size, S>(how, folder); },
        [&]<class Size, class S>(auto const& folder) { classify::answer<Size, S>(how, folder); });
}
