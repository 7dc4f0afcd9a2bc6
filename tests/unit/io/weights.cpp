// weights: any mesh reads what any other wrote, only its own part of it; every difference is named at once.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>

#include <sys/stat.h>

#include "scratch.hpp"
#include "small_model.hpp"

#include <meshwise/io/weights.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/packed.hpp>

namespace {

namespace mw = meshwise;

template <class P, class S>
std::string save(std::string const& path) {
    std::string before;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<typename P::template model<S>>(here, mw::seed{5});
        mw::save_weights(here, model, path, {.metadata = {{"made by", "a test"}}});
        auto const all = small::content(here, model);
        if (here.is_first().on_this_rank()) before = all;
    });
    return before;
}
template <class P, class S, class T = float>
std::string load(std::string const& path, mw::load_options options = {}) {
    std::string after;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        typename P::template model<S, T> model;  // no initial values
        mw::load_weights(here, model, path, options);
        auto const all = small::content(here, model);
        if (here.is_first().on_this_rank()) after = all;
    });
    return after;
}

TEST_CASE(
    "saved on one mesh, loaded on any other: the same bits, and a file that does not depend on the mesh") {
    scratch const folder;
    using one = small::places<1, 1>;
    std::string const path = folder / "one.safetensors";
    std::string const expected = save<one, one::by_both>(path);
    CHECK(expected.size() == (5 * 12 + 2 * 12 * 2 + 1) * sizeof(float));
    std::string const file = bytes_of(path);
    auto const on = [&]<class P>(P*) {
        std::string const other = folder / "other.safetensors";
        CHECK(save<P, typename P::by_both>(other) == expected);
        CHECK(bytes_of(other) == file);
        CHECK(load<P, typename P::by_both>(path) == expected);
        CHECK(load<P, typename P::by_columns>(path) == expected);
    };
    on(static_cast<small::places<1, 1>*>(nullptr));
    on(static_cast<small::places<1, 2>*>(nullptr));
    on(static_cast<small::places<2, 1>*>(nullptr));
    on(static_cast<small::places<2, 2>*>(nullptr));
    on(static_cast<small::places<4, 1>*>(nullptr));
    // what another reader of the format sees
    mw::detail::safetensors_file const seen(path);
    CHECK(seen.metadata().at("made by") == "a test");
    REQUIRE(seen.find("table") != nullptr);
    CHECK(seen.find("table")->shape == std::vector<std::uint64_t>{5, 12});
    CHECK(seen.find("layers.1")->shape == std::vector<std::uint64_t>{12, 2});
    CHECK(seen.find("scale")->shape.empty());
    CHECK(file.substr(seen.find("table")->begin, 5 * 12 * 4) == expected.substr(0, 5 * 12 * 4));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);  // nothing left beside
}

TEST_CASE("padding becomes zero, whatever lay there") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = P::by_both;
    std::string const path = folder / "w.safetensors";
    save<P, S>(path);
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<S>>(here, mw::seed{99});
        mw::load_weights(here, model, path);
        auto const whole = here.gather(model.table);
        for (std::size_t i = 0; i < whole.size(); ++i) CHECK((whole[i] == 0) == (i >= 5 * 12));
    });
}

TEST_CASE("ranks that load different files are told of each other") {
    scratch const folder;
    using P = small::places<2, 1>;
    using S = mw::strategy<P::by_both::mesh>;  // all is whole on every rank
    for (std::size_t i = 0; i < 2; ++i)
        mw::run<S>(mw::threads{}, [&](auto& here) {
            auto model = mw::init<P::model<S>>(here, mw::seed{i});
            mw::save_weights(here, model, folder / ("w" + std::to_string(i)));
        });
    std::string said;
    try {
        mw::run<S>(mw::threads{}, [&](auto& here) {
            auto model = mw::init<P::model<S>>(here, mw::seed{5});
            mw::load_weights(here, model, folder / ("w" + std::to_string(here.index().on_this_rank())));
        });
    } catch (mw::error const& e) { said = e.what(); }
    CHECK_MESSAGE(said.find("loaded different weights") != std::string::npos, said);
}

