#pragma once
// weights: parameters of a model in safetensors files, under their global names and in their global shapes, so that a
// file knows nothing of meshes.
//   mw::load_weights(here, model, "model.safetensors");
//   mw::save_weights(here, model, "model.safetensors");
#include <meshwise/io/chunk_reader.hpp>
#include <meshwise/io/disk_work.hpp>
#include <meshwise/io/safetensors.hpp>
#include <meshwise/io/state_part.hpp>

namespace meshwise {

/// Tensors of one file, or of the files that a "...index.json" names.
/// Errors: input_error for a file that is refused, and for an index that names anything but tensors of files in its own
/// folder, each tensor once; no links.
class stored_weights {
public:
    struct place {
        safetensors_file const* file = nullptr;
        stored_tensor const* tensor = nullptr;
    };

    explicit stored_weights(std::string const& path, file_calls& calls = file_calls::of_system())
        : path_(path) {
        if (path.ends_with(".json"))
            open_all_of_index(calls);
        else {
            files_.emplace("", safetensors_file(path, calls));
            for (auto const& t : files_.begin()->second.tensors())
                places_[t.name] = {&files_.begin()->second, &t};
        }
    }
    stored_weights(stored_weights const&) = delete;
    stored_weights& operator=(stored_weights const&) = delete;

    std::string const& path() const { return path_; }
    /// By name.
    std::map<std::string, place, std::less<>> const& tensors() const { return places_; }

private:
    void open_all_of_index(file_calls& calls) {
        open_file const index(calls, path_, O_RDONLY);
        std::uint64_t const bytes = index.size();
        if (bytes > safetensors_file::longest_header)
            throw input_error(path_in_quotes(path_) + " has " + std::to_string(bytes) +
                              " bytes, more than an index may have");
        std::string text(bytes, '\0');
        index.read(text.data(), text.size(), 0);
        std::map<std::string, std::string> file_of;
        json_cursor at(text, path_in_quotes(path_), 4);
        at.object([&](std::string const& key) {
            if (key != "weight_map") return at.skip();
            at.object([&](std::string const& name) {
                std::size_t const byte = at.byte();
                std::string const file = at.string();
                if (file.empty() || file == "." || file == ".." ||
                    file.find_first_of(std::string_view("/\\\0", 3)) != file.npos)
                    throw input_error(path_in_quotes(path_) + ", byte " + std::to_string(byte) + ": " +
                                      path_in_quotes(file) +
                                      " is no name of a file in the index's own folder");
                file_of[name] = file;
            });
        });
        at.end();
        if (file_of.empty())
            throw input_error(path_in_quotes(path_) +
                              " has no weight_map; give an index of safetensors files");
        std::string const folder = folder_of(path_);
        for (auto const& [name, file] : file_of)
            if (!files_.contains(file))
                files_.emplace(file, safetensors_file(folder + "/" + file, calls, O_NOFOLLOW));
        for (auto const& [file, opened] : files_)
            for (auto const& t : opened.tensors()) {
                auto const said = file_of.find(t.name);
                if (said == file_of.end() || said->second != file)
                    throw input_error(path_in_quotes(opened.file().path()) + " has a tensor '" + t.name +
                                      "' that the index " + path_in_quotes(path_) + " does not give it");
                places_[t.name] = {&opened, &t};
            }
        for (auto const& [name, file] : file_of)
            if (!places_.contains(name))
                throw input_error(path_in_quotes(path_) + " names a tensor '" + name + "' that " +
                                  path_in_quotes(file) + " does not have");
    }

