// checkpoints: any mesh loads any other's, retention, the lock, differences, and damage of every kind.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <thread>

#include "scratch.hpp"
#include "small_model.hpp"

#include <meshwise/io/checkpoints.hpp>

namespace {

namespace mw = meshwise;

// what a run keeps besides tensors
struct counters {
    std::uint64_t samples = 0;
    double rate = 0;
    bool warm = false;
    std::int32_t below = 0;
    template <class F>
    void visit_state(F f) {
        f("samples", samples), f("rate", rate), f("warm", warm), f("below", below);
    }
    bool operator==(counters const&) const = default;
};
counters const some{.samples = UINT64_MAX, .rate = 0.1, .warm = true, .below = -7};

template <class P, class S>
std::string save(std::string const& folder, std::uint64_t step, std::uint64_t seed = 5,
                 mw::checkpoint_options options = {}) {
    std::string before;
    mw::checkpoints store(folder, options);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<typename P::template model<S>>(here, mw::seed{seed});
        auto numbers = some;
        store.save(here, step, mw::state_of("model", model, "numbers", numbers));
        auto const all = small::content(here, model);
        if (here.is_first().on_this_rank()) before = all;
    });
    return before;
}
template <class P, class S>
std::string load(std::string const& folder, std::uint64_t step, mw::checkpoint_options options = {}) {
    std::string after;
    mw::checkpoints const store(folder, options);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        typename P::template model<S> model;
        counters numbers;
        auto const found = store.resume(here, mw::state_of("model", model, "numbers", numbers));
        CHECK(found == step);
        CHECK(numbers == some);
        auto const all = small::content(here, model);
        if (here.is_first().on_this_rank()) after = all;
    });
    return after;
}

TEST_CASE("saved on any mesh, loaded on any other: the same bits") {
    std::vector<std::string> all;
    auto const saved_on = [&]<class P>(P*) {
        scratch const folder;
        all.push_back(save<P, typename P::by_both>(folder.path(), 1));
        all.push_back(save<P, typename P::by_columns>(folder.path(), 2));
        auto const loaded_on = [&]<class Q>(Q*) {
            all.push_back(load<Q, typename Q::by_both>(folder.path(), 2));
            all.push_back(load<Q, typename Q::by_columns>(folder.path(), 2));
        };
        loaded_on(static_cast<small::places<1, 1>*>(nullptr));
        loaded_on(static_cast<small::places<2, 1>*>(nullptr));
        loaded_on(static_cast<small::places<1, 2>*>(nullptr));
        loaded_on(static_cast<small::places<2, 2>*>(nullptr));
        loaded_on(static_cast<small::places<4, 1>*>(nullptr));
        loaded_on(static_cast<small::places<1, 4>*>(nullptr));
    };
    saved_on(static_cast<small::places<1, 1>*>(nullptr));
    saved_on(static_cast<small::places<2, 1>*>(nullptr));
    saved_on(static_cast<small::places<1, 2>*>(nullptr));
    saved_on(static_cast<small::places<2, 2>*>(nullptr));
    saved_on(static_cast<small::places<4, 1>*>(nullptr));
    saved_on(static_cast<small::places<1, 4>*>(nullptr));
    CHECK(all.size() == 6 * 14);
    REQUIRE(all[0].size() == (5 * 12 + 2 * 12 * 2 + 1) * sizeof(float));
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i] != all[0]) FAIL_CHECK("differs: " << i);
}

TEST_CASE("a replicated value is written once, and ranks take turns") {
    scratch const folder;
    using P = small::places<2, 2>;
    save<P, P::by_both>(folder.path(), 7);
    auto const stored =
        mw::detail::manifest::read(mw::detail::file_calls::of_system(), folder / "step-000007/MANIFEST.json");
    CHECK(stored.step == 7);
    CHECK(stored.mesh == "outer 2 x inner 2");
    REQUIRE(stored.files.size() == 4);
    CHECK(stored.tensors.at("model.table").boxes.size() ==
          4);  // split both ways; the second has one row of padding
    CHECK(stored.tensors.at("model.layers.0").boxes.size() == 2);
    CHECK(stored.tensors.at("model.scale").boxes.size() == 1);
    CHECK(stored.tensors.at("model.layers.0").boxes[0].file !=
          stored.tensors.at("model.layers.1").boxes[0].file);
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        mw::detail::safetensors_file const file(folder / "step-000007" +
                                                ("/" + mw::detail::manifest::shard_name(i)));
        bytes += file.size() - file.data_begin();
        CHECK(file.size() == stored.files[i].bytes);
    }
    CHECK(bytes == (5 * 12 + 2 * 12 * 2 + 1) * sizeof(float));
}

