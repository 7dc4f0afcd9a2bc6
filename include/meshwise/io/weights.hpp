// weights: parameters of a model in safetensors files, under their global names and in their global shapes. A file
// does not depend on a mesh.
//   mw::load_weights(here, model, "model.safetensors");
//   mw::save_weights(here, model, "model.safetensors");
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/files/output_file.hpp>
#include <meshwise/io/chunk_reader.hpp>
#include <meshwise/io/disk_work.hpp>
#include <meshwise/io/safetensors.hpp>
#include <meshwise/io/state_part.hpp>

namespace meshwise {

namespace detail {

/// Tensors of one file, or of the files that a "...index.json" names.
/// A path that is a link is followed. A file that an index names may be a link to a file in the index's folder or, in
/// the cache of the Hugging Face hub, models--OWNER--NAME/snapshots/REVISION, to one in models--OWNER--NAME/blobs.
/// Errors: input_error for a file that is refused, for a link to anywhere else, and for an index that does not name
/// each tensor of files in its own folder exactly once.
class stored_weights {
public:
    struct place {
        safetensors_file const* file = nullptr;
        stored_tensor const* tensor = nullptr;
    };

    explicit stored_weights(std::string const& path, file_calls& calls = file_calls::of_system());
    stored_weights(stored_weights const&) = delete;
    stored_weights& operator=(stored_weights const&) = delete;

    std::string const& path() const { return path_; }
    /// By name.
    std::map<std::string, place, std::less<>> const& tensors() const { return places_; }

private:
    void open_all_of_index(file_calls& calls);

    std::string path_;
    std::map<std::string, safetensors_file> files_;
    std::map<std::string, place, std::less<>> places_;
};

}  // namespace detail

/// What load_weights may do besides.
/// Example: mw::load_weights(here, model, "model.safetensors", {.convert = true});
struct load_options {
    bool convert = false;  // converts between float, double, bfloat16 and half where file and program differ
    detail::file_calls* calls = &detail::file_calls::of_system();
};

namespace detail {
// collects all differences between the stored parts and those of the program, for one error
class differences {
public:
    void add(std::string const& line) { lines_ += "\n  " + line, ++count_; }
    void compare(state_part const& part, stored_type stored, std::span<std::uint64_t const> stored_shape,
                 bool may_convert);
    /// Errors: input_error with all of them.
    void check(std::string const& where) const;

private:
    std::string lines_;
    std::size_t count_ = 0;
};

// reads the elements of this rank that lie in a stored box
void read_box(state_part const& part, box const& stored, stored_type type, std::uint64_t begin,
              chunk_reader& from, std::vector<std::byte>& scratch);

// compares the tensors of the file with the parameters of the program
void check_fits(stored_weights const& stored, std::vector<state_part> const& parts, bool convert);
}  // namespace detail

/// Fills the parameters of a model, which need no initial values.
/// Placement: any; each rank reads only its own part. Files contain no padding; it becomes zero.
/// Communication: small all-reduces, one every 50 ms while a rank reads.
/// Links: `path` is followed, also in the cache of the Hugging Face hub. A file that an index names may be a link within
/// the index's folder or to the blobs of the same cached model; other links are refused by name.
/// Errors: input_error on all ranks for a file that one of them refuses, and one for all differences between file and
/// program (missing, unexpected, shape, type), before any parameter is changed. Tensors of types that the library does
/// not compute with (F8, F6, F4 and complex ones) are skipped where the program has no parameter of their name. Ranks that
/// load different numbers into a parameter which all hold whole. After an error while elements are read, the model is
/// partly overwritten.
template <class Rank, class Model>
void load_weights(Rank& here, Model& model, std::string const& path, load_options options = {}) {
    if constexpr (backend_of<typename Rank::strategy>::computes) {
        std::optional<detail::stored_weights> stored;
        detail::disk_work(here.team(), [&] {
            stored.emplace(path, *options.calls);
            detail::check_fits(*stored, detail::parameter_parts(model), options.convert);
        });
        std::uint64_t alike = 0;  // of what every rank holds whole
        mesh_mask const everyone = here.team().mesh().every_axis();
        detail::disk_work(here.team(), [&] {
            std::vector<std::byte> scratch;
            for (detail::state_part const& part : detail::parameter_parts(model, true)) {
                auto const& [file, tensor] = stored->tensors().find(part.name)->second;
                detail::chunk_reader from(file->file(), file->size());
                detail::read_box(part, {std::vector<std::uint64_t>(tensor->shape.size(), 0), tensor->shape},
                                 tensor->type, tensor->begin, from, scratch);
                if (part.held_alike == everyone)
                    alike = detail::hash_of(
                        {alike, detail::hash_of_bytes(part.data,
                                                      part.here.size() * detail::stored_bytes(part.type))});
            }
        });
        here.team().note_common(alike, common_kind::weights);
        here.team().barrier(everyone);  // compares what was noted
    }
}

namespace detail {
// the elements of a whole tensor, but for its padding
template <class X, class T>
void append_without_padding(output_file& file, X const& x, T const* whole,
                            std::vector<std::uint64_t> const& shape) {
    shard<X> const s(x);
    std::vector<std::uint64_t> const zero(shape.size(), 0);
    for_each_shared_run(box{zero, {s.whole.begin(), s.whole.end()}}, box{zero, shape},
                        [&](std::uint64_t from, std::uint64_t, std::uint64_t n) {
                            file.append(whole + from, n * sizeof(T));
                        });
}
}  // namespace detail

/// What save_weights writes besides.
/// Example: mw::save_weights(here, model, "model.safetensors", {.metadata = {{"steps", "1000"}}});
struct save_options {
    std::map<std::string, std::string> metadata{};
    detail::file_calls* calls = &detail::file_calls::of_system();
};

/// Writes the parameters of a model to one file, whole and without padding. The file is written under a temporary
/// name, flushed to the disk and renamed: `path` is always the complete old file or the complete new one. A link is
/// followed; a character device or a FIFO is written to.
/// Communication: one gather per parameter; memory: the largest parameter, whole.
/// Errors: output_error on all ranks.
template <class Rank, class Model>
void save_weights(Rank& here, Model& model, std::string const& path, save_options options = {}) {
    if constexpr (backend_of<typename Rank::strategy>::computes) {
        std::vector<detail::stored_tensor> tensors;
        for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, initial) {
            using T = typename std::remove_cvref_t<decltype(p)>::value_type;
            tensors.push_back({std::string(name), detail::stored_type_of<T>(), detail::true_shape(p)});
        });
        detail::output_file file;  // of the first rank
        auto const on_first = [&](auto f) {
            detail::disk_work(here.team(), [&] {
                if (here.is_first().on_this_rank()) f();
            });
        };
        on_first([&] {
            file = detail::output_file(*options.calls, path);
            file.append(detail::safetensors_header(tensors, options.metadata));
        });
        for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, initial) {
            auto const whole = here.gather(p);
            on_first([&] { detail::append_without_padding(file, p, whole.data(), tensors[i].shape); });
        });
        on_first([&] { file.finish(true); });
    }
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/weights.inl.hpp>
#endif
