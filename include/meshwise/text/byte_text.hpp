#pragma once
// byte_text: a text whose tokens are its bytes: ids 0..255, nothing to train, nothing outside the vocabulary.
// Guarantees: no file brings the program down: each refusal is one sentence that names the file and the mend.
// Costs: one byte per token in memory, shared by all copies, so every rank of a process reads the same bytes.
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// A text that does not change, as token ids.
/// Example: auto text = mw::byte_text::from_file("shakespeare.txt", token::size + 1);
class byte_text {
public:
    static constexpr std::size_t vocabulary = 256;

    /// The bytes of a file. `minimum_length`: bytes that one block takes.
    /// Errors: input_error for a file that is missing, no regular file, unreadable, empty or too short.
    static byte_text from_file(std::filesystem::path const& path, std::size_t minimum_length = 1) {
        byte_text made(read_input(path), "text file " + path_in_quotes(path));
        made.check_length(minimum_length);
        return made;
    }
    /// The bytes of these files, one after the other with nothing between them.
    /// Errors: as from_file for each file; the length counts for all of them together.
    static byte_text from_files(std::vector<std::filesystem::path> const& paths,
                                std::size_t minimum_length = 1) {
        if (paths.empty()) throw input_error("no text file was given; give at least one");
        if (paths.size() == 1) return from_file(paths[0], minimum_length);
        std::string all;
        for (auto const& path : paths) {
            std::string const one = read_input(path);
            if (one.empty())
                throw input_error("text file " + path_in_quotes(path) +
                                  " is empty; leave it out or give another");
            all += one;
        }
        byte_text made(std::move(all), "the text of " + std::to_string(paths.size()) + " files");
        made.check_length(minimum_length);
        return made;
    }
    static byte_text from_string(std::string_view text, std::size_t minimum_length = 1) {
        byte_text made(std::string(text), "the text");
        made.check_length(minimum_length);
        return made;
    }

    std::size_t size() const { return bytes_->size(); }
    std::int32_t operator[](std::size_t i) const { return static_cast<unsigned char>((*bytes_)[i]); }
    std::string_view bytes() const { return *bytes_; }
    /// A number to compare on all ranks: equal for equal texts, different for nearly all others.
    std::uint64_t digest() const {
        std::uint64_t h = 0xcbf29ce484222325U ^ size();
        for (char c : *bytes_) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        return h;
    }

    /// Errors: input_error if the text is shorter than `minimum_length`, saying both lengths.
    void check_length(std::size_t minimum_length) const {
        if (bytes_->size() >= minimum_length) return;
        std::string const needed =
            std::to_string(minimum_length) + (minimum_length == 1 ? " byte" : " bytes");
        if (bytes_->empty()) throw input_error(name_ + " is empty; give a text of at least " + needed);
        throw input_error(name_ + " has " + std::to_string(size()) + (size() == 1 ? " byte" : " bytes") +
                          ", but one block needs " + needed +
                          "; give a longer text or make the blocks shorter");
    }

    /// The ids of a prompt.
    static std::vector<std::int32_t> encode(std::string_view text) {
        std::vector<std::int32_t> ids;
        ids.reserve(text.size());
        for (char c : text) ids.push_back(static_cast<unsigned char>(c));
        return ids;
    }
    /// Text for a terminal: see text_decoder.
    static std::string decode(std::span<std::int32_t const> ids) {
        text_decoder decoder;
        std::string out;
        out.reserve(ids.size());
        for (std::int32_t id : ids) decoder.push(id, out);
        decoder.finish(out);
        return out;
    }

private:
    byte_text(std::string bytes, std::string name)
        : bytes_(std::make_shared<std::string const>(std::move(bytes))),
          name_(std::move(name)) {}

    std::shared_ptr<std::string const> bytes_;
    std::string name_;
};

}  // namespace meshwise
