// Every collective, on every group of small meshes, against results computed directly from the rules.
// Guarantees: what passes here keeps the promises of communicator/concept.hpp. A program defines `teams`, the types to
// be tested, and includes this. Team::can_run(mesh) says whether a mesh can be had, Team::run(mesh, program) runs
// program(communicator&) on every rank of it.
// Costs: some seconds.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <meshwise/communicator/concept.hpp>

namespace mw = meshwise;

namespace {

std::vector<mw::grid> meshes() {
    return {{0, {}, {}},
            {1, {1}, {"tp"}},
            {1, {2}, {"tp"}},
            {1, {3}, {"tp"}},
            {1, {4}, {"tp"}},
            {2, {2, 2}, {"dp", "tp"}},
            {2, {2, 3}, {"dp", "tp"}},
            {3, {2, 1, 2}, {"dp", "cp", "tp"}},
            {3, {2, 2, 2}, {"dp", "cp", "tp"}}};
}

/// The ranks that agree with `rank` on every axis outside the mask, in increasing order.
std::vector<std::size_t> group_of(mw::grid const& mesh, std::size_t rank, mw::mesh_mask mask) {
    std::vector<std::size_t> group;
    std::size_t all = 1;
    for (std::size_t axis = 0; axis < mesh.axes; ++axis) all *= mesh.sizes[axis];
    for (std::size_t other = 0; other < all; ++other) {
        bool same = true;
        std::size_t a = rank, b = other;
        for (std::size_t axis = mesh.axes; axis-- > 0; a /= mesh.sizes[axis], b /= mesh.sizes[axis])
            same = same && ((mask >> axis & 1) != 0 || a % mesh.sizes[axis] == b % mesh.sizes[axis]);
        if (same) group.push_back(other);
    }
    return group;
}

/// Small whole numbers, so that every sum is exact; negative ones where the type has them.
template <class T>
T value(std::size_t rank, std::size_t i) {
    int const number = static_cast<int>((rank * 31 + i * 7 + rank * i) % 23);
    return static_cast<T>(static_cast<float>(std::is_unsigned_v<T> ? number : number - 15));
}

template <class T>
std::vector<T> values(std::size_t rank, std::size_t count) {
    std::vector<T> result(count);
    for (std::size_t i = 0; i < count; ++i) result[i] = value<T>(rank, i);
    return result;
}

template <class T>
T combine(mw::reduction how, T a, T b) {
    if (how == mw::reduction::sum) return static_cast<T>(a + b);
    return a > b ? a : b;
}

/// Memory with guards on both sides: a collective that writes outside is found out.
template <class T>
struct guarded {
    explicit guarded(std::size_t count) : all(count + 16, static_cast<T>(99.0F)) {}
    T* data() { return all.data() + 8; }
    std::vector<T> all;
};

template <class T>
void expect(char const* what, guarded<T> const& found, std::vector<T> const& wanted) {
    guarded<T> right(wanted.size());
    std::copy(wanted.begin(), wanted.end(), right.data());
    if (found.all.size() != right.all.size() ||
        std::memcmp(found.all.data(), right.all.data(), right.all.size() * sizeof(T)) != 0)
        throw std::runtime_error(std::string("wrong result of ") + what);
}

constexpr std::size_t counts[] = {0, 1, 2, 3, 5, 63, 64, 65, 257, 1000};
constexpr mw::piece_shape shapes[] = {{0, 3}, {3, 0},   {1, 1},   {5, 1},   {1, 17},
                                      {7, 3}, {4, 200}, {2, 513}, {1, 1000}};

template <class T>
void check_reductions(mw::communicator& here, mw::mesh_mask mask, mw::reduction how) {
    auto const group = group_of(here.mesh(), here.rank(), mask);
    auto const type = mw::element_type_of<T>;
    std::size_t const p = group.size();
    auto const reduced = [&](std::size_t i) {
        T result = value<T>(group[0], i);
        for (std::size_t other = 1; other < p; ++other)
            result = combine(how, result, value<T>(group[other], i));
        return result;
    };
    for (std::size_t const count : counts) {
        auto const in = values<T>(here.rank(), count);
        std::vector<T> wanted(count);
        for (std::size_t i = 0; i < count; ++i) wanted[i] = reduced(i);
        guarded<T> out(count), both(count);
        here.all_reduce(mask, how, type, in.data(), out.data(), count);
        expect("all_reduce", out, wanted);
        if (in != values<T>(here.rank(), count)) throw std::runtime_error("all_reduce changed its input");
        std::copy(in.begin(), in.end(), both.data());
        here.all_reduce(mask, how, type, both.data(), both.data(), count);
        expect("all_reduce in place", both, wanted);
    }
    for (auto const [outer, inner] : shapes) {
        auto const in = values<T>(here.rank(), outer * p * inner);
        std::vector<T> wanted(outer * inner);
        for (std::size_t row = 0; row < outer; ++row)
            for (std::size_t i = 0; i < inner; ++i)
                wanted[row * inner + i] = reduced((row * p + here.group_index(mask)) * inner + i);
        guarded<T> out(outer * inner);
        here.reduce_scatter(mask, how, type, in.data(), out.data(), {outer, inner});
        expect("reduce_scatter", out, wanted);
        if (outer != 1) continue;
        auto whole = in;
        T* const own = whole.data() + here.group_index(mask) * inner;
        here.reduce_scatter(mask, how, type, whole.data(), own, {outer, inner});
        if (!std::equal(wanted.begin(), wanted.end(), own))
            throw std::runtime_error("wrong result of reduce_scatter in place");
    }
}

template <class T>
void check_moves(mw::communicator& here, mw::mesh_mask mask) {
    auto const group = group_of(here.mesh(), here.rank(), mask);
    auto const type = mw::element_type_of<T>;
    std::size_t const p = group.size(), index = here.group_index(mask);
    for (auto const [outer, inner] : shapes) {
        auto const in = values<T>(here.rank(), outer * inner);
        std::vector<T> wanted;
        for (std::size_t row = 0; row < outer; ++row)
            for (std::size_t other = 0; other < p; ++other)
                for (std::size_t i = 0; i < inner; ++i)
                    wanted.push_back(value<T>(group[other], row * inner + i));
        guarded<T> out(wanted.size());
        here.all_gather(mask, type, in.data(), out.data(), {outer, inner});
        expect("all_gather", out, wanted);
        if (outer != 1) continue;
        guarded<T> both(wanted.size());
        std::copy(in.begin(), in.end(), both.data() + index * inner);
        here.all_gather(mask, type, both.data() + index * inner, both.data(), {outer, inner});
        expect("all_gather in place", both, wanted);
    }
    for (std::size_t const count : counts) {
        auto const in = values<T>(here.rank(), p * count);
        std::vector<T> wanted;
        for (std::size_t other = 0; other < p; ++other)
            for (std::size_t i = 0; i < count; ++i)
                wanted.push_back(value<T>(group[other], index * count + i));
        guarded<T> out(p * count);
        here.all_to_all(mask, type, in.data(), out.data(), count);
        expect("all_to_all", out, wanted);
        for (std::size_t root = 0; root < p; ++root) {
            guarded<T> data(count);
            for (std::size_t i = 0; i < count; ++i) data.data()[i] = value<T>(here.rank(), i);
            here.broadcast(mask, type, data.data(), count, root);
            expect("broadcast", data, values<T>(group[root], count));
        }
    }
    here.barrier(mask);
}

template <class T>
T tree(std::vector<T> const& summands, std::size_t lo, std::size_t hi) {
    if (hi - lo == 1) return summands[lo];
    std::size_t half = 1;
    while (half * 2 < hi - lo) half *= 2;
    return tree(summands, lo, lo + half) + tree(summands, lo + half, hi);
}

/// A number whose sums depend on the order.
float rough(std::size_t rank, std::size_t i) {
    std::uint64_t word = (rank * 1000003 + i + 1) * 0x9e3779b97f4a7c15ULL;
    word ^= word >> 29;
    word *= 0xbf58476d1ce4e5b9ULL;
    float const size = std::ldexp(1.0F, static_cast<int>(word >> 32 & 15));
    return (static_cast<float>(word >> 40) / 8388608.0F - 1.0F) * size;
}

template <class T>
void check_order(mw::communicator& here, mw::mesh_mask mask) {
    // bfloat16 is added in float and rounded once.
    using wide = std::conditional_t<std::is_same_v<T, mw::bfloat16>, float, T>;
    auto const group = group_of(here.mesh(), here.rank(), mask);
    auto const sum = [&](std::size_t i) {
        std::vector<wide> summands;
        for (std::size_t const rank : group)
            summands.push_back(static_cast<wide>(static_cast<T>(rough(rank, i))));
        return static_cast<T>(tree(summands, 0, group.size()));
    };
    for (std::size_t const count : {7UL, 700UL}) {
        std::vector<T> in(count * group.size()), wanted(count), piece(count);
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(rough(here.rank(), i));
        for (std::size_t i = 0; i < count; ++i) wanted[i] = sum(i);
        for (std::size_t i = 0; i < count; ++i) piece[i] = sum(here.group_index(mask) * count + i);
        guarded<T> all(count), own(count);
        here.all_reduce(mask, mw::reduction::sum, mw::element_type_of<T>, in.data(), all.data(), count);
        expect("the order of all_reduce", all, wanted);
        here.reduce_scatter(mask, mw::reduction::sum, mw::element_type_of<T>, in.data(), own.data(),
                            {1, count});
        expect("the order of reduce_scatter", own, piece);
    }
}

/// Several sums under way, on this group and on another, with other calls between, finished in any order.
template <class T>
void check_started(mw::communicator& here, mw::mesh_mask mask) {
    using wide = std::conditional_t<std::is_same_v<T, mw::bfloat16>, float, T>;
    auto const type = mw::element_type_of<T>;
    mw::mesh_mask const all = here.mesh().every_axis();
    struct one {
        mw::mesh_mask along;
        bool in_place;
        std::vector<T> in, wanted;
        guarded<T> out;
        std::unique_ptr<mw::communicator::request> under_way;
    };
    std::vector<std::unique_ptr<one>> sums;
    auto const before = here.collectives();
    std::size_t expected = 0, number = 0;
    for (std::size_t const count : {0UL, 1UL, 65UL, 1000UL, 0UL, 20000UL, 3UL, 4000UL})
        for (mw::mesh_mask const along : {mask, all}) {
            bool const in_place = ++number % 3 == 0;
            auto const group = group_of(here.mesh(), here.rank(), along);
            sums.push_back(std::make_unique<one>(one{along, in_place, {}, {}, guarded<T>(count), nullptr}));
            one& made = *sums.back();
            for (std::size_t i = 0; i < count; ++i) {
                made.in.push_back(static_cast<T>(rough(here.rank() + number, i)));
                std::vector<wide> summands;
                for (std::size_t const rank : group)
                    summands.push_back(static_cast<wide>(static_cast<T>(rough(rank + number, i))));
                made.wanted.push_back(static_cast<T>(tree(summands, 0, group.size())));
            }
            if (in_place) std::copy(made.in.begin(), made.in.end(), made.out.data());
            made.under_way =
                here.start_all_reduce(along, mw::reduction::sum, type,
                                      in_place ? made.out.data() : made.in.data(), made.out.data(), count);
            expected += here.group_size(along) > 1 ? 1 : 0;
            if (made.under_way && here.bucket_bytes(along) == 0)
                throw std::runtime_error("a sum is under way where none can be");
            if (number % 4 == 0) {
                here.progress();
                std::uint32_t one_each = 1;
                here.all_reduce(mask, mw::reduction::sum, mw::element_type::uint32, &one_each, &one_each, 1);
                if (one_each != here.group_size(mask)) throw std::runtime_error("wrong sum between");
                here.barrier(all);
                expected += (here.group_size(mask) > 1 ? 1 : 0) + (here.size() > 1 ? 1 : 0);
            }
        }
    if (here.collectives() - before != expected) throw std::runtime_error("wrong number of calls");
    for (std::size_t i = 0; i < sums.size(); ++i) {
        one& made = *sums[here.rank() % 2 == 0 ? i : sums.size() - 1 - i];
        if (made.under_way && i % 5 == 4)
            made.under_way.reset();  // to drop one waits for it, too
        else if (made.under_way)
            made.under_way->finish();
        expect("a started all_reduce", made.out, made.wanted);
    }
}

template <class T>
void check_nan(mw::communicator& here, mw::mesh_mask mask) {
    for (std::size_t where = 0; where < here.group_size(mask); ++where)
        for (std::size_t const count : {3UL, 200UL}) {
            bool const mine = here.group_index(mask) == where;
            std::vector<T> data(count, static_cast<T>(mine ? std::numeric_limits<float>::quiet_NaN() : 1.0F));
            here.all_reduce(mask, mw::reduction::max, mw::element_type_of<T>, data.data(), data.data(),
                            count);
            for (T const x : data)
                if (!std::isnan(static_cast<float>(x)))
                    throw std::runtime_error("a NaN was lost in a maximum");
        }
}

template <class Team, class Check>
void on_every_group(Check const& check) {
    for (auto const& mesh : meshes())
        if (Team::can_run(mesh))
            Team::run(mesh, [&](mw::communicator& here) {
                for (mw::mesh_mask mask = 0; mask < (1U << mesh.axes); ++mask) check(here, mask);
            });
}

}  // namespace

