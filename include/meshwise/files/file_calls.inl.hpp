// Bodies of file_calls.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <meshwise/files/file_calls.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/parse/text_decoder.hpp>

namespace meshwise::detail {

MESHWISE_BODY int file_calls::open(std::string const& path, int flags) {
    return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                  0666);  // opening a pipe must not block
}

MESHWISE_BODY int file_calls::close(int file) { return ::close(file); }

MESHWISE_BODY int file_calls::look(std::string const& path, path_facts& found) {
    using kind = path_facts::kind;
    found = {};
    struct stat seen{}, own{};
    if (::lstat(path.c_str(), &seen) != 0) return errno == ENOENT ? 0 : -1;
    found.is_link = S_ISLNK(seen.st_mode);
    if (found.is_link && ::stat(path.c_str(), &seen) != 0) return errno == ENOENT ? 0 : -1;
    found.what = S_ISREG(seen.st_mode)                             ? kind::file
                 : S_ISDIR(seen.st_mode)                           ? kind::folder
                 : S_ISCHR(seen.st_mode) || S_ISFIFO(seen.st_mode) ? kind::stream
                                                                   : kind::other;
    found.mode = seen.st_mode & 0777U;
    for (int const output : {STDOUT_FILENO, STDERR_FILENO})
        if (found.what == kind::file && ::fstat(output, &own) == 0)
            found.is_own_output =
                found.is_own_output || (own.st_dev == seen.st_dev && own.st_ino == seen.st_ino);
    return 0;
}

MESHWISE_BODY int file_calls::resolve(std::string const& path, std::string& real) {
    std::unique_ptr<char, void (*)(void*)> const found(::realpath(path.c_str(), nullptr), std::free);
    if (!found) return -1;
    real = found.get();
    return 0;
}

MESHWISE_BODY std::int64_t file_calls::size(int file) {
    struct stat found{};
    if (::fstat(file, &found) != 0) return -1;
    if (S_ISREG(found.st_mode)) return found.st_size;
    errno = S_ISDIR(found.st_mode) ? EISDIR : EINVAL;
    return -1;
}

MESHWISE_BODY std::int64_t file_calls::pread(int file, void* to, std::size_t bytes, std::uint64_t at) {
    return ::pread(file, to, bytes, static_cast<off_t>(at));
}

MESHWISE_BODY std::int64_t file_calls::pwrite(int file, void const* from, std::size_t bytes,
                                              std::uint64_t at) {
    return ::pwrite(file, from, bytes, static_cast<off_t>(at));
}

MESHWISE_BODY std::int64_t file_calls::write(int file, void const* from, std::size_t bytes) {
    sigset_t pipe, before;
    sigemptyset(&pipe), sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    std::int64_t const put = ::write(file, from, bytes);
    int const failed = errno;
    if (put < 0 && failed == EPIPE && !sigismember(&before, SIGPIPE)) {
        timespec const at_once{};
        ::sigtimedwait(&pipe, nullptr, &at_once);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = failed;
    return put;
}

MESHWISE_BODY int file_calls::wait_for_room(int file) {
    int const flags = ::fcntl(file, F_GETFL);
    return flags < 0 ? -1 : ::fcntl(file, F_SETFL, flags & ~O_NONBLOCK);
}

MESHWISE_BODY int file_calls::set_mode(int file, unsigned mode) {
    return ::fchmod(file, static_cast<mode_t>(mode));
}

MESHWISE_BODY int file_calls::allocate(int file, std::uint64_t bytes) {
    int const failed = bytes == 0 ? 0 : ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    if (failed == 0 || failed == EOPNOTSUPP || failed == EINVAL)
        return 0;  // not every file system supports it
    errno = failed;
    return -1;
}

MESHWISE_BODY int file_calls::fsync(int file) { return ::fsync(file); }

MESHWISE_BODY int file_calls::make_folder(std::string const& path) { return ::mkdir(path.c_str(), 0777); }

MESHWISE_BODY int file_calls::rename(std::string const& from, std::string const& to) {
    return ::rename(from.c_str(), to.c_str());
}

MESHWISE_BODY int file_calls::remove_file(std::string const& path) { return ::unlink(path.c_str()); }

MESHWISE_BODY int file_calls::remove_folder(std::string const& path) { return ::rmdir(path.c_str()); }

MESHWISE_BODY int file_calls::lock(int file) { return ::flock(file, LOCK_EX | LOCK_NB); }

MESHWISE_BODY int file_calls::list(std::string const& folder, std::vector<std::string>& names) {
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

MESHWISE_BODY file_calls& file_calls::of_system() {
    static file_calls calls;
    return calls;
}

MESHWISE_BODY std::string last_reason() { return std::generic_category().message(errno); }

MESHWISE_BODY open_descriptor try_to_open(file_calls& calls, std::string const& path, int flags) {
    open_descriptor file;
    do file.number = calls.open(path, flags);
    while (file.number < 0 && errno == EINTR);
    return file;
}

MESHWISE_BODY open_file::open_file(file_calls& calls, std::string path, int flags)
    : calls_(&calls),
      path_(std::move(path)),
      file_(try_to_open(calls, path_, flags).number) {
    if (file_ >= 0) return;
    std::string const why = sentence({bytes_in_quotes(path_), " cannot be opened: ", last_reason()});
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY) != 0)
        throw output_error(sentence({why, "; give a place that can be written"}));
    if (errno == ELOOP) throw input_error(sentence({why, "; it is a link, give the file itself"}));
    throw input_error(sentence({why, "; give a file that exists and can be read"}));
}

