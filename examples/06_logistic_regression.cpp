// Logistic regression from a CSV file: three kinds of plants, told apart by four lengths. The number of rows is known
// when the file was read, so the axis that counts them has a bound in its type, and its extent in the tensor.
#include <meshwise/meshwise.hpp>
#include <meshwise/text/readers/readers.hpp>

#include <cstdio>
#include <stdexcept>

namespace mw = meshwise;

struct plant : mw::up_to<1024> {};
struct length : mw::axis<4> {};
struct kind : mw::axis<3> {};
using strategy = mw::strategy<mw::mesh<>>;

constexpr std::array<std::string_view, kind::size> kinds_of_plants{"reed", "sedge", "rush"};

struct table {
    std::vector<float> lengths;
    std::vector<std::int32_t> kinds;
};
table read(char const* path) {
    table all;
    mw::table_reader in(path, mw::table_reader::comma);
    std::vector<std::string> row;
    for (in.next(row); in.next(row);) {  // the first row is names of columns
        for (std::size_t i = 0; i < length::size; ++i) all.lengths.push_back(std::stof(row[i]));
        all.kinds.push_back(static_cast<std::int32_t>(std::ranges::find(kinds_of_plants, row.back()) -
                                                      kinds_of_plants.begin()));
    }
    return all;
}

struct logistic_regression {
    mw::linear<strategy, length, kind> score;

    auto operator()(auto const& x) const { return score(x); }
    auto loss(auto const& x, auto const& kinds) const { return mw::cross_entropy<kind>(score(x), kinds); }

    static constexpr auto parameters = mw::fields<&logistic_regression::score>();
};

int main(int argc, char** argv) {
    table const plants = read(argc > 1 ? argv[1] : "examples/texts/plants.csv");
    std::size_t const rows = plants.kinds.size();
    double const accuracy = mw::run<strategy>(mw::threads{}, [&](mw::rank<strategy>& here) {
        auto const raw = here.place<plant, length>(plants.lengths, {rows});
        auto const kinds = here.place<plant>(plants.kinds, {rows});
        auto const x = (raw - mw::mean<plant>(raw)) / mw::standard_deviation<plant>(raw);

        auto model = here.init<logistic_regression>(mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 0.1});
        for (int step = 0; step < 100; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, x, kinds);
            optimizer.step(model, gradient);
            if (step % 20 == 0) std::printf("step %2d  loss %.4f\n", step, loss);
        }
        return mw::mean(mw::cast<float>(mw::argmax<kind>(model(x)) == kinds)).item();
    });
    std::printf("%.1f %% of %zu plants are named right\n", 100 * accuracy, rows);
    if (!(accuracy > 0.9)) return std::puts("WRONG: a tenth of the plants is named wrong"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