TEST_CASE("all differences in one error, the same on all ranks, and the model is as it was") {
    scratch const folder;
    std::vector<mw::detail::stored_tensor> tensors{{"table", mw::detail::stored_type::F32, {12, 5}},
                                                   {"layers.0", mw::detail::stored_type::BF16, {12, 2}},
                                                   {"scale", mw::detail::stored_type::I32, {}},
                                                   {"other", mw::detail::stored_type::U8, {3}}};
    std::string const path =
        folder.file("w.safetensors", mw::detail::safetensors_header(tensors) +
                                         std::string(12 * 5 * 4 + 12 * 2 * 2 + 4 + 3, 'x'));
    using P = small::places<2, 1>;
    using S = P::by_both;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<S>>(here, mw::seed{5});
        auto const before = small::content(here, model);
        std::string const why = refusal<mw::input_error>([&] { mw::load_weights(here, model, path); });
        for (
            auto const* line :
            {"5 differences:", "\n  'table' is [12, 5] there, but [5, 12] here",
             "\n  'layers.0' has elements of BF16 there, but of F32 here (can be converted: load_options.convert)",
             "\n  'layers.1' [12, 2] is not there",
             "\n  'scale' has elements of I32 there, but of F32 here\n",
             "\n  'other' [3] is there, but the program does not have it"})
            if (why.find(line) == why.npos) FAIL_CHECK("not in the message: " << line << "\n" << why);
        CHECK(why.find("rank") == why.npos);  // all ranks say so: none is to blame
        CHECK(small::content(here, model) == before);
    });
}

TEST_CASE("a file that one rank alone cannot read is an error on all, and names the rank") {
    struct opens_nothing : mw::detail::file_calls {
        int open(std::string const&, int) override { return errno = EACCES, -1; }
    } bad;
    scratch const folder;
    using P = small::places<2, 1>;
    std::string const path = folder / "w.safetensors";
    save<P, P::by_both>(path);
    std::atomic<int> told = 0;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        P::model<P::by_both> model;
        mw::load_options const options{
            .calls = here.is_first().on_this_rank() ? &mw::detail::file_calls::of_system() : &bad};
        std::string const why =
            refusal<mw::input_error>([&] { mw::load_weights(here, model, path, options); });
        if (why.find("rank 1 (") == 0 && why.find("Permission denied") != why.npos) ++told;
        here.team().barrier(here.team().mesh().every_axis());  // the team is whole
    });
    CHECK(told == 2);
}

TEST_CASE("types are converted when asked, and only then") {
    scratch const folder;
    using P = small::places<1, 2>;
    std::string const path = folder / "w.safetensors";
    std::string const bits = save<P, P::by_both>(path);
    std::vector<float> values(bits.size() / 4);
    std::memcpy(values.data(), bits.data(), bits.size());
    has(refusal<mw::input_error>([&] { load<P, P::by_both, double>(path); }), "4 differences");
    std::string const wide = load<P, P::by_both, double>(path, {.convert = true});
    std::string const narrow = load<P, P::by_both, mw::bfloat16>(path, {.convert = true});
    REQUIRE(wide.size() == 8 * values.size());
    REQUIRE(narrow.size() == 2 * values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        double w = 0;
        mw::bfloat16 n, expected(values[i]);
        std::memcpy(&w, wide.data() + 8 * i, 8);
        std::memcpy(&n, narrow.data() + 2 * i, 2);
        if (w != static_cast<double>(values[i]) || n.bits != expected.bits) FAIL_CHECK("element " << i);
    }
}

