// Checkpoints against crashes and failing disks: after every call of a save, for every way in which a crash may treat
// what was not flushed, each checkpoint is whole and the newest is the old or the new one. Protocols with one step left
// out or in another place are caught by the same test.
#include <doctest/doctest.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <functional>
#include <map>
#include <memory>

#include <sys/wait.h>

#include "sanitizers.hpp"
#include "unit/io/scratch.hpp"
#include "unit/io/small_model.hpp"

#include <meshwise/io/checkpoints.hpp>

#include "memory_disk.hpp"

namespace {

namespace mw = meshwise;
using disk::crash;
using disk::memory_disk;

using two = small::places<2, 1>;
using one = small::places<1, 1>;

// the weights of a step, told apart by the seed
template <class P>
std::string save(mw::detail::file_calls& calls, std::string const& folder, std::uint64_t step,
                 bool beside = false) {
    using S = typename P::by_both;
    std::string saved;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<typename P::template model<S>>(here, mw::seed{step});
        auto const all = small::content(here, model);
        if (here.is_first().on_this_rank()) saved = all;
        auto const state = mw::state_of("model", model, "step", step);
        mw::checkpoints store(folder, {.keep = 2, .calls = &calls});
        if (!beside) return store.save(here, step, state);
        store.save_beside(here, step, state);
        store.finish(here);
    });
    return saved;
}
std::string load(mw::detail::file_calls& calls, std::string const& folder, std::uint64_t step) {
    std::string loaded;
    mw::run<one::by_both>(mw::threads{}, [&](auto& here) {
        one::model<one::by_both> model;
        std::uint64_t told = 0;
        mw::checkpoints(folder, {.calls = &calls})
            .load(here, step, mw::state_of("model", model, "step", told));
        if (told == step) loaded = small::content(here, model);
    });
    return loaded;
}

std::map<std::uint64_t, std::string>& contents() {
    static std::map<std::uint64_t, std::string> all;
    return all;
}
std::string expected(std::uint64_t step) {
    auto& known = contents()[step];
    if (known.empty()) {
        memory_disk fresh;
        known = save<one>(fresh, "/x", step);
    }
    return known;
}

// what is wrong with a folder whose newest step is at least this one; empty if nothing
std::string fault(mw::detail::file_calls& calls, std::string const& folder, std::uint64_t at_least) {
    try {
        auto const steps = mw::detail::checkpoint_folder(folder, {.calls = &calls}).steps();
        if (steps.empty() || steps.back() < at_least) return "the newest is lost";
        for (std::uint64_t step : steps)
            if (load(calls, folder, step) != expected(step))
                return "another content in step " + std::to_string(step);
    } catch (std::exception const& e) { return e.what(); }
    return {};
}

struct observed {
    std::size_t images = 0;
    std::vector<std::string> faults;
};

// steps 1 and 2 are there; step 3 is saved by this disk, watched after every call
observed watch(std::function<void(memory_disk&)> const& change, bool beside = false) {
    memory_disk watched;
    save<two>(watched, "/runs/a", 1);
    save<two>(watched, "/runs/a", 2);
    change(watched);
    struct moment {
        crash how;
        std::shared_ptr<disk::node> image;
        std::size_t call;
    };
    std::vector<moment> moments;
    std::uint64_t at_least = 2;
    auto const look = [&] {
        for (crash how : {crash{false, false}, crash{true, false}, crash{false, true}, crash{true, true}})
            moments.push_back({how, watched.image(how), watched.calls_made.size()});
    };
    watched.after = look;
    observed result;
    save<two>(watched, "/runs/a", 3, beside);
    watched.after = nullptr;
    std::size_t const before_return = moments.size();
    look();
    for (std::size_t i = 0; i < moments.size(); ++i) {
        if (i == before_return) at_least = 3;  // save has returned: from now on it is the new one
        auto& m = moments[i];
        memory_disk left(m.image);
        ++result.images;
        std::string wrong = fault(left, "/runs/a", at_least);
        if (wrong.empty()) {  // the next job goes on
            save<one>(left, "/runs/a", 4);
            wrong = fault(left, "/runs/a", 4);
        }
        if (!wrong.empty())
            result.faults.push_back((m.call > 0 ? watched.calls_made[m.call - 1] : "") + ": " + wrong);
    }
    return result;
}

bool ends(std::string const& text, std::string_view end) { return text.ends_with(end); }
bool is_unfinished(std::string const& path) { return path.find(".tmp-") != path.npos; }