TEST_CASE("the newest are kept, nothing is overwritten, and what killed jobs left is swept away") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = P::by_both;
    std::string const runs = folder / "deep/runs/";
    std::filesystem::create_directories(runs + "step-000003.tmp-dead");
    folder.file("deep/runs/step-000003.tmp-dead/rank-00000.safetensors", "half");
    folder.file("deep/runs/LATEST.tmp-dead", "half");
    folder.file("deep/runs/mine.tmp-1", "not ours");
    for (std::uint64_t step : {1U, 2U, 3U, 1000000U}) save<P, S>(runs, step, 5, {.keep = 3});
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator(runs))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"LATEST", "lock", "mine.tmp-1", "step-000002", "step-000003",
                                            "step-1000000"});
    CHECK(bytes_of(runs + "LATEST") == "step-1000000\n");
    has(refusal<mw::error>([&] { save<P, S>(runs, 1000000); }), "never overwritten");
    has(refusal<mw::error>([&] { save<P, S>(runs, 4); }), "has step 1000000 already");
    has(refusal<mw::error>([&] { mw::checkpoints(runs, {.keep = 1}); }), "keep at least 2");
}

TEST_CASE("nothing to resume") {
    scratch const folder;
    using P = small::places<2, 1>;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<P::by_both>>(here, mw::seed{5});
        auto const before = small::content(here, model);
        mw::checkpoints const store(folder / "none");
        CHECK_FALSE(store.resume(here, mw::state_of("model", model)).has_value());
        CHECK(small::content(here, model) == before);
        has(refusal<mw::input_error>([&] { store.load(here, 3, mw::state_of("model", model)); }),
            "cannot be opened");
    });
}

TEST_CASE("a second job is refused while the first lives") {
    scratch const folder;
    using P = small::places<1, 1>;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<P::by_both>>(here, mw::seed{5});
        auto const state = mw::state_of("model", model);
        {
            mw::checkpoints first(folder.path()), second(folder.path());
            first.save(here, 1, state);
            has(refusal<mw::output_error>([&] { second.save(here, 2, state); }), "another job saves into");
            first.save(here, 2, state);
        }
        mw::checkpoints(folder.path()).save(here, 3, state);
    });
}

struct calls_without_locks : mw::detail::file_calls {
    int asked = 0;
    int lock(int) override { return errno = asked++ == 0 ? EINTR : ENOLCK, -1; }
};

TEST_CASE("a file system without locks is no second job") {
    scratch const folder;
    using P = small::places<1, 1>;
    calls_without_locks calls;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<P::by_both>>(here, mw::seed{5});
        mw::checkpoints store(folder.path(), {.calls = &calls});
        has(refusal<mw::output_error>([&] { store.save(here, 1, mw::state_of("model", model)); }),
            "cannot be locked");
    });
    CHECK(calls.asked == 2);  // again after a signal
}

