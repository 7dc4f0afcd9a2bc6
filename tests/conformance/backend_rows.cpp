// What every backend for host memory promises about rows: softmax, norms, rope, tables and losses.
#include "conformance/backend_reference.hpp"
#include "max_with_nan.hpp"

#include <algorithm>

namespace mw = meshwise;

namespace {

/// Runs kernel(first row, rows, out of those rows) on all rows at once and on each alone: the bits must
/// agree.
template <class T, class Kernel>
std::vector<T> row_by_row(std::size_t rows, std::size_t n, Kernel&& kernel) {
    std::vector<T> whole(rows * n), apart(rows * n);
    kernel(std::size_t{0}, rows, whole.data());
    for (std::size_t r = 0; r < rows; ++r) kernel(r, std::size_t{1}, apart.data() + r * n);
    CHECK(same_bits(whole, apart));
    return whole;
}

/// Central differences of f in x, for each x in turn.
template <class F>
std::vector<double> slopes(std::vector<double> x, F&& f) {
    std::vector<double> result(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const kept = x[i], step = 1e-5;
        x[i] = kept + step;
        double const above = f(x);
        x[i] = kept - step;
        result[i] = (above - f(x)) / (2 * step);
        x[i] = kept;
    }
    return result;
}

template <class T>
std::vector<double> wide(std::vector<T> const& x) {
    return {x.begin(), x.end()};
}

std::vector<double> softmax_reference(std::vector<double> const& x) {
    double total = 0;
    std::vector<double> y(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) total += y[j] = std::exp(x[j]);
    for (double& value : y) value /= total;
    return y;
}

/// (x - mean) / deviation * gain + bias; without the mean for rms_norm.
std::vector<double> norm_reference(std::vector<double> const& x, std::vector<double> const& gain,
                                   std::vector<double> const& bias, bool centred) {
    auto const n = static_cast<double>(x.size());
    double mean = 0, squares = 0;
    for (double const value : x) mean += centred ? value / n : 0;
    for (double const value : x) squares += (value - mean) * (value - mean) / n;
    std::vector<double> y(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) {
        y[j] = (x[j] - mean) / std::sqrt(squares + 1e-5) * gain[j] + (centred ? bias[j] : 0);
    }
    return y;
}

double along(std::vector<double> const& a, std::vector<double> const& b) {
    double total = 0;
    for (std::size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
    return total;
}

std::vector<double> part(std::vector<double> const& x, std::size_t first, std::size_t count) {
    auto const begin = x.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

TEST_CASE_TEMPLATE("softmax and its gradient", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const rows = 5;
    for (std::size_t const n : sizes{1, 3, 64, 100, 5000}) {
        auto const x = values<T>(rows * n, n), dy = values<T>(rows * n, 2);
        auto const y = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::softmax(count, n, x.data() + r * n, out);
        });
        auto const dx = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::softmax_gradient(count, n, y.data() + r * n, dy.data() + r * n, out);
        });
        std::vector<double> wanted, wanted_dx;
        for (std::size_t r = 0; r < rows; ++r) {
            auto const row = softmax_reference(part(wide(x), r * n, n));
            double const mean = along(row, part(wide(dy), r * n, n));
            for (std::size_t j = 0; j < n; ++j) wanted_dx.push_back(row[j] * (dy[r * n + j] - mean));
            wanted.insert(wanted.end(), row.begin(), row.end());
        }
        check_close(y, wanted, 4);
        check_close(dx, wanted_dx, 8);
    }
    T const infinity = std::numeric_limits<T>::infinity();
    std::vector<T> x{-infinity, -infinity, -infinity, 1, -infinity, 1, 1000, -1000, 0}, y(9);
    B::softmax(3, 3, x.data(), y.data());
    CHECK(y == std::vector<T>{0, 0, 0, T{0.5}, 0, T{0.5}, 1, 0, 0});
}

TEST_CASE_TEMPLATE("argmax and maximum of rows", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const rows = 40, n = 301;
    auto x = values<T>(rows * n, 3);
    for (std::size_t r = 0; r < rows; ++r) x[r * n + 7 * r] = x[r * n + 7 * r + 20] = 3;  // a tie
    std::vector<T> largest(rows);
    std::vector<std::int32_t> index(rows);
    B::row_max(rows, n, x.data(), largest.data());
    B::argmax_rows(rows, n, x.data(), index.data());
    for (std::size_t r = 0; r < rows; ++r) {
        CHECK(largest[r] == T{3});
        CHECK(index[r] == static_cast<std::int32_t>(7 * r));
    }
}

