// The algebra of small matrices: values by what defines them, gradients by central differences, on one rank and with matrices and
// right-hand sides split over ranks; singular matrices, NaN, and axes of no elements and of one.
#include <string>

#include <meshwise/linear_algebra.hpp>
#include <meshwise/ops/products/einsum.hpp>
#include <meshwise/tensor/constants.hpp>

#include "unit/ops/meshes.hpp"
#include "unit/ops/on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<2> {};
struct row : mw::axis<3> {};
struct column : mw::axis<3> {};
struct side : mw::axis<4> {};
struct rank : mw::axis<3> {};
struct other : mw::axis<3> {};

using one = mw::strategy<mw::mesh<>, mw::on<mw::serial>, mw::dtype<double>>;
using by_two =
    mw::strategy<grid<2, 2>, mw::on<mw::serial>, mw::dtype<double>, split<batch, dp<2>>, split<side, tp<2>>>;
template <class S, class... A>
using value = mw::tensor_of<S, double, A...>;

// 3 x 3 by hand
double det3(double const* a) {
    return a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
           a[2] * (a[3] * a[7] - a[4] * a[6]);
}
// a x = b by Cramer's rule
numbers cramer(double const* a, numbers const& b) {
    numbers x;
    for (std::size_t k = 0; k < 3; ++k) {
        numbers with(a, a + 9);
        for (std::size_t i = 0; i < 3; ++i) with[3 * i + k] = b[i];
        x.push_back(det3(with.data()) / det3(a));
    }
    return x;
}
numbers well_conditioned() {
    numbers a = varied(18, 1);
    for (std::size_t i = 0; i < 3; ++i) a[4 * i] += 2 + 1.5 * static_cast<double>(i), a[9 + 4 * i] -= 3;
    return a;
}
numbers of_full_rank() {
    numbers b = varied(12, 2);
    for (std::size_t i = 0; i < 3; ++i) b[5 * i] += 2;
    return b;
}

template <class S, class A, class B>
struct two {
    A a;
    B b;
    static constexpr auto parameters = mw::fields<&two::a, &two::b>();
};
// a (batch, row, column) and b (row, side)
template <class S>
using systems = two<S, value<S, batch, row, column>, value<S, row, side>>;

/// op on one rank and, if it is not enough that others of its kind are tried there, on the mesh, against a plain reference; without one, what one rank says without gradients is the reference
/// for differences.
template <bool OnMesh = true, class Op>
void agrees(Op op, std::vector<numbers> const& inputs, std::size_t results, auto reference,
            double tolerance = 1e-7) {
    auto const weights = varied(results, 5);
    auto const expected = by_differences(inputs, weights, reference);
    auto const alone = on_ranks<one, systems<one>>(inputs, weights, op);
    check_near(alone, expected, tolerance);
    CHECK(distance(alone[0].value, expected.value) <= 1e-12);
    if constexpr (OnMesh) check_near(on_ranks<by_two, systems<by_two>>(inputs, weights, op), alone[0], 1e-12);
}
template <class Op>
auto by_library(Op op) {
    return [op](std::vector<numbers> const& inputs) {
        numbers found;
        mw::run<one>(mw::threads{}, [&](auto& here) {
            systems<one> const given{cut<value<one, batch, row, column>>(inputs[0]),
                                     cut<value<one, row, side>>(inputs[1])};
            auto const all = here.gather(op(here, given));
            found.assign(all.begin(), all.end());
        });
        return found;
    };
}
/// a + its transpose: the names of the axes change places.
auto made_symmetric(auto const& a) {
    auto const turned = mw::rename<other, column>(mw::rename<column, row>(mw::rename<row, other>(a)));
    return a + mw::transpose<mw::axes<batch, row, column>>(turned);
}
numbers with_transpose(double const* a) {
    numbers s(9);
    for (std::size_t i = 0; i < 9; ++i) s[i] = a[i] + a[i % 3 * 3 + i / 3];
    return s;
}

std::vector<numbers> const regular{well_conditioned(), of_full_rank()};