TEST_CASE("files behind an index") {
    scratch const folder;
    std::vector<mw::detail::stored_tensor> first{{"table", mw::detail::stored_type::F32, {5, 12}},
                                                 {"scale", mw::detail::stored_type::F32, {}}},
        second{{"layers.0", mw::detail::stored_type::F32, {12, 2}},
               {"layers.1", mw::detail::stored_type::F32, {12, 2}}};
    std::string data(64 * 4, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 60);
    folder.file("m-1.safetensors", mw::detail::safetensors_header(first) + data.substr(0, 61 * 4));
    folder.file("m-2.safetensors", mw::detail::safetensors_header(second) + data.substr(0, 48 * 4));
    auto const index = [&](std::string const& map) {
        return folder.file("m.safetensors.index.json",
                           "{\"metadata\":{\"total_size\":436},\"weight_map\":{" + map + "}}");
    };
    auto const why = [&](std::string const& map) {
        return refusal<mw::input_error>([&] { mw::detail::stored_weights weights(index(map)); });
    };
    std::string const
        rest = R"("scale":"m-1.safetensors","layers.0":"m-2.safetensors","layers.1":"m-2.safetensors")",
        good = R"("table":"m-1.safetensors",)" + rest;
    using P = small::places<2, 1>;
    CHECK(load<P, P::by_columns>(index(good)) ==
          data.substr(0, 60 * 4) + data.substr(0, 48 * 4) + data.substr(60 * 4, 4));
    has(why(rest), "has a tensor 'table' that the index");
    has(why(good + R"(,"more":"m-1.safetensors")"), "names a tensor 'more'");
    has(why(R"("table":"m-2.safetensors",)" + rest), "has a tensor 'table' that the index");
    has(why(good + R"(,"table":"m-1.safetensors")"), "twice");
    for (std::string name :
         {"../m-1.safetensors", "/etc/passwd", "..", ".", "", "a/b", "a\\\\b", "a\\u0000b"})
        has(why("\"table\":\"" + name + "\"," + rest),
            "is not the name of a file in the folder of the index");
    std::filesystem::create_symlink(folder / "m-1.safetensors", folder / "link.safetensors");
    CHECK(load<P, P::by_columns>(index(R"("table":"link.safetensors","scale":"link.safetensors",)" +
                                       rest.substr(rest.find("\"layers.0")))) ==
          data.substr(0, 60 * 4) + data.substr(0, 48 * 4) + data.substr(60 * 4, 4));
    has(why(""), "has no weight_map");
    has(why(R"("table":"none.safetensors",)" + rest), "cannot be opened");
}

