// Every placement of every operand: tags that name them, an oracle on plain arrays that knows nothing of the
// library, and a runner that compares one combination with it and with one rank.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/backend/serial.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/parallel/run.hpp>

#include "max_with_nan.hpp"

namespace placements {

namespace mw = meshwise;
using numbers = std::vector<double>;

// ---- the oracle: arrays whose axes are letters, nothing else ----

// What an axis stores, what counts of it, and its padding; nothing of them is of the library. The axis of letter 'q' is
// padded, so that of its pieces on 4 ranks the last is nothing but padding; 'u' is the same without padding.
inline constexpr std::size_t stored = 12, unpadded = 9;
constexpr std::size_t true_size(char letter) { return letter == 'q' || letter == 'u' ? unpadded : stored; }

struct plain {
    std::string axes;
    std::vector<std::size_t> extents;
    numbers values;
};
using maybe = std::optional<plain>;

inline std::size_t volume(std::vector<std::size_t> const& extents) {
    std::size_t n = 1;
    for (std::size_t e : extents) n *= e;
    return n;
}
inline std::vector<std::size_t> strides_along(plain const& x, std::string const& letters) {
    std::vector<std::size_t> strides;
    for (char letter : letters) {
        std::size_t const at = x.axes.find(letter);
        std::size_t step = at == std::string::npos ? 0 : 1;
        for (std::size_t i = at; at != std::string::npos && ++i < x.extents.size();) step *= x.extents[i];
        strides.push_back(step);
    }
    return strides;
}

enum class reduction { sum, maximum };

/// f of one element of each operand, reduced over the axes that `out` lacks. Nothing where an axis that two operands
/// share has another length in each: such pieces cannot be combined.
template <class F>
maybe elements(std::string const& out, F f, std::vector<plain> const& in, reduction how = reduction::sum) {
    std::string letters;
    std::vector<std::size_t> extents;
    for (plain const& x : in)
        for (std::size_t i = 0; i < x.axes.size(); ++i) {
            std::size_t const at = letters.find(x.axes[i]);
            if (at == std::string::npos)
                letters += x.axes[i], extents.push_back(x.extents[i]);
            else if (extents[at] != x.extents[i])
                return {};
        }
    plain y{out, {}, {}};
    for (char letter : out) y.extents.push_back(extents[letters.find(letter)]);
    y.values.assign(volume(y.extents), how == reduction::sum ? 0 : -std::numeric_limits<double>::infinity());
    auto const to = strides_along(y, letters);
    std::vector<std::vector<std::size_t>> from;
    for (plain const& x : in) from.push_back(strides_along(x, letters));
    std::vector<std::size_t> at(letters.size());
    std::array<double, 3> given{};
    for (std::size_t n = volume(extents); n-- > 0;) {
        std::size_t place = 0;
        for (std::size_t i = 0; i < at.size(); ++i) place += at[i] * to[i];
        for (std::size_t x = 0; x < in.size(); ++x) {
            std::size_t offset = 0;
            for (std::size_t i = 0; i < at.size(); ++i) offset += at[i] * from[x][i];
            given[x] = in[x].values[offset];
        }
        double const value = f(given);
        y.values[place] = how == reduction::sum ? y.values[place] + value : std::max(y.values[place], value);
        for (std::size_t i = at.size(); i-- > 0 && ++at[i] == extents[i];) at[i] = 0;
    }
    return y;
}

/// Indices first ... first + count - 1 of one axis.
inline plain range(plain const& x, char axis, std::size_t first, std::size_t count) {
    std::size_t const at = x.axes.find(axis), step = strides_along(x, std::string{axis})[0],
                      whole = x.extents[at];
    plain y = x;
    y.extents[at] = count;
    y.values.clear();
    for (std::size_t i = 0; i < x.values.size(); ++i)
        if (std::size_t const index = i / step % whole; index >= first && index < first + count)
            y.values.push_back(x.values[i]);
    return y;
}
inline plain share(plain const& x, char axis, std::size_t rank, std::size_t ranks) {
    std::size_t const count = stored / ranks, whole = x.extents[x.axes.find(axis)];
    std::size_t const first = std::min(rank * count, whole), end = std::min((rank + 1) * count, whole);
    return range(x, axis, first, end - first);
}

/// Where a value lies along the one mesh axis.
struct place {
    enum class kind { whole, cut, pending, pending_maximum } how = kind::whole;
    char axis = ' ';
    bool operator==(place const&) const = default;
};
inline std::string text(place p) {
    switch (p.how) {
    case place::kind::whole: return "whole";
    case place::kind::cut: return std::string("cut ") + p.axis;
    case place::kind::pending: return "pending";
    case place::kind::pending_maximum: return "pending maximum";
    }
    return {};
}

/// The whole operand, or what one rank holds of it. Every operand is a sum over its first axis `p`: of a pending one
/// each rank has other summands.
inline plain value_of(plain const& summands) {
    return *elements(summands.axes.substr(1), [](auto const& a) { return a[0]; }, {summands});
}
inline plain held(plain const& summands, place p, std::size_t rank, std::size_t ranks) {
    if (p.how == place::kind::pending) return value_of(share(summands, 'p', rank, ranks));
    plain const x = value_of(summands);
    return p.how == place::kind::cut ? share(x, p.axis, rank, ranks) : x;
}

/// The largest difference relative to the largest element; infinite where sizes differ or something is not a number.
inline double distance(numbers const& a, numbers const& b) {
    if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
    double scale = 1e-30, most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        scale = std::max(scale, std::abs(b[i]));
        most = worse(most, std::abs(a[i] - b[i]));
    }
    return most / scale;
}
inline bool same(plain const& a, plain const& b) {
    return a.extents == b.extents && distance(a.values, b.values) < 1e-9;
}

