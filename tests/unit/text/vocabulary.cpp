// vocabulary: ids both ways, roles that are absent, and what is refused.
#include <optional>

#include <doctest/doctest.h>

#include <meshwise/text/tokenizers/vocabulary_files.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;

TEST_CASE("vocabulary: tokens and ids, with a hole") {
    mw::vocabulary const v({"a", "", "b", "</s>"}, {.eos = "</s>"}, {{"<x>", 5}, {"<y>", 6, false}});
    CHECK(v.size() == 7);
    CHECK(v.token_to_id("b") == 2);
    CHECK(v.token_to_id("") == std::nullopt);
    CHECK(v.token_to_id("c") == std::nullopt);
    CHECK(v.id_to_token(0) == "a");
    CHECK(v.id_to_token(5) == "<x>");
    CHECK(v.has(0));
    CHECK_FALSE(v.has(1));
    CHECK_FALSE(v.has(4));
    CHECK_FALSE(v.has(-1));
    CHECK_FALSE(v.has(7));
    CHECK(v.special() == mw::special_tokens{.eos = 3});
    CHECK(v.is_special(3));
    CHECK(v.is_special(5));
    CHECK_FALSE(v.is_special(6));
    CHECK_FALSE(v.is_special(0));
    CHECK_FALSE(v.is_special(99));
    auto const copy = v;  // views of tokens stay good
    CHECK(copy.token_to_id("a") == 0);
}

TEST_CASE("vocabulary: every role, and one token in two of them") {
    mw::vocabulary const v({"0", "1", "2", "3", "4", "5", "6"}, {.bos = "0",
                                                                 .eos = "0",
                                                                 .pad = "1",
                                                                 .unk = "2",
                                                                 .cls = "3",
                                                                 .sep = "4",
                                                                 .mask = "5",
                                                                 .decoder_start = "6"});
    CHECK(v.special() == mw::special_tokens{0, 0, 1, 2, 3, 4, 5, 6});
    CHECK(v.required("decoder_start", "a translation") == 6);
    CHECK(v.added_tokens().size() == 7);
    CHECK(refusal<mw::error>([] { static_cast<void>(mw::vocabulary({"a"}).required("pad", "padding")); }) ==
          "the vocabulary has no pad token, and padding needs one; name one in special_names when the "
          "vocabulary is "
          "made");
}

TEST_CASE("vocabulary: the first added token in a text, the longest of several") {
    mw::vocabulary const v({"a"}, {}, {{"<x", 1}, {"<x>", 2}, {"<y>", 3, false}});
    std::size_t at = 0;
    auto const* found = v.next_added("..<x><y>", 0, true, at);
    REQUIRE(found);
    CHECK(found->id == 2);
    CHECK(at == 2);
    found = v.next_added("..<x><y>", 0, false, at);
    REQUIRE(found);
    CHECK(found->id == 3);
    CHECK(at == 5);
    CHECK(v.next_added("..<x><y>", 6, true, at) == nullptr);
    CHECK(at == 8);
}

TEST_CASE("token_finder: the first of many strings and the longest that begins there, against trying all") {
    text_test::dice roll{5};
    for (int round = 0; round < 3000; ++round) {
        std::uint32_t const letters = 1 + roll(3);
        auto const random = [&](std::uint32_t longest) {
            std::string text;
            for (std::uint32_t n = roll(longest + 1); n > 0; --n)
                text += static_cast<char>('a' + roll(letters));
            return text;
        };
        std::vector<std::string> strings;
        for (std::uint32_t n = roll(12); n > 0; --n) strings.push_back(random(1 + roll(9)));
        std::vector<std::string_view> const views(strings.begin(), strings.end());
        mw::detail::token_finder const finder(views);
        std::string const text = random(40);
        for (std::size_t from = 0; from <= text.size(); ++from) {
            std::optional<mw::detail::token_finder::found> naive;
            for (std::size_t at = from; at < text.size() && !naive; ++at)
                for (std::size_t i = 0; i < strings.size(); ++i)
                    if (!strings[i].empty() && text.compare(at, strings[i].size(), strings[i]) == 0 &&
                        (!naive || strings[i].size() > naive->end - at))
                        naive = {at, at + strings[i].size(), i};
            if (finder.first(text, from) != naive) FAIL(round);
        }
    }
}

TEST_CASE("vocabulary: finding added tokens takes no time for each of them") {
    // trying each of them at each place would take hours
    std::vector<mw::added_token> added;
    for (std::int32_t i = 0; i < 200'000; ++i)
        added.push_back({"<extra_" + std::to_string(i) + ">", i, i % 2 == 0});
    mw::vocabulary const v({}, {}, added);
    std::string text;
    for (std::int32_t i = 0; i < 200'000; ++i) text += "<a<extra_<extra_" + std::to_string(i) + ">";
    for (bool const special : {true, false}) {
        std::size_t found = 0;
        for (std::size_t from = 0, at = 0; auto const *one = v.next_added(text, from, special, at);
             from = at + one->text.size())
            ++found;
        CHECK(found == (special ? 200'000 : 100'000));
    }
    std::size_t is_added = 0;
    for (std::int32_t id = 0; id < 200'000; ++id) is_added += v.is_added(id);
    CHECK(is_added == 200'000);
    CHECK(mw::vocabulary_to_json(v).size() > 200'000 * 10);
}

TEST_CASE("vocabulary: what is refused") {
    auto const refused = [](auto... arguments) { return refusal([&] { mw::vocabulary v(arguments...); }); };
    using strings = std::vector<std::string>;
    using added = std::vector<mw::added_token>;
    CHECK(refused(strings{"a", "b", "a"}) ==
          "the vocabulary: the token 'a' has the ids 0 and 2; a token has one id");
    CHECK(refused(strings{"a"}, mw::special_names{.pad = "<pad>"}) ==
          "the vocabulary has no token '<pad>', which was named as pad; name one that it has, or none");
    CHECK(
        refused(strings{"a"}, mw::special_names{}, added{{"b", 0}}) ==
        "the vocabulary: id 0 is both 'a' and the added token 'b'; an id has one token, which is not empty");
    CHECK(refused(strings{"a"}, mw::special_names{}, added{{"", 1}}) ==
          "the vocabulary: id 1 is both '' and the added token ''; an id has one token, which is not empty");
    CHECK(refused(strings{"a"}, mw::special_names{}, added{{"b", -1}}, std::string("vocab.txt")) ==
          "vocab.txt: the token 'b' has the id -1; ids are int32, begin at 0 and have few gaps");
    CHECK(refused(strings{"a"}, mw::special_names{}, added{{"b", 2000000000}}) ==
          "the vocabulary: the token 'b' has the id 2000000000; ids are int32, begin at 0 and have few gaps");
    CHECK(refusal<mw::error>([] { static_cast<void>(mw::vocabulary({"a", "", "c"}).id_to_token(1)); }) ==
          "token id 1 is not in the vocabulary, which has the ids 0 to 3 without the last; check that "
          "the ids come from this tokenizer");
}
