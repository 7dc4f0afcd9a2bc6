// A disk in memory that remembers what was brought to it for good: after any call one can ask what a crash at that
// moment leaves. Calls can be made to fail, to be forgotten or to be preceded by others.
#pragma once
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include <meshwise/files/file_calls.hpp>

namespace disk {

namespace mw = meshwise;

/// What of the things not flushed a crash leaves.
struct crash {
    bool names = false;  // entries of folders
    bool data = false;   // bytes of files
};

struct node {
    bool is_folder = false;
    bool locked = false;
    std::string data, safe_data;
    std::map<std::string, std::shared_ptr<node>> names, safe_names;

    /// Everything below, as a crash leaves it.
    std::shared_ptr<node> after(crash how) const {
        auto left = std::make_shared<node>();
        left->is_folder = is_folder;
        left->data = how.data ? data : safe_data;
        if (how.names && !how.data) left->data.resize(data.size());  // the length is there, the bytes are not
        left->safe_data = left->data;
        for (auto const& [name, child] : how.names ? names : safe_names)
            left->names[name] = child->after(how);
        left->safe_names = left->names;
        return left;
    }
};

class memory_disk : public mw::detail::file_calls {
public:
    explicit memory_disk(std::shared_ptr<node> root = {}) : root_(std::move(root)) {
        if (!root_) root_ = std::make_shared<node>(), root_->is_folder = true;
    }

    /// before(call, path) returns 0 to go on, an errno to fail with, or `forget`: nothing is done, success is said.
    static constexpr int forget = -1, half = -2;  // half: of a write only half of the bytes are written
    std::function<int(std::string const& call, std::string const& path)> before;
    std::function<void()> after;  // every call that changed something
    std::function<std::string(std::string const&)> renamed_path;

    std::shared_ptr<node> image(crash how) const { return root_->after(how); }
    std::vector<std::string> calls_made;

