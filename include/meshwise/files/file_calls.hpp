// file_calls: the system calls for files, and a file that closes itself.
// Guarantees: all files that the library writes, and all that io/ reads, go through these functions, so that a test can
// make each of them fail or replace the disk. Interrupted calls are repeated, short ones continued.
// Costs: one virtual call per system call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <fcntl.h>  // the flags of open

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise::detail {

/// What stands at a path.
struct path_facts {
    enum class kind : std::uint8_t {
        nothing,
        file,  // a regular one
        folder,
        stream,  // a character device or a FIFO
        other    // a block device or a socket
    };
    kind what = kind::nothing;   // behind links
    bool is_link = false;        // the path itself
    bool is_own_output = false;  // a regular file that the program's standard output or error goes to
    unsigned mode = 0;           // the bits of chmod
};

/// The system calls of POSIX: -1 and errno for a failure.
class file_calls {
public:
    virtual ~file_calls() = default;
    /// A file or folder that is made has the mode that the umask leaves of 0666 or 0777. Opening never waits.
    MESHWISE_BODY virtual int open(std::string const& path, int flags);
    MESHWISE_BODY virtual int close(int file);
    /// A path with nothing there is no failure.
    MESHWISE_BODY virtual int look(std::string const& path, path_facts& found);
    /// The path without links; all of it exists.
    MESHWISE_BODY virtual int resolve(std::string const& path, std::string& real);
    /// Bytes of a regular file; -1 and EINVAL for anything else.
    MESHWISE_BODY virtual std::int64_t size(int file);
    MESHWISE_BODY virtual std::int64_t pread(int file, void* to, std::size_t bytes, std::uint64_t at);
    MESHWISE_BODY virtual std::int64_t pwrite(int file, void const* from, std::size_t bytes,
                                              std::uint64_t at);
    /// The next bytes of a stream. A reader that is gone is EPIPE and never a signal.
    MESHWISE_BODY virtual std::int64_t write(int file, void const* from, std::size_t bytes);
    /// From now on writing to a stream waits until its reader has room.
    MESHWISE_BODY virtual int wait_for_room(int file);
    MESHWISE_BODY virtual int set_mode(int file, unsigned mode);
    /// Reserves space for this many bytes, so that a full disk is an error now and not at a later write.
    MESHWISE_BODY virtual int allocate(int file, std::uint64_t bytes);
    MESHWISE_BODY virtual int fsync(int file);
    MESHWISE_BODY virtual int make_folder(std::string const& path);
    MESHWISE_BODY virtual int rename(std::string const& from, std::string const& to);
    MESHWISE_BODY virtual int remove_file(std::string const& path);
    MESHWISE_BODY virtual int remove_folder(std::string const& path);
    /// Takes an exclusive lock, or fails at once with EWOULDBLOCK.
    MESHWISE_BODY virtual int lock(int file);
    /// The names in a folder, in no order, without "." and "..".
    MESHWISE_BODY virtual int list(std::string const& folder, std::vector<std::string>& names);

    /// The system's own.
    static file_calls& of_system();
};

/// The system's text for the last failure.
std::string last_reason();

/// The number that the system gives to an open file, or -1 and errno.
struct open_descriptor {
    int number = -1;
};
open_descriptor try_to_open(file_calls& calls, std::string const& path, int flags);

/// An open file or folder.
class open_file {
public:
    open_file() = default;
    /// Errors: input_error; output_error for a file that is opened to be written.
    open_file(file_calls& calls, std::string path, int flags);
    /// One that is open; `called` is its path in messages.
    open_file(file_calls& calls, std::string called, open_descriptor file)
        : calls_(&calls),
          path_(std::move(called)),
          file_(file.number) {}
    open_file(open_file&& other) noexcept { swap(other); }
    open_file& operator=(open_file&& other) noexcept;
    ~open_file();

    std::string const& path() const { return path_; }
    file_calls& calls() const { return *calls_; }
    int descriptor() const { return file_; }
    explicit operator bool() const { return file_ >= 0; }

    /// Bytes of the file. Errors: input_error for anything but a regular file.
    std::uint64_t size() const;
    /// Errors: input_error naming the byte; also if the file ends earlier.
    void read(void* to, std::size_t bytes, std::uint64_t at) const;
    /// Errors: output_error, as for all functions below.
    void write(void const* from, std::size_t bytes, std::uint64_t at) const;
    /// The same for a stream, which has no positions.
    void write_next(void const* from, std::size_t bytes) const;
    void allocate(std::uint64_t bytes) const;
    /// Returns when the file is on the disk. An error is final: written data may be lost, and a second call would not
    /// report it.
    void flush() const { check(calls_->fsync(file_) == 0, "flushed to the disk"); }
    /// False: another process holds the lock.
    bool lock() const;
    void close();

private:
    void swap(open_file& other) noexcept;
    template <class Put>
    void put_all(std::size_t bytes, Put put) const;
    void check(bool worked, std::string const& what) const;

    file_calls* calls_ = nullptr;
    std::string path_;
    int file_ = -1;
};

/// A new file to write to; its name must be free, and no link is followed.
/// Errors: output_error.
open_file new_file(file_calls& calls, std::string path);
inline constexpr int flags_of_new_file = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
/// The file that a lock is taken on. Nothing is written to it.
/// Errors: output_error.
open_file lock_file(file_calls& calls, std::string path);
/// Returns when the names in a folder are on the disk.
void flush_folder(file_calls& calls, std::string const& path);
/// Errors: output_error.
void rename_file(file_calls& calls, std::string const& from, std::string const& to);
/// Random characters that no other file has in its name.
std::string fresh_name();
/// The folder that contains a path.
std::string folder_of(std::string const& path);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/files/file_calls.inl.hpp>
#endif
