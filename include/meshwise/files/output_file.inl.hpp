// Bodies of output_file.hpp: see core/compiled.hpp.
#pragma once

#include <cerrno>
#include <utility>

#include <meshwise/files/output_file.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/parse/text_decoder.hpp>

namespace meshwise::detail {

MESHWISE_BODY output_file::output_file(file_calls& calls, std::string path) : target_(std::move(path)) {
    std::string const given = target_;
    auto const refuse = [&](std::string const& why) {
        throw output_error(sentence({bytes_in_quotes(given), " ", why}));
    };
    auto const fail_with = [&](int why) {
        errno = why;
        refuse("cannot be written: " + last_reason() + "; give a file in an existing folder with free space");
    };
    auto const open = [&](std::string const& at, int flags) {
        auto const file = try_to_open(calls, at, flags);
        if (file.number >= 0) return file_ = open_file(calls, given, file), 0;
        return errno;
    };
    auto const failure_of = [](auto call) {
        int result = 0;
        do result = call();
        while (result != 0 && errno == EINTR);
        return result == 0 ? 0 : errno;
    };
    path_facts found;
    if (int const why = failure_of([&] { return calls.look(given, found); })) fail_with(why);
    switch (found.what) {
    case path_facts::kind::nothing:
        if (found.is_link) refuse("is a link to nothing; remove it, or give another place");
        break;
    case path_facts::kind::file:
        if (found.is_own_output)
            refuse("is the file that this program's own output goes to; give another place");
        if (!found.is_link) break;
        if (int const why = failure_of([&] { return calls.resolve(given, target_); })) fail_with(why);
        break;
    case path_facts::kind::folder: fail_with(EISDIR); break;
    case path_facts::kind::stream:
        if (int const why = open(given, O_WRONLY)) {
            if (why == ENXIO) refuse("has no reader; start the program that reads it first, or give a file");
            fail_with(why);
        }
        if (int const why = failure_of([&] { return calls.wait_for_room(file_.descriptor()); }))
            fail_with(why);
        return;
    case path_facts::kind::other:
        refuse("is neither a file nor a character device nor a FIFO; give the path of a file");
    }
    std::string fresh = sentence({target_, ".tmp-", fresh_name()});
    if (int const why = open(fresh, flags_of_new_file)) fail_with(why);
    if (found.what == path_facts::kind::file) {  // what was private stays so
        int const why = failure_of([&] { return calls.set_mode(file_.descriptor(), found.mode); });
        if (why != 0 && why != EPERM && why != ENOSYS && why != EOPNOTSUPP) {  // these: without modes
            calls.remove_file(fresh);
            fail_with(why);
        }
    }
    fresh_ = std::move(fresh);
}

MESHWISE_BODY output_file& output_file::operator=(output_file&& other) noexcept {
    output_file taken(std::move(other));
    swap(taken);
    return *this;
}

MESHWISE_BODY output_file::~output_file() {
    if (!fresh_.empty()) file_.calls().remove_file(fresh_);
}

MESHWISE_BODY void output_file::append(void const* from, std::size_t bytes) {
    if (fresh_.empty()) return file_.write_next(from, bytes);
    file_.write(from, bytes, written_);
    written_ += bytes;
}

MESHWISE_BODY void output_file::finish(bool on_disk) {
    if (fresh_.empty()) return file_.close();
    file_calls& calls = file_.calls();
    if (on_disk) file_.flush();
    file_.close();
    rename_file(calls, fresh_, target_);
    fresh_.clear();
    if (on_disk) flush_folder(calls, folder_of(target_));
}

MESHWISE_BODY void output_file::swap(output_file& other) noexcept {
    std::swap(file_, other.file_), target_.swap(other.target_), fresh_.swap(other.fresh_);
    std::swap(written_, other.written_);
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY void write_file(std::string const& path, std::string_view bytes) {
    detail::output_file out(detail::file_calls::of_system(), path);
    out.append(bytes);
    out.finish(true);
}

}  // namespace meshwise