TEST_CASE_TEMPLATE("layer_norm, rms_norm and their gradients", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const rows = 37;
    for (std::size_t const n : sizes{2, 64, 90, 150}) {
        auto const x = values<T>(rows * n, n), dy = values<T>(rows * n, 5), gain = values<T>(n, 6),
                   bias = values<T>(n, 7);
        std::vector<double> mean(rows);
        std::vector<T> inverse(rows), root(rows), dgain(n), dbias(n), dgain_rms(n);
        auto const y = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::layer_norm(count, n, &x[r * n], gain.data(), bias.data(), 1e-5, out, &mean[r], &inverse[r]);
        });
        auto const z = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::rms_norm(count, n, &x[r * n], gain.data(), 1e-5, out, &root[r]);
        });
        auto const dx = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::layer_norm_gradient(count, n, &x[r * n], gain.data(), &mean[r], &inverse[r], &dy[r * n], out);
        });
        auto const dx_rms = row_by_row<T>(rows, n, [&](std::size_t r, std::size_t count, T* out) {
            B::rms_norm_gradient(count, n, &x[r * n], gain.data(), &root[r], &dy[r * n], out);
        });
        B::layer_norm_parameters(rows, n, x.data(), mean.data(), inverse.data(), dy.data(), dgain.data(),
                                 dbias.data());
        B::rms_norm_parameters(rows, n, x.data(), root.data(), dy.data(), dgain_rms.data());

        std::vector<double> wanted_y, wanted_z, wanted_dgain(n), wanted_dbias(n), wanted_dgain_rms(n);
        double worst = 0;
        auto const wide_gain = wide(gain), wide_bias = wide(bias), ones = std::vector<double>(n, 1.0),
                   zeros = std::vector<double>(n);
        for (std::size_t r = 0; r < rows; ++r) {
            auto const row = part(wide(x), r * n, n), slope = part(wide(dy), r * n, n);
            for (bool const centred : {true, false}) {
                auto const whole = norm_reference(row, wide_gain, wide_bias, centred);
                auto const plain = norm_reference(row, ones, zeros, centred);
                auto& wanted = centred ? wanted_y : wanted_z;
                wanted.insert(wanted.end(), whole.begin(), whole.end());
                for (std::size_t j = 0; j < n; ++j) {
                    (centred ? wanted_dgain : wanted_dgain_rms)[j] += slope[j] * plain[j];
                    wanted_dbias[j] += centred ? slope[j] : 0;
                }
                if (r % 12 != 0) continue;
                auto const wanted_dx = slopes(row, [&](std::vector<double> const& moved) {
                    return along(norm_reference(moved, wide_gain, wide_bias, centred), slope);
                });
                for (std::size_t j = 0; j < n; ++j) {
                    double const got = (centred ? dx : dx_rms)[r * n + j];
                    worst = worse(worst, std::fabs(got - wanted_dx[j]) / (1 + std::fabs(wanted_dx[j])));
                }
            }
        }
        check_close(y, wanted_y, 64);
        check_close(z, wanted_z, 16);
        check_close(dgain, wanted_dgain, 256);
        check_close(dbias, wanted_dbias, 64);
        check_close(dgain_rms, wanted_dgain_rms, 64);
        CHECK(worst < (n == 2 ? 1e-3 : 2e-5));
    }
}

TEST_CASE_TEMPLATE("gradients of gains do not depend on the threads or on the other columns", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const rows = 5000, n = 200, half = 77;
    auto const x = values<T>(rows * n, 8), dy = values<T>(rows * n, 9), inverse = values<T>(rows, 11);
    auto const mean = values<double>(rows, 10);
    auto const whole = [&] {
        std::vector<T> result(2 * n);
        B::layer_norm_parameters(rows, n, x.data(), mean.data(), inverse.data(), dy.data(), result.data(),
                                 result.data() + n);
        return result;
    };
    auto const columns = [&](std::size_t first, std::size_t count) {
        std::vector<T> some_x(rows * count), some_dy(rows * count), result(2 * count);
        for (std::size_t r = 0; r < rows; ++r) {
            B::copy(&some_x[r * count], &x[r * n + first], count);
            B::copy(&some_dy[r * count], &dy[r * n + first], count);
        }
        B::layer_norm_parameters(rows, count, some_x.data(), mean.data(), inverse.data(), some_dy.data(),
                                 result.data(), result.data() + count);
        return result;
    };
    auto const all = whole(), left = columns(0, half), right = columns(half, n - half);
    for (std::size_t const which : sizes{0, 1}) {
        CHECK(same_bits(&all[which * n], &left[which * half], half));
        CHECK(same_bits(&all[which * n + half], &right[which * (n - half)], n - half));
    }
    CHECK(same_with_more_threads<B>(whole));
}