TEST_CASE(
    "the cache of the Hugging Face hub: links to the blobs of the same model are followed, and no others") {
    namespace fs = std::filesystem;
    scratch const folder;
    std::vector<mw::detail::stored_tensor> first{{"table", mw::detail::stored_type::F32, {5, 12}},
                                                 {"scale", mw::detail::stored_type::F32, {}}},
        second{{"layers.0", mw::detail::stored_type::F32, {12, 2}},
               {"layers.1", mw::detail::stored_type::F32, {12, 2}}};
    std::string data(64 * 4, '\0');
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i % 60);
    std::string const one = "cache/models--meshwise--small", other = "cache/models--meshwise--other",
                      rev = one + "/snapshots/0123abcd";
    for (auto const& made : {one + "/blobs", other + "/blobs", rev + "/part", std::string("elsewhere/blobs"),
                             std::string("elsewhere/snapshots/rev")})
        fs::create_directories(folder / made);
    std::string const bytes = mw::detail::safetensors_header(first) + data.substr(0, 61 * 4);
    for (auto const& place : {one, other, std::string("elsewhere")}) {
        folder.file(place + "/blobs/aa11", bytes);
        folder.file(place + "/blobs/bb22", mw::detail::safetensors_header(second) + data.substr(0, 48 * 4));
        folder.file(place + "/blobs/cc33",
                    R"({"weight_map":{"table":"m-1.safetensors","scale":"m-1.safetensors",)"
                    R"("layers.0":"m-2.safetensors","layers.1":"m-2.safetensors"}})");
    }
    auto const snapshot = [&](std::string const& place, std::string const& blobs) {
        for (auto const& [name, blob] : {std::pair{"/m-1.safetensors", "aa11"},
                                         {"/m-2.safetensors", "bb22"},
                                         {"/m.safetensors.index.json", "cc33"}}) {
            fs::remove(folder / (place + name));
            fs::create_symlink(blobs + blob, folder / (place + name));
        }
        return folder / (place + "/m.safetensors.index.json");
    };
    auto const why = [](std::string const& index) {
        return refusal<mw::input_error>([&] { mw::detail::stored_weights weights(index); });
    };
    using P = small::places<2, 1>;
    std::string const expected = data.substr(0, 60 * 4) + data.substr(0, 48 * 4) + data.substr(60 * 4, 4);
    CHECK(load<P, P::by_columns>(snapshot(rev, "../../blobs/")) == expected);
    fs::create_directory_symlink(folder / rev, folder / "mine");  // a name of one's own for the snapshot
    CHECK(load<P, P::by_columns>(folder / "mine/m.safetensors.index.json") == expected);
    CHECK(load<P, P::by_columns>(snapshot(rev + "/part", "../../../blobs/")) == expected);
    // one file without an index, as small models have it
    CHECK(mw::detail::stored_weights(folder / (rev + "/m-1.safetensors")).tensors().size() == 2);

    std::string const into_other = why(snapshot(rev, "../../../models--meshwise--other/blobs/"));
    has(into_other,
        "m-2.safetensors' is a link to '" + fs::canonical(folder / other).string() + "/blobs/bb22'");
    has(into_other, "outside of the index's folder and of the blobs of its model");
    has(why(snapshot("elsewhere/snapshots/rev", "../../blobs/")), "outside of the index's folder;");
    has(why(snapshot("elsewhere/snapshots/rev", "/etc/")), "cannot be opened");
    snapshot(rev, "../../blobs/");
    fs::remove(folder / (one + "/blobs/aa11"));
    has(why(folder / (rev + "/m.safetensors.index.json")), "cannot be opened: No such file");
    fs::create_symlink("/etc/hostname",
                       folder / (one + "/blobs/aa11"));  // a blob that leads out of the cache
    has(why(folder / (rev + "/m.safetensors.index.json")), "outside of the index's folder");
    fs::remove(folder / (one + "/blobs/aa11"));
    REQUIRE(mkfifo((folder / (one + "/blobs/aa11")).c_str(), 0600) == 0);
    has(why(folder / (rev + "/m.safetensors.index.json")), "regular file");
}

TEST_CASE(
    "tensors of types that the library does not compute with: skipped, or named where they are wanted") {
    scratch const folder;
    using P = small::places<2, 1>;
    using t = mw::detail::stored_type;
    std::vector<mw::detail::stored_tensor> tensors{
        {"table", t::F32, {5, 12}},  {"layers.0", t::F32, {12, 2}}, {"layers.1", t::F32, {12, 2}},
        {"scale", t::F32, {}},       {"extra.f4", t::F4, {2, 3}},   {"extra.f8", t::F8_E4M3, {7}},
        {"extra.rope", t::C64, {2}}, {"extra.f6", t::F6_E3M2, {4}}, {"extra.exp", t::F8_E8M0, {3}}};
    std::string const header = mw::detail::safetensors_header(tensors);
    std::string const data(tensors.back().end - header.size(), 'x');
    CHECK(load<P, P::by_both>(folder.file("w.safetensors", header + data)) == data.substr(0, 109 * 4));
    tensors[3].type = t::F8_E4M3, tensors[0].type = t::C64;
    std::string const other = mw::detail::safetensors_header(tensors);
    std::string const path =
        folder.file("w.safetensors", other + std::string(tensors.back().end - other.size(), 'x'));
    for (bool const convert : {false, true}) {
        std::string const why =
            refusal<mw::input_error>([&] { load<P, P::by_both>(path, {.convert = convert}); });
        has(why, "2 differences:");
        has(why, "'table' has elements of C64 there, with which this library does not compute");
        has(why, "'scale' has elements of F8_E4M3 there, with which this library does not compute");
    }
}

