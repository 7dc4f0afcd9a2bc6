// collate: rectangles, masks and shifted targets, by hand and against public fixtures.
#include <algorithm>

#include <doctest/doctest.h>

#include <meshwise/parse/json.hpp>
#include <meshwise/text/batches/batching.hpp>
#include <meshwise/text/batches/collate.hpp>
#include <meshwise/text/batches/sample_order.hpp>
#include <meshwise/text/batches/tag_words.hpp>
#include <meshwise/text/tokenizers/plain_tokenizers.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using ids = std::vector<std::int32_t>;
using sizes = std::vector<std::size_t>;

namespace {

ids ids_of(mw::json const& array) {
    ids made;
    for (auto const& one : array.array("ids")) made.push_back(static_cast<std::int32_t>(one.integer("id")));
    return made;
}
sizes sizes_of(mw::json const& array) {
    auto const all = ids_of(array);
    return {all.begin(), all.end()};
}
mw::id_rows rows_of(mw::json const& array) {
    mw::id_rows made;
    for (auto const& one : array.array("rows")) made.push_back(ids_of(one));
    return made;
}
ids flat(mw::json const& array) {
    ids made;
    for (auto const& row : rows_of(array)) made.insert(made.end(), row.begin(), row.end());
    return made;
}
std::int32_t id_at(mw::json const& object, std::string const& key) {
    return static_cast<std::int32_t>(object.at(key, "fixture").integer(key));
}

}  // namespace

TEST_CASE("collate: padding to the longest, a length, a multiple, on either side") {
    mw::id_rows const rows{{1, 2, 3}, {4}, {}};
    auto const longest = mw::pad(rows, 0);
    CHECK(longest.rows == 3);
    CHECK(longest.width == 3);
    CHECK(longest.ids == ids{1, 2, 3, 4, 0, 0, 0, 0, 0});
    CHECK(longest.lengths == sizes{3, 1, 0});
    CHECK(longest.mask() == ids{1, 1, 1, 1, 0, 0, 0, 0, 0});
    CHECK(longest.tokens() == 4);
    auto const left = mw::pad(rows, 9, {.side = mw::pad_side::left});
    CHECK(left.ids == ids{1, 2, 3, 9, 9, 4, 9, 9, 9});
    CHECK(left.mask() == ids{1, 1, 1, 0, 0, 1, 0, 0, 0});
    CHECK(left.row(1)[2] == 4);
    CHECK(mw::pad(rows, 0, {mw::pad_to::max_length, 5}).width == 5);
    CHECK(mw::pad(rows, 0, {mw::pad_to::multiple, 2}).width == 4);
    CHECK(mw::pad(rows, 0, {mw::pad_to::multiple, 3}).width == 3);
    CHECK(mw::pad({}, 0).ids.empty());
    CHECK(refusal<mw::error>([&] { mw::pad(rows, 0, {mw::pad_to::max_length, 2}); }) ==
          "a row of 3 ids does not fit into 2; drop or cut long texts before (see limit_lengths), or "
          "pad to more");
    CHECK(refusal<mw::error>([&] { mw::pad(rows, 0, {mw::pad_to::multiple}); }) ==
          "padding to a length or a multiple needs a length above 0; give padding::length");
}

TEST_CASE("collate: pairs, with a pad token that is the eos") {
    std::vector<mw::pair_example> const pairs{{{5, 6}, {7, 8, 9}}, {{5}, {}}};
    auto const made = mw::collate_pairs(pairs, {.pad = 2, .start = 1, .eos = 2});
    CHECK(made.source.ids == ids{5, 6, 5, 2});
    CHECK(made.decoder_input.ids == ids{1, 7, 8, 9, 1, 2, 2, 2});
    CHECK(made.labels.ids == ids{7, 8, 9, 2, 2, -100, -100, -100});
    CHECK(made.labels.lengths == sizes{4, 1});
    CHECK(made.decoder_input.lengths == made.labels.lengths);
    CHECK(made.target_tokens() == 5);
    CHECK(mw::shifted_right(made.labels, 1, 0).ids == ids{1, 7, 8, 9, 1, 2, 0, 0});
    CHECK(refusal<mw::error>([] {
              mw::shifted_right(mw::pad(mw::id_rows{{1}}, 0, {.side = mw::pad_side::left}), 1, 0);
          }) == "labels padded on the left cannot be shifted right; pad them right");
}

