// safetensors: files of named tensors: eight bytes of header length, a JSON header, the elements one after the other.
// Guarantees: a file is accepted as a whole or refused: strict UTF-8 and JSON, no duplicate key, whole numbers only,
// products checked for overflow, no gap, no overlap, no bytes left over. No memory is allocated because of a number
// in a file. Files are read with pread, never mapped.
// Costs: opening reads only the header.
// Source: huggingface/safetensors, README.
#pragma once

#include <map>
#include <span>

#include <meshwise/core/compiled.hpp>
#include <meshwise/files/file_calls.hpp>
#include <meshwise/io/stored_type.hpp>
#include <meshwise/parse/input_file.hpp>
#include <meshwise/parse/json_cursor.hpp>

namespace meshwise::detail {

/// A tensor of a file. `begin` and `end` are bytes of the file.
struct stored_tensor {
    std::string name;
    stored_type type = stored_type::F32;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// A shape in messages: "[2, 3]".
std::string shape_text(std::span<std::uint64_t const> shape);

/// Elements of a tensor; empty if 64 bits cannot count them.
std::optional<std::uint64_t> checked_size(std::span<std::uint64_t const> shape);
/// Bytes of a tensor; empty if 64 bits cannot count them, or if its last element ends within a byte.
std::optional<std::uint64_t> checked_bytes(std::span<std::uint64_t const> shape, stored_type type);

/// Errors: input_error for a file that is missing, not a regular file, or not exactly in this format.
/// Example: mw::detail::safetensors_file file("model.safetensors");
///          for (auto const& t : file.tensors()) std::cout << t.name << '\n';
class safetensors_file {
public:
    static constexpr std::uint64_t longest_header = 100'000'000;

    explicit safetensors_file(std::string const& path, file_calls& calls = file_calls::of_system(),
                              int flags = 0);

    /// In the order of their positions in the file.
    std::vector<stored_tensor> const& tensors() const { return tensors_; }
    /// Null if there is no such tensor.
    stored_tensor const* find(std::string_view name) const;
    std::map<std::string, std::string> const& metadata() const { return metadata_; }
    open_file const& file() const { return file_; }
    std::uint64_t size() const { return size_; }
    /// The byte at which the elements begin.
    std::uint64_t data_begin() const { return data_; }

private:
    [[noreturn]] void fail(std::uint64_t byte, std::string const& why) const;

    void read_header(std::string const& header);

    void read_tensor(json_cursor& at, std::string const& name);

    // sorted by begin: no gap, no overlap, no bytes left over
    void check_layout();

    open_file file_;
    std::uint64_t size_ = 0;
    std::uint64_t data_ = 0;
    std::vector<stored_tensor> tensors_;
    std::map<std::string, std::size_t, std::less<>> places_;
    std::map<std::string, std::string> metadata_;
};

/// The first bytes of a file that holds these tensors in this order; their `begin` and `end` are set. Header and data
/// begin at multiples of 8.
/// Errors: error if two tensors have the same name, or if all together need more bytes than 64 bits can count.
std::string safetensors_header(std::span<stored_tensor> tensors,
                               std::map<std::string, std::string> const& metadata = {});

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/safetensors.inl.hpp>
#endif