TEST_CASE("each rank reads its own part") {
    struct rows : mw::axis<1024> {};
    struct columns : mw::axis<2048> {};
    using mesh = small::places<4, 1>;
    using S =
        mw::strategy<mw::mesh<mesh::outer, mesh::inner>, mw::split<rows, mesh::outer>, mw::on<mw::serial>>;
    struct wide {
        mw::tensor_of<S, float, rows, columns> w;
        static constexpr auto fields() { return mw::fields<&wide::w>(); }
    };
    scratch const folder;
    std::vector<mw::detail::stored_tensor> tensors{{"w", mw::detail::stored_type::F32, {1024, 2048}}};
    std::string const header = mw::detail::safetensors_header(tensors);
    std::string const path = folder.file("w.safetensors", header + std::string(8U << 20U, 'x'));
    small::counting_calls calls;
    mw::detail::open_file const file(calls, path, O_RDONLY);
    mw::run<S>(mw::threads{}, [&](auto&) {
        wide model;
        mw::detail::make_room(model.w);
        auto const part = mw::detail::part_of("w", model.w);
        mw::detail::chunk_reader from(file, file.size());
        std::vector<std::byte> scratch_bytes;
        mw::detail::read_box(part, {{0, 0}, {1024, 2048}}, mw::detail::stored_type::F32, tensors[0].begin,
                             from, scratch_bytes);
        for (float v : model.w.local_span())
            if (v != model.w.local_span()[0]) FAIL("not all was read");
    });
    // four quarters of two chunks each, and one chunk more for what the header moves over the edge
    CHECK(calls.bytes >= 8U << 20U);
    CHECK(calls.bytes <= 12U << 20U);
}

struct rows : mw::axis<9> {};
struct in : mw::axis<40> {};
struct out : mw::axis<70> {};
struct one_weight {
    mw::tensor<float, mw::axes<in, out>> weight;
    static constexpr auto parameters = mw::fields<&one_weight::weight>();
};

TEST_CASE("products see loaded weights, although they kept the old ones packed") {
    scratch const folder;
    std::string const path = folder / "w.safetensors";
    using S = mw::strategy<mw::mesh<>>;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        using weights = decltype(one_weight::weight);
        one_weight stored{mw::full<weights>(2)}, model{mw::full<weights>(1)};
        auto const x = mw::full<mw::tensor<float, mw::axes<rows, in>>>(1);
        mw::save_weights(here, stored, path);
        auto const kept = mw::packed(model);
        CHECK(mw::dot<in>(x, model.weight).data()[11] == 40);
        mw::load_weights(here, model, path);
        CHECK(mw::dot<in>(x, model.weight).data()[11] == 80);
    });
}

TEST_CASE("a disk without room leaves the old file and nothing beside it, and says so on all ranks") {
    struct full : mw::detail::file_calls {
        std::int64_t pwrite(int file, void const* from, std::size_t n, std::uint64_t at) override {
            if (at > 200) return errno = ENOSPC, -1;
            return mw::detail::file_calls::pwrite(file, from, n, at);
        }
    } calls;
    scratch const folder;
    using P = small::places<2, 1>;
    std::string const path = folder.file("w.safetensors", "old");
    std::atomic<int> told = 0;
    mw::run<P::by_both>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<P::model<P::by_both>>(here, mw::seed{5});
        std::string const why =
            refusal<mw::output_error>([&] { mw::save_weights(here, model, path, {.calls = &calls}); });
        if (why.find("No space left") != why.npos) ++told;
    });
    CHECK(told == 2);
    CHECK(bytes_of(path) == "old");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

}  // namespace