MESHWISE_BODY open_file& open_file::operator=(open_file&& other) noexcept {
    open_file taken(std::move(other));
    swap(taken);
    return *this;
}

MESHWISE_BODY open_file::~open_file() {
    if (file_ >= 0) calls_->close(file_);
}

MESHWISE_BODY std::uint64_t open_file::size() const {
    std::int64_t const bytes = calls_->size(file_);
    if (bytes < 0)
        throw input_error(sentence({bytes_in_quotes(path_),
                                    " is not a file that can be read at any position: ", last_reason(),
                                    "; give a regular file"}));
    return static_cast<std::uint64_t>(bytes);
}

MESHWISE_BODY void open_file::read(void* to, std::size_t bytes, std::uint64_t at) const {
    auto* out = static_cast<char*>(to);
    while (bytes > 0) {
        std::int64_t const got = calls_->pread(file_, out, bytes, at);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0)
            throw input_error(sentence({bytes_in_quotes(path_), ", byte ", at, ": ",
                                        (got == 0 ? "the file ends here, but it was longer when it was opened"
                                                  : "cannot be read: " + last_reason())}));
        out += got, at += static_cast<std::uint64_t>(got), bytes -= static_cast<std::size_t>(got);
    }
}

// put(done, rest): writes some of the last `rest` bytes
template <class Put>
void open_file::put_all(std::size_t bytes, Put put) const {
    for (std::size_t done = 0; done < bytes;) {
        std::int64_t const n = put(done, bytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = ENOSPC;
        check(n > 0, "written");
        done += static_cast<std::size_t>(n);
    }
}

MESHWISE_BODY void open_file::write(void const* from, std::size_t bytes, std::uint64_t at) const {
    put_all(bytes, [&](std::size_t done, std::size_t rest) {
        return calls_->pwrite(file_, static_cast<char const*>(from) + done, rest, at + done);
    });
}

MESHWISE_BODY void open_file::write_next(void const* from, std::size_t bytes) const {
    put_all(bytes, [&](std::size_t done, std::size_t rest) {
        return calls_->write(file_, static_cast<char const*>(from) + done, rest);
    });
}

MESHWISE_BODY void open_file::allocate(std::uint64_t bytes) const {
    int failed = 0;
    do failed = calls_->allocate(file_, bytes);
    while (failed != 0 && errno == EINTR);
    check(failed == 0, "given room for " + std::to_string(bytes) + " bytes");
}

MESHWISE_BODY bool open_file::lock() const {
    int failed = 0;
    do failed = calls_->lock(file_);
    while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno == EWOULDBLOCK) return false;
    check(failed == 0, "locked");
    return true;
}

MESHWISE_BODY void open_file::close() { check(calls_->close(std::exchange(file_, -1)) == 0, "closed"); }

MESHWISE_BODY void open_file::swap(open_file& other) noexcept {
    std::swap(calls_, other.calls_), std::swap(path_, other.path_), std::swap(file_, other.file_);
}

MESHWISE_BODY void open_file::check(bool worked, std::string const& what) const {
    if (!worked)
        throw output_error(sentence({bytes_in_quotes(path_), " cannot be ", what, ": ", last_reason(),
                                     "; free some space or give another place"}));
}

MESHWISE_BODY open_file new_file(file_calls& calls, std::string path) {
    return {calls, std::move(path), flags_of_new_file};
}

MESHWISE_BODY open_file lock_file(file_calls& calls, std::string path) {
    return {calls, std::move(path), O_RDWR | O_CREAT | O_NOFOLLOW};
}

MESHWISE_BODY void flush_folder(file_calls& calls, std::string const& path) {
    open_file folder(calls, path, O_RDONLY | O_DIRECTORY);
    folder.flush();
    folder.close();
}

MESHWISE_BODY void rename_file(file_calls& calls, std::string const& from, std::string const& to) {
    if (calls.rename(from, to) != 0)
        throw output_error(sentence({bytes_in_quotes(from), " cannot be renamed to ", bytes_in_quotes(to),
                                     ": ", last_reason(), "; give a place that can be written"}));
}

MESHWISE_BODY std::string fresh_name() {
    unsigned char bytes[8] = {};
    if (::getentropy(bytes, sizeof(bytes)) != 0)
        throw_error({"the system provides no random numbers: ", last_reason()});
    std::string out;
    for (unsigned char b : bytes) out += "0123456789abcdef"[b >> 4U], out += "0123456789abcdef"[b & 15U];
    return out;
}

MESHWISE_BODY std::string folder_of(std::string const& path) {
    auto const slash = path.rfind('/');
    if (slash == path.npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace meshwise::detail
