// Adapters of low rank teach a GPT another text: the trained GPT is frozen, and two thin matrices beside its layers learn.
// A strategy that says mw::lora is all there is to it. Then the adapters are merged into weights, and the result is a plain
// GPT again. The GPT that was tuned has the bits that it had.
#include <meshwise/meshwise.hpp>
#include <meshwise/nn/lora.hpp>
#include <meshwise/plan/budget.hpp>
#include <meshwise/text/batches/blocks.hpp>

#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct small {
    struct vocab : mw::axis<128> {};
    struct token : mw::axis<16> {};
    struct embed : mw::axis<16> {};
    struct heads : mw::axis<2> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<32> {};
    struct layer : mw::axis<1> {};
};
using plain = mw::strategy<mw::mesh<>>;
using with_lora = mw::strategy<mw::mesh<>, mw::lora<mw::rank_of_adapters<4>>>;
using gpt = mw::gpt<plain, small>;
using tuned_gpt = mw::gpt<with_lora, small>;

// a text that repeats a line, in batches
auto text_of(std::string const& line) {
    std::string text;
    while (text.size() < 2000) text += line;
    return mw::blocks<batch, small::token>(mw::byte_text::from_string(text));
}
template <class Model>
void train(auto& here, Model& model, auto const& text, double rate, std::uint64_t steps) {
    mw::adamw optimizer(model, {.learning_rate = rate});
    for (std::uint64_t step = 0; step < steps; ++step) {
        auto const [inputs, targets] = text.batch(here, step);
        auto [loss, gradient] = mw::value_and_gradient(model, inputs, targets);
        optimizer.step(model, gradient);
    }
}
double loss_of(auto& here, auto const& model, auto const& text) {
    auto const [inputs, targets] = text.batch(here, 1000);
    auto const loss = mw::settle<plain>(model.loss(inputs, targets));
    return loss.item();
}
std::vector<float> numbers_of(auto& here, auto const& model) {
    std::vector<float> all;
    mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto const& parameter, mw::initial) {
        for (float one : here.gather(parameter)) all.push_back(one);
    });
    return all;
}

int main() {
    return mw::run<plain>(mw::threads{}, [](mw::rank<plain>& here) {
        auto const old_text = text_of("the quick brown fox jumps over the lazy dog. ");
        auto const new_text = text_of("a bright red hen walks under the busy bees; ");
        auto model = here.init<gpt>(mw::seed{42});
        train(here, model, old_text, 1e-2, 60);
        auto const bits = numbers_of(here, model);
        double const before = loss_of(here, model, new_text);

        auto tuned = mw::with_adapters<tuned_gpt>(here, model, mw::seed{1});
        double const untrained = loss_of(here, tuned, new_text);
        train(here, tuned, new_text, 2e-2, 60);
        auto const merged = mw::merge_adapters<gpt>(tuned);
        double const after = loss_of(here, tuned, new_text), plain_again = loss_of(here, merged, new_text);
        std::printf("the new text costs %.3f, with adapters %.3f, merged %.3f\n", before, after, plain_again);

        if (untrained != before) return std::puts("WRONG: adapters change the model before they learn"), 1;
        if (!(after < before / 2)) return std::puts("WRONG: the adapters did not learn the new text"), 1;
        if (!(std::abs(plain_again - after) < 1e-3)) return std::puts("WRONG: merging changed the loss"), 1;
        if (numbers_of(here, model) != bits) return std::puts("WRONG: the frozen model has changed"), 1;
        return std::fflush(stdout) == 0 ? 0 : 1;
    });
}