TEST_CASE("solve and inverse") {
    agrees([](auto&, auto const& given) { return mw::solve<row, column>(given.a, given.b); }, regular, 24,
           [](auto const& in) {
               numbers x(24);
               for (std::size_t n = 0; n < 2; ++n)
                   for (std::size_t s = 0; s < 4; ++s) {
                       auto const found = cramer(&in[0][9 * n], {in[1][s], in[1][4 + s], in[1][8 + s]});
                       for (std::size_t k = 0; k < 3; ++k) x[(3 * n + k) * 4 + s] = found[k];
                   }
               return x;
           });
    agrees(
        [](auto&, auto const& given) {
            auto const found = mw::inverse<row, column>(given.a);
            static_assert(std::is_same_v<typename std::remove_const_t<decltype(found)>::axes,
                                         mw::axes<batch, column, row>>);
            return found;
        },
        regular, 18,
        [](auto const& in) {
            numbers x(18);
            for (std::size_t n = 0; n < 2; ++n)
                for (std::size_t r = 0; r < 3; ++r) {
                    numbers unit(3);
                    unit[r] = 1;
                    auto const found = cramer(&in[0][9 * n], unit);
                    for (std::size_t k = 0; k < 3; ++k) x[9 * n + 3 * k + r] = found[k];
                }
            return x;
        });
}

TEST_CASE("right-hand sides that are pending, and matrices of several axes in another order") {
    // b is the sum over side of a product that is split along it
    auto const op = [](auto&, auto const& given) {
        auto const b = mw::sum<side>(given.b);
        auto const turned = mw::transpose<mw::axes<column, batch, row>>(given.a);
        return mw::solve<row, column>(turned, b);
    };
    agrees(op, regular, 6, [](auto const& in) {
        numbers x, b(3);
        for (std::size_t i = 0; i < 12; ++i) b[i / 4] += in[1][i];
        for (std::size_t n = 0; n < 2; ++n)
            for (double found : cramer(&in[0][9 * n], b)) x.push_back(found);
        return x;
    });
}

TEST_CASE("det and slogdet") {
    auto const det = [](auto&, auto const& given) { return mw::det<row, column>(given.a); };
    auto const by_hand = [](auto const& in) { return numbers{det3(&in[0][0]), det3(&in[0][9])}; };
    agrees(det, regular, 2, by_hand);
    auto singular = regular;
    for (std::size_t i = 0; i < 3; ++i) singular[0][6 + i] = singular[0][i] + singular[0][3 + i];  // rank 2
    for (std::size_t i = 0; i < 9; ++i) singular[0][9 + i] = static_cast<double>(i % 3 + 1);       // rank 1
    agrees(det, singular, 2, by_hand);
    agrees(
        [](auto&, auto const& given) {
            auto const found = mw::slogdet<row, column>(given.a);
            return found.sign * found.logabsdet;
        },
        regular, 2,
        [&](auto const& in) {
            auto all = by_hand(in);
            for (double& one_of_all : all)
                one_of_all = (one_of_all < 0 ? -1 : 1) * std::log(std::abs(one_of_all));
            return all;
        });
}

TEST_CASE("cholesky") {
    auto inputs = regular;
    for (std::size_t i = 0; i < 3; ++i) inputs[0][9 + 4 * i] += 6;
    agrees([](auto&, auto const& given) { return mw::cholesky<row, column>(made_symmetric(given.a)); },
           inputs, 18,
           [](auto const& in) {
               numbers l(18);
               for (std::size_t n = 0; n < 2; ++n) {
                   numbers const a = with_transpose(&in[0][9 * n]);
                   double* const of = &l[9 * n];
                   for (std::size_t i = 0; i < 3; ++i)
                       for (std::size_t j = 0; j <= i; ++j) {
                           double rest = a[3 * i + j];
                           for (std::size_t k = 0; k < j; ++k) rest -= of[3 * i + k] * of[3 * j + k];
                           of[3 * i + j] = i == j ? std::sqrt(rest) : rest / of[4 * j];
                       }
               }
               return l;
           });
}

