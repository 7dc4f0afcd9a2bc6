// How do time and memory grow with the size of what is read? Every reader of texts and vocabularies, and the search for
// added tokens, at three sizes, each four times the one before. Memory is the largest sum of what is allocated at one
// time. The last rows of a reader are the powers of the size with which both grow: 1 is linear, 2 is quadratic.
#include <meshwise/text/readers/readers.hpp>
#include <meshwise/text/tokenizers/byte_text.hpp>
#include <meshwise/text/tokenizers/plain_tokenizers.hpp>
#include <meshwise/text/tokenizers/subword_codes.hpp>
#include <meshwise/text/tokenizers/tokenizer_json.hpp>

#include "rows.hpp"

#include <atomic>
#include <filesystem>
#include <new>

#include <malloc.h>

namespace mw = meshwise;
using namespace bench;

namespace {

std::atomic<std::size_t> live{0}, most{0};

void* counted(void* block) {
    if (!block) throw std::bad_alloc();
    std::size_t const now_live = live += malloc_usable_size(block);
    if (now_live > most) most = now_live;  // one thread allocates
    return block;
}
void uncounted(void* block) noexcept {
    if (block) live -= malloc_usable_size(block);
    std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(std::malloc(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    auto const to = static_cast<std::size_t>(alignment);
    return counted(std::aligned_alloc(to, (bytes + to - 1) / to * to));
}
void operator delete(void* block) noexcept { uncounted(block); }
void operator delete(void* block, std::size_t) noexcept { uncounted(block); }
void operator delete(void* block, std::align_val_t) noexcept { uncounted(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { uncounted(block); }

namespace {

/// A folder for the files, gone at the end.
struct workplace {
    std::filesystem::path at =
        std::filesystem::temp_directory_path() / ("meshwise-bench-readers-" + std::to_string(::getpid()));
    workplace() { std::filesystem::create_directories(at); }
    workplace(workplace const&) = delete;
    workplace& operator=(workplace const&) = delete;
    ~workplace() { std::filesystem::remove_all(at); }
    std::filesystem::path file(std::string const& name, std::string const& bytes) const {
        std::ofstream(at / name, std::ios::binary) << bytes;
        return at / name;
    }
};

std::string repeated(std::size_t n, auto f) {
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += f(i);
    return all;
}
std::string name_of(std::size_t i) { return "w" + std::to_string(i); }

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t bits = 0;
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j <= bytes.size() ? digits[bits >> (18 - 6 * j) & 63U] : '=';
    }
    return out;
}
/// A .tiktoken file of the 256 bytes and these tokens.
std::string tiktoken(std::size_t n, auto token) {
    std::string all;
    for (std::size_t i = 0; i < 256 + n; ++i)
        all += base64(i < 256 ? std::string(1, static_cast<char>(i)) : token(i - 256)) + ' ' +
               std::to_string(i) + '\n';
    return all;
}
std::string byte_vocabulary(std::size_t n, auto more) {
    std::string all = "{";
    for (std::size_t i = 0; i < 256; ++i) {
        std::string letter;
        mw::append_utf8(letter, mw::detail::byte_letters()[i]);
        all += mw::json_text(letter) + ":" + std::to_string(i) + ",";
    }
    for (std::size_t i = 0; i < n; ++i)
        all += mw::json_text(more(i)) + ":" + std::to_string(256 + i) + (i + 1 < n ? "," : "");
    return all + "}";
}
/// The tokens "ba", "bb", ..., "zz", "baa" and so on: each is an earlier one, or a letter, and one letter more.
std::string merged_token(std::size_t i) {
    std::string token;
    for (std::size_t n = i + 26; n > 0; n = n / 26)
        token.insert(token.begin(), static_cast<char>('a' + n % 26));
    return token;
}
std::string merges_of(std::size_t n, std::string const& before, std::string const& between,
                      std::string const& after) {
    return repeated(n, [&](std::size_t i) {
        std::string const token = merged_token(i);
        return before + token.substr(0, token.size() - 1) + " " + token.back() + after +
               (i + 1 < n ? between : "");
    });
}
std::string tokenizer_json(std::size_t tokens, std::size_t added) {
    std::string all = R"({"version":"1.0","truncation":null,"padding":null,"added_tokens":[)";
    for (std::size_t i = 0; i < added; ++i)
        all += std::string(i > 0 ? "," : "") + R"({"id":)" + std::to_string(256 + tokens + i) +
               R"(,"content":"<extra_)" + std::to_string(i) +
               R"(>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})";
    return all + R"(],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,)" +
           R"("trim_offsets":true,"use_regex":true},"post_processor":null,"decoder":{"type":"ByteLevel",)" +
           R"("add_prefix_space":true,"trim_offsets":true,"use_regex":true},"model":{"type":"BPE",)" +
           R"("dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,)" +
           R"("fuse_unk":false,"byte_fallback":false,"ignore_merges":false,"vocab":)" +
           byte_vocabulary(tokens, merged_token) + R"(,"merges":[)" + merges_of(tokens, "\"", ",", "\"") +
           "]}}";
}
std::string llama2c(std::size_t n, auto token) {
    auto const number = [](std::uint32_t value) {
        std::string bytes;
        for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 255U);
        return bytes;
    };
    std::string all = number(1U << 20U);
    auto const entry = [&](std::string const& text, float score) {
        all += number(std::bit_cast<std::uint32_t>(score)) + number(static_cast<std::uint32_t>(text.size())) +
               text;
    };
    for (auto const* name : {"<unk>", "<s>", "</s>"}) entry(name, 0);
    for (std::size_t b = 0; b < 256; ++b) entry(mw::sentencepiece_bpe::byte_name(b), 0);
    for (std::size_t i = 0; i < n; ++i) entry(token(i), -static_cast<float>(i));
    return all;
}

/// A question about one reader: prepare(n) gives what is read as a function, whose time and memory are measured.
template <class Prepare>
void against_size(std::string const& name, std::size_t smallest, Prepare prepare) {
    ask("readers/" + name, [=](question& here) {
        std::vector<double> seconds, megabytes;
        for (std::size_t const n : {smallest, 4 * smallest, 16 * smallest}) {
            auto const read = prepare(n);
            read();
            std::size_t const before = live;
            most = before;
            read();
            megabytes.push_back(static_cast<double>(most - before) * 1e-6);
            std::vector<contender> one{timed("ours", watch::this_thread, read)};
            seconds.push_back(in_turns(one, 0.1)[0]);
            std::string const size = "readers/" + name + "/" + std::to_string(n);
            here.report({.name = size + "/time", .ours = seconds.back() * 1e3, .unit = "ms"});
            here.report({.name = size + "/memory", .ours = megabytes.back(), .unit = "MB"});
        }
        auto const power = [](std::vector<double> const& of) {
            return std::log(of[2] / of[0]) / std::log(16.0);
        };
        here.report({.name = "readers/" + name + "/growth of time", .ours = power(seconds), .unit = "power"});
        here.report(
            {.name = "readers/" + name + "/growth of memory", .ours = power(megabytes), .unit = "power"});
    });
}

/// The same for a file and what reads it.
template <class Write, class Read>
void file_against_size(workplace const& folder, std::string const& name, std::size_t smallest, Write write,
                       Read read) {
    against_size(name, smallest, [&folder, name, write, read](std::size_t n) {
        auto const path = folder.file(name, write(n));
        return [path, read] { read(path); };
    });
}

/// Reads one example after the other, as a program does that trains on a file larger than memory.
template <class Reader>
void drain(Reader reader) {
    std::size_t count = 0;
    for (typename Reader::example one; reader.next(one);) ++count;
    benchmark::DoNotOptimize(count);
}

}  // namespace

