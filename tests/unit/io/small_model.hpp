// A model of three parameters, one of them padded, and meshes to put it on.
#pragma once
#include <atomic>
#include <cstring>
#include <vector>

#include <meshwise/files/file_calls.hpp>
#include <meshwise/parallel/run.hpp>

namespace small {

namespace mw = meshwise;

template <std::size_t A, std::size_t B>
struct places {
    struct outer : mw::mesh_axis<A> {};
    struct inner : mw::mesh_axis<B> {};
    struct rows : mw::padded<5, 8> {};  // true on any mesh here, padded on all
    struct columns : mw::axis<12> {};
    struct deep : mw::axis<2> {};
    // a strategy splits its rows and columns; another one its columns over everything
    using by_both = mw::strategy<mw::mesh<outer, inner>, mw::split<rows, outer>, mw::split<columns, inner>,
                                 mw::on<mw::serial>>;
    using by_columns =
        mw::strategy<mw::mesh<outer, inner>, mw::split<columns, outer, inner>, mw::on<mw::serial>>;

    template <class S, class T = float>
    struct model {
        mw::tensor_of<S, T, rows, columns> table;
        std::array<mw::tensor_of<S, T, columns, deep>, 2> layers;
        mw::tensor_of<S, T> scale;
        static constexpr auto parameters = mw::fields<&model::table, mw::normal{1}, &model::layers,
                                                      mw::normal{1}, &model::scale, mw::constant{3}>();
    };
};

/// All elements that count, in the order of the file, as raw bytes.
template <class Rank, class Model>
std::string content(Rank& here, Model& model) {
    std::string all;
    mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto& p, mw::initial) {
        auto whole = here.gather(p);
        std::size_t const true_size = p.axis_count == 2 && whole.size() == 8 * 12 ? 5 * 12 : whole.size();
        all.append(reinterpret_cast<char const*>(whole.data()), true_size * sizeof(whole[0]));
    });
    return all;
}

/// Counts what is read.
struct counting_calls : mw::detail::file_calls {
    std::atomic<std::uint64_t> bytes = 0;
    std::int64_t pread(int file, void* to, std::size_t n, std::uint64_t at) override {
        auto const got = mw::detail::file_calls::pread(file, to, n, at);
        bytes += static_cast<std::uint64_t>(got);
        return got;
    }
};

}  // namespace small