TEST_CASE("gradients of eigh, qr and svd") {
    auto const eigh = [](auto&, auto const& given) {
        auto const found = mw::eigh<row, column>(made_symmetric(given.a));
        return mw::einsum<mw::axes<batch, row>>(found.vectors, found.values * found.values);
    };
    agrees(eigh, regular, 6, by_library(eigh));
    auto const qr = [](auto&, auto const& given) {
        auto const found = mw::qr<row, column, rank>(given.a);
        return mw::einsum<mw::axes<batch, row, column>>(found.q * found.q * found.q, found.r * found.r);
    };
    agrees<false>(qr, regular, 18, by_library(qr));
    auto const svd = [](auto&, auto const& given) {
        auto const found = mw::svd<row, column, rank>(given.a);
        return mw::einsum<mw::axes<batch, row, column>>(found.u * found.u * found.u, found.s,
                                                        found.vh * found.vh);
    };
    agrees(svd, regular, 18, by_library(svd));
}
// of matrices that are not square: the outer product of a and b is split along side, so the matrices are (column, row) here
TEST_CASE("gradients of qr and svd of tall and of wide matrices") {
    struct long_side : mw::axis<4> {};
    auto const tall = [](auto const& given) {  // (batch, long_side, row): whole, and of full rank
        auto const b = mw::rename<side, long_side>(
            mw::reshard<mw::layout<typename std::remove_cvref_t<decltype(given.b)>::mesh>>(given.b));
        return mw::dot<row>(given.a, b);  // (batch, column, long_side)
    };
    auto const qr = [&](auto&, auto const& given) {
        auto const found = mw::qr<long_side, column, rank>(tall(given));
        return mw::einsum<mw::axes<batch, column, long_side>>(found.q * found.q * found.q, found.r * found.r);
    };
    auto const svd = [&](auto&, auto const& given) {
        auto const found = mw::svd<long_side, column, rank>(tall(given));
        return mw::einsum<mw::axes<batch, column, long_side>>(found.u * found.u * found.u, found.s,
                                                              found.vh * found.vh);
    };
    auto const wide = [&](auto&, auto const& given) {
        auto const found = mw::svd<column, long_side, rank>(tall(given));
        return mw::einsum<mw::axes<batch, column, long_side>>(found.u * found.u * found.u, found.s,
                                                              found.vh * found.vh);
    };
    agrees<false>(qr, regular, 24, by_library(qr));
    agrees<false>(svd, regular, 24, by_library(svd));
    agrees(wide, regular, 24, by_library(wide));
    auto const wide_qr = [&](auto&, auto const& given) {
        return mw::qr<column, long_side, rank>(tall(given)).r;
    };
    CHECK(by_library(wide_qr)(regular).size() == 24);
    CHECK_THROWS_WITH_AS(
        (on_ranks<one, systems<one>>(regular, varied(24, 5), wide_qr)),
        doctest::Contains("mw::qr of matrices with more columns than rows was given a value that"),
        mw::error);
}

