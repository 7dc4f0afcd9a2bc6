// checkpoints: where a run keeps its state, and the step that it goes on with. State is progress: model, moments, position
// in the text. Of what may not change a digest is kept, and a difference is refused; all other options are those of the
// command line.
#include "training.hpp"

#include <meshwise/io/checkpoints.hpp>

namespace train_gpt {

namespace {
std::uint64_t digest_of(std::string_view text) {
    mw::detail::xxh64 digest;
    digest.add(std::as_bytes(std::span(text)));
    return digest.value();
}

/// What a run learns from.
struct source {
    std::uint64_t text = 0, tokenizer = 0;
    template <class F>
    void visit_state(F f) {
        f("text", text), f("tokenizer", tokenizer);
    }
};

template <class S>
class folder final : public keeper {
public:
    folder(mw::rank<S>& here, job const& what, model_of<S>& model, mw::adamw<model_of<S>>& optimizer,
           mw::data_position& at)
        : here_(here),
          how_(what.how),
          at_(at),
          source_{digest_of(what.training_text),
                  digest_of(what.tokens.vocab_json() + what.tokens.merges_txt())},
          state_(mw::state_of("model", model, "optimizer", optimizer, "data", at, "source", source_)),
          store_(how_.checkpoint.string()) {}

    std::size_t first_step() override {
        if (how_.resume) {
            source const own = source_;
            auto const step = store_.resume(here_, state_);
            if (step) check(*step, own);
            return step.value_or(0);
        }
        if (auto const there = store_.latest(here_))
            throw mw::input_error(mw::path_in_quotes(how_.checkpoint) + " has a checkpoint of step " +
                                  std::to_string(*there) +
                                  "; go on from it with --resume, or give another folder");
        return 0;
    }
    void after_step(std::size_t done, bool last) override {
        if (last || done % how_.checkpoint_every == 0) store_.save_beside(here_, done, state_);
        store_.advance(here_);
        if (last) store_.finish(here_);
    }

private:
    void check(std::uint64_t step, source const& own) const {
        auto const refuse = [&](std::string const& why) {
            throw mw::input_error("step " + std::to_string(step) + " in " +
                                  mw::path_in_quotes(how_.checkpoint) + " " + why);
        };
        if (source_.text != own.text)
            refuse("was trained on another text; give the same with --text, or another folder");
        if (source_.tokenizer != own.tokenizer)
            refuse(
                "was trained with another tokenizer; resume it with the version of train_gpt that began it");
        if (at_.seed != how_.seed)
            refuse("was trained with --seed " + std::to_string(at_.seed) + "; give the same");
        if (step > how_.steps)
            refuse("is beyond --steps " + std::to_string(how_.steps) + "; give as many or more");
    }

    mw::rank<S>& here_;
    settings const& how_;
    mw::data_position& at_;
    source source_;
    decltype(mw::state_of("model", std::declval<model_of<S>&>(), "optimizer",
                          std::declval<mw::adamw<model_of<S>>&>(), "data", std::declval<mw::data_position&>(),
                          "source", std::declval<source&>())) state_;
    mw::checkpoints store_;
};
}  // namespace

template <class S>
std::unique_ptr<keeper> checkpoints_of(mw::rank<S>& here, job const& what, model_of<S>& model,
                                       mw::adamw<model_of<S>>& optimizer, mw::data_position& at) {
    return std::make_unique<folder<S>>(here, what, model, optimizer, at);
}

}  // namespace train_gpt

#define CHECKPOINTS(S)                                                                                       \
    template std::unique_ptr<train_gpt::keeper> train_gpt::checkpoints_of(                                   \
        mw::rank<S>&, job const&, model_of<S>&, mw::adamw<model_of<S>>&, mw::data_position&);
TRAIN_GPT_EACH_MESH(CHECKPOINTS)
