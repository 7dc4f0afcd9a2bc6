// search: greedy and beam search with a length penalty for encoder-decoder models, over a batch of sentences. The source is
// encoded once, its keys and values are kept, and a step costs one token a hypothesis.
// Every rank returns the same; a sentence's outcome does not depend on those beside it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <meshwise/nn/cross_attention.hpp>
#include <meshwise/parallel/rank.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/packed.hpp>

namespace meshwise {

/// Texts are compared by log p / ((5 + n) / 6)^length_penalty, n being their tokens with the eos; 0: by log p alone.
/// A step takes the best continuations by log p, as many as there are beams; those that end keep their beam. Nothing
/// open is given up that could still win within most_tokens: this is "never" of transformers' early stopping, so that
/// a beam wide enough finds the best text there is. With one beam this is greedy search.
/// Source: Wu et al., Google's neural machine translation system, 2016 (the penalty).
/// Example: constexpr mw::beam_search how{.beams = 4, .start = 1, .eos = 2};
struct beam_search {
    std::size_t beams = 4;
    double length_penalty = 0.6;
    std::size_t most_tokens = 0;  // of a text, eos included; 0: what the context holds
    std::int32_t start = 0, eos = 0;
    std::size_t vocab_size = 0;  // ids from here on are never written; 0: the vocabulary's true size
    std::size_t rows = 128;      // hypotheses searched at once, over all sentences
};

/// A text that was found.
/// Example:
/// std::vector<mw::translation> const found = mw::translate<context>(here, translator, sources, {.start = 1, .eos = 2});
/// std::cout << found[0].ids.size() << '\n';
struct translation {
    std::vector<std::int32_t> ids;  // without start and eos
    double log_probability = 0;
    double score = -std::numeric_limits<double>::infinity();
    bool ended = false;  // by the eos; else most_tokens ended it
};

namespace detail {
// axes of search's own, which no strategy splits
struct searched_row : up_to<std::size_t{1} << 20U> {};
struct searched_token : axis<1> {};
template <std::size_t N>
struct searched_source : up_to<N> {};
template <std::size_t N>
struct searched_context : axis<N> {};

/// The search of one sentence: hypotheses that are open, best first, and the best text that has ended.
class beam {
public:
    struct hypothesis {
        std::vector<std::int32_t> ids;
        double log_probability = 0;
        std::size_t row = 0;  // where the step before had it
    };
    std::vector<hypothesis> open{{}};
    translation best;

    beam(beam_search const& how, std::size_t most) : how_(how), most_(most) {}

    /// scores(row): those of the next token.
    template <class Scores>
    void step(Scores scores) {
        std::size_t const length = open[0].ids.size() + 1;
        std::vector<hypothesis> next;
        for (auto const& [log_probability, from, id] : ranked(scores)) {
            if (id != how_.eos) {
                next.push_back({open[from].ids, log_probability, open[from].row});
                next.back().ids.push_back(id);
                continue;
            }
            ++ended_;
            if (double const score = log_probability / penalty(length); score > best.score)
                best = {open[from].ids, log_probability, score, true};
        }
        open = std::move(next);
        if (length == most_ && !best.ended && !open.empty())
            best = {open[0].ids, open[0].log_probability, open[0].log_probability / penalty(length), false};
        // log p only falls, so that the longest text has the best chance, or where length is punished the shortest
        double const mildest = penalty(how_.length_penalty > 0 ? most_ : length + 1);
        std::erase_if(open, [&](auto const& h) {
            return length == most_ || h.log_probability / mildest <= best.score;
        });
    }

private:
    struct candidate {
        double log_probability;
        std::size_t from;  // of the open ones
        std::int32_t id;
        // ties go to the better hypothesis, then to the lowest id
        bool before(candidate const& other) const {
            return log_probability != other.log_probability ? log_probability > other.log_probability
                   : from != other.from                     ? from < other.from
                                                            : id < other.id;
        }
    };

    double penalty(std::size_t length) const {
        return std::pow((5 + static_cast<double>(length)) / 6, how_.length_penalty);
    }

