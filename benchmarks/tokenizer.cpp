// How fast is byte-level BPE with GPT-2's vocabulary, in text a second on one core? What is decoded must be the text.
// Peer: tiktoken. The vocabulary is not part of the project: MESHWISE_DATA names the folder that has it.
#include <meshwise/parse/input_file.hpp>
#include <meshwise/text/tokenizers/byte_level_bpe.hpp>

#include "peers/child.hpp"

#include <filesystem>
#include <memory>

namespace mw = meshwise;
using namespace bench;

namespace {

void answer(question& here, std::string const& name, std::string const& text, bool with_peer) {
    std::filesystem::path const data = std::getenv("MESHWISE_DATA");
    auto const tokens = mw::byte_level_bpe::from_tiktoken(data / "tokenizers/gpt2/r50k_base.tiktoken");
    auto const made = tokens.encode(text);
    if (tokens.decode(made.ids) != text) return here.fail(name + ": what is decoded is not the text");
    std::vector<contender> all{
        timed("ours", watch::this_thread, [&] { benchmark::DoNotOptimize(tokens.encode(text)); })};
    std::unique_ptr<peers::child> peer;
    if (with_peer) peer = peers::python("tokenizer.py", {}, "tiktoken");
    if (peer) {
        if (peer->ask("count").at(0) != static_cast<double>(made.ids.size()))
            return here.fail(name + ": tiktoken makes another number of tokens");
        all.push_back({"tiktoken", [&] { return peer->ask("run").at(0); }});
    }
    auto const seconds = in_turns(all, 1);
    double const megabytes = static_cast<double>(text.size()) * 1e-6;
    row r{.name = name, .ours = megabytes / seconds[0], .unit = "MB/s"};
    if (peer) r.peers.emplace_back("tiktoken", megabytes / seconds[1]);
    here.report(r.beside_the_best_peer());
}

}  // namespace

int main(int argc, char** argv) {
    char const* const folder = std::getenv("MESHWISE_DATA");
    if (folder == nullptr)
        current().note(
            "tokenizer: MESHWISE_DATA names no folder with tokenizers/gpt2 and lm/tinyshakespeare.txt");
    else {
        std::string const english =
            mw::detail::read_input(std::filesystem::path(folder) / "lm/tinyshakespeare.txt");
        std::string marks = "a";
        for (std::size_t i = 0; i < 500000; ++i) marks += "\u0301";
        auto const add = [](std::string const& name, std::string const& text, bool with_peer) {
            ask(name, [=](question& here) { answer(here, name, text, with_peer); });
        };
        add("tokenizer/english", english, true);
        add("tokenizer/10 MB of one letter", std::string(10'000'000, 'a'), false);
        add("tokenizer/1 MB of combining marks", marks, false);
    }
    return run(argc, argv);
}
