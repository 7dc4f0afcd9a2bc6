#pragma once
// file_calls: the operations of the system that files are read and written by, and a file that closes itself.
// Guarantees: everything io does to a disk goes through these functions, so that a test can make each of them fail,
// or be the disk itself. Interrupted calls are repeated, short ones continued.
// Costs: one virtual call per system call.
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// The system's calls, as POSIX has them: -1 and errno for a failure.
class file_calls {
public:
    virtual ~file_calls() = default;
    virtual int open(std::string const& path, int flags) {
        return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600);  // a pipe must not keep us waiting
    }
    virtual int close(int file) { return ::close(file); }
    /// Bytes of a regular file; -1 and EINVAL for anything else.
    virtual std::int64_t size(int file) {
        struct stat found {};
        if (::fstat(file, &found) != 0) return -1;
        if (S_ISREG(found.st_mode)) return found.st_size;
        errno = S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
        return -1;
    }
    virtual std::int64_t pread(int file, void* to, std::size_t bytes, std::uint64_t at) {
        return ::pread(file, to, bytes, static_cast<off_t>(at));
    }
    virtual std::int64_t pwrite(int file, void const* from, std::size_t bytes, std::uint64_t at) {
        return ::pwrite(file, from, bytes, static_cast<off_t>(at));
    }
    /// Room for so many bytes, or an error now rather than at a later write.
    virtual int allocate(int file, std::uint64_t bytes) {
        int const failed = bytes == 0 ? 0 : ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
        if (failed == 0 || failed == EOPNOTSUPP || failed == EINVAL) return 0;  // not every file system can
        errno = failed;
        return -1;
    }
    virtual int fsync(int file) { return ::fsync(file); }
    virtual int make_folder(std::string const& path) { return ::mkdir(path.c_str(), 0700); }
    virtual int rename(std::string const& from, std::string const& to) {
        return ::rename(from.c_str(), to.c_str());
    }
    virtual int remove_file(std::string const& path) { return ::unlink(path.c_str()); }
    virtual int remove_folder(std::string const& path) { return ::rmdir(path.c_str()); }
    /// An exclusive lock, or EWOULDBLOCK at once.
    virtual int lock(int file) { return ::flock(file, LOCK_EX | LOCK_NB); }
    /// The names in a folder, in no order, without "." and "..".
    virtual int list(std::string const& folder, std::vector<std::string>& names) {
        names.clear();
        DIR* const open_folder = ::opendir(folder.c_str());
        if (open_folder == nullptr) return -1;
        errno = 0;
        while (dirent const* entry = ::readdir(open_folder)) {
            std::string name = entry->d_name;
            if (name != "." && name != "..") names.push_back(std::move(name));
            errno = 0;
        }
        int const failed = errno;
        ::closedir(open_folder);
        errno = failed;
        return failed == 0 ? 0 : -1;
    }

    /// The real ones.
    static file_calls& of_system() {
        static file_calls calls;
        return calls;
    }
};

/// The system's reason for the last failure.
inline std::string last_reason() { return std::generic_category().message(errno); }