TEST_CASE("all differences at once; a part alone may be loaded, but not resumed") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = P::by_both;
    save<P, S>(folder.path(), 1);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        mw::checkpoints const store(folder.path());
        auto model = mw::init<P::model<S>>(here, mw::seed{77});
        auto const before = small::content(here, model);
        auto wrong = mw::init<P::model<S, double>>(here, mw::seed{77});
        std::uint64_t rate = 0, more = 0;
        std::string const why = refusal<mw::input_error>(
            [&] { store.load(here, 1, mw::state_of("model", wrong, "numbers.rate", rate, "more", more)); });
        for (auto const* line : {"6 differences:", "'model.table' has elements of F32 there, but of F64 here",
                                 "'numbers.rate' is 0.1 there, which is not a number of its type here",
                                 "'more', a number, is missing there"})
            has(why, line);
        has(refusal<mw::input_error>([&] { store.resume(here, mw::state_of("model", model)); }),
            "4 differences:\n  'numbers.below' is there, but the program does not have it");
        has(refusal<mw::input_error>([&] { store.load(here, 1, mw::state_of("model.table", model.layers)); }),
            "'model.table' is there, but the program does not have it");
        CHECK(small::content(here, model) == before);
        CHECK_NOTHROW(store.load(here, 1, mw::state_of("model", model)));
        CHECK(small::content(here, model) != before);
    });
}

TEST_CASE("numbers that differ between ranks are refused on all") {
    scratch const folder;
    using P = small::places<2, 1>;
    std::atomic<int> told = 0;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        std::uint64_t samples = here.index().on_this_rank();
        mw::checkpoints store(folder.path());
        std::string const why =
            refusal<mw::error>([&] { store.save(here, 1, mw::state_of("samples", samples)); });
        if (why.find("rank 0 has step 1, samples 0; rank 1 has step 1, samples 1") != why.npos) ++told;
    });
    CHECK(told == 2);
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("every flipped byte and every truncation is detected, and the place is named") {
    scratch const folder;
    using P = small::places<2, 1>;
    struct rows : mw::axis<1024> {};
    struct columns : mw::axis<600> {};
    // so large that a shard has three chunks
    using big_strategy =
        mw::strategy<mw::mesh<P::outer, P::inner>, mw::split<rows, P::outer>, mw::on<mw::serial>>;
    mw::run<big_strategy>(mw::threads{}, [&](auto& here) {
        auto big = mw::tensor_of<big_strategy, double, rows, columns>::uninitialized();
        mw::fill_by_index(big, [](std::size_t i) { return static_cast<double>(i) * 0.37; });
        mw::checkpoints(folder.path()).save(here, 4, mw::state_of("big", big));
    });
    mw::detail::checkpoint_folder const store(folder.path());
    auto const why = [&] {
        std::string said;
        mw::run<big_strategy>(mw::threads{}, [&](auto& here) {
            mw::tensor_of<big_strategy, double, rows, columns> big;
            std::string const mine = refusal<mw::input_error>(
                [&] { mw::checkpoints(folder.path()).resume(here, mw::state_of("big", big)); });
            if (here.is_first().on_this_rank()) said = mine;
        });
        return said;
    };
    CHECK(why().empty());
    std::mt19937_64 random(1);
    std::size_t undetected = 0, unnamed = 0, cases = 0;
    for (auto const* name : {"MANIFEST.json", "rank-00000.safetensors", "rank-00001.safetensors"}) {
        std::string const path = store.path_of(4) + "/" + name;
        std::string const good = bytes_of(path);
        bool const is_manifest = name[0] == 'M';
        if (!is_manifest) CHECK(good.size() > 2 * mw::detail::chunk_bytes);
        auto const expect = [&](std::string const& bad, std::string const& place) {
            std::ofstream(path, std::ios::binary) << bad;
            std::string const said = why();
            ++cases;
            if (said.empty()) ++undetected;
            if (said.find(name) == said.npos || said.find(place) == said.npos) {
                ++unnamed;
                MESSAGE("not named: " << place << " in: " << said);
            }
        };
        for (int i = 0; i < 40; ++i) {
            std::string bad = good;
            std::size_t const at = random() % good.size();
            bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1U << random() % 8));
            expect(bad, is_manifest ? "MANIFEST.json', byte"
                                    : "chunk " + std::to_string(at / mw::detail::chunk_bytes) + " (");
        }
        for (std::size_t length : {std::size_t{0}, std::size_t{1}, good.size() / 2, good.size() - 1})
            expect(good.substr(0, length), is_manifest
                                               ? "MANIFEST.json', byte"
                                               : "chunk " + std::to_string(length / mw::detail::chunk_bytes));
        expect(good + "x", is_manifest ? "MANIFEST.json', byte" : "instead of");
        std::ofstream(path, std::ios::binary) << good;
        CHECK(why().empty());
        std::filesystem::remove(path);
        std::filesystem::create_symlink("/dev/zero", path);
        has(why(), "it is a link");
        std::filesystem::remove(path);
        has(why(), "cannot be opened");
        std::ofstream(path, std::ios::binary) << good;
    }
    CHECK(cases == 3 * 45);
    CHECK(undetected == 0);
    CHECK(unnamed == 0);
    std::filesystem::rename(store.path_of(4), store.path_of(5));
    has(why(), "holds step 4");
}