TEST_CASE("collate: labelled texts, tagged sentences, causal pieces, packed documents") {
    std::vector<mw::labelled_example> const texts{{{1, 2}, 7}, {{3}, 8}};
    auto const labelled = mw::collate_labelled(texts, 0);
    CHECK(labelled.inputs.ids == ids{1, 2, 3, 0});
    CHECK(labelled.labels == ids{7, 8});
    std::vector<mw::tagged_example> sentences{{{1, 2}, {5, mw::ignore_index}}, {{3}, {6}}};
    auto const tagged = mw::collate_tagged(sentences, 0, {.side = mw::pad_side::left});
    CHECK(tagged.inputs.ids == ids{1, 2, 0, 3});
    CHECK(tagged.labels.ids == ids{5, -100, -100, 6});
    sentences[1].labels.clear();
    CHECK(refusal<mw::error>([&] {
              mw::collate_tagged(sentences, 0);
          }).starts_with("a tagged sentence has 1 ids and 0"));
    auto const causal = mw::shifted(ids{1, 2, 3});
    CHECK(causal.inputs == ids{1, 2});
    CHECK(causal.labels == ids{2, 3});
    CHECK(
        refusal<mw::error>([] { mw::shifted(ids{1}); }).starts_with("a text of 1 tokens has no next token"));
    auto const packed = mw::pack(mw::id_rows{{1, 2}, {}, {3}});
    CHECK(packed.ids == ids{1, 2, 3});
    CHECK(packed.labels == ids{2, -100, -100});
    CHECK(packed.positions == ids{0, 1, 0});
    CHECK(packed.starts == sizes{0, 2, 2, 3});
    CHECK(packed.longest == 2);
}

TEST_CASE("tag_words: the first token of a word carries its label") {
    struct two_each final : mw::tokenizer {  // each letter a token, "." none
        two_each() : tokenizer(mw::vocabulary({"a", "b", " ", "<s>", "</s>"}), {{3}, {4}}) {}
        void encode_text(std::string_view text, std::size_t from, mw::encoding& out) const override {
            for (; from < text.size(); ++from)
                if (auto const id = token_to_id(text.substr(from, 1))) out.add(*id, from, from + 1);
        }
        void append_text(std::int32_t, std::string_view token, bool, std::string& out) const override {
            out += token;
        }
    } const letters;
    mw::tag_set const set({"O", "B"});
    std::vector<std::string> const words{"ab", ".", "b"}, tags{"B", "O", "O"};
    auto const plain = mw::tag_words(letters, set, words, tags);
    CHECK(plain.ids == ids{0, 1, 1});
    CHECK(plain.labels == ids{1, -100, 0});
    CHECK(plain.words == sizes{0, 0, 2});
    CHECK(plain.lost == 1);
    auto const framed = mw::tag_words(letters, set, words, tags, true, true);
    CHECK(framed.ids == ids{3, 0, 1, 2, 2, 1, 4});
    CHECK(framed.labels == ids{-100, 1, -100, 0, 0, -100, -100});
    CHECK(framed.words == sizes{SIZE_MAX, 0, 0, 1, 2, 2, SIZE_MAX});
    CHECK(set.name(1) == "B");
    CHECK(refusal([&] {
              static_cast<void>(set.label("X"));
          }).starts_with("the tag 'X' is not one of the 2 known"));
    CHECK(refusal<mw::error>([&] {
              mw::tag_words(letters, set, words, std::vector<std::string>{"O"});
          }).starts_with("a sentence has 3 words and 1 tags"));
    CHECK(refusal([] { mw::tag_set({"O", ""}); }) == "a tag is empty; give each a name");
    CHECK(refusal([] {
              mw::tag_set({"O", "O"});
          }).starts_with("the tag set: the token 'O' has the ids 0 and 1"));
}