TEST_CASE_TEMPLATE("rope rotates pairs by position", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const outer = 2, tokens = 11, heads = 3, dim = 18, first = 1000, width = heads * dim;
    auto const x = values<T>(outer * tokens * width, 12);
    for (auto const pairing : {mw::rope_pairing::adjacent, mw::rope_pairing::halves}) {
        std::vector<T> y(x.size()), back(x.size());
        B::rope(outer, tokens, heads, dim, first, 10000.0, pairing, false, x.data(), y.data());
        std::vector<double> wanted(x.size());
        for (std::size_t row = 0; row < outer * tokens; ++row) {
            for (std::size_t h = 0; h < heads; ++h) {
                for (std::size_t i = 0; i < dim / 2; ++i) {
                    bool const adjacent = pairing == mw::rope_pairing::adjacent;
                    std::size_t const a = row * width + h * dim + (adjacent ? 2 * i : i);
                    std::size_t const b = adjacent ? a + 1 : a + dim / 2;
                    double const angle = static_cast<double>(first + row % tokens) *
                                         std::pow(10000.0, -2.0 * static_cast<double>(i) / dim);
                    wanted[a] = x[a] * std::cos(angle) - x[b] * std::sin(angle);
                    wanted[b] = x[a] * std::sin(angle) + x[b] * std::cos(angle);
                }
            }
        }
        check_close(y, wanted, 4);
        B::rope(outer, tokens, heads, dim, first, 10000.0, pairing, true, y.data(), back.data());
        check_close(back, wide(x), 8);
        // Tokens 4 to 11 of the first sequence alone; then everything in place.
        std::vector<T> some(7 * width), in_place = x;
        B::rope(1, 7, heads, dim, first + 4, 10000.0, pairing, false, &x[4 * width], some.data());
        CHECK(same_bits(some.data(), &y[4 * width], some.size()));
        B::rope(outer, tokens, heads, dim, first, 10000.0, pairing, false, in_place.data(), in_place.data());
        CHECK(same_bits(in_place, y));
    }
}

TEST_CASE_TEMPLATE("rows of a table are gathered, and added where they came from", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const vocabulary = 60, first = 20, rows = 30, n = 150, count = 500;
    auto const table = values<T>(rows * n, 13), dy = values<T>(count * n, 14);
    std::vector<std::int32_t> ids(count);
    for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<std::int32_t>(i * 37 % vocabulary);
    ids[3] = -1;
    ids[4] = mw::ignore_index;
    std::vector<T> out(count * n, T{7});
    B::gather_rows(count, ids.data(), first, rows, n, table.data(), out.data());
    auto const before = values<T>(rows * n, 22);
    std::vector<double> wanted(before.begin(), before.end());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto const row = static_cast<std::size_t>(ids[i] - 20);
        bool const here = ids[i] >= 20 && ids[i] < 50;
        for (std::size_t j = 0; j < n; ++j) {
            wrong += out[i * n + j] != (here ? table[row * n + j] : T{0});
            if (here) wanted[row * n + j] += dy[i * n + j];
        }
    }
    CHECK(wrong == 0);
    auto const scatter = [&] {
        auto dtable = before;
        dtable.resize(rows * n + n, T{7});
        B::scatter_add_rows(count, ids.data(), first, rows, n, dy.data(), dtable.data());
        CHECK(dtable[rows * n] == T{7});  // beyond the table
        dtable.resize(rows * n);
        return dtable;
    };
    check_close(scatter(), wanted, 64);
    CHECK(same_with_more_threads<B>(scatter));
    auto in_order = before;  // occurrence by occurrence
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; ids[i] >= 20 && ids[i] < 50 && j < n; ++j) {
            in_order[static_cast<std::size_t>(ids[i] - 20) * n + j] += dy[i * n + j];
        }
    }
    CHECK(same_bits(scatter(), in_order));
}