/// An open file or folder.
class open_file {
public:
    open_file() = default;
    /// Errors: input_error, or output_error when it was to be made or written.
    open_file(file_calls& calls, std::string path, int flags) : calls_(&calls), path_(std::move(path)) {
        do file_ = calls.open(path_, flags);
        while (file_ < 0 && errno == EINTR);
        if (file_ >= 0) return;
        std::string const why = path_in_quotes(path_) + " cannot be opened: " + last_reason();
        if ((flags & (O_CREAT | O_DIRECTORY)) != 0)
            throw output_error(why + "; give a place that can be written");
        if (errno == ELOOP) throw input_error(why + "; it is a link, give the file itself");
        throw input_error(why + "; give a file that is there and can be read");
    }
    open_file(open_file&& other) noexcept { swap(other); }
    open_file& operator=(open_file&& other) noexcept {
        open_file taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~open_file() {
        if (file_ >= 0) calls_->close(file_);
    }

    std::string const& path() const { return path_; }
    file_calls& calls() const { return *calls_; }
    explicit operator bool() const { return file_ >= 0; }

    /// Bytes of the file. Errors: input_error for what is no regular file.
    std::uint64_t size() const {
        std::int64_t const bytes = calls_->size(file_);
        if (bytes < 0)
            throw input_error(path_in_quotes(path_) + " is no file that can be read from any place: " +
                              last_reason() + "; give a regular file");
        return static_cast<std::uint64_t>(bytes);
    }
    /// Errors: input_error naming the byte, also for a file that ends earlier.
    void read(void* to, std::size_t bytes, std::uint64_t at) const {
        auto* out = static_cast<char*>(to);
        while (bytes > 0) {
            std::int64_t const got = calls_->pread(file_, out, bytes, at);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0)
                throw input_error(path_in_quotes(path_) + ", byte " + std::to_string(at) + ": " +
                                  (got == 0 ? "the file ends here, but more was there when it was opened"
                                            : "cannot be read: " + last_reason()));
            out += got, at += static_cast<std::uint64_t>(got), bytes -= static_cast<std::size_t>(got);
        }
    }
    /// Errors: output_error, as for all that follow.
    void write(void const* from, std::size_t bytes, std::uint64_t at) const {
        auto const* in = static_cast<char const*>(from);
        while (bytes > 0) {
            std::int64_t const put = calls_->pwrite(file_, in, bytes, at);
            if (put < 0 && errno == EINTR) continue;
            if (put == 0) errno = ENOSPC;
            check(put > 0, "written");
            in += put, at += static_cast<std::uint64_t>(put), bytes -= static_cast<std::size_t>(put);
        }
    }
    void allocate(std::uint64_t bytes) const {
        int failed = 0;
        do failed = calls_->allocate(file_, bytes);
        while (failed != 0 && errno == EINTR);
        check(failed == 0, "given room for " + std::to_string(bytes) + " bytes");
    }
    /// On the disk. An error is final: what was written may be lost, and asking again would not say so.
    void flush() const { check(calls_->fsync(file_) == 0, "brought to the disk"); }
    /// False if somebody else holds it.
    bool lock() const {
        int failed = 0;
        do failed = calls_->lock(file_);
        while (failed != 0 && errno == EINTR);
        if (failed != 0 && errno == EWOULDBLOCK) return false;
        check(failed == 0, "locked");
        return true;
    }
    void close() { check(calls_->close(std::exchange(file_, -1)) == 0, "closed"); }

private:
    void swap(open_file& other) noexcept {
        std::swap(calls_, other.calls_), std::swap(path_, other.path_), std::swap(file_, other.file_);
    }
    void check(bool worked, std::string const& what) const {
        if (!worked)
            throw output_error(path_in_quotes(path_) + " cannot be " + what + ": " + last_reason() +
                               "; make room or give another place");
    }

    file_calls* calls_ = nullptr;
    std::string path_;
    int file_ = -1;
};

/// Brings the names in a folder to the disk.
inline void flush_folder(file_calls& calls, std::string const& path) {
    open_file folder(calls, path, O_RDONLY | O_DIRECTORY);
    folder.flush();
    folder.close();
}
/// Errors: output_error.
inline void rename_file(file_calls& calls, std::string const& from, std::string const& to) {
    if (calls.rename(from, to) != 0)
        throw output_error(path_in_quotes(from) + " cannot be renamed to " + path_in_quotes(to) + ": " +
                           last_reason() + "; give a place that can be written");
}
/// Letters that no other file has in its name.
inline std::string fresh_name() {
    unsigned char bytes[8] = {};
    if (::getentropy(bytes, sizeof(bytes)) != 0)
        throw error("the system gives no random numbers: " + last_reason());
    std::string out;
    for (unsigned char b : bytes) out += "0123456789abcdef"[b >> 4U], out += "0123456789abcdef"[b & 15U];
    return out;
}
/// The folder a path lies in.
inline std::string folder_of(std::string const& path) {
    auto const slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace meshwise