using plain_operation = std::function<maybe(std::vector<plain> const&)>;

/// What the ranks get when each applies the operation to what it holds.
struct simulation {
    plain whole;
    std::vector<plain> local;  // empty where the pieces of some rank cannot be combined
    simulation(plain_operation const& f, std::vector<plain> const& summands, std::vector<place> const& places,
               std::size_t ranks) {
        auto const apply = [&](auto piece) {
            std::vector<plain> pieces;
            for (std::size_t i = 0; i < summands.size(); ++i) pieces.push_back(piece(i));
            return f(pieces);
        };
        whole = *apply([&](std::size_t i) { return value_of(summands[i]); });
        for (std::size_t r = 0; r < ranks; ++r) {
            maybe y = apply([&](std::size_t i) { return held(summands[i], places[i], r, ranks); });
            if (!y) {
                local.clear();
                return;
            }
            local.push_back(*y);
        }
    }
    /// Whether those pieces are the whole result in this placement.
    bool is(place p) const {
        if (local.empty()) return false;
        plain total = local[0];
        for (std::size_t r = 0; r < local.size(); ++r) {
            if (p.how == place::kind::whole && !same(local[r], whole)) return false;
            if (p.how == place::kind::cut) {  // pieces of a padded axis differ in length
                if (!same(local[r], share(whole, p.axis, r, local.size()))) return false;
                continue;
            }
            if (local[r].extents != local[0].extents) return false;
            for (std::size_t i = 0; r > 0 && i < total.values.size(); ++i) {
                double const other = local[r].values[i];
                total.values[i] = p.how == place::kind::pending ? total.values[i] + other
                                                                : std::max(total.values[i], other);
            }
        }
        return p.how == place::kind::whole || p.how == place::kind::cut || same(total, whole);
    }
    bool is_anything() const {
        bool found =
            is({place::kind::whole}) || is({place::kind::pending}) || is({place::kind::pending_maximum});
        for (char letter : whole.axes) found = found || is({place::kind::cut, letter});
        return found;
    }
};

// ---- the same in types ----