TEST_CASE_TEMPLATE("cross entropy over split columns", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const rows = 9, n = 130, valid = 120;  // ten padded columns
    auto x = values<T>(rows * n, 15);
    auto const row_scale = values<T>(rows, 16);
    for (std::size_t r = 0; r < rows; ++r) std::fill_n(&x[r * n + valid], n - valid, T{1000});
    std::vector<std::int32_t> targets{0, 119, 70, 64, mw::ignore_index, 63, 1, 118, 65};
    std::vector<T> largest(rows), logit(rows), sum(rows), log_sum(rows), differences(rows),
        dx(rows * n, T{7});
    std::vector<double> wanted_sum(rows), wanted_logit(rows), wanted_differences(rows), wanted_dx(rows * n);
    for (std::size_t r = 0; r < rows; ++r) {
        largest[r] = *std::max_element(&x[r * n], &x[r * n + valid]);
        double total = 0;
        for (std::size_t j = 0; j < valid; ++j) total += std::exp(double(x[r * n + j]) - largest[r]);
        log_sum[r] = static_cast<T>(std::log(total));
        if (targets[r] == mw::ignore_index) continue;
        wanted_sum[r] = total;
        for (std::size_t j = 0; j < valid; ++j) wanted_differences[r] += double(x[r * n + j]) - largest[r];
        wanted_logit[r] = x[r * n + static_cast<std::size_t>(targets[r])];
        for (std::size_t j = 0; j < valid; ++j) {
            bool const is_target = j == static_cast<std::size_t>(targets[r]);
            wanted_dx[r * n + j] = row_scale[r] * (std::exp(double(x[r * n + j]) - largest[r] - log_sum[r]) -
                                                   (is_target ? 1 : 0));
        }
    }
    std::vector<T> found(rows, T{7});
    auto const maxima = largest;
    B::target_and_exp_sum(rows, n, valid, x.data(), targets.data(), 0, found.data(), logit.data(), sum.data(),
                          differences.data());
    check_close(differences, wanted_differences);
    largest[4] = -std::numeric_limits<T>::infinity();  // the ignored row has no column
    CHECK(found == largest);
    check_close(sum, wanted_sum);
    check_close(logit, wanted_logit, 0);
    mw::smoothed_target expected{};
    auto const gradient = [&](std::size_t first, std::size_t width, std::size_t counting) {
        std::vector<T> some(rows * width), result(rows * width, T{7});
        for (std::size_t r = 0; r < rows; ++r) B::copy(&some[r * width], &x[r * n + first], width);
        B::cross_entropy_gradient(rows, width, counting, some.data(), maxima.data(), log_sum.data(),
                                  targets.data(), first, row_scale.data(), expected, result.data());
        return result;
    };
    auto const whole = gradient(0, n, valid), left = gradient(0, 65, 65), right = gradient(65, 65, 55);
    check_close(whole, wanted_dx, 4);
    for (std::size_t r = 0; r < rows; ++r) {
        CHECK(same_bits(&whole[r * n], &left[r * 65], 65));
        CHECK(same_bits(&whole[r * n + 65], &right[r * 65], 65));
    }
    std::vector<T> logit_right(rows), sum_right(rows);
    std::vector<T> const some(x.begin(), x.begin() + 65);
    B::target_and_exp_sum(1, 65, 65, some.data(), targets.data(), 65, found.data(), logit_right.data(),
                          sum_right.data());
    CHECK(logit_right[0] == T{0});  // the target, 0, is another rank's
    std::vector<T> const nothing(65, -std::numeric_limits<T>::infinity());
    B::target_and_exp_sum(1, 65, 65, nothing.data(), targets.data(), 0, found.data(), logit.data(),
                          sum.data());
    CHECK(found[0] == nothing[0]);
    CHECK(sum[0] == T{0});  // not NaN: other ranks may have columns that count
    std::vector<T> in_place = x;
    B::cross_entropy_gradient(rows, n, valid, in_place.data(), maxima.data(), log_sum.data(), targets.data(),
                              0, row_scale.data(), mw::smoothed_target{}, in_place.data());
    CHECK(same_bits(in_place, whole));

    // a loss that expects 0.7 of the target and 0.002 of each column besides
    expected = {.target = 0.7, .each = 0.002};
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t j = 0; targets[r] != mw::ignore_index && j < valid; ++j)
            wanted_dx[r * n + j] =
                row_scale[r] * (std::exp(double(x[r * n + j]) - maxima[r] - log_sum[r]) - 0.002 -
                                (j == static_cast<std::size_t>(targets[r]) ? 0.7 : 0));
    auto const smooth = gradient(0, n, valid), end = gradient(65, 65, 55);
    check_close(smooth, wanted_dx, 4);
    for (std::size_t r = 0; r < rows; ++r) CHECK(same_bits(&smooth[r * n + 65], &end[r * 65], 65));
}
