// oracle: operations compared with PyTorch. A program of this folder computes cases and writes them as .npy files; the script
// of the same name recomputes them in double and compares (oracle.py). A case is a line on each side:
//   elements.cpp:  add("exp", [](auto const& m) { return mw::exp(m.x); });   // m: the operands, a struct with `parameters`
//   elements.py:   case("exp", lambda t, x: t.exp(x))                        // t: torch, or numpy where there is no torch
// A new program is a new pair of files; CMake finds it by its name.
#pragma once
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/io/npy.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/parallel/run.hpp>

namespace oracle {

namespace mw = meshwise;
using S = mw::strategy<mw::mesh<>, mw::on<mw::serial>, mw::dtype<double>>;
using rank = mw::rank<S>;
template <class... A>
using tensor = mw::tensor_of<S, double, A...>;
using number = tensor<>;
using numbers = std::vector<double>;

/// Numbers between -3 and 3 of which no two are alike.
inline numbers some_numbers(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    numbers made(count);
    for (double& x : made) x = static_cast<double>(random()) / static_cast<double>(random.max()) * 6 - 3;
    return made;
}
template <class X>
X some(std::uint32_t seed, typename X::extents_type extents = {}) {
    X made = X::uninitialized(extents);
    auto const from = some_numbers(made.local_size(), seed);
    mw::fill_by_index(made, [&](std::size_t i) { return from[i]; });
    return made;
}

/// Every element of a result, each with a weight of its own; oracle.py has the same weights.
template <class Out>
number weighed(Out const& out) {
    auto weights = mw::result_of<mw::gradient_of<Out>>(out);
    mw::fill_by_index(weights, [](std::size_t i) { return static_cast<double>((i * 7 + 3) % 11) - 4.5; });
    return mw::sum(out * weights);
}

/// Writes cases into a folder, each as CASE.x0.npy, ... (operands), CASE.out.npy, and CASE.d0.npy, ... (gradients).
class cases {
public:
    cases(rank& here, std::string folder) : here_(here), folder_(std::move(folder)) {}

    /// op(model) -> tensor of double, with its gradient by each parameter of the model.
    template <class Model, class Op>
    void add(std::string const& name, Model const& model, Op op) {
        find_gradient<Model>(name, model, [&](Model const& m) {
            auto const out = op(m);
            save(name + ".out", out.detached());
            return weighed(out);
        });
    }
    /// The same of a result that has no gradient, of any elements.
    template <class Model, class Op>
    void add_values(std::string const& name, Model const& model, Op op) {
        save_operands(name, model);
        save(name + ".out", op(model));
    }

private:
    // one type for all operations, so that the search for a gradient is compiled once a model
    template <class Model>
    void find_gradient(std::string const& name, Model const& model,
                       std::function<number(Model const&)> loss) {
        save_operands(name, model);
        auto found = mw::value_and_gradient(model, loss);
        mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto const& p, auto) {
            save(name + ".d" + std::to_string(i), found.gradient.whole(i, p));
        });
    }
    template <class Model>
    void save_operands(std::string const& name, Model const& model) {
        mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto const& p, auto) {
            save(name + ".x" + std::to_string(i), p);
        });
    }
    template <class X>
    void save(std::string const& name, X const& x) {
        mw::save_npy(here_, x, folder_ + "/" + name + ".npy");
    }

    rank& here_;
    std::string folder_;
};

/// The body of main: program(rank, cases).
template <class Program>
int main_of(int count, char** arguments, Program program) {
    if (count != 2) return std::fputs("the folder that takes the cases is missing\n", stderr), 2;
    mw::run<S>(mw::threads{}, [&](rank& here) {
        cases all(here, arguments[1]);
        program(here, all);
    });
    return 0;
}

}  // namespace oracle
