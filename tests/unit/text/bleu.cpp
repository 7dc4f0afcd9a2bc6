// bleu: against the scores, lines and signatures of sacrebleu 2.6.0 (BLEU(...).corpus_score); only the version in the
// signature is ours.
#include <optional>

#include <doctest/doctest.h>

#include <meshwise/text/scores/bleu.hpp>

namespace mw = meshwise;

namespace {

struct sentence {
    std::string hypothesis;
    std::vector<std::string> references;
};

mw::bleu counted(std::vector<sentence> const& corpus, mw::bleu_options options = {}) {
    mw::bleu counts{options};
    for (auto const& one : corpus) counts.add(one.hypothesis, one.references);
    return counts;
}

// The two-reference example of sacreBLEU's README.
std::vector<sentence> const dogs{
    {"The dog bit the man.", {"The dog bit the man.", "The dog had bit the man."}},
    {"It wasn't surprising.", {"It was not unexpected.", "No one was surprised."}},
    {"The man had just bitten him.", {"The man bit him first.", "The man had bitten the dog."}},
};
std::vector<sentence> const cats{{"the cat sat by the mat", {"the cat sat on the mat"}},
                                 {"no dogs bark here", {"a dog is barking here"}}};

doctest::Approx approximately(double value) { return doctest::Approx(value).epsilon(1e-13); }

}  // namespace

TEST_CASE("bleu: a corpus with two references, and with the first alone") {
    auto const two = counted(dogs);
    CHECK(two.result().score == approximately(48.530827009929865));
    CHECK(two.result().text() ==
          "BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)");
    CHECK(two.signature() == "nrefs:2|case:mixed|eff:no|tok:13a|smooth:exp|version:meshwise");

    mw::bleu one;
    for (auto const& s : dogs) one.add(s.hypothesis, s.references[0]);
    CHECK(one.result().score == approximately(45.06750632106114));
    CHECK(one.result().text() ==
          "BLEU = 45.07 70.6/42.9/36.4/37.5 (BP = 1.000 ratio = 1.000 hyp_len = 17 ref_len = 17)");
    CHECK(one.signature() == "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:meshwise");
}

TEST_CASE("bleu: a word is right as often as a reference has it") {
    auto const repeated =
        counted({{"the the the the the the the", {"the cat is on the mat", "there is a cat on the mat"}}});
    CHECK(repeated.result().score == approximately(7.809849842300637));
    CHECK(repeated.result().text() ==
          "BLEU = 7.81 28.6/8.3/5.0/3.1 (BP = 1.000 ratio = 1.000 hyp_len = 7 ref_len = 7)");
}

TEST_CASE("bleu: of references as near in length the shorter counts, and their number may vary") {
    auto const various = counted({{"a b c d e", {"a b c d", "a b c d e f"}}, {"a b c d", {"a b c d"}}});
    CHECK(various.result().text() ==
          "BLEU = 100.00 100.0/100.0/100.0/100.0 (BP = 1.000 ratio = 1.125 hyp_len = 9 ref_len = 8)");
    CHECK(various.signature() == "nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:meshwise");
}

TEST_CASE("bleu: every smoothing") {
    struct expected {
        mw::bleu_smoothing how;
        std::optional<double> value;
        double score, fours;
        std::string_view name;
    };
    using enum mw::bleu_smoothing;
    for (auto const& one : {expected{exponential, {}, 23.67586592883149, 12.5, "exp"},
                            {floor, {}, 15.833005801827653, 2.5, "floor[0.10]"},
                            {floor, 0.5, 23.67586592883149, 12.5, "floor[0.50]"},
                            {add_k, {}, 31.79092926190347, 20, "add-k[1.00]"},
                            {add_k, 2, 39.8179015751639, 100. / 3, "add-k[2.00]"},
                            {none, {}, 0, 0, "none"}}) {
        auto const counts = counted(cats, {.smoothing = one.how, .smoothing_value = one.value});
        CHECK(counts.result().score == approximately(one.score));
        CHECK(counts.result().precisions[3] == approximately(one.fours));
        CHECK(counts.signature() ==
              "nrefs:1|case:mixed|eff:no|tok:13a|smooth:" + std::string(one.name) + "|version:meshwise");
    }
}

TEST_CASE("bleu: sentences too short for four words") {
    std::vector<sentence> const brief{{"the cat", {"the cat sat"}}};
    CHECK(counted(brief).result().score == 0);
    auto const effective = counted(brief, {.effective_order = true});
    CHECK(effective.result().score == approximately(60.653065971263366));
    CHECK(effective.signature() == "nrefs:1|case:mixed|eff:yes|tok:13a|smooth:exp|version:meshwise");

    CHECK(counted({{"", {"the cat sat"}}}).result().text() ==
          "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 0.000 ratio = 0.000 hyp_len = 0 ref_len = 3)");
    CHECK(counted({{"x y", {"the cat sat"}}}).result().text() ==
          "BLEU = 0.00 0.0/0.0/0.0/0.0 (BP = 0.607 ratio = 0.667 hyp_len = 2 ref_len = 3)");
}

TEST_CASE("bleu: text that is tokenized already") {
    std::vector<sentence> const commas{{"a, b c d e", {"a , b c d e"}}};
    CHECK(counted(commas).result().score == approximately(100));
    auto const plain = counted(commas, {.tokenizer = mw::bleu_tokenizer::none});
    CHECK(plain.result().score == approximately(54.75182535069452));
    CHECK(plain.signature() == "nrefs:1|case:mixed|eff:no|tok:none|smooth:exp|version:meshwise");
}

TEST_CASE("bleu: parts merge into the whole, an empty part among them") {
    auto whole = counted(dogs);
    for (auto const& one : cats) whole.add(one.hypothesis, one.references);
    mw::bleu parts;
    parts.merge({});
    CHECK(parts.signature().starts_with("nrefs:0|"));
    parts.merge(counted(dogs));
    CHECK(parts.signature().starts_with("nrefs:2|"));
    parts.merge({});
    CHECK(parts.signature().starts_with("nrefs:2|"));
    parts.merge(counted(cats));
    CHECK(parts.result().text() == whole.result().text());
    CHECK(parts.result().score == whole.result().score);
    CHECK(parts.signature() == whole.signature());
    auto other_order = counted(cats);
    other_order.merge(counted(dogs));
    CHECK(other_order.signature().starts_with("nrefs:var|"));
}

TEST_CASE("bleu: refusals") {
    mw::bleu counts;
    CHECK_THROWS_WITH_AS(counts.add("a", std::vector<std::string>{}),
                         "a hypothesis has no reference; give bleu::add one or more", mw::error);
    CHECK_THROWS_WITH_AS(
        counts.merge(mw::bleu{{.effective_order = true}}),
        "bleu counts with different options cannot be merged; make both with the same bleu_options",
        mw::error);
}
