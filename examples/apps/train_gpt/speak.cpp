// speak: continues the prompt, and says how many of the words are words of the training text.
#include <cstdio>

#include "../common/words.hpp"
#include "job.hpp"

#include <meshwise/nn/generate.hpp>

namespace train_gpt {

template <class S>
void speak(mw::rank<S>& here, model_of<S> const& model, job const& what) {
    mw::decode_stream decoder(what.tokens, true, mw::control_characters::replace);  // for a terminal
    examples::line_wrap wrap(80);
    std::string said;
    auto const show = [&](std::string const& text) {
        here.only_on_first([&] { std::fputs(text.c_str(), stdout), std::fflush(stdout); });
    };
    show("\nThe model goes on from \"" + what.how.prompt + "\":\n\n" + wrap.push(what.how.prompt));
    mw::generate(here, model, what.tokens.encode(what.how.prompt).ids, what.how.speak,
                 {.temperature = what.how.temperature, .top_k = 40, .from = mw::seed{what.how.seed}},
                 [&](std::int32_t id) {
                     if (static_cast<std::size_t>(id) >= what.tokens.vocab_size()) return;
                     std::string const piece = decoder.push(id);
                     said += piece;
                     show(wrap.push(piece));
                 });
    std::string const rest = decoder.finish();
    said += rest;
    show(wrap.push(rest) + wrap.finish() + "\n\n");
    auto const share = examples::words_found(said, what.training_text);
    here.only_on_first([&] {
        std::printf("%zu of %zu words (%.0f %%) occur in the training text\n", share.found, share.words,
                    share.percent());
    });
}

}  // namespace train_gpt

#define SPEAK(S) template void train_gpt::speak(mw::rank<S>&, model_of<S> const&, job const&);
TRAIN_GPT_EACH_MESH(SPEAK)