TEST_CASE("10,000 flipped bytes of a shard, and truncation at each 512 bytes") {
    scratch const folder;
    using P = small::places<1, 1>;
    struct rows : mw::axis<128> {};
    struct columns : mw::axis<120> {};
    using S = mw::strategy<mw::mesh<P::outer, P::inner>, mw::on<mw::serial>>;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto x = mw::tensor_of<S, float, rows, columns>::uninitialized();
        mw::fill_by_index(x, [](std::size_t i) { return static_cast<float>(i) * 0.37F; });
        mw::checkpoints(folder.path()).save(here, 1, mw::state_of("x", x));
    });
    auto& calls = mw::detail::file_calls::of_system();
    std::string const path = folder / "step-000001/rank-00000.safetensors";
    auto const stored = mw::detail::manifest::read(calls, folder / "step-000001/MANIFEST.json").files.at(0);
    mw::detail::open_file const file(calls, path, O_RDWR);
    auto const said = [&] {
        return refusal<mw::input_error>([&] { mw::detail::verify_shard(file, stored); });
    };
    REQUIRE(said().empty());
    std::string const good = bytes_of(path);
    std::mt19937_64 random(2);
    std::size_t found = 0;
    for (int i = 0; i < 10000; ++i) {
        std::size_t const at = random() % good.size();
        char const bad = static_cast<char>(good[at] ^ static_cast<char>(1 + random() % 255));
        file.write(&bad, 1, at);
        if (said().find(path + "', chunk 0 (") == 1) ++found;
        file.write(&good[at], 1, at);
    }
    CHECK(found == 10000);
    found = 0;
    for (std::size_t length = 0; length < good.size(); length += 512) {
        REQUIRE(truncate(path.c_str(), static_cast<off_t>(length)) == 0);
        if (said().find(path + "', chunk 0: the file has " + std::to_string(length)) == 1) ++found;
    }
    CHECK(found == (good.size() + 511) / 512);
    file.write(good.data(), good.size(), 0);
    CHECK(said().empty());
}

// a disk that takes its time: nothing is flushed until it may be
struct slow_calls : mw::detail::file_calls {
    std::atomic<bool> may_flush = false;
    std::atomic<int> flushes = 0, fail_at = -1;
    int fsync(int file) override {
        while (!may_flush) std::this_thread::yield();
        if (flushes++ == fail_at) return errno = EIO, -1;
        return mw::detail::file_calls::fsync(file);
    }
};

