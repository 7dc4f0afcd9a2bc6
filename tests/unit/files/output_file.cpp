// output_file: what a new file's mode is, what a file, a link, a device, a FIFO and a folder become, and that nothing is
// left beside them. Each function of the library that writes a file is tried on all of these.
#include <doctest/doctest.h>

#include <cerrno>
#include <functional>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "../io/scratch.hpp"
#include "../io/small_model.hpp"

#include <meshwise/communicator/flight/record.hpp>
#include <meshwise/io/checkpoints.hpp>
#include <meshwise/report/loss_curve.hpp>

namespace {

namespace mw = meshwise;
namespace fs = std::filesystem;
using P = small::places<2, 1>;
using S = P::by_both;

// every way in which a user names a file that is written
struct writer {
    char const* name;
    std::function<void(std::string const&)> write;
    bool reports = true;  // by output_error; the record of calls only by a line on standard error
};
std::vector<writer> const& writers() {
    static std::vector<writer> const all{
        {"write_file", [](std::string const& path) { mw::write_file(path, "some text"); }},
        {"loss_curve", [](std::string const& path) { mw::loss_curve().write(path); }},
        {"save_weights",
         [](std::string const& path) {
             mw::run<S>(mw::threads{}, [&](auto& here) {
                 auto model = mw::init<P::model<S>>(here, mw::seed{5});
                 mw::save_weights(here, model, path);
             });
         }},
        {"record of calls", [](std::string const& path) { mw::flight::write_file(path, "calls"); }, false}};
    return all;
}
std::string said_by(writer const& w, std::string const& path) {
    return refusal<mw::output_error>([&] { w.write(path); });
}

unsigned mode_of(std::string const& path) {
    struct stat found{};
    REQUIRE(lstat(path.c_str(), &found) == 0);
    return found.st_mode;
}
struct with_umask {
    explicit with_umask(mode_t mask) : before(umask(mask)) {}
    ~with_umask() { umask(before); }
    mode_t before;
};
std::size_t entries_in(scratch const& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path()), {}));
}

TEST_CASE("new files and folders have the mode that the umask allows") {
    for (mode_t const mask : {0022U, 0077U, 0002U, 0000U}) {
        with_umask const now(mask);
        scratch const folder;
        for (auto const& w : writers()) {
            CAPTURE(w.name);
            std::string const path = folder / w.name;
            w.write(path);
            CHECK((mode_of(path) & 07777U) == (0666U & ~mask));
        }
        mw::run<S>(mw::threads{}, [&](auto& here) {
            auto model = mw::init<P::model<S>>(here, mw::seed{5});
            mw::checkpoints(folder / "deep/runs").save(here, 1, mw::state_of("model", model));
        });
        for (char const* made : {"deep", "deep/runs", "deep/runs/step-000001"})
            CHECK((mode_of(folder / made) & 07777U) == (0777U & ~mask));
        for (char const* made : {"deep/runs/lock", "deep/runs/LATEST", "deep/runs/step-000001/MANIFEST.json",
                                 "deep/runs/step-000001/rank-00001.safetensors"})
            CHECK((mode_of(folder / made) & 07777U) == (0666U & ~mask));
    }
}

TEST_CASE("a file is replaced and keeps its mode; a link is followed and stays") {
    for (auto const& w : writers()) {
        CAPTURE(w.name);
        scratch const folder, other;
        folder.file("private", "old");
        REQUIRE(chmod((folder / "private").c_str(), 0640) == 0);
        struct stat before{}, after{};
        REQUIRE(stat((folder / "private").c_str(), &before) == 0);
        w.write(folder / "private");
        REQUIRE(stat((folder / "private").c_str(), &after) == 0);
        CHECK(bytes_of(folder / "private") != "old");
        CHECK(before.st_ino != after.st_ino);  // another file took its place at once
        CHECK((after.st_mode & 07777U) == 0640);
        other.file("target", "old");
        fs::create_symlink(other / "target", folder / "link");
        w.write(folder / "link");
        CHECK(fs::is_symlink(folder / "link"));
        CHECK(fs::is_regular_file(other / "target"));
        CHECK_FALSE(fs::is_symlink(other / "target"));
        CHECK(bytes_of(other / "target") == bytes_of(folder / "private"));
        CHECK(entries_in(folder) == 2);
        CHECK(entries_in(other) == 1);
    }
}