int main(int argc, char** argv) {
    workplace const folder;
    using path = std::filesystem::path;
    using row_of = std::string (*)(std::size_t);
    auto const rows = [](row_of row) { return [row](std::size_t n) { return repeated(n, row); }; };
    std::size_t const lines = 20'000, tokens = 2'000;

    file_against_size(folder, "line_reader", lines,
                      rows([](std::size_t i) { return name_of(i) + " is here\n"; }),
                      [](path const& p) { drain(mw::line_reader(p)); });
    against_size("line_reader, one line of invalid bytes", 16 * lines, [&](std::size_t n) {
        auto const p = folder.file("invalid", std::string(n, '\xff'));
        return [p] { drain(mw::line_reader(p, mw::invalid_bytes::replace)); };
    });
    file_against_size(folder, "parallel_reader", lines, rows([](std::size_t i) { return name_of(i) + "\n"; }),
                      [](path const& p) { drain(mw::parallel_reader(p, p)); });
    file_against_size(folder, "table_reader, tab", lines,
                      rows([](std::size_t i) { return name_of(i) + "\tb\tc\n"; }),
                      [](path const& p) { drain(mw::table_reader(p, mw::table_reader::tab)); });
    file_against_size(folder, "table_reader, comma", lines,
                      rows([](std::size_t i) { return "\"" + name_of(i) + "\"\"\r\n\",b,c\r\n"; }),
                      [](path const& p) { drain(mw::table_reader(p, mw::table_reader::comma)); });
    file_against_size(
        folder, "table_reader, one field", lines,
        [](std::size_t n) { return "\"" + repeated(n, [](std::size_t) { return "\"\"\n"; }) + "\"\n"; },
        [](path const& p) { drain(mw::table_reader(p, mw::table_reader::comma)); });
    file_against_size(folder, "jsonl_reader", lines / 4,
                      rows([](std::size_t i) { return "{\"text\":\"" + name_of(i) + "\",\"label\":1}\n"; }),
                      [](path const& p) { drain(mw::jsonl_reader(p)); });
    file_against_size(folder, "conllu_reader", lines / 4, rows([](std::size_t i) {
                          return std::to_string(i % 8 + 1) + "\ta\tl\tX\t_\t_\t0\troot\t_\t_\n" +
                                 (i % 8 == 7 ? "\n" : "");
                      }),
                      [](path const& p) { drain(mw::conllu_reader(p)); });
    file_against_size(folder, "iob2_reader", lines / 4,
                      rows([](std::size_t i) { return name_of(i) + " B-X\n" + (i % 8 == 7 ? "\n" : ""); }),
                      [](path const& p) { drain(mw::iob2_reader(p)); });
    file_against_size(folder, "byte_text", lines, rows([](std::size_t i) { return name_of(i); }),
                      [](path const& p) { benchmark::DoNotOptimize(mw::byte_text::from_file(p).size()); });

    auto const object = [](std::size_t n) {
        return "{" +
               repeated(n,
                        [&](std::size_t i) {
                            return "\"" + name_of(i) + "\":" + std::to_string(i) + (i + 1 < n ? "," : "");
                        }) +
               "}";
    };
    file_against_size(folder, "json, one object", tokens, object,
                      [](path const& p) { benchmark::DoNotOptimize(mw::json::from_file(p).byte()); });
    file_against_size(
        folder, "json, one array", tokens,
        [](std::size_t n) { return "[" + repeated(n, [](std::size_t) { return "1,"; }) + "2]"; },
        [](path const& p) { benchmark::DoNotOptimize(mw::json::from_file(p).byte()); });
    file_against_size(folder, "vocabulary_from_json", tokens, object,
                      [](path const& p) { benchmark::DoNotOptimize(mw::vocabulary_from_json(p).size()); });
    against_size("vocabulary_to_json, added tokens", tokens, [](std::size_t n) {
        std::vector<mw::added_token> added;
        for (std::size_t i = 0; i < n; ++i) added.push_back({name_of(i), static_cast<std::int32_t>(i)});
        mw::vocabulary const v({}, {}, added);
        return [v] { benchmark::DoNotOptimize(mw::vocabulary_to_json(v).size()); };
    });

    file_against_size(
        folder, "wordpiece, vocab.txt", tokens,
        [](std::size_t n) {
            return "[UNK]\n" + repeated(n, [](std::size_t i) { return name_of(i) + "\n"; });
        },
        [](path const& p) {
            benchmark::DoNotOptimize(mw::wordpiece::from_vocab_txt(p, {}, {.unk = "[UNK]"}).vocab_size());
        });
    against_size("byte_level_bpe, vocab.json and merges.txt", tokens, [&](std::size_t n) {
        auto const vocab = folder.file("vocab.json", byte_vocabulary(n, merged_token));
        auto const merges = folder.file("merges.txt", merges_of(n, "", "\n", ""));
        return [vocab, merges] {
            benchmark::DoNotOptimize(
                mw::byte_level_bpe::from_vocab_and_merges(vocab, merges, {}).vocab_size());
        };
    });
    auto const from_tiktoken = [](path const& p) {
        benchmark::DoNotOptimize(mw::byte_level_bpe::from_tiktoken(p).vocab_size());
    };
    file_against_size(
        folder, "byte_level_bpe, .tiktoken", tokens, [](std::size_t n) { return tiktoken(n, merged_token); },
        from_tiktoken);
    // n bytes in tokens of one letter, of which each is longer than the one before
    file_against_size(
        folder, "byte_level_bpe, .tiktoken of long tokens", 64 * tokens,
        [](std::size_t n) {
            std::size_t count = 0;
            for (std::size_t bytes = 0; bytes < n; bytes += count + 1) ++count;
            return tiktoken(count, [](std::size_t i) { return std::string(i + 2, 'a'); });
        },
        from_tiktoken);
    auto const from_llama2c = [](path const& p) {
        benchmark::DoNotOptimize(mw::sentencepiece_bpe::from_llama2c(p).vocab_size());
    };
    file_against_size(
        folder, "sentencepiece_bpe, tokenizer.bin", tokens,
        [](std::size_t n) {
            return llama2c(n, [](std::size_t i) {
                return i < 26 ? std::string(1, static_cast<char>('a' + i)) : merged_token(i - 26);
            });
        },
        from_llama2c);
    file_against_size(
        folder, "sentencepiece_bpe, tokenizer.bin of one long token", 16 * tokens,
        [](std::size_t n) {
            return llama2c(2, [n](std::size_t i) { return std::string(i == 0 ? 1 : n, 'a'); });
        },
        from_llama2c);
    file_against_size(
        folder, "subword_codes", tokens,
        [](std::size_t n) { return "#version: 0.2\n" + merges_of(n, "", "", "\n"); },
        [](path const& p) { benchmark::DoNotOptimize(mw::subword_codes::from_file(p).text().size()); });
    auto const from_json = [](path const& p) {
        benchmark::DoNotOptimize(mw::tokenizer_from_json(p)->vocab_size());
    };
    file_against_size(
        folder, "tokenizer.json", tokens, [](std::size_t n) { return tokenizer_json(n, 1); }, from_json);
    file_against_size(
        folder, "tokenizer.json, added tokens", tokens, [](std::size_t n) { return tokenizer_json(1, n); },
        from_json);

    // the text stays the same: only the number of added tokens grows
    against_size("encode 400 KB, added tokens", tokens, [&](std::size_t n) {
        auto const t = mw::tokenizer_from_json(folder.file("added", tokenizer_json(1, n)));
        std::string const text =
            repeated(20'000, [](std::size_t i) { return "<extra_" + std::to_string(i % 2'000) + "> and "; });
        return [t, text] { benchmark::DoNotOptimize(t->encode(text, {.special_text = true}).size()); };
    });
    return run(argc, argv);
}
