// .npy files: what numpy wrote is read on any mesh, what is written is what numpy writes, everything else is refused.
#include <doctest/doctest.h>

#include <cstring>

#include "one_file.hpp"
#include "scratch.hpp"

#include <meshwise/io/npy.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/random_tensors.hpp>

namespace {

namespace mw = meshwise;

struct row : mw::axis<4> {};
struct column : mw::padded<5, 4> {};
struct token : mw::up_to<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using alone = mw::strategy<mw::mesh<>>;
using by_both =
    mw::strategy<mw::mesh<dp, tp>, mw::split<row, dp>, mw::split<token, dp>, mw::split<column, tp>>;
template <class S, class... A>
using ids = mw::tensor_of<S, std::int32_t, A...>;

// a file as numpy 2 writes it
template <class T>
std::string array(std::string const& descr, std::string const& shape, std::vector<T> const& elements,
                  std::string const& order = "False") {
    std::string text =
        "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + shape + "), }";
    text.append(127 - (10 + text.size()), ' ') += '\n';
    std::string file("\x93NUMPY\1", 7);
    file += {'\0', static_cast<char>(text.size()), '\0'};
    file += text;
    file.append(reinterpret_cast<char const*>(elements.data()), elements.size() * sizeof(T));
    return file;
}

template <class S, class Load>
std::vector<double> read(Load load) {
    std::vector<double> seen;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto const all = here.gather(load(here));
        if (here.is_first().on_this_rank()) seen.assign(all.begin(), all.end());
    });
    return seen;
}

TEST_CASE("arrays of numpy on every mesh, whatever their types") {
    scratch const folder;
    std::vector<double> numbers(20), padded(32);
    for (std::size_t i = 0; i < 20; ++i) numbers[i] = padded[i / 5 * 8 + i % 5] = static_cast<double>(i) / 4;
    std::string const doubles = folder.file("f8.npy", array("<f8", "4, 5", numbers));
    auto const both = [&](auto load, std::vector<double> const& expected) {
        CHECK(read<alone>(load) == expected);
        CHECK(read<by_both>(load) == expected);
    };
    both([&](auto& here) { return mw::load_npy<row, column>(here, doubles); }, padded);
    std::string const floats =
        folder.file("f4.npy", array("<f4", "4, 5", std::vector<float>(numbers.begin(), numbers.end())));
    both([&](auto& here) { return mw::load_npy<row, column>(here, floats); }, padded);
    std::string const halves =
        folder.file("f2.npy", array("<f2", "4,", std::vector<std::uint16_t>{0x3C00, 0xC000, 1, 0}));
    both([&](auto& here) { return mw::load_npy<row>(here, halves); }, {1, -2, 0x1p-24, 0});
    std::string const longs = folder.file(
        "i8.npy", array("<i8", "4,", std::vector<std::int64_t>{1, -2, 2'147'483'647, -2'147'483'648}));
    auto const whole_numbers = [](std::string const& path) {
        return [path]<class S>(mw::rank<S>& here) { return mw::load_npy<ids<S, row>>(here, path); };
    };
    both(whole_numbers(longs), {1, -2, 2'147'483'647, -2'147'483'648});
    both(whole_numbers(folder.file("u1.npy", array("|u1", "4,", std::vector<std::uint8_t>{0, 1, 128, 255}))),
         {0, 1, 128, 255});
    both(whole_numbers(folder.file("b1.npy", array("|b1", "4,", std::vector<std::uint8_t>{0, 1, 1, 0}))),
         {0, 1, 1, 0});
    std::string const six = folder.file("six.npy", array("<f4", "6,", std::vector<float>{1, 2, 3, 4, 5, 6}));
    both([&](auto& here) { return mw::load_npy<token>(here, six); }, {1, 2, 3, 4, 5, 6});
}