TEST_CASE("after every call of a save, and every way to crash there: old or new, whole") {
    for (bool beside : {false, true}) {
        auto const seen = watch([](memory_disk&) {}, beside);
        MESSAGE(seen.images << " images");
        CHECK(seen.images > 150);
        for (auto const& f : seen.faults) FAIL_CHECK(f);
    }
}

TEST_CASE("a protocol with one step left out, or in another place, is caught") {
    std::pair<std::string, std::function<void(memory_disk&)>> const mutants[] = {
        {"shards are not flushed",
         [](memory_disk& d) {
             d.before = [](auto const& call, auto const& path) {
                 return call == "fsync" && ends(path, ".safetensors") ? memory_disk::forget : 0;
             };
         }},
        {"one shard of two is not flushed",
         [](memory_disk& d) {
             d.before = [](auto const& call, auto const& path) {
                 return call == "fsync" && ends(path, "rank-00001.safetensors") ? memory_disk::forget : 0;
             };
         }},
        {"the manifest is not flushed",
         [](memory_disk& d) {
             d.before = [](auto const& call, auto const& path) {
                 return call == "fsync" && ends(path, "MANIFEST.json") ? memory_disk::forget : 0;
             };
         }},
        {"the names in the checkpoint are not flushed",
         [](memory_disk& d) {
             d.before = [](auto const& call, auto const& path) {
                 return call == "fsync" && path.find("/step-000003.tmp-") != path.npos && !ends(path, "s") &&
                                !ends(path, "json")
                            ? memory_disk::forget
                            : 0;
             };
         }},
        {"the new name is not flushed",
         [](memory_disk& d) {
             d.before = [](auto const& call, auto const& path) {
                 return call == "fsync" && path == "/runs/a" ? memory_disk::forget : 0;
             };
         }},
        {"the manifest is flushed after the new name is given",
         [](memory_disk& d) {
             d.before = [&d](auto const& call, auto const& path) {
                 if (call == "fsync" && path == "/runs/a") {
                     int const file = d.open("/runs/a/step-000003/MANIFEST.json", O_RDONLY);
                     if (file >= 0) d.fsync(file), d.close(file);
                 }
                 return call == "fsync" && ends(path, "MANIFEST.json") ? memory_disk::forget : 0;
             };
         }},
        {"older checkpoints are deleted first",
         [](memory_disk& d) {
             d.before = [&d](auto const& call, auto const& path) {
                 if (call == "mkdir" && is_unfinished(path))
                     for (auto const* old : {"/runs/a/step-000001", "/runs/a/step-000002"}) {
                         d.rename(old, std::string(old) + ".tmp-0");
                         mw::detail::checkpoint_folder("/runs/a", {.calls = &d})
                             .remove_all(std::string(old) + ".tmp-0");
                     }
                 return 0;
             };
         }},
        {"files of an old checkpoint are deleted while it has its name",
         [](memory_disk& d) {
             d.renamed_path = [](std::string path) {
                 auto const at = path.find("step-000001.tmp-");
                 return at == path.npos ? path : path.erase(at + 11, 21);
             };
         }},
        {"the checkpoint is written under its name",
         [](memory_disk& d) {
             d.renamed_path = [](std::string path) {
                 auto const at = path.find("step-000003.tmp-");
                 return at == path.npos ? path : path.erase(at + 11, 21);
             };
         }},
    };
    for (auto const& [name, change] : mutants) {
        CAPTURE(name);
        auto const seen = watch(change);
        CHECK(seen.images > 100);
        CHECK_FALSE(seen.faults.empty());
        if (!seen.faults.empty())
            MESSAGE(name << ": caught, " << seen.faults.size() << " times, at " << seen.faults[0]);
    }
}