TEST_CASE("what eigh, qr and svd find is what they promise, in double and in float") {
    auto const promise = []<class T>(T, double tolerance) {
        mw::run<one>(mw::threads{}, [&](auto& here) {
            auto const tensor = [&]<class... A>(mw::axes<A...>, numbers const& all) {
                return cut<mw::tensor_of<one, T, A...>>(all);
            };
            auto const near = [&](auto const& x, auto const& y) {
                auto const a = here.gather(x), b = here.gather(y);
                CHECK(distance(numbers(a.begin(), a.end()), numbers(b.begin(), b.end())) <= tolerance);
            };
            auto const is_identity = [&](auto const& x) {
                auto const all = here.gather(x);
                for (std::size_t i = 0; i < all.size(); ++i)
                    CHECK(std::abs(static_cast<double>(all[i]) - (i % 9 % 4 == 0 ? 1 : 0)) <= tolerance);
            };
            auto const symmetric = made_symmetric(tensor(mw::axes<batch, row, column>{}, well_conditioned()));
            auto const [values, vectors] = mw::eigh<row, column>(symmetric);
            near(mw::einsum<mw::axes<batch, row, other>>(vectors, values, mw::rename<row, other>(vectors)),
                 mw::rename<column, other>(symmetric));
            is_identity(mw::dot<row>(vectors, mw::rename<column, other>(vectors)));
            auto const sorted = here.gather(values);
            CHECK((sorted[0] < sorted[1] && sorted[1] < sorted[2] && sorted[3] < sorted[4]));

            auto const check_both = [&]<class Row, class Column>(Row*, Column*) {
                auto const a = tensor(mw::axes<row, side>{}, of_full_rank());
                auto const [q, r] = mw::qr<Row, Column, rank>(a);
                near(mw::transpose<mw::axes<row, side>>(mw::dot<rank>(q, r)), a);
                is_identity(mw::dot<Row>(q, mw::rename<rank, other>(q)));
                auto const below = here.gather(r);
                for (std::size_t i = 0; i < rank::size; ++i)
                    for (std::size_t j = 0; j < i; ++j) CHECK(below[i * Column::size + j] == 0);
                auto const [u, s, vh] = mw::svd<Row, Column, rank>(a);
                near(mw::einsum<mw::axes<row, side>>(u, s, vh), a);
                is_identity(mw::dot<Row>(u, mw::rename<rank, other>(u)));
                is_identity(mw::dot<Column>(vh, mw::rename<rank, other>(vh)));
                auto const falling = here.gather(s);
                CHECK((falling[0] > falling[1] && falling[1] > falling[2] && falling[2] > 0));
            };
            check_both(static_cast<row*>(nullptr), static_cast<side*>(nullptr));
            check_both(static_cast<side*>(nullptr), static_cast<row*>(nullptr));
        });
    };
    promise(1.0, 1e-13);
    promise(1.0F, 1e-5);
}

// what a program on these numbers says
template <class Op>
std::string complaint(numbers const& a, Op op) {
    try {
        mw::run<one>(mw::threads{}, [&](auto&) { (void)op(cut<value<one, batch, row, column>>(a)); });
    } catch (mw::error const& e) { return e.what(); }
    return "nothing went wrong";
}
TEST_CASE("singular matrices and NaN: one sentence, or what numpy gives") {
    numbers singular = well_conditioned();
    for (std::size_t i = 0; i < 3; ++i) singular[9 + i] = singular[12 + i] = singular[15 + i] = 1;
    CHECK(
        complaint(singular, [](auto const& a) { return mw::inverse<row, column>(a); })
            .find(
                "mw::inverse was given a matrix that is singular: number 1 of the 2 on this rank, from 0 on") !=
        std::string::npos);
    CHECK(complaint(singular, [](auto const& a) {
              return mw::solve<row, column>(a, mw::full<value<one, row>>(1));
          }).find("mw::solve was given a matrix that is singular") != std::string::npos);
    CHECK(complaint(singular, [](auto const& a) { return mw::cholesky<row, column>(-a); })
              .find("mw::cholesky was given a matrix that is not positive definite: number 0") !=
          std::string::npos);
    numbers broken = well_conditioned();
    broken[12] = NAN;
    CHECK(complaint(broken, [](auto const& a) {
              return mw::cholesky<row, column>(a);
          }).find("that is not positive definite: number 1") != std::string::npos);
    CHECK(complaint(broken, [](auto const& a) {
              return mw::eigh<row, column>(a);
          }).find("mw::eigh was given a matrix that has NaN or infinity: number 1") != std::string::npos);
    CHECK(complaint(broken, [](auto const& a) {
              return mw::svd<row, column, rank>(a);
          }).find("mw::svd was given a matrix that has NaN or infinity") != std::string::npos);
    mw::run<one>(mw::threads{}, [&](auto& here) {
        auto const a = cut<value<one, batch, row, column>>(broken);
        auto const is_nan = [](double x) { return std::isnan(x); };
        auto const second = [&](auto const& x) {
            auto const all = here.gather(x);
            CHECK(
                std::none_of(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), is_nan));
            return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end(), is_nan);
        };
        CHECK(second(mw::inverse<row, column>(a)));
        CHECK(second(mw::det<row, column>(a)));
        CHECK(second(mw::slogdet<row, column>(a).logabsdet));
        CHECK(second(mw::qr<row, column, rank>(a).q));
        auto const none = mw::slogdet<row, column>(cut<value<one, batch, row, column>>(singular));
        CHECK((here.gather(none.sign)[1] == 0 && here.gather(none.logabsdet)[1] == -INFINITY));
        CHECK(here.gather(mw::det<row, column>(cut<value<one, batch, row, column>>(singular)))[1] == 0);
    });
}
TEST_CASE("matrices of no elements and of one, and no matrices") {
    struct few : mw::up_to<3> {};
    struct many : mw::up_to<3> {};
    struct count : mw::up_to<4> {};
    struct shorter : mw::up_to<3> {};
    mw::run<one>(mw::threads{}, [](auto& here) {
        using stack = value<one, count, few, many>;
        auto const nothing = stack::uninitialized({2, 0, 0});
        CHECK(here.gather(mw::det<few, many>(nothing)) == numbers{1, 1});
        CHECK(here.gather(mw::slogdet<few, many>(nothing).sign) == numbers{1, 1});
        CHECK(mw::inverse<few, many>(nothing).local_size() == 0);
        CHECK(mw::solve<few, many>(nothing, value<one, few>::uninitialized({0})).local_size() == 0);
        CHECK(mw::svd<few, many, shorter>(stack::uninitialized({2, 3, 0})).u.local_size() == 0);
        auto const no_matrices = stack::uninitialized({0, 2, 2});
        CHECK(mw::det<few, many>(no_matrices).local_size() == 0);
        CHECK(mw::eigh<few, many>(no_matrices).vectors.local_size() == 0);
        auto alone = stack::uninitialized({1, 1, 1});
        mw::fill_by_index(alone, [](std::size_t) { return 4.0; });
        CHECK(here.gather(mw::inverse<few, many>(alone)) == numbers{0.25});
        CHECK(here.gather(mw::cholesky<few, many>(alone)) == numbers{2});
        CHECK(here.gather(mw::det<few, many>(alone)) == numbers{4});
        CHECK(here.gather(mw::svd<few, many, shorter>(alone).s) == numbers{4});
        CHECK_THROWS_WITH_AS(((void)mw::det<few, many>(stack::uninitialized({1, 2, 3}))),
                             doctest::Contains("axis many has 2 elements in one operand and 3 in another"),
                             mw::error);
    });
}

