// model_folder: where a trained model stays: its vocabulary, its weights, and a card that says what it is.
//   model.json  vocab.json  merges.txt  weights.safetensors
// Guarantees: the card is written last, so that a folder with a card is whole; a folder of another program or size is
// refused in a sentence, before anything is read or written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <meshwise/io/weights.hpp>
#include <meshwise/parse/json.hpp>
#include <meshwise/text/tokenizers/train_bpe.hpp>

namespace examples {

/// What a model is: the program it belongs to, the size of its axes, and what it says (classes, tags, or nothing).
struct model_card {
    std::string program, size;
    std::vector<std::string> labels{};
    bool lower_case = false;  // texts were brought to lower case before
};

/// The special tokens of all examples: a text begins with <s>, which also stands for the whole of it, and ends with </s>.
inline meshwise::special_names const roles{.bos = "<s>", .eos = "</s>", .pad = "<pad>", .cls = "<s>"};

class model_folder {
public:
    explicit model_folder(std::filesystem::path path) : path_(std::move(path)) {}

    std::filesystem::path const& path() const { return path_; }
    std::string weights() const { return (path_ / "weights.safetensors").string(); }

    /// Makes the folder, before hours of training. With `replace` a model that is in it goes once a new one is saved.
    /// Errors: input_error where it holds something else, or a model without `replace`; output_error where it cannot be
    /// made.
    void prepare(std::string const& program, bool replace) const {
        namespace fs = std::filesystem;
        std::error_code failure;
        if (fs::exists(path_ / "model.json", failure)) {
            static_cast<void>(card(program, ""));
            if (!replace)
                throw meshwise::input_error(
                    meshwise::path_in_quotes(path_) +
                    " holds a trained model; use it with --answer, train another in its place with --replace, "
                    "or give another folder with --folder");
        } else if (fs::exists(path_, failure) && (!fs::is_directory(path_, failure) || !is_empty()))
            throw meshwise::input_error(meshwise::path_in_quotes(path_) +
                                        " is there and is no folder of a model; give another with --folder");
        fs::create_directories(path_, failure);
        if (failure)
            throw meshwise::output_error(meshwise::path_in_quotes(path_) + " cannot be created: " +
                                         failure.message() + "; give another folder with --folder");
    }

    /// All of a model. Communication: that of mw::save_weights. Errors: output_error on all ranks.
    template <class Rank, class Model>
    void save(Rank& here, Model& model, model_card const& card,
              meshwise::byte_level_bpe const& tokens) const {
        std::error_code failure;
        here.only_on_first([&] { std::filesystem::remove(path_ / "model.json", failure); });
        meshwise::save_weights(here, model, weights());
        here.on_first([&] { save(card, tokens); });
    }
    /// All but the weights, which `mw::save_weights(here, model, folder.weights())` has saved before.
    void save(model_card const& card, meshwise::byte_level_bpe const& tokens) const {
        write("vocab.json", tokens.vocab_json());
        write("merges.txt", tokens.merges_txt());
        std::string labels;
        for (auto const& label : card.labels)
            labels += (labels.empty() ? "" : ", ") + meshwise::json_text(label);
        write("model.json", "{\"program\": " + meshwise::json_text(card.program) +
                                ", \"size\": " + meshwise::json_text(card.size) + ", \"lower_case\": " +
                                (card.lower_case ? "true" : "false") + ",\n \"labels\": [" + labels + "]}\n");
    }

    /// What the folder says of itself. `size` is the one that was asked for; empty: any.
    /// Errors: input_error for a folder without a model, of another program, or of another size.
    model_card card(std::string const& program, std::string const& size) const {
        auto const file = path_ / "model.json";
        std::error_code failure;
        if (!std::filesystem::exists(file, failure))
            throw meshwise::input_error(meshwise::path_in_quotes(path_) +
                                        " holds no model; train one first, or give its folder with --folder");
        auto const read = meshwise::json::from_file(file);
        auto const text = [&](char const* key) { return read.at(key, "a model card").string(key); };
        model_card found{.program = text("program"), .size = text("size")};
        for (auto const& label : read.at("labels", "a model card").array("labels"))
            found.labels.push_back(label.string("a label"));
        found.lower_case = read.at("lower_case", "a model card").boolean("lower_case");
        if (found.program != program)
            throw meshwise::input_error(meshwise::path_in_quotes(path_) + " is a model of the program " +
                                        meshwise::in_quotes(found.program) +
                                        "; give another folder with --folder");
        if (!size.empty() && found.size != size)
            throw meshwise::input_error(meshwise::path_in_quotes(path_) + " is a model of size " +
                                        meshwise::in_quotes(found.size) + ", not " + size +
                                        "; leave out --size, or give another folder with --folder");
        return found;
    }
    /// Errors: input_error naming file and byte or line.
    meshwise::byte_level_bpe tokens() const {
        return meshwise::byte_level_bpe::from_vocab_and_merges(path_ / "vocab.json", path_ / "merges.txt",
                                                               roles);
    }

private:
    bool is_empty() const {
        std::error_code failure;
        return std::filesystem::is_empty(path_, failure);
    }
    void write(char const* name, std::string const& text) const {
        meshwise::write_file((path_ / name).string(), text);
    }

    std::filesystem::path path_;
};

}  // namespace examples
