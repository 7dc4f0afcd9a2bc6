// Any bytes as a file of examples, the first byte says of which kind: examples, or an error.
#include <meshwise/text/readers/readers.hpp>
#include <meshwise/text/tokenizers/bert_normalizer.hpp>

#include "file_in_memory.hpp"

namespace mw = meshwise;

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* bytes, std::size_t size) {
    if (size == 0) return 0;
    auto const& path = file_in_memory(bytes + 1, size - 1);
    auto const invalid = bytes[0] % 2 == 0 ? mw::invalid_bytes::refuse : mw::invalid_bytes::replace;
    try {
        switch (bytes[0] / 2 % 7) {
        case 0: {
            for (auto const& line : mw::read_all<std::string>(mw::line_reader(path, invalid)))
                if (mw::detail::invalid_utf8(line) != line.npos) std::abort();
            break;
        }
        case 1:
            mw::read_all<std::vector<std::string>>(mw::table_reader(path, mw::table_reader::tab, invalid));
            break;
        case 2:
            mw::read_all<std::vector<std::string>>(mw::table_reader(path, mw::table_reader::comma, invalid));
            break;
        case 3: mw::read_all<mw::json>(mw::jsonl_reader(path, invalid)); break;
        case 4:
            mw::read_all<mw::tagged_sentence>(mw::conllu_reader(path, mw::conllu_reader::universal, invalid));
            break;
        case 5: mw::read_all<mw::tagged_sentence>(mw::iob2_reader(path, invalid)); break;
        default:
            mw::detail::for_each_bert_word({reinterpret_cast<char const*>(bytes) + 1, size - 1}, {},
                                           [&](auto const& word) {
                                               for (auto const& one : word)
                                                   if (one.begin >= one.end || one.end > size - 1)
                                                       std::abort();
                                           });
        }
    } catch (mw::input_error const&) {}
    return 0;
}