// what may not compile
template <class Axes, class... P>
using on_two = mw::operand<Axes, mw::canonical<grid<2, 2>, P...>>;
using whole = on_two<mw::axes<batch, row, column>>;
template <class Relation>
using broken_rule = typename Relation::verdict::rule;
static_assert(mw::square_matrices<row, column, whole>::verdict::value);
static_assert(std::is_same_v<
              broken_rule<mw::square_matrices<row, column, on_two<mw::axes<row, column>, split<row, tp<2>>>>>,
              mw::normalised_axis_is_split>);
static_assert(
    std::is_same_v<
        broken_rule<mw::square_matrices<row, column, on_two<mw::axes<row, column>, mw::partial<tp<2>>>>>,
        mw::non_linear_operation_on_a_pending_sum>);
static_assert(std::is_same_v<broken_rule<mw::square_matrices<batch, column, whole>>, mw::sizes_differ>);
static_assert(std::is_same_v<broken_rule<mw::square_matrices<row, row, whole>>, mw::axis_is_missing>);
static_assert(std::is_same_v<broken_rule<mw::decomposing<row, column, batch, whole>>, mw::axis_is_missing>);
static_assert(std::is_same_v<broken_rule<mw::decomposing<row, column, side, whole>>, mw::sizes_differ>);
static_assert(
    std::is_same_v<broken_rule<mw::solving<row, column, whole, on_two<mw::axes<row>, split<row, tp<2>>>>>,
                   mw::normalised_axis_is_split>);
static_assert(std::is_same_v<
              broken_rule<mw::solving<row, column, whole, on_two<mw::axes<batch, row>, split<batch, dp<2>>>>>,
              mw::shared_axis_is_split_differently>);
static_assert(std::is_same_v<broken_rule<mw::solving<row, column, whole, on_two<mw::axes<column>>>>,
                             mw::axis_is_missing>);

}  // namespace