TEST_CASE("saved beside the training: what is saved is the state as it was, and nobody waits for the disk") {
    scratch const folder;
    using P = small::places<2, 2>;
    using S = P::by_both;
    slow_calls calls;
    std::string first, second;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<S>>(here, mw::seed{5});
        std::uint64_t samples = 17;
        auto const state = mw::state_of("model", model, "samples", samples);
        mw::checkpoints store(folder.path(), {.calls = &calls});
        CHECK(store.advance(here));  // nothing goes on
        if (here.is_first().on_this_rank()) calls.may_flush = true;
        store.save(here, 1, state);
        if (here.is_first().on_this_rank()) calls.may_flush = false;
        here.team().barrier(here.team().mesh().every_axis());

        auto const before = small::content(here, model);
        if (here.is_first().on_this_rank()) first = before;
        store.save_beside(here, 2, state);
        for (int step = 0; step < 3; ++step) {  // training goes on while the disk does nothing
            for (auto& v : model.table.mutable_local_span()) v += 1;
            ++samples;
            CHECK_FALSE(store.advance(here));
        }
        CHECK(store.latest(here) == 1);
        here.team().barrier(here.team().mesh().every_axis());
        if (here.is_first().on_this_rank()) calls.may_flush = true;
        store.finish(here);
        CHECK(store.advance(here));
        CHECK(store.latest(here) == 2);

        auto const after = small::content(here, model);
        if (here.is_first().on_this_rank()) second = after;
        store.save_beside(here, 3, state);
        store.save_beside(here, 4, state);  // finishes the one before
        CHECK(store.latest(here) == 3);
        while (!store.advance(here)) std::this_thread::yield();
        CHECK(store.latest(here) == 4);
        store.load(here, 4, state);
        CHECK(samples == 20);
        store.save_beside(here, 5, state);
    });  // the object's end finishes it
    CHECK(first != second);
    using one = small::places<1, 1>;
    mw::run<one::by_both>(mw::threads{}, [&](auto& here) {
        one::model<one::by_both> model;
        std::uint64_t samples = 0;
        auto const state = mw::state_of("model", model, "samples", samples);
        mw::checkpoints store(folder.path());
        CHECK(store.resume(here, state) == 5);
        CHECK(small::content(here, model) == second);
        CHECK(std::filesystem::exists(folder / "step-000004"));
        store.save(here, 6, state);
    });
    // the save of step 2 held what the state was when it began
    scratch const other;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<S>>(here, mw::seed{5});
        auto const state = mw::state_of("model", model);
        mw::checkpoints store(other.path());
        store.save_beside(here, 1, state);
        for (auto& v : model.table.mutable_local_span()) v += 1;
        store.finish(here);
        store.load(here, 1, state);
        auto const loaded = small::content(here, model);
        if (here.is_first().on_this_rank()) CHECK(loaded == first);
    });
}

// what is printed on standard error meanwhile
template <class F>
std::string printed(F f) {
    scratch const folder;
    std::string const path = folder.file("err", "");
    std::fflush(stderr);
    int const before = dup(STDERR_FILENO), file = open(path.c_str(), O_WRONLY | O_APPEND);
    dup2(file, STDERR_FILENO);
    f();
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(file), close(before);
    return bytes_of(path);
}

TEST_CASE("save_beside as the last call: finished by the object's end, or a line says that it is lost") {
    using P = small::places<2, 1>;
    using S = P::by_both;
    auto const steps_in = [](scratch const& folder) {
        return mw::detail::checkpoint_folder(folder.path()).steps();
    };
    using steps = std::vector<std::uint64_t>;
    auto const train = [](scratch const& folder, auto after, mw::checkpoint_options options = {}) {
        mw::run<S>(mw::threads{}, [&](auto& here) {
            auto model = mw::init<P::model<S>>(here, mw::seed{5});
            auto const state = mw::state_of("model", model);
            mw::checkpoints store(folder.path(), options);
            store.save(here, 1, state);
            store.save_beside(here, 2, state);
            after(here, store);
        });
    };
    {
        scratch const folder;
        CHECK(printed([&] { train(folder, [](auto&, auto&) {}); }) == "");
        CHECK(steps_in(folder) == steps{1, 2});
        mw::run<S>(mw::threads{}, [&](auto& here) {
            P::model<S> model;
            CHECK(mw::checkpoints(folder.path()).resume(here, mw::state_of("model", model)) == 2);
        });
    }
    {  // after a call of advance it is at another stage
        scratch const folder;
        CHECK(printed([&] { train(folder, [](auto& here, auto& store) { store.advance(here); }); }) == "");
        CHECK(steps_in(folder) == steps{1, 2});
    }
    {
        scratch const folder;
        std::string const said = printed([&] {
            CHECK_THROWS_AS(train(folder,
                                  [](auto& here, auto&) {
                                      if (!here.is_first().on_this_rank())
                                          throw std::runtime_error("of one rank");
                                      here.team().barrier(here.team().mesh().every_axis());
                                  }),
                            std::runtime_error);
        });
        has(said, "the checkpoint of step 2 in '" + folder.path() + "' is lost");
        has(said, "because of an exception");
        CHECK(std::count(said.begin(), said.end(), '\n') == 1);
        CHECK(steps_in(folder) == steps{1});
    }
    {
        scratch const folder;
        std::string const said = printed([&] {
            mw::checkpoints store(folder.path());
            using one = small::places<1, 1>;
            mw::run<one::by_both>(mw::threads{}, [&](auto& here) {
                auto model = mw::init<one::model<one::by_both>>(here, mw::seed{5});
                store.save_beside(here, 2, mw::state_of("model", model));
            });
        });
        has(said, "the checkpoint of step 2 in");
        has(said, "the run that began it has ended");
        CHECK(steps_in(folder).empty());
    }
    {
        struct full : mw::detail::file_calls {
            std::atomic<bool> now = false;
            int allocate(int file, std::uint64_t bytes) override {
                if (now) return errno = ENOSPC, -1;
                return mw::detail::file_calls::allocate(file, bytes);
            }
        } calls;
        scratch const folder;
        calls.now = true;
        std::string const said = printed([&] {
            mw::run<S>(mw::threads{}, [&](auto& here) {
                auto model = mw::init<P::model<S>>(here, mw::seed{5});
                mw::checkpoints store(folder.path(), {.calls = &calls});
                store.save_beside(here, 2, mw::state_of("model", model));
            });
        });
        has(said, "is lost: ");
        has(said, "No space left");
        CHECK(std::count(said.begin(), said.end(), '\n') == 1);
        CHECK(steps_in(folder).empty());
    }
}