TEST_CASE("every call fails, once or from then on, and every write is short: old or new, whole, on all ranks "
          "alike") {
    memory_disk counted;
    save<two>(counted, "/runs/a", 1);
    save<two>(counted, "/runs/a", 2);
    std::size_t const start = counted.calls_made.size();
    save<two>(counted, "/runs/a", 3);
    std::size_t const calls = counted.calls_made.size() - start;
    CHECK(calls > 40);
    std::size_t cases = 0, went_on = 0;
    for (int why : {EIO, ENOSPC, EINTR, EACCES, memory_disk::half})
        for (bool for_ever : {false, true})
            for (std::size_t k = 0; k < calls; ++k) {
                if (for_ever && (why == EINTR || why == memory_disk::half))
                    continue;  // the first would never end
                CAPTURE(why);
                CAPTURE(for_ever);
                CAPTURE(k);
                memory_disk d;
                save<two>(d, "/runs/a", 1);
                save<two>(d, "/runs/a", 2);
                std::atomic<std::size_t> at = 0;  // calls
                d.before = [&](auto const&, auto const&) {
                    std::size_t const now = at++;
                    return now == k || (for_ever && now > k) ? why : 0;
                };
                ++cases;
                bool worked = true;
                try {
                    save<two>(d, "/runs/a", 3, k % 2 == 1);
                } catch (mw::error const&) { worked = false; }
                d.before = nullptr;
                if (worked) ++went_on;
                std::string const now = fault(d, "/runs/a", worked ? 3 : 2);
                if (!now.empty()) FAIL_CHECK(now);
                // what the failure left is no hindrance
                save<two>(d, "/runs/a", 4);
                std::string const next = fault(d, "/runs/a", 4);
                if (!next.empty()) FAIL_CHECK(next);
            }
    MESSAGE(cases << " cases, " << went_on << " of which saved nevertheless");
    CHECK(cases >= 300);
    CHECK(went_on > calls / 2);  // interrupted and short calls are taken up again
}

TEST_CASE("a disk that changes a byte in silence is found out") {
    for (std::string const name : {"rank-00000.safetensors", "MANIFEST.json"}) {
        struct lying : memory_disk {
            std::string victim;
            std::int64_t pwrite(int file, void const* from, std::size_t bytes, std::uint64_t at) override {
                std::string data(static_cast<char const*>(from), bytes);
                if (calls_made.back().ends_with(victim)) data.back() = static_cast<char>(data.back() ^ 1);
                return memory_disk::pwrite(file, data.data(), bytes, at);
            }
        } d;
        d.victim = name;
        save<one>(d, "/runs/a", 1);  // one rank: the last call made was for the file that is written now
        CAPTURE(name);
        std::string const wrong = fault(d, "/runs/a", 1);
        INFO(wrong);
        CHECK(wrong.find(name) != wrong.npos);
        CHECK(wrong.find("damaged") != wrong.npos);
    }
}

// the real disk, the real signal
struct deadly_calls : mw::detail::file_calls {
    std::atomic<int> left = 0;
    void count() {
        if (left-- == 0) kill(getpid(), SIGKILL);
    }
    int open(std::string const& p, int f) override { return count(), mw::detail::file_calls::open(p, f); }
    int close(int f) override { return count(), mw::detail::file_calls::close(f); }
    std::int64_t pwrite(int f, void const* d, std::size_t n, std::uint64_t a) override {
        return count(), mw::detail::file_calls::pwrite(f, d, n, a);
    }
    int allocate(int f, std::uint64_t n) override { return count(), mw::detail::file_calls::allocate(f, n); }
    int fsync(int f) override { return count(), mw::detail::file_calls::fsync(f); }
    int make_folder(std::string const& p) override { return count(), mw::detail::file_calls::make_folder(p); }
    int rename(std::string const& a, std::string const& b) override {
        return count(), mw::detail::file_calls::rename(a, b);
    }
    int remove_file(std::string const& p) override { return count(), mw::detail::file_calls::remove_file(p); }
    int remove_folder(std::string const& p) override {
        return count(), mw::detail::file_calls::remove_folder(p);
    }
};

TEST_CASE("kill -9 at every call of a save: old or new, whole, and the next job goes on") {
    if (under_thread_sanitizer) return;  // it does not follow a fork
    std::size_t killed = 0, k = 0;
    for (bool ended = false; !ended && k < 200; ++k) {
        scratch const folder;
        auto& real = mw::detail::file_calls::of_system();
        save<two>(real, folder.path(), 1);
        save<two>(real, folder.path(), 2);
        pid_t const child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            deadly_calls calls;
            calls.left = static_cast<int>(k);
            int code = 0;
            try {
                save<two>(calls, folder.path(), 3);
            } catch (...) { code = 1; }
            _exit(code);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!ended) {
            CHECK(WIFSIGNALED(status));
            CHECK(WTERMSIG(status) == SIGKILL);
            ++killed;
        }
        std::string const wrong = fault(real, folder.path(), ended ? 3 : 2);
        if (!wrong.empty()) FAIL_CHECK("killed at call " << k << ": " << wrong);
        save<two>(real, folder.path(), 4);
        CHECK(fault(real, folder.path(), 4).empty());
    }
    MESSAGE(killed << " kills");
    CHECK(killed > 30);
    CHECK(k < 200);
}

}  // namespace
