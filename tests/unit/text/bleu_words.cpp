// bleu_words: against the words of sacrebleu 2.6.0, which this table is printed by (BLEU()._preprocess_segment).
#include <doctest/doctest.h>

#include <meshwise/text/scores/bleu_words.hpp>

namespace mw = meshwise;

namespace {

std::string joined(std::vector<std::string> const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

struct expected {
    std::string_view text, words;
};

}  // namespace

TEST_CASE("bleu_words: punctuation, numbers, dashes, entities and lines as 13a has them") {
    constexpr expected cases[] = {
        {"", ""},
        {"Hello, world!", "Hello , world !"},
        {"It costs $1,234.50, i.e. 10-12 \u20ac.", "It costs $ 1,234.50 , i . e . 10 - 12 \u20ac ."},
        {"a.b 3.x y.4 -5 5-x .5, 5.,", "a . b 3 . x y . 4 -5 5 - x . 5 , 5 . ,"},
        {"&quot;A&quot; &amp;lt; <skipped>b-\nc\nd-\n  ", "\" A \" < bc d-"},
        {"don't well-known (see [1]/{2})~", "don't well-known ( see [ 1 ] / { 2 } ) ~"},
        {"caf\u00e9.\u4e2d,\u6587 .\u00e9", "caf\u00e9 . \u4e2d , \u6587 . \u00e9"},
        {"a!a\"a#a$a%a&a'a(a)a*a+a,a-a.a/a:a;a<a=a>a?a@a[a\\a]a^a_a`a{a|a}a~a",
         "a ! a \" a # a $ a % a & a'a ( a ) a * a + a , a-a . a / a : a ; a < a = a > a ? a @ a [ a \\ a ] "
         "a ^ a _ a ` a { a | a } a ~ a"},
        {"..., 1..2 ,,", ". . . , 1 . . 2 , ,"},
    };
    for (auto const& one : cases) CHECK(joined(mw::bleu_words(one.text)) == one.words);
}

TEST_CASE("bleu_words: white space is what Python takes for it") {
    CHECK(joined(mw::bleu_words("x\u00a0y\u3000z\u2028w\x1cv\u200bu")) == "x y z w v\u200bu");
    CHECK(joined(mw::bleu_words("a, \u2009b.\u0085", mw::bleu_tokenizer::none)) == "a, b.");
}