TEST_CASE("batching: by rows, by tokens, in buckets, with multiples; what is dropped is counted") {
    sizes const order{0, 1, 2, 3, 4, 5, 6}, lengths{5, 1, 9, 2, 2, 8, 3};
    using batches = std::vector<sizes>;
    auto const rows = mw::plan_batches(order, lengths, {.most_rows = 3});
    CHECK(rows.batches == batches{{0, 1, 2}, {3, 4, 5}, {6}});
    CHECK(rows.tokens == 30);
    CHECK(rows.padded == 27 + 24 + 3);
    CHECK(rows.words() == "7 examples in 3 batches, 30 tokens in 54 places");
    auto const complete = mw::plan_batches(order, lengths, {.most_rows = 3, .keep_incomplete = false});
    CHECK(complete.batches == batches{{0, 1, 2}, {3, 4, 5}});
    CHECK(complete.dropped_last == 1);
    auto const tokens = mw::plan_batches(order, lengths, {.most_tokens = 10});
    CHECK(tokens.batches == batches{{0, 1}, {2}, {3, 4}, {5}, {6}});
    auto const few = mw::plan_batches(order, lengths, {.most_tokens = 8});
    CHECK(few.batches == batches{{0}, {1, 3, 4}, {5}, {6}});
    CHECK(few.dropped_long == 1);
    CHECK(few.words() == "6 examples in 4 batches, 21 tokens in 22 places; 1 longer than a batch dropped");
    auto const bucketed = mw::plan_batches(order, lengths, {.most_tokens = 10, .bucket = 100});
    CHECK(bucketed.batches == batches{{1, 3, 4}, {6, 0}, {5}, {2}});
    CHECK(mw::plan_batches(order, lengths, {.most_rows = 2, .bucket = 4}).batches ==
          batches{{1, 3}, {0, 2}, {4, 6}, {5}});
    auto const pairs = mw::plan_batches(order, lengths, {.most_tokens = 18, .rows_multiple = 2});
    CHECK(pairs.batches == batches{{0, 1}, {2, 3}, {4, 5}});
    CHECK(pairs.dropped_last == 1);
    auto const wide = mw::plan_batches(order, lengths, {.most_tokens = 12, .width_multiple = 4});
    CHECK(wide.batches == batches{{0}, {1}, {2}, {3, 4}, {5}, {6}});
    CHECK(wide.padded == 8 + 4 + 12 + 8 + 8 + 4);
    CHECK(mw::plan_batches({}, lengths, {.most_rows = 2}).batches.empty());
    CHECK(refusal<mw::error>([&] { mw::plan_batches(order, lengths, {}); }) ==
          "batches need a limit, most_rows or most_tokens, and multiples above 0");
    CHECK(refusal<mw::error>([&] {
              mw::plan_batches(order, lengths, {.most_rows = 3, .rows_multiple = 2});
          }) == "batches of 3 rows are not a multiple of 2; choose a multiple for most_rows");
    CHECK(refusal<mw::error>([&] { mw::plan_batches(sizes{7}, lengths, {.most_rows = 1}); }) ==
          "example 7 has no length; there are 7");
}

TEST_CASE("batching: lengths limited, and counted") {
    mw::id_rows const rows{{1, 2, 3}, {}, {4}, {5, 6}};
    auto dropped = rows, cut = rows;
    auto const report = mw::limit_lengths(dropped, 2, mw::too_long::drop);
    CHECK(dropped == mw::id_rows{{4}, {5, 6}});
    CHECK(report.words() == "2 texts kept, 0 of them cut, 2 dropped");
    CHECK(mw::limit_lengths(cut, 2, mw::too_long::cut, 0).cut == 1);
    CHECK(cut == mw::id_rows{{1, 2}, {}, {4}, {5, 6}});
}