TEST_CASE("what is written: the bytes of numpy.save, from any mesh, and read back") {
    scratch const folder;
    auto const written = [&]<class S>(S*) {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            mw::save_npy(here, mw::arange<row>(here), folder / "ids.npy");
            mw::save_npy(here, mw::random_normal<row, column>(here, {mw::seed{1}, "x"}), folder / "x.npy");
            mw::save_npy(here, mw::full<mw::tensor_of<S, float>>(2.5F), folder / "number.npy");
            mw::save_npy(here, mw::full<mw::tensor_of<S, mw::bfloat16, row>>(mw::bfloat16(0.5F)),
                         folder / "b.npy");
        });
        return bytes_of(folder / "ids.npy") + bytes_of(folder / "x.npy") + bytes_of(folder / "number.npy") +
               bytes_of(folder / "b.npy");
    };
    std::string const one = written(static_cast<alone*>(nullptr));
    CHECK(written(static_cast<by_both*>(nullptr)) == one);
    CHECK(bytes_of(folder / "ids.npy") == array("<i4", "4,", std::vector<std::int32_t>{0, 1, 2, 3}));
    CHECK(bytes_of(folder / "number.npy") == array("<f4", "", std::vector<float>{2.5F}));
    CHECK(bytes_of(folder / "b.npy") == array("<f4", "4,", std::vector<float>(4, 0.5F)));
    auto const x =
        read<alone>([](auto& here) { return mw::random_normal<row, column>(here, {mw::seed{1}, "x"}); });
    CHECK(read<by_both>([&](auto& here) { return mw::load_npy<row, column>(here, folder / "x.npy"); }) == x);
    CHECK(read<by_both>([&]<class S>(mw::rank<S>& here) {
              return mw::load_npy<mw::tensor_of<S, mw::bfloat16, row>>(here, folder / "b.npy");
          }) == std::vector<double>(4, 0.5));
}

TEST_CASE("arrays that are refused, each by its fault") {
    scratch const folder;
    auto const told = [&](std::string const& bytes) {
        std::string const path = folder.file("a.npy", bytes);
        return refusal<mw::input_error>([&] {
            read<by_both>([&]<class S>(mw::rank<S>& here) { return mw::load_npy<ids<S, row>>(here, path); });
        });
    };
    std::vector<std::int32_t> const four{1, 2, 3, 4};
    std::string const good = array("<i4", "4,", four);
    CHECK(told(good).empty());
    has(told("PK\3\4 not an array"), "is not a .npy file");
    has(told(good.substr(0, 11)), "is not a .npy file");
    has(told(good.substr(0, 60)), "claims 118 bytes");
    has(told(good.substr(0, good.size() - 1)), "15 bytes of elements follow");
    has(told(good + "x"), "17 bytes of elements follow");
    has(told(array("<i4", "4,", four, "True")), "Fortran order");
    has(told(array(">i4", "4,", four)), "big-endian");
    has(told(array("<c8", "4,", four)), "does not compute");
    has(told(array("<i4", "2, 2", four)), "the array is [2, 2], but the program's tensor is (row 4)");
    has(told(array("<i4", "99999999999, 99999999999", four)), "bytes of elements follow");
    has(told(array("<f4", "4,", four)), "elements of F32");
    has(told(array("<i8", "4,", std::vector<std::int64_t>{1, 2, 3, 1LL << 40})),
        "element 3 is 1099511627776");
    has(told(array("<u8", "4,", std::vector<std::uint64_t>{~0ULL, 2, 3, 4})), "element 0 is above 2^63");
    has(told(array("<i4", "4, 'shape': (4,)", four)), "where a size should be");
    std::string version = good, entry = good, twice = good;
    version[6] = 9;
    has(told(version), "version 9");
    entry.replace(entry.find("descr"), 5, "order");
    has(told(entry), "an entry 'order' that is not known");
    twice.replace(twice.find("'fortran_order': False"), 22, "'descr': '<i4'        ");
    has(told(twice), "'descr' twice");
    has(told(array("<f4", "4,", four).replace(10, 1, "[")), "is damaged");
    has(refusal<mw::input_error>(
            [&] { read<alone>([&](auto& here) { return mw::load_npy<token>(here, folder / "none.npy"); }); }),
        "none.npy");
    std::string const nine = folder.file("nine.npy", array("<f4", "9,", std::vector<float>(9)));
    has(refusal<mw::error>([&] { read<alone>([&](auto& here) { return mw::load_npy<token>(here, nine); }); }),
        "its bound is 8");
}

}  // namespace