/// The disk takes longer than a collective may, for one rank's shard.
struct sluggish_calls : mw::detail::file_calls {
    int fsync(int file) override {
        if (of_one(file)) std::this_thread::sleep_for(std::chrono::milliseconds(2000));
        return mw::detail::file_calls::fsync(file);
    }
    std::int64_t pread(int file, void* to, std::size_t bytes, std::uint64_t at) override {
        if (of_one(file) && !read.exchange(true))
            std::this_thread::sleep_for(std::chrono::milliseconds(2000));
        return mw::detail::file_calls::pread(file, to, bytes, at);
    }
    static bool of_one(int file) {
        auto const name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file)).string();
        return name.ends_with("rank-00001.safetensors");
    }
    std::atomic<bool> read = false;
};

TEST_CASE("a disk that takes longer than the deadline of collectives is waited for") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = P::by_both;
    sluggish_calls calls;
    mw::run<S>(mw::threads{.deadline = std::chrono::milliseconds(1000)}, [&](auto& here) {
        auto model = mw::init<P::model<S>>(here, mw::seed{5});
        auto const state = mw::state_of("model", model);
        mw::checkpoints store(folder.path(), {.calls = &calls});
        store.save(here, 1, state);
        store.save_beside(here, 2, state);
        store.finish(here);
        CHECK(store.resume(here, state) == 2);
    });
    CHECK(calls.read);
}

TEST_CASE("a failure beside the training is thrown on all ranks, and the older checkpoint stays") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = P::by_both;
    for (int fail_at = 0; fail_at < 5; ++fail_at) {  // two shards, the manifest, its folder, the name
        slow_calls calls;
        calls.may_flush = true;
        std::string const runs = folder / std::to_string(fail_at);
        std::atomic<int> told = 0;
        mw::run<S>(mw::threads{}, [&](auto& here) {
            auto model = mw::init<P::model<S>>(here, mw::seed{5});
            auto const state = mw::state_of("model", model);
            mw::checkpoints store(runs, {.calls = &calls});
            store.save(here, 1, state);
            auto const before = small::content(here, model);
            for (auto& v : model.table.mutable_local_span()) v += 1;
            here.team().barrier(here.team().mesh().every_axis());
            if (here.is_first().on_this_rank()) calls.flushes = 0, calls.fail_at = fail_at;
            here.team().barrier(here.team().mesh().every_axis());
            store.save_beside(here, 2, state);
            std::string const why = refusal<mw::output_error>([&] { store.finish(here); });
            if (why.find("cannot be flushed to the disk") != why.npos) ++told;
            CHECK(store.advance(here));  // it is over
            auto const newest = store.resume(here, state);
            CHECK(newest == (fail_at < 4 ? 1 : 2));  // only its name was not flushed: it is whole
            if (fail_at < 4) CHECK(small::content(here, model) == before);
            store.save(here, 3, state);
            CHECK(store.resume(here, state) == 3);
        });
        CHECK(told == 2);
        for (auto const& entry : std::filesystem::directory_iterator(runs))
            CHECK(entry.path().string().find(".tmp-") == std::string::npos);
    }
}