    int open(std::string const& given, int flags) override {
        std::string const path = seen(given);
        return call((flags & O_CREAT) != 0 ? "create" : "open", path, [&] {
            auto found = find(path);
            if (!found && (flags & O_CREAT) == 0) return fail(ENOENT);
            if (found && (flags & O_EXCL) != 0) return fail(EEXIST);
            if (found && !found->is_folder && (flags & O_DIRECTORY) != 0) return fail(ENOTDIR);
            if (!found) {
                auto const parent = find(mw::detail::folder_of(path));
                if (!parent) return fail(ENOENT);
                found = parent->names[last(path)] = std::make_shared<node>();
            }
            files_[++newest_] = {found, path};
            return newest_;
        });
    }
    int close(int file) override {
        int const done = call("close", path_of(file), [] { return 0; });
        std::lock_guard const lock(mutex_);
        files_.at(file).node->locked = false;
        files_.erase(file);
        return done;
    }
    int look(std::string const& given, mw::detail::path_facts& seen_there) override {
        std::string const path = seen(given);
        using kind = mw::detail::path_facts::kind;
        return call("look", path, [&] {
            auto const found = find(path);
            seen_there = {};
            if (found) seen_there.what = found->is_folder ? kind::folder : kind::file;
            return 0;
        });
    }
    int set_mode(int, unsigned) override { return 0; }
    std::int64_t size(int file) override {
        std::lock_guard const lock(mutex_);
        return static_cast<std::int64_t>(files_.at(file).node->data.size());
    }
    std::int64_t pread(int file, void* to, std::size_t bytes, std::uint64_t at) override {
        std::lock_guard const lock(mutex_);
        std::string const& data = files_.at(file).node->data;
        if (at >= data.size()) return 0;
        std::size_t const n = std::min<std::size_t>(bytes, data.size() - at);
        std::memcpy(to, data.data() + at, n);
        return static_cast<std::int64_t>(n);
    }
    std::int64_t pwrite(int file, void const* from, std::size_t bytes, std::uint64_t at) override {
        bool short_write = false;
        int const done = call("write", path_of(file), [&] { return 0; }, &short_write);
        if (done < 0) return -1;
        if (short_write) bytes = (bytes + 1) / 2;
        std::lock_guard const lock(mutex_);
        std::string& data = files_.at(file).node->data;
        data.resize(std::max<std::size_t>(data.size(), at + bytes));
        std::memcpy(data.data() + at, from, bytes);
        if (after) after();
        return static_cast<std::int64_t>(bytes);
    }
    int allocate(int file, std::uint64_t bytes) override {
        return call("allocate", path_of(file), [&] {
            auto& data = files_.at(file).node->data;
            data.resize(std::max<std::size_t>(data.size(), bytes));
            return 0;
        });
    }
    int fsync(int file) override {
        return call("fsync", path_of(file), [&] {
            auto& n = *files_.at(file).node;
            n.safe_data = n.data, n.safe_names = n.names;
            return 0;
        });
    }
    int make_folder(std::string const& given) override {
        std::string const path = seen(given);
        return call("mkdir", path, [&] {
            if (find(path)) return fail(EEXIST);
            auto const parent = find(mw::detail::folder_of(path));
            if (!parent) return fail(ENOENT);
            auto made = std::make_shared<node>();
            made->is_folder = true;
            parent->names[last(path)] = made;
            return 0;
        });
    }
    int rename(std::string const& given_from, std::string const& given_to) override {
        std::string const from = seen(given_from), to = seen(given_to);
        return call("rename", from, [&] {
            auto const moved = find(from), there = find(to);
            if (!moved) return fail(ENOENT);
            if (moved == there) return 0;
            if (there && there->is_folder && !there->names.empty()) return fail(ENOTEMPTY);
            find(mw::detail::folder_of(from))->names.erase(last(from));
            find(mw::detail::folder_of(to))->names[last(to)] = moved;
            return 0;
        });
    }
    int remove_file(std::string const& given) override {
        std::string const path = seen(given);
        return call("unlink", path, [&] {
            auto const found = find(path);
            if (!found || found->is_folder) return fail(found ? EISDIR : ENOENT);
            find(mw::detail::folder_of(path))->names.erase(last(path));
            return 0;
        });
    }
    int remove_folder(std::string const& given) override {
        std::string const path = seen(given);
        return call("rmdir", path, [&] {
            auto const found = find(path);
            if (!found || !found->names.empty()) return fail(found ? ENOTEMPTY : ENOENT);
            find(mw::detail::folder_of(path))->names.erase(last(path));
            return 0;
        });
    }
    int lock(int file) override {
        return call("lock", path_of(file), [&] {
            bool& locked = files_.at(file).node->locked;
            if (locked) return fail(EWOULDBLOCK);
            locked = true;
            return 0;
        });
    }
    int list(std::string const& given, std::vector<std::string>& names) override {
        std::string const path = seen(given);
        names.clear();
        return call("list", path, [&] {
            auto const found = find(path);
            if (!found) return fail(ENOENT);
            for (auto const& [name, child] : found->names) names.push_back(name);
            return 0;
        });
    }

private:
    struct opened {
        std::shared_ptr<disk::node> node;
        std::string path;
    };
    static int fail(int why) { return errno = why, -1; }
    static std::string last(std::string const& path) {
        return std::filesystem::path(path).filename().string();
    }
    std::string seen(std::string const& path) const { return renamed_path ? renamed_path(path) : path; }
    std::string path_of(int file) {
        std::lock_guard const lock(mutex_);
        return files_.at(file).path;
    }
    std::shared_ptr<node> find(std::string const& path) const {
        auto at = root_;
        for (auto const& part : std::filesystem::path(path).relative_path()) {
            auto const found = at->names.find(part.string());
            if (found == at->names.end()) return nullptr;
            at = found->second;
        }
        return at;
    }
    template <class F>
    int call(std::string const& what, std::string const& path, F f, bool* short_write = nullptr) {
        int const told = before && !inside_ ? (inside_ = true, before(what, path)) : 0;
        inside_ = false;
        if (told > 0) return fail(told);
        std::lock_guard const lock(mutex_);
        calls_made.push_back(what + " " + path);
        if (told == forget) return 0;
        if (told == half && short_write != nullptr) *short_write = true;
        int const done = f();
        if (after && done >= 0 && what != "write") after();
        return done;
    }

    static inline thread_local bool inside_ = false;  // calls that `before` makes are its own
    std::recursive_mutex mutex_;
    std::shared_ptr<node> root_;
    std::map<int, opened> files_;
    int newest_ = 2;
};

}  // namespace disk
