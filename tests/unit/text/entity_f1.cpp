// entity_f1: against seqeval 1.2.2: get_entities, and precision, recall and F1 with their default arguments.
#include <doctest/doctest.h>

#include <sstream>

#include <meshwise/text/scores/entity_f1.hpp>

namespace mw = meshwise;

namespace {

std::vector<std::string> tags(std::string const& line) {
    std::istringstream in(line);
    std::vector<std::string> out;
    for (std::string tag; in >> tag;) out.push_back(tag);
    return out;
}

std::string entities(std::string const& line) {
    auto const given = tags(line);
    std::string out;
    for (auto const& one : mw::entities_of(given))
        out += std::string(one.type) + ' ' + std::to_string(one.first) + '-' + std::to_string(one.last) + ';';
    return out;
}

}  // namespace

TEST_CASE("entity_f1: where entities begin and end, in good order and bad") {
    CHECK(entities("").empty());
    CHECK(entities("B-PER I-PER O B-LOC") == "PER 0-1;LOC 3-3;");
    CHECK(entities("I-PER I-PER O I-LOC") == "PER 0-1;LOC 3-3;");
    CHECK(entities("B-PER I-LOC I-LOC") == "PER 0-0;LOC 1-2;");
    CHECK(entities("B-A B-A I-A") == "A 0-0;A 1-2;");
    CHECK(entities("I-A B-A I-A I-B") == "A 0-0;A 1-2;B 3-3;");
    CHECK(entities("S-A S-A E-A I-A") == "A 0-0;A 1-1;A 2-2;A 3-3;");
    CHECK(entities("B-A I-A E-A I-A O E-B") == "A 0-2;A 3-3;B 5-5;");
    CHECK(entities("O B I O I") == "_ 1-2;_ 4-4;");
    CHECK(entities("B-A I- B- I") == "A 0-0;_ 1-1;_ 2-3;");
    CHECK(entities("B--X I--X I-X") == "-X 0-1;X 2-2;");
}

TEST_CASE("entity_f1: the example of seqeval's documentation") {
    mw::entity_f1 score;
    score.add(tags("O O B-MISC I-MISC I-MISC I-MISC O"), tags("O O O B-MISC I-MISC I-MISC O"));
    score.add(tags("B-PER I-PER O"), tags("B-PER I-PER O"));
    CHECK(score.precision() == 0.5);
    CHECK(score.recall() == 0.5);
    CHECK(score.f1() == 0.5);
}

TEST_CASE("entity_f1: precision and recall apart, and parts that merge into the whole") {
    mw::entity_f1 first, second, nothing;
    first.add(tags("B-PER I-PER O I-LOC B-LOC"), tags("B-PER I-PER O B-LOC O"));
    second.add(tags("B-ORG O I-PER O"), tags("B-ORG I-ORG O O"));
    second.add(tags("B-LOC O"), tags("O O"));
    first.merge(second);
    first.merge(nothing);
    CHECK(first.precision() == doctest::Approx(0.3333333333333333).epsilon(1e-15));
    CHECK(first.recall() == doctest::Approx(0.6666666666666666).epsilon(1e-15));
    CHECK(first.f1() == doctest::Approx(0.4444444444444444).epsilon(1e-15));
}

TEST_CASE("entity_f1: a division by 0 is 0") {
    mw::entity_f1 none, false_alarm, missed;
    none.add(tags("O"), tags("O"));
    false_alarm.add(tags("B-A"), tags("O"));
    missed.add(tags("O"), tags("B-A"));
    for (auto const& score : {none, false_alarm, missed}) {
        CHECK(score.precision() == 0);
        CHECK(score.recall() == 0);
        CHECK(score.f1() == 0);
    }
}

TEST_CASE("entity_f1: refusals leave the score as it was") {
    mw::entity_f1 score;
    CHECK_THROWS_WITH_AS(score.add(tags("O O"), tags("O")),
                         "a sentence has 2 predicted tags and 1 actual ones; give each word one of both",
                         mw::error);
    for (std::string const tag : {"NOUN", "BPER", "OTHER", "O-PER", "x", "B_PER"})
        CHECK_THROWS_WITH_AS(
            score.add(tags("B-A " + tag), tags("B-A O")),
            ("the tag \"" + tag +
             "\" of word 1 is not O, or B-, I-, E- or S- with a type; entity_f1 needs tags of entities")
                .c_str(),
            mw::input_error);
    CHECK_THROWS_AS(mw::entities_of(std::vector<std::string>{""}), mw::input_error);
    CHECK(score.predicted == 0);
    CHECK(score.actual == 0);
}