template <char Letter>
struct axis : mw::axis<stored> {  // divides over 1, 2, 3 and 4 ranks
    static constexpr char letter = Letter;
};
template <>
struct axis<'q'> : mw::padded<unpadded, stored> {
    static constexpr char letter = 'q';
};
template <>
struct axis<'u'> : mw::axis<unpadded> {
    static constexpr char letter = 'u';
};

/// Without the padding, which has to be zero: it is kept where it is not, so that nothing equals the result.
template <class... A>
numbers counting(std::span<float const> all, mw::axes<A...>) {
    std::array<std::size_t, sizeof...(A) + 1> const sizes{A::size..., 1}, counts{A::true_size..., 1};
    numbers kept;
    for (std::size_t i = 0; i < all.size(); ++i) {
        bool counts_here = true;
        std::size_t rest = i;
        for (std::size_t a = sizeof...(A); a-- > 0; rest /= sizes[a])
            counts_here = counts_here && rest % sizes[a] < counts[a];
        if (counts_here || all[i] != 0) kept.push_back(double(all[i]));
    }
    return kept;
}
using part = axis<'p'>;
struct consumer : mw::axis<12> {};

template <std::size_t N>
struct m : mw::mesh_axis<N> {};

// `source` is where the summands have to lie for the sum over `part` to lie in `value`
struct whole {
    static constexpr place at{};
    template <class M>
    using value = mw::canonical<mw::mesh<M>>;
    template <class M>
    using source = value<M>;
};
template <class A>
struct cut {
    static constexpr place at{place::kind::cut, A::letter};
    template <class M>
    using value = mw::canonical<mw::mesh<M>, mw::split<A, M>>;
    template <class M>
    using source = value<M>;
};
struct pending {
    static constexpr place at{place::kind::pending};
    template <class M>
    using value = mw::canonical<mw::mesh<M>, mw::partial<M>>;
    template <class M>
    using source = mw::canonical<mw::mesh<M>, mw::split<part, M>>;
};

/// All of them. An operand without axes is one that the operation lacks.
template <class Axes>
struct places_of;
template <class... A>
struct places_of<mw::axes<A...>> {
    using type = std::conditional_t<sizeof...(A) == 0, mw::detail::list<whole>,
                                    mw::detail::list<whole, cut<A>..., pending>>;
};

template <class Mesh>
place place_of(mw::layout<Mesh>) {
    return {};
}
template <class Mesh, class B, class M>
place place_of(mw::layout<Mesh, mw::split<B, M>>) {
    return {place::kind::cut, B::letter};
}
template <class Mesh, class M, class How>
place place_of(mw::layout<Mesh, mw::partial<M, How>>) {
    return {std::is_same_v<How, mw::maximum> ? place::kind::pending_maximum : place::kind::pending};
}

// ---- running ----

template <class M>
using strategy = mw::strategy<mw::mesh<M>, mw::on<mw::serial>>;
template <class M, class Axes, class L = mw::canonical<mw::mesh<M>>>
using values = mw::tensor<float, Axes, L, mw::serial>;

template <class Axes>
struct summands_of;
template <class... A>
struct summands_of<mw::axes<A...>> {
    using type = mw::axes<part, A...>;
};
template <class M, class X, class Y, class Z>
struct three {
    values<M, typename summands_of<X>::type> x;
    values<M, typename summands_of<Y>::type> y;
    values<M, typename summands_of<Z>::type> z;
    static constexpr auto parameters = mw::fields<&three::x, &three::y, &three::z>();
};

inline double integer_at(std::size_t i, std::size_t seed, std::size_t bound) {
    std::uint64_t h = (i + 1) * 0x9E3779B97F4A7C15ULL + (seed + 1) * 0xD1B54A32D192ED03ULL;
    h = (h ^ (h >> 29)) * 0xBF58476D1CE4E5B9ULL;
    return static_cast<double>((h >> 33) % (2 * bound + 1)) - static_cast<double>(bound);
}
inline double weight_at(std::size_t i) { return integer_at(i, 9, 5); }
// the consumers' shares add up to 1, and those of no rank do
inline double share_at(std::size_t i) {
    constexpr std::array<double, 12> shares{5, -3, 7, -6, 2, -4, 3, -8, 9, -1, 4, -7};
    return shares[i];
}