    template <class Scores>
    std::vector<candidate> ranked(Scores scores) const {
        std::size_t const places = how_.beams - ended_;
        std::vector<candidate> best_of_all;
        for (std::size_t from = 0; from < open.size(); ++from) {
            auto const row = scores(open[from].row);
            auto const [largest, log_sum] = normalizer_of(row);
            for (std::size_t id = 0; id < row.size(); ++id) {
                candidate const one{open[from].log_probability +
                                        ((static_cast<double>(row[id]) - largest) - log_sum),
                                    from, static_cast<std::int32_t>(id)};
                bool const full = best_of_all.size() == places;
                if (std::isinf(one.log_probability) || (full && !one.before(best_of_all.back()))) continue;
                if (full) best_of_all.pop_back();
                best_of_all.insert(std::upper_bound(best_of_all.begin(), best_of_all.end(), one,
                                                    [](auto const& a, auto const& b) { return a.before(b); }),
                                   one);
            }
        }
        return best_of_all;
    }
    struct normalizer {
        double largest,
            log_sum;  // whose sum is the logarithm of the normaliser; rounded, it would lose differences
    };
    template <class T>
    static normalizer normalizer_of(std::span<T const> row) {
        double const largest = static_cast<double>(*std::max_element(row.begin(), row.end()));
        double sum = 0;
        for (T s : row) sum += std::exp(static_cast<double>(s) - largest);
        if (!std::isfinite(sum))
            throw error("the scores of a step are no numbers; the model has diverged, or its weights were "
                        "not loaded");
        return {largest, std::log(sum)};
    }

