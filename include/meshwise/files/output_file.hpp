// output_file: the one way in which the library writes a file that may be there already: weights, curves, records of
// calls, texts. Files in a folder that is new itself (the shards of a checkpoint) are made by `new_file`.
// Guarantees: a regular file is replaced at once when all is written. A crash, an error or a full disk leaves the old
// file and nothing beside it. A new file has the mode that the umask allows; one that is replaced keeps its mode. A
// symbolic link is followed: the file that it names is replaced, and the link stays. A character device, or a FIFO that
// has a reader, is written to. Folders, block devices, sockets, links to nothing, and the file that the program's own
// standard output goes to, are refused.
// Costs: besides the bytes some seven system calls; two flushes if it is asked for them.
#pragma once

#include <string>
#include <string_view>

#include <meshwise/core/compiled.hpp>
#include <meshwise/files/file_calls.hpp>

namespace meshwise {

namespace detail {

/// Errors: output_error, from all functions; the file must not be used after one.
class output_file {
public:
    output_file() = default;
    output_file(file_calls& calls, std::string path);
    output_file(output_file&& other) noexcept { swap(other); }
    output_file& operator=(output_file&& other) noexcept;
    /// What is not finished is removed.
    ~output_file();

    void append(void const* from, std::size_t bytes);
    void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
    /// Puts the file in its place. `on_disk`: returns when it is on the disk.
    void finish(bool on_disk);

private:
    void swap(output_file& other) noexcept;

    open_file file_;
    std::string target_;  // the path without a link
    std::string fresh_;   // the temporary file; empty for a stream, and when all is finished
    std::uint64_t written_ = 0;
};

}  // namespace detail

/// Writes a file as a whole. A regular file is replaced at once, so that a crash or a full disk leaves the old one; a
/// symbolic link is followed; a character device or a FIFO is written to. When it returns, the file is on the disk.
/// Errors: output_error for a place that cannot be written.
/// Example: mw::write_file("note.txt", "loss 0.37 after 1000 steps");
void write_file(std::string const& path, std::string_view bytes);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/files/output_file.inl.hpp>
#endif