/// The operand that an operation sees, made of its summands.
template <class P, class M, class X>
auto made(X const& summands) {
    return mw::sum<part>(mw::reshard<typename P::template source<M>>(summands));
}

/// The sum of all elements times weights. The gradient of x arrives complete, or each rank owes a part of it.
template <class M, class... A>
values<M, mw::axes<>> weighed(values<M, mw::axes<A...>> const& x, bool shared_out) {
    if (!shared_out) {
        auto weights = mw::result_of<values<M, mw::axes<A...>>>();
        mw::fill_by_index(weights, weight_at);
        return mw::sum<A...>(mw::mul(x, weights));
    }
    using spread = values<M, mw::axes<A..., consumer>, mw::canonical<mw::mesh<M>, mw::split<consumer, M>>>;
    auto weights = mw::result_of<spread>();
    mw::fill_by_index(
        weights, [](std::size_t i) { return weight_at(i / consumer::size) * share_at(i % consumer::size); });
    return mw::reshard<mw::canonical<mw::mesh<M>>>(mw::sum<consumer>(mw::dot<A...>(x, weights)));
}

struct outcome {
    numbers value;
    std::array<numbers, 3> gradients;
};
template <class M, class Model>
using loss_function = values<M, mw::axes<>> (*)(Model const&, outcome&, bool);

inline plain data(std::string const& axes, std::size_t operand) {
    plain x{"p" + axes, {stored}, {}};
    for (char letter : axes) x.extents.push_back(true_size(letter));
    for (std::size_t i = volume(x.extents); x.values.size() < i;)
        x.values.push_back(integer_at(x.values.size(), operand, 6));
    return x;
}

/// What every rank sees.
template <class M, class Model>
std::vector<outcome> on_ranks(loss_function<M, Model> loss, bool shared_out) {
    std::vector<outcome> seen(M::ranks);
    mw::run<strategy<M>>(mw::threads{}, [&](auto& here) {
        outcome& mine = seen[here.index().on_this_rank()];
        Model model = mw::init<Model>(here, mw::seed{1});
        mw::for_each_parameter(model, [&](std::size_t operand, std::string_view, auto& p, auto) {
            mw::fill_by_index(p, [&](std::size_t i) { return integer_at(i, operand, 6); });
        });
        auto found =
            mw::value_and_gradient(model, [&](Model const& given) { return loss(given, mine, shared_out); });
        mw::for_each_parameter(model, [&](std::size_t operand, std::string_view, auto& p, auto) {
            mine.gradients[operand] = counting(here.gather(found.gradient.whole(operand, p)),
                                               typename std::remove_cvref_t<decltype(p)>::axes{});
        });
    });
    return seen;
}

struct tally {
    std::size_t tried = 0, accepted = 0, refused = 0;
    std::vector<std::string> conservative;  // refused, although it would be right, on two or more ranks
    std::size_t right_on_one_rank = 0;      // refused on a mesh axis of one rank, where everything is right
};

template <class Op, class M, class P1, class P2, class P3>
struct combination {
    using x = values<M, typename Op::x, typename P1::template value<M>>;
    using y = values<M, typename Op::y, typename P2::template value<M>>;
    using z = values<M, typename Op::z, typename P3::template value<M>>;
    using model = three<M, typename Op::x, typename Op::y, typename Op::z>;
    static constexpr bool accepted = Op::template verdict<x, y, z>::value;

    static values<M, mw::axes<>> loss(model const& given, outcome& seen, bool shared_out) {
        auto const out = Op::run(made<P1, M>(given.x), made<P2, M>(given.y), made<P3, M>(given.z));
        auto const settled = mw::reshard<mw::canonical<mw::mesh<M>>>(out);
        seen.value = counting(settled.detached().span(), typename decltype(settled.detached())::axes{});
        return weighed<M>(settled, shared_out);
    }
    static place result() {
        using out = decltype(Op::run(std::declval<x>(), std::declval<y>(), std::declval<z>()));
        return place_of(typename out::layout{});
    }
};