    std::string path_;
    std::map<std::string, safetensors_file> files_;
    std::map<std::string, place, std::less<>> places_;
};

struct load_options {
    bool convert = false;  // between float, double, bfloat16 and half, where file and program differ
    file_calls* calls = &file_calls::of_system();
};

namespace detail {
// every way in which what is stored is not what the program has, in one error
class differences {
public:
    void add(std::string const& line) { lines_ += "\n  " + line, ++count_; }
    void compare(state_part const& part, stored_type stored, std::span<std::uint64_t const> stored_shape,
                 bool may_convert) {
        std::string const start = "'" + part.name + "' ";
        if (!std::equal(stored_shape.begin(), stored_shape.end(), part.whole.begin(), part.whole.end()))
            add(start + "is " + shape_text(stored_shape) + " there, but " + shape_text(part.whole) + " here");
        bool const convertible = is_convertible(stored, part.type);
        if (stored != part.type && !(may_convert && convertible))
            add(start + "has elements of " + std::string(name_of(stored)) + " there, but of " +
                std::string(name_of(part.type)) + " here" +
                (convertible ? " (can be converted: load_options.convert)" : ""));
    }
    /// Errors: input_error with all of them.
    void check(std::string const& where) const {
        if (count_ > 0)
            throw input_error(where + " does not fit the program, " + std::to_string(count_) +
                              (count_ == 1 ? " difference:" : " differences:") + lines_);
    }

private:
    std::string lines_;
    std::size_t count_ = 0;
};

// this rank's elements of a tensor that lie in a stored box
inline void read_box(state_part const& part, box const& stored, stored_type type, std::uint64_t begin,
                     chunk_reader& from, std::vector<std::byte>& scratch) {
    auto* const out = static_cast<std::byte*>(part.data);
    std::size_t const size = size_of(type), size_here = size_of(part.type);
    for_each_shared_run(part.here, stored, [&](std::uint64_t here, std::uint64_t there, std::uint64_t n) {
        if (type == part.type) return from.read(out + here * size, n * size, begin + there * size);
        for (std::uint64_t done = 0;
             done < n;) {  // converted in pieces, so that no tensor is in memory twice
            std::size_t const piece = std::min<std::uint64_t>(n - done, chunk_bytes / size);
            scratch.resize(piece * size);
            from.read(scratch.data(), scratch.size(), begin + (there + done) * size);
            convert(type, scratch.data(), part.type, out + (here + done) * size_here, piece);
            done += piece;
        }
    });
}

// what the file has against what the program has
inline void check_fits(stored_weights const& stored, std::vector<state_part> const& parts, bool convert) {
    differences found;
    std::map<std::string, int, std::less<>> wanted;
    for (state_part const& part : parts) {
        wanted.emplace(part.name, 0);
        auto const at = stored.tensors().find(part.name);
        if (at == stored.tensors().end())
            found.add("'" + part.name + "' " + shape_text(part.whole) + " is not there");
        else
            found.compare(part, at->second.tensor->type, at->second.tensor->shape, convert);
    }
    for (auto const& [name, at] : stored.tensors())
        if (!wanted.contains(name))
            found.add("'" + name + "' " + shape_text(at.tensor->shape) +
                      " is there, but the program has none");
    found.check(path_in_quotes(stored.path()));
}
}  // namespace detail

/// Fills the parameters of a model, which need no initial values.
/// Placement: any; each rank reads its own boxes only. Padding is not in files and becomes zero.
/// Communication: small all-reduces, of which one every 50 ms while a rank reads.
/// Errors: input_error on all ranks for a file that one of them refuses, and for any difference between file and program
/// (missing, unexpected, shape, type): all at once, before anything is written. After an error while elements are read
/// the model holds some of them.
template <class Rank, class Model>
void load_weights(Rank& here, Model& model, std::string const& path, load_options options = {}) {
    if constexpr (backend_of<typename Rank::strategy>::computes) {
        std::optional<stored_weights> stored;
        detail::disk_work(here.team(), [&] {
            stored.emplace(path, *options.calls);
            detail::check_fits(*stored, detail::parameter_parts(model), options.convert);
        });
        detail::disk_work(here.team(), [&] {
            std::vector<std::byte> scratch;
            for (state_part const& part : detail::parameter_parts(model, true)) {
                auto const& [file, tensor] = stored->tensors().find(part.name)->second;
                chunk_reader from(file->file(), file->size());
                detail::read_box(part, {std::vector<std::uint64_t>(tensor->shape.size(), 0), tensor->shape},
                                 tensor->type, tensor->begin, from, scratch);
            }
        });
    }
}

struct save_options {
    std::map<std::string, std::string> metadata{};
    file_calls* calls = &file_calls::of_system();
};

/// Writes the parameters of a model to one file, whole and without padding. The file is written beside, brought to the
/// disk and renamed: `path` is the old one or the new one, whatever happens.
/// Communication: one gather per parameter; memory: the largest parameter, whole.
/// Errors: output_error on all ranks.
template <class Rank, class Model>
void save_weights(Rank& here, Model& model, std::string const& path, save_options options = {}) {
    if constexpr (backend_of<typename Rank::strategy>::computes) {
        std::vector<stored_tensor> tensors;
        for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, initial) {
            using T = typename std::remove_cvref_t<decltype(p)>::value_type;
            tensors.push_back({std::string(name), stored_type_of<T>(), true_shape(p)});
        });
        std::string const fresh = path + ".tmp-" + fresh_name();
        open_file file;
        bool made = false;
        auto const on_first = [&](auto f) {
            detail::disk_work(here.team(), [&] {
                try {
                    if (here.is_first().on_this_rank()) f();
                } catch (...) {
                    if (made) options.calls->remove_file(fresh);
                    throw;
                }
            });
        };
        on_first([&] {
            std::string const header = safetensors_header(tensors, options.metadata);
            file = open_file(*options.calls, fresh, O_WRONLY | O_CREAT | O_EXCL);
            made = true;
            file.write(header.data(), header.size(), 0);
        });
        for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, initial) {
            auto const whole = here.gather(p);
            on_first([&] {
                shard<std::remove_cvref_t<decltype(p)>> const s(p);
                std::vector<std::uint64_t> const zero(tensors[i].shape.size(), 0);
                for_each_shared_run(box{zero, {s.whole.begin(), s.whole.end()}}, box{zero, tensors[i].shape},
                                    [&](std::uint64_t from, std::uint64_t to, std::uint64_t n) {
                                        file.write(whole.data() + from, n * sizeof(whole[0]),
                                                   tensors[i].begin + to * sizeof(whole[0]));
                                    });
            });
        });
        on_first([&] {
            file.flush();
            file.close();
            rename_file(*options.calls, fresh, path);
            made = false;
            flush_folder(*options.calls, folder_of(path));
        });
    }
}

}  // namespace meshwise
