// Bodies of weights.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/io/weights.hpp>

namespace meshwise::detail {

MESHWISE_BODY stored_weights::stored_weights(std::string const& path, file_calls& calls) : path_(path) {
    if (path.ends_with(".json"))
        open_all_of_index(calls);
    else {
        files_.emplace("", safetensors_file(path, calls));
        for (auto const& t : files_.begin()->second.tensors())
            places_[t.name] = {&files_.begin()->second, &t};
    }
}

// The folder of the blobs that belong to a snapshot in the cache of the Hugging Face hub; empty if the folder is not
// in one.
MESHWISE_BODY std::string hub_blobs_of(std::string const& real_folder) {
    auto const name_of = [](std::string const& path) { return path.substr(path.rfind('/') + 1); };
    for (std::string revision = real_folder; revision.size() > 1; revision = folder_of(revision)) {
        std::string const snapshots = folder_of(revision), model = folder_of(snapshots);
        if (name_of(snapshots) == "snapshots" && name_of(model).starts_with("models--"))
            return model + "/blobs";
    }
    return {};
}

// The path without links of a file that an index in this folder names.
MESHWISE_BODY std::string path_inside(file_calls& calls, std::string const& folder, std::string const& file) {
    std::string const path = folder + "/" + file;
    std::string real, real_folder;
    path_facts found;
    auto const may_fail = [&](int result) {
        if (result != 0)
            throw input_error(path_in_quotes(path) + " cannot be opened: " + last_reason() +
                              "; give a file that exists and can be read");
    };
    may_fail(calls.look(path, found));
    if (!found.is_link) return std::string(path);
    may_fail(calls.resolve(path, real));
    may_fail(calls.resolve(folder, real_folder));
    std::string const blobs = hub_blobs_of(real_folder);
    if (real.starts_with(real_folder + "/") || (!blobs.empty() && real.starts_with(blobs + "/"))) return real;
    throw input_error(path_in_quotes(path) + " is a link to " + path_in_quotes(real) +
                      ", outside of the index's folder" +
                      (blobs.empty() ? "" : " and of the blobs of its model, " + path_in_quotes(blobs)) +
                      "; copy the file to where the index is");
}

MESHWISE_BODY void stored_weights::open_all_of_index(file_calls& calls) {
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
                                  " is not the name of a file in the folder of the index");
            file_of[name] = file;
        });
    });
    at.end();
    if (file_of.empty())
        throw input_error(path_in_quotes(path_) + " has no weight_map; give an index of safetensors files");
    std::string const folder = folder_of(path_);
    for (auto const& [name, file] : file_of)
        if (!files_.contains(file))
            files_.emplace(file, safetensors_file(path_inside(calls, folder, file), calls, O_NOFOLLOW));
    for (auto const& [file, opened] : files_)
        for (auto const& t : opened.tensors()) {
            auto const said = file_of.find(t.name);
            if (said == file_of.end() || said->second != file)
                throw input_error(path_in_quotes(opened.file().path()) + " has a tensor '" + t.name +
                                  "' that the index " + path_in_quotes(path_) + " does not list for it");
            places_[t.name] = {&opened, &t};
        }
    for (auto const& [name, file] : file_of)
        if (!places_.contains(name))
            throw input_error(path_in_quotes(path_) + " names a tensor '" + name + "' that " +
                              path_in_quotes(file) + " does not have");
}

MESHWISE_BODY void differences::compare(state_part const& part, stored_type stored,
                                        std::span<std::uint64_t const> stored_shape, bool may_convert) {
    std::string const start = "'" + part.name + "' ";
    if (!std::equal(stored_shape.begin(), stored_shape.end(), part.whole.begin(), part.whole.end()))
        add(start + "is " + shape_text(stored_shape) + " there, but " + shape_text(part.whole) + " here");
    bool const convertible = is_convertible(stored, part.type);
    if (!is_computed(stored))
        add(start + "has elements of " + std::string(stored_name(stored)) +
            " there, with which this library does not compute; convert the file first");
    else if (stored != part.type && !(may_convert && convertible))
        add(start + "has elements of " + std::string(stored_name(stored)) + " there, but of " +
            std::string(stored_name(part.type)) + " here" +
            (convertible ? " (can be converted: load_options.convert)" : ""));
}

MESHWISE_BODY void differences::check(std::string const& where) const {
    if (count_ > 0)
        throw input_error(where + " does not fit the program, " + std::to_string(count_) +
                          (count_ == 1 ? " difference:" : " differences:") + lines_);
}

MESHWISE_BODY void read_box(state_part const& part, box const& stored, stored_type type, std::uint64_t begin,
                            chunk_reader& from, std::vector<std::byte>& scratch) {
    auto* const out = static_cast<std::byte*>(part.data);
    std::size_t const size = stored_bytes(type), size_here = stored_bytes(part.type);
    for_each_shared_run(part.here, stored, [&](std::uint64_t here, std::uint64_t there, std::uint64_t n) {
        if (type == part.type) return from.read(out + here * size, n * size, begin + there * size);
        for (std::uint64_t done = 0; done < n;) {  // in pieces, so that no tensor is in memory twice
            std::size_t const piece = std::min<std::uint64_t>(n - done, chunk_bytes / size);
            scratch.resize(piece * size);
            from.read(scratch.data(), scratch.size(), begin + (there + done) * size);
            convert(type, scratch.data(), part.type, out + (here + done) * size_here, piece);
            done += piece;
        }
    });
}

MESHWISE_BODY void check_fits(stored_weights const& stored, std::vector<state_part> const& parts,
                              bool convert) {
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
        if (!wanted.contains(name) && is_computed(at.tensor->type))
            found.add("'" + name + "' " + shape_text(at.tensor->shape) +
                      " is there, but the program does not have it");
    found.check(path_in_quotes(stored.path()));
}

}  // namespace meshwise::detail