TEST_CASE("every byte of a manifest, and every length") {
    scratch const folder;
    using P = small::places<2, 1>;
    save<P, P::by_both>(folder.path(), 1);
    std::string const path = folder / "step-000001/MANIFEST.json", good = bytes_of(path);
    auto const refused = [&](std::string const& text) {
        return !refusal<mw::input_error>([&] { mw::detail::manifest_reader(path, text).read(); }).empty();
    };
    CHECK_FALSE(refused(good));
    std::size_t taken = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        for (int bit = 0; bit < 8; ++bit) {
            bad[i] = static_cast<char>(good[i] ^ static_cast<char>(1U << bit));
            if (!refused(bad)) ++taken;
        }
        if (!refused(good.substr(0, i))) ++taken;
    }
    CHECK(taken == 0);
}

TEST_CASE("boxes that hold each element once: as counting the elements says") {
    using mw::detail::box;
    std::mt19937_64 random(3);
    auto const below = [&](std::uint64_t n) { return random() % n; };
    std::size_t tilings = 0, cases = 0;
    for (int round = 0; round < 4000; ++round) {
        std::vector<std::uint64_t> whole(1 + below(4));
        for (auto& extent : whole) extent = 1 + below(5);
        std::vector<box> boxes{{std::vector<std::uint64_t>(whole.size(), 0), whole}};
        for (std::uint64_t cuts = below(8); cuts > 0; --cuts) {  // a tiling by cuts
            box& one = boxes[below(boxes.size())];
            std::size_t const axis = below(whole.size());
            if (one.extent[axis] < 2) continue;
            box rest = one;
            one.extent[axis] = 1 + below(one.extent[axis] - 1);
            rest.first[axis] += one.extent[axis], rest.extent[axis] -= one.extent[axis];
            boxes.push_back(rest);
        }
        if (round % 3 == 1) {  // one box elsewhere, or of another size
            box& one = boxes[below(boxes.size())];
            std::size_t const axis = below(whole.size());
            one.extent[axis] = 1 + below(whole[axis]);
            one.first[axis] = below(whole[axis] - one.extent[axis] + 1);
        }
        if (round % 7 == 2) boxes.push_back(boxes[below(boxes.size())]);
        if (round % 11 == 3) boxes.pop_back();
        std::map<std::vector<std::uint64_t>, int> counts;
        box const all{std::vector<std::uint64_t>(whole.size(), 0), whole};
        for (box const& one : boxes)
            for (std::uint64_t i = 0; i < one.size(); ++i) {
                std::vector<std::uint64_t> at = one.first;
                std::uint64_t rest = i;
                for (std::size_t axis = at.size(); axis-- > 0; rest /= one.extent[axis])
                    at[axis] += rest % one.extent[axis];
                ++counts[at];
            }
        bool once = counts.size() == all.size();
        for (auto const& [at, count] : counts) once = once && count == 1;
        std::vector<box const*> pointers;
        for (box const& one : boxes) pointers.push_back(&one);
        ++cases, tilings += once;
        if (mw::detail::is_tiling(pointers, whole) != once) FAIL_CHECK("round " << round);
    }
    CHECK(tilings > cases / 3);
    CHECK(tilings < cases * 9 / 10);
    // a pinwheel, which no cut divides
    std::vector<box> const wheel{
        {{0, 0}, {1, 2}}, {{0, 2}, {2, 1}}, {{2, 1}, {1, 2}}, {{1, 0}, {2, 1}}, {{1, 1}, {1, 1}}};
    std::vector<box const*> pointers;
    for (box const& one : wheel) pointers.push_back(&one);
    CHECK(mw::detail::is_tiling(pointers, {3, 3}));
    pointers.pop_back();
    CHECK_FALSE(mw::detail::is_tiling(pointers, {3, 3}));
    CHECK_FALSE(mw::detail::is_tiling({}, {3, 3}));
    CHECK_FALSE(mw::detail::is_tiling({}, {}));
}