TEST_CASE("what is no file stays what it is: written to, or refused by name") {
    for (auto const& w : writers()) {
        CAPTURE(w.name);
        scratch const folder;
        auto const refused = [&](std::string const& path, std::string_view why) {
            unsigned const before = mode_of(path);
            std::string const said = said_by(w, path);
            if (w.reports) {
                has(said, why);
                has(said, path);
            }
            CHECK(mode_of(path) == before);
        };
        fs::create_symlink(folder / "none", folder / "dangling");
        refused(folder / "dangling", "is a link to nothing");
        CHECK_FALSE(fs::exists(folder / "none"));
        fs::create_directory(folder / "folder");
        refused(folder / "folder", "Is a directory");
        REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
        refused(folder / "fifo", "has no reader");
        int const made = socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::string const socket_path = folder / "socket";
        REQUIRE(socket_path.size() < sizeof name.sun_path);
        socket_path.copy(name.sun_path, socket_path.size());
        REQUIRE(bind(made, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
        refused(folder / "socket", "neither a file");
        close(made);
        CHECK(entries_in(folder) == 4);

        std::string read;  // a reader that takes its time
        std::thread reader([&] {
            std::ifstream in(folder / "fifo", std::ios::binary);
            std::this_thread::sleep_for(std::chrono::milliseconds(30));
            read.assign(std::istreambuf_iterator<char>(in), {});
        });
        std::string said = "has no reader";
        while (w.reports && said.find("has no reader") != said.npos) said = said_by(w, folder / "fifo");
        if (!w.reports) std::this_thread::sleep_for(std::chrono::milliseconds(300)), w.write(folder / "fifo");
        reader.join();
        CHECK(said == (w.reports ? "" : "has no reader"));
        w.write(folder / "file");
        CHECK(read == bytes_of(folder / "file"));
        CHECK(S_ISFIFO(mode_of(folder / "fifo")));
    }
}

TEST_CASE("devices: copies of /dev/null and /dev/full in a folder of the test's own") {
    scratch const folder;
    if (mknod((folder / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0 ||
        mknod((folder / "full").c_str(), S_IFCHR | 0666, makedev(1, 7)) != 0) {
        MESSAGE("skipped: only root makes devices");
        return;
    }
    if (std::FILE* const there = std::fopen((folder / "null").c_str(), "w"))
        std::fclose(there);
    else {
        MESSAGE("skipped: devices do not work here");
        return;
    }
    fs::create_symlink("full", folder / "link");
    for (auto const& w : writers()) {
        CAPTURE(w.name);
        CHECK(said_by(w, folder / "null") == "");
        for (char const* full : {"full", "link"}) {
            std::string const said = said_by(w, folder / full);
            if (w.reports) has(said, "No space left on device");
        }
        CHECK(S_ISCHR(mode_of(folder / "null")));
        CHECK(S_ISCHR(mode_of(folder / "full")));
        CHECK(S_ISLNK(mode_of(folder / "link")));
        CHECK(entries_in(folder) == 3);
    }
}

TEST_CASE("a reader that goes away is a sentence and not a signal") {
    scratch const folder;
    std::string const path = folder / "fifo";
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    int const reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
    mw::detail::output_file out(mw::detail::file_calls::of_system(), path);
    close(reader);
    has(refusal<mw::output_error>([&] { out.append("text"); }), "Broken pipe");
}

TEST_CASE("what is not finished is gone, and the old file is there") {
    scratch const folder;
    folder.file("text", "old");
    auto& calls = mw::detail::file_calls::of_system();
    {
        mw::detail::output_file out(calls, folder / "text");
        out.append("new");
        mw::detail::output_file moved = std::move(out);
        moved.append(" text");
        CHECK(bytes_of(folder / "text") == "old");
        CHECK(entries_in(folder) == 2);
    }
    CHECK(bytes_of(folder / "text") == "old");
    CHECK(entries_in(folder) == 1);
}

TEST_CASE("the name of a temporary file that is taken already is not used, nor a link under it followed") {
    struct one_name : mw::detail::file_calls {
        int open(std::string const& path, int flags) override {
            CHECK((flags & (O_CREAT | O_EXCL | O_NOFOLLOW)) == (O_CREAT | O_EXCL | O_NOFOLLOW));
            REQUIRE(symlink("/nowhere/else", path.c_str()) == 0);
            return mw::detail::file_calls::open(path, flags);
        }
    } calls;
    scratch const folder;
    has(refusal<mw::output_error>([&] { mw::detail::output_file(calls, folder / "text"); }), "File exists");
}

TEST_CASE("the file that standard output goes to is not replaced under it") {
    scratch const folder;
    std::string const path = folder.file("out", "");
    int const before = dup(STDERR_FILENO);
    int const out = open(path.c_str(), O_WRONLY);
    dup2(out, STDERR_FILENO);
    std::string const said = refusal<mw::output_error>([&] { mw::write_file(path, "text"); });
    dup2(before, STDERR_FILENO);
    close(out), close(before);
    has(said, "this program's own output");
}

}  // namespace