TEST_CASE_TEMPLATE("every rank stands where the row-major order puts it", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        auto const group = group_of(here.mesh(), here.rank(), mask);
        CHECK(here.group_size(mask) == group.size());
        CHECK(group[here.group_index(mask)] == here.rank());
        CHECK(here.size() == here.mesh().ranks());
    });
}

TEST_CASE_TEMPLATE("reductions equal the direct result", Team, teams) {
    for (auto const how : {mw::reduction::sum, mw::reduction::max})
        on_every_group<Team>([how](mw::communicator& here, mw::mesh_mask mask) {
            check_reductions<float>(here, mask, how);
            check_reductions<double>(here, mask, how);
            check_reductions<mw::bfloat16>(here, mask, how);
            check_reductions<std::int32_t>(here, mask, how);
            check_reductions<std::int64_t>(here, mask, how);
            check_reductions<std::uint8_t>(here, mask, how);
            check_reductions<std::uint32_t>(here, mask, how);
            check_reductions<std::uint64_t>(here, mask, how);
        });
}

TEST_CASE_TEMPLATE("gathers, exchanges and broadcasts equal the direct result", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        check_moves<std::uint8_t>(here, mask);
        check_moves<mw::bfloat16>(here, mask);
        check_moves<float>(here, mask);
        check_moves<double>(here, mask);
    });
}