TEST_CASE("64,000 boxes are read") {
    for (bool const of_one_file : {true, false}) {
        std::vector<std::string> parts, lines;
        for (int i = 0; i < 64000; ++i)
            parts.push_back(R"({"name":"a","dtype":"U8","shape":[320,200],"first":[)" +
                            std::to_string(i / 200) + "," + std::to_string(i % 200) +
                            R"(],"extent":[1,1],"begin":0})");
        for (std::size_t i = 0; i < (of_one_file ? 1 : parts.size()); ++i) {
            std::string line = mw::detail::file_line(i, {.bytes = 100, .digest = 0, .checksums = {0}}, {});
            std::string held = parts[i];
            for (std::size_t j = 1; of_one_file && j < parts.size(); ++j) held += "," + parts[j];
            lines.push_back(line.replace(line.find("[]"), 2, "[" + held + "]"));
        }
        std::string const text = mw::detail::manifest_text(1, "one", {}, lines), path = "MANIFEST.json";
        auto const stored = mw::detail::manifest_reader(path, text).read();
        CHECK(stored.tensors.at("a").boxes.size() == 64000);
    }
}

// a manifest by hand, its checksum right: what the parts of a tensor must be
TEST_CASE("parts of a tensor are its elements, each once") {
    auto const why = [](std::string const& parts, std::uint64_t bytes = 100) {
        mw::detail::saved_file file{.bytes = bytes, .digest = 0, .checksums = {0}};
        std::string line = mw::detail::file_line(0, file, {});
        line.replace(line.find("[]"), 2, "[" + parts + "]");
        std::string const text = mw::detail::manifest_text(1, "one", {}, {line});
        std::string const path = "MANIFEST.json";
        return refusal<mw::input_error>([&] { mw::detail::manifest_reader(path, text).read(); });
    };
    auto const part = [](std::string const& shape, std::string const& first, std::string const& extent,
                         std::string const& begin = "0", std::string const& type = "U8") {
        return R"({"name":"a","dtype":")" + type + R"(","shape":[)" + shape + R"(],"first":[)" + first +
               R"(],"extent":[)" + extent + R"(],"begin":)" + begin + "}";
    };
    CHECK(why(part("4,2", "0,0", "4,2")).empty());
    CHECK(why(part("4,2", "0,0", "2,2") + "," + part("4,2", "2,0", "2,2")).empty());
    CHECK(why(part("", "", "")).empty());
    has(why(part("4,2", "0,0", "3,2")), "do not hold each of its elements once");
    has(why(part("4,2", "0,0", "3,2") + "," + part("4,2", "2,0", "2,2")), "each of its elements once");
    has(why(part("4,2", "0,0", "3,2") + "," + part("4,2", "2,0", "1,2")), "each of its elements once");
    has(why(part("", "", "") + "," + part("", "", "")), "each of its elements once");
    has(why(part("4,2", "1,0", "4,2")), "outside its shape");
    has(why(part("4,2", "0,0", "4,0")), "outside its shape");
    has(why(part("4", "18446744073709551615", "2")), "outside its shape");
    has(why(part("4,2", "0", "4")), "outside its shape");
    has(why(part("4,2", "0,0", "4,2", "93")), "outside its file");
    has(why(part("4,2", "0,0", "4,2", "18446744073709551615")), "outside its file");
    has(why(part("4,2", "0,0", "4,2", "0", "F64") + "," + part("4,2", "0,0", "4,2")),
        "differ in type or shape");
    has(why(part("4,2", "0,0", "4,2"), mw::detail::chunk_bytes + 1), "number of checksums");
}

}  // namespace
