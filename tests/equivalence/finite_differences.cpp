// The gradients of the tiny models in double against central differences of the loss itself, on one rank and with
// tensor parallelism: a few entries of every parameter, moved on all ranks that hold them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "sanitizers.hpp"
#include "tiny_models.hpp"

namespace {

namespace mw = meshwise;

// Losses are near 10, so a difference over twice this is good to about 1e-10, and what is cut off is a millionth of that
constexpr double step = 1e-5;

struct difference {
    double by_tape, by_differences;
};
struct of_parameter {
    std::string name;
    double largest = 0;
    std::vector<difference> entries;
};

template <template <class> class Model, class S>
std::vector<of_parameter> compare() {
    std::vector<of_parameter> found;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        static_assert(std::is_same_v<typename S::element, double>);
        auto model = mw::init<Model<S>>(here, mw::seed{5});
        // larger than a training run starts with: no path through the model may be too quiet to be seen
        mw::for_each_parameter(model, [](std::size_t, std::string_view name, auto& p, mw::initial start) {
            mw::random_stream const numbers(mw::seed{6}, name);
            double const centre = start.how == mw::initial::kind::constant ? start.number : 0;
            mw::fill_by_index(p, [&](std::size_t i) { return centre + 0.3 * numbers.normal(i); });
        });
        auto const inputs = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 0));
        auto const targets = mw::place<tiny::batch, tiny::token>(here, tiny::ids(0, 1));
        auto result = mw::value_and_gradient(model, inputs, targets);
        auto const loss = [&] {
            auto const parts = model.loss(inputs, targets);
            return here.gather(parts.sum)[0] / here.gather(parts.count)[0];
        };
        mw::for_each_parameter(model, [&](std::size_t at, std::string_view name, auto& p, auto) {
            auto const gradient = here.gather(result.gradient.whole(at, p));
            auto const farther = [&](double a, double b) { return std::abs(a) < std::abs(b); };
            std::size_t const n = gradient.size();
            auto const most = static_cast<std::size_t>(
                std::max_element(gradient.begin(), gradient.end(), farther) - gradient.begin());
            of_parameter mine{std::string(name), std::abs(gradient[most]), {}};
            std::vector<double> const before(p.local_span().begin(), p.local_span().end());
            auto moved = mw::result_of<std::remove_cvref_t<decltype(p)>>(p);
            auto const loss_at = [&](std::size_t entry, double by) {
                mw::fill_by_index(moved, [&](std::size_t i) { return i == entry ? by : 0; });
                for (std::size_t i = 0; i < p.local_size(); ++i)
                    p.mutable_data()[i] = before[i] + moved.local_data()[i];
                double const value = loss();
                std::copy(before.begin(), before.end(), p.mutable_data());
                return value;
            };
            auto const slope = [&](std::size_t entry) {
                return (loss_at(entry, step) - loss_at(entry, -step)) / (2 * step);
            };
            // under the sanitizer the steps are watched, and they are the same for every entry
            std::array const entries{most, n / 3, n - 1};
            for (std::size_t const entry : std::span(entries).first(under_address_sanitizer ? 1 : 3))
                mine.entries.push_back({gradient[entry], slope(entry)});
            if (here.is_first().on_this_rank()) found.push_back(std::move(mine));
        });
    });
    return found;
}

template <template <class> class Model, class S>
void check() {
    auto const all = compare<Model, S>();
    double largest = 0, worst = 0;
    for (auto const& p : all) largest = std::max(largest, p.largest);
    for (auto const& p : all) {
        CAPTURE(p.name);
        // some biases have no influence at all: those are held to a thousandth of the largest gradient of the model
        double const unit = std::max(p.largest, 1e-3 * largest);
        for (auto const& e : p.entries) {
            CAPTURE(e.by_tape);
            CAPTURE(e.by_differences);
            double const apart = std::abs(e.by_tape - e.by_differences) / unit;
            worst = std::max(worst, apart);
            CHECK(apart <= 1e-6);
        }
    }
    MESSAGE(all.size() << " parameters, largest difference " << worst);
}

template <std::size_t Tp>
using in_double =
    typename tiny::places<1, Tp>::template tensor_parallel<mw::on<mw::serial>, mw::dtype<double>>;

TEST_CASE("gradients of gpt are the slopes of its loss") {
    SUBCASE("one rank") { check<tiny::gpt, in_double<1>>(); }
    SUBCASE("tp 2") { check<tiny::gpt, in_double<2>>(); }
}
TEST_CASE("gradients of llama are the slopes of its loss") {
    SUBCASE("one rank") { check<tiny::llama, in_double<1>>(); }
    SUBCASE("tp 2") { check<tiny::llama, in_double<2>>(); }
}

}  // namespace