TEST_CASE_TEMPLATE("sums are added in the fixed tree, bit for bit", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        check_order<float>(here, mask);
        check_order<double>(here, mask);
        check_order<mw::bfloat16>(here, mask);
    });
}

TEST_CASE_TEMPLATE("started sums have the bits of the others, whatever comes between", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        check_started<float>(here, mask);
        check_started<double>(here, mask);
        check_started<mw::bfloat16>(here, mask);
    });
}

TEST_CASE_TEMPLATE("a NaN on any rank makes the maximum NaN on all", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        check_nan<float>(here, mask);
        check_nan<double>(here, mask);
        check_nan<mw::bfloat16>(here, mask);
    });
}

TEST_CASE_TEMPLATE("collectives without memory still meet", Team, teams) {
    on_every_group<Team>([](mw::communicator& here, mw::mesh_mask mask) {
        auto const type = mw::element_type::float32;
        here.all_reduce(mask, mw::reduction::sum, type, nullptr, nullptr, 0);
        here.reduce_scatter(mask, mw::reduction::max, type, nullptr, nullptr, {4, 0});
        here.all_gather(mask, type, nullptr, nullptr, {0, 4});
        here.all_to_all(mask, type, nullptr, nullptr, 0);
        here.broadcast(mask, type, nullptr, 0, 0);
        here.barrier(mask);
    });
}
