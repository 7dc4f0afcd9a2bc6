// Byte-level BPE, GPT-2's vocabulary, in bytes of text a second on one core; tokenizer_peer.py says the same of tiktoken.
// The vocabulary is not part of the project: MESHWISE_DATA names the folder that has it.
#include <meshwise/parse/input_file.hpp>
#include <meshwise/text/byte_level_bpe.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace mw = meshwise;

namespace {

void encode(benchmark::State& state, std::filesystem::path const& data, std::string const& text) {
    auto const tokens = mw::byte_level_bpe::from_tiktoken(data / "tokenizers/gpt2/r50k_base.tiktoken");
    std::string decoded;
    std::size_t count = 0;
    for (auto _ : state) {
        auto const made = tokens.encode(text);
        count = made.ids.size();
        state.PauseTiming();
        if (tokens.decode(made.ids) != text) state.SkipWithError("what was decoded is not the text");
        state.ResumeTiming();
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
    state.counters["tokens"] = static_cast<double>(count);
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    char const* const folder = std::getenv("MESHWISE_DATA");
    if (folder == nullptr) {
        std::puts("skipped: MESHWISE_DATA names no folder with tokenizers/gpt2 and lm/tinyshakespeare.txt");
        return 0;
    }
    std::filesystem::path const data = folder;
    auto const english = mw::read_input(data / "lm/tinyshakespeare.txt");
    std::string marks = "a";
    for (std::size_t i = 0; i < 500000; ++i) marks += "\u0301";
    benchmark::RegisterBenchmark("english", [&](auto& state) {
        encode(state, data, english);
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("10 MB of one letter", [&](auto& state) {
        encode(state, data, std::string(10000000, 'a'));
    })->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("1 MB of combining marks", [&](auto& state) {
        encode(state, data, marks);
    })->Unit(benchmark::kMillisecond);
    benchmark::RunSpecifiedBenchmarks();
}