template <class... A>
std::string letters(mw::axes<A...>) {
    return {A::letter...};
}
template <class Op>
std::vector<plain> operands_of() {
    std::vector<plain> all;
    for (auto const& axes : {letters(typename Op::x{}), letters(typename Op::y{}), letters(typename Op::z{})})
        all.push_back(data(axes, all.size()));
    return all;
}

template <class Op, class M, class P1, class P2, class P3>
void try_one(tally& count, std::vector<outcome> const& one_rank) {
    using here = combination<Op, M, P1, P2, P3>;
    std::string name = std::string(Op::name) + " of " + text(P1::at);
    if (Op::y::count != 0) name += ", " + text(P2::at);
    if (Op::z::count != 0) name += ", " + text(P3::at);
    CAPTURE(name);
    CAPTURE(M::ranks);
    simulation const oracle(Op::plainly, operands_of<Op>(), {P1::at, P2::at, P3::at}, M::ranks);
    ++count.tried;
    if constexpr (here::accepted) {
        ++count.accepted;
        if (Op::local) CHECK(oracle.is(here::result()));
        for (bool const shared_out : {false, true})
            for (outcome const& rank : on_ranks<M, typename here::model>(&here::loss, shared_out)) {
                CHECK(distance(rank.value, oracle.whole.values) <= 10 * Op::tolerance);
                CHECK(distance(rank.value, one_rank[0].value) <= Op::tolerance);
                for (std::size_t i = 0; i < 3; ++i)
                    CHECK(distance(rank.gradients[i], one_rank[0].gradients[i]) <= Op::tolerance);
            }
    } else {
        ++count.refused;
        bool const would_be_right = !Op::local || oracle.is_anything();
        if (!would_be_right) return;
        if (M::ranks == 1)
            ++count.right_on_one_rank;
        else
            count.conservative.push_back(name);
    }
}

template <class Op, class M, class... P1, class... P2, class... P3>
void try_all(tally& count, std::vector<outcome> const& one, mw::detail::list<P1...>,
             mw::detail::list<P2...> second, mw::detail::list<P3...> third) {
    auto const with_third = [&]<class A, class B>(A*, B*) { (try_one<Op, M, A, B, P3>(count, one), ...); };
    auto const with_second = [&]<class A>(A* a) { (with_third(a, static_cast<P2*>(nullptr)), ...); };
    (with_second(static_cast<P1*>(nullptr)), ...);
    (void)second, (void)third;
}

/// All placements of all operands on mesh axes of 1, 2, 3 and 4 ranks, or of those that are given, against Reference on
/// one.
template <class Op, class Reference = Op, std::size_t... Ranks>
tally try_operation() {
    tally count;
    using alone = combination<Reference, m<1>, whole, whole, whole>;
    auto const one = on_ranks<m<1>, typename alone::model>(&alone::loss, false);
    bool const has_gradient = distance(one[0].gradients[0], numbers(one[0].gradients[0].size())) != 0;
    CHECK(has_gradient == Op::differentiable);
    [&]<std::size_t... N>(std::index_sequence<N...>) {
        (try_all<Op, m<N>>(count, one, typename places_of<typename Op::x>::type{},
                           typename places_of<typename Op::y>::type{},
                           typename places_of<typename Op::z>::type{}),
         ...);
    }(std::conditional_t < sizeof...(Ranks) == 0, std::index_sequence<1, 2, 3, 4>,
      std::index_sequence < Ranks... >> {});
    MESSAGE(std::string(Op::name) << ": tried " << count.tried << ", accepted " << count.accepted
                                  << ", refused " << count.refused << ", of these right on one rank only "
                                  << count.right_on_one_rank << ", conservative "
                                  << count.conservative.size());
    for (auto const& name : count.conservative) MESSAGE("conservative: " << name);
    return count;
}

}  // namespace placements