TEST_CASE("collate: the public fixtures") {
    auto const data = shared_data("fixtures/collate");
    if (!data) return;
    auto const file = mw::json::from_file(*data / "collate.json");

    auto const& fairseq = file.at("fairseq", "fixtures");
    auto const& input = fairseq.at("input", "fairseq");
    auto const sources = rows_of(input.at("source", "input"));
    auto targets = rows_of(input.at("target", "input"));
    sizes order{0, 1, 2};
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return sources[a].size() > sources[b].size();
    });  // no two alike
    auto const& wanted = fairseq.at("expected", "fairseq");
    CHECK(order == sizes_of(wanted.at("id", "expected")));
    std::vector<mw::pair_example> pairs;
    for (std::size_t one : order) {
        targets[one].pop_back();  // its eos is put on by collate_pairs
        pairs.push_back({sources[one], targets[one]});
    }
    auto const eos = id_at(fairseq, "eos"), one = id_at(fairseq, "pad");
    auto const made = mw::collate_pairs(pairs, {.pad = one, .start = eos, .eos = eos, .label_pad = one},
                                        {.side = mw::pad_side::left});
    CHECK(made.source.ids == flat(wanted.at("src_tokens", "expected")));
    CHECK(made.source.lengths == sizes_of(wanted.at("src_lengths", "expected")));
    CHECK(made.labels.ids == flat(wanted.at("target", "expected")));
    CHECK(made.decoder_input.ids == flat(wanted.at("prev_output_tokens", "expected")));
    CHECK(static_cast<std::int32_t>(made.target_tokens()) == id_at(wanted, "ntokens"));

    auto const& t5 = file.at("hf_seq2seq_t5", "fixtures");
    auto const inputs = rows_of(t5.at("input", "t5").at("input_ids", "input"));
    auto labels = rows_of(t5.at("input", "t5").at("labels", "input"));
    pairs.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        labels[i].pop_back();
        pairs.push_back({inputs[i], labels[i]});
    }
    auto const t5_made = mw::collate_pairs(pairs, {.pad = id_at(t5, "pad_token_id"),
                                                   .start = id_at(t5, "decoder_start_token_id"),
                                                   .eos = id_at(t5, "eos_token_id")});
    auto const& t5_wanted = t5.at("expected", "t5");
    CHECK(t5_made.source.mask() == flat(t5_wanted.at("attention_mask", "expected")));
    CHECK(t5_made.source.ids == flat(t5_wanted.at("input_ids", "expected")));
    CHECK(t5_made.labels.ids == flat(t5_wanted.at("labels", "expected")));
    auto const t5_shifted =
        mw::shifted_right(t5_made.labels, id_at(t5, "decoder_start_token_id"), id_at(t5, "pad_token_id"));
    CHECK(t5_shifted.ids == flat(t5_wanted.at("decoder_input_ids", "expected")));
    for (std::size_t i = 0; i < t5_made.labels.rows; ++i) {  // equal where there are labels
        auto const a = t5_made.decoder_input.row(i), b = t5_shifted.row(i);
        CHECK(std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(t5_made.labels.lengths[i]),
                         b.begin()));
    }

    auto const& eight = file.at("hf_pad_to_multiple_of_8", "fixtures");
    auto const rows = rows_of(eight.at("input", "eight"));
    CHECK(mw::pad(rows, id_at(eight, "pad"), {mw::pad_to::multiple, 8}).ids ==
          flat(eight.at("expected", "eight")));
    CHECK(mw::pad(rows, mw::ignore_index, {mw::pad_to::multiple, 8}).ids ==
          flat(eight.at("labels_expected", "eight")));

    auto const& causal = file.at("causal_lm", "fixtures");
    auto const texts = rows_of(causal.at("input", "causal"));
    auto const padded = mw::pad(texts, id_at(causal, "pad"));
    CHECK(padded.ids == flat(causal.at("expected_input_ids", "causal")));
    CHECK(padded.mask() == flat(causal.at("expected_attention_mask", "causal")));
    CHECK(mw::pad(texts, mw::ignore_index).ids == flat(causal.at("expected_labels_by_length", "causal")));

    auto const& packing = file.at("packing_flat", "fixtures");
    auto const packed = mw::pack(rows_of(packing.at("input", "packing")));
    auto const& flat_wanted = packing.at("expected", "packing");
    CHECK(packed.ids == ids_of(flat_wanted.at("input_ids", "expected")));
    CHECK(packed.positions == ids_of(flat_wanted.at("position_ids", "expected")));
    CHECK(packed.starts == sizes_of(flat_wanted.at("cu_seq_lens", "expected")));
    CHECK(static_cast<std::int32_t>(packed.longest) == id_at(flat_wanted, "max_length"));
    auto later = ids_of(flat_wanted.at("labels", "expected"));  // not shifted there: labels[i] is ids[i]
    later.erase(later.begin());
    later.push_back(mw::ignore_index);
    CHECK(packed.labels == later);

    for (auto const& sampler : file.at("distributed_sampler_no_shuffle", "fixtures").array("samplers")) {
        auto const places = static_cast<std::size_t>(id_at(sampler, "n"));
        auto const expected = rows_of(sampler.at("expected", "sampler"));
        CHECK(expected.size() == static_cast<std::size_t>(id_at(sampler, "replicas")));
        for (std::size_t rank = 0; rank < expected.size(); ++rank) {
            auto const mine = mw::places_of_rank(places, expected.size(), rank,
                                                 sampler.at("drop_last", "sampler").boolean("drop_last"));
            CHECK(ids(mine.begin(), mine.end()) == expected[rank]);
        }
    }
}