    beam_search how_;
    std::size_t most_, ended_ = 0;
};

template <std::size_t Context, class Model>
beam_search checked(beam_search how, std::span<std::vector<std::int32_t> const> sources) {
    auto const count = [](std::size_t n) { return std::to_string(n); };
    check_options("mw::beam_search", {{"beams", static_cast<double>(how.beams), one_or_more},
                                      {"length_penalty", how.length_penalty, finite},
                                      {"most_tokens", static_cast<double>(how.most_tokens), a_count},
                                      {"vocab_size", static_cast<double>(how.vocab_size), a_count},
                                      {"rows", static_cast<double>(how.rows), one_or_more}});
    if (how.vocab_size == 0) how.vocab_size = Model::vocab::true_size;
    if (how.vocab_size > Model::vocab::true_size)
        throw error("a search over " + count(how.vocab_size) + " ids was asked of a model that knows " +
                    count(Model::vocab::true_size) + "; give the size of its own vocabulary");
    if (how.beams > how.rows)
        throw error("a search with " + count(how.beams) + " beams does not fit into " + count(how.rows) +
                    " hypotheses searched at once; give as many rows");
    if (how.most_tokens == 0) how.most_tokens = Context;
    if (how.most_tokens > Context)
        throw error("a text of " + count(how.most_tokens) + " tokens has no room in a context of " +
                    count(Context) + "; ask for fewer, or give the search a longer context");
    for (auto const& [id, name] : {std::pair{how.start, "start"}, std::pair{how.eos, "eos"}})
        if (id < 0 || static_cast<std::size_t>(id) >= how.vocab_size)
            throw error(std::string("the id of ") + name + ", " + std::to_string(id) +
                        ", is outside of the vocabulary of " + count(how.vocab_size) +
                        "; take it from the model's tokenizer");
    for (std::size_t i = 0; i < sources.size(); ++i)
        if (sources[i].empty() || sources[i].size() > Model::source_axis::size)
            throw error("source " + count(i) + " has " + count(sources[i].size()) +
                        " tokens, and the model reads 1 to " + count(Model::source_axis::size) +
                        "; leave empty texts out, and cut or part long ones");
    return how;
}

// The best texts of some sentences. Rows of a step are the open hypotheses of all of them, sentence after sentence.
template <std::size_t Context, class Rank, class Model>
std::vector<translation> search_together(Rank& here, Model const& model,
                                         std::span<std::vector<std::int32_t> const* const> sources,
                                         beam_search const& how) {
    using source = searched_source<Model::source_axis::size>;
    using ids_of_rows = std::vector<std::int32_t>;
    std::size_t longest = 0;
    for (auto const* one : sources) longest = std::max(longest, one->size());
    ids_of_rows ids, lengths;
    for (auto const* one : sources) {
        ids.insert(ids.end(), one->begin(), one->end());
        ids.resize(ids.size() + longest - one->size());
        lengths.push_back(static_cast<std::int32_t>(one->size()));
    }
    auto const place_lengths = [&](ids_of_rows const& of) {
        return place<searched_row>(here, of, {of.size()});
    };
    auto counted = place_lengths(lengths);
    auto const memory = model.project_memory(
        model.encode(place<searched_row, source>(here, ids, {sources.size(), longest}), counted));
    auto seen = memory;
    ids_of_rows seen_by(sources.size());  // the sentence of each row
    std::iota(seen_by.begin(), seen_by.end(), 0);

    typename Model::template cache<searched_row, searched_context<Context>> cache(
        {sources.size() * how.beams});
    std::vector<beam> beams(sources.size(), beam(how, how.most_tokens));
    for (std::size_t i = 0; i < beams.size(); ++i) beams[i].open[0].row = i;
    for (;;) {
        ids_of_rows last, from, of;
        for (std::size_t i = 0; i < beams.size(); ++i)
            for (auto& h : beams[i].open) {
                last.push_back(h.ids.empty() ? how.start : h.ids.back());
                from.push_back(static_cast<std::int32_t>(std::exchange(h.row, of.size())));
                of.push_back(static_cast<std::int32_t>(i));
            }
        if (of.empty()) break;
        cache.take_rows(from);
        if (of != seen_by) {
            ids_of_rows their_lengths;
            for (std::int32_t i : of) their_lengths.push_back(lengths[static_cast<std::size_t>(i)]);
            for (std::size_t i = 0; i < memory.size(); ++i) seen[i] = memory[i].rows(of);
            counted = place_lengths(their_lengths);
            seen_by = of;
        }
        auto const inputs = place<searched_row, searched_token>(here, last, {last.size()});
        auto const scores = here.gather(model.head(model.decode(seen, counted, inputs, cache)));
        for (beam& one : beams)
            if (!one.open.empty())
                one.step([&](std::size_t row) {
                    return std::span(scores).subspan(row * Model::vocab::size, how.vocab_size);
                });
    }
    std::vector<translation> found;
    for (beam& one : beams) found.push_back(std::move(one.best));
    return found;
}
}  // namespace detail

/// The best text that `model` (an encoder_decoder) writes for each source, in their order. Sources are ids; texts have at
/// most Context::size tokens. A padded vocabulary is never written.
/// Placement: any; the search's own axes are whole. Communication: the encoder once; each step that of decode, and one
/// gather of the scores. Cost: a step for each token of the longest text, of as many rows as hypotheses are open.
/// Errors: an empty source, or one longer than the model reads; no room for the text or for the beams; ids that are
/// none.
/// Example: auto found = mw::translate<context>(here, translator, sources, {.beams = 4, .start = 1, .eos = 2});
template <any_axis Context, class Rank, class Model>
std::vector<translation> translate(Rank& here, Model const& model,
                                   std::span<std::vector<std::int32_t> const> sources,
                                   beam_search const& search) {
    auto const how = detail::checked<Context::size, Model>(search, sources);
    without_recording const off;
    auto const kept = packed(model);
    // sentences of similar length together
    std::vector<std::size_t> order(sources.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair{sources[a].size(), a} < std::pair{sources[b].size(), b};
    });
    std::size_t const at_once = std::max<std::size_t>(1, how.rows / how.beams);
    std::vector<translation> found(sources.size());
    for (std::size_t first = 0; first < order.size(); first += at_once) {
        std::size_t const count = std::min(at_once, order.size() - first);
        std::vector<std::vector<std::int32_t> const*> group;
        for (std::size_t i = 0; i < count; ++i) group.push_back(&sources[order[first + i]]);
        auto texts = detail::search_together<Context::size>(here, model, group, how);
        for (std::size_t i = 0; i < count; ++i) found[order[first + i]] = std::move(texts[i]);
    }
    return found;
}
/// The same in the context that the model knows: its Target axis.
template <class Rank, class Model>
std::vector<translation> translate(Rank& here, Model const& model,
                                   std::span<std::vector<std::int32_t> const> sources,
                                   beam_search const& search) {
    return translate<typename Model::target_axis>(here, model, sources, search);
}

}  // namespace meshwise
