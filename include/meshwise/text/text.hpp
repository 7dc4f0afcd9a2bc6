#pragma once
// Everything of text/: tokenizers, their files and their training, readers of examples, batches, their order, scores.
// A program that only trains on ids is compiled faster with the headers it needs.
#include <meshwise/text/batch_tensors.hpp>
#include <meshwise/text/batching.hpp>
#include <meshwise/text/bleu.hpp>
#include <meshwise/text/blocks.hpp>
#include <meshwise/text/classification_scores.hpp>
#include <meshwise/text/collate.hpp>
#include <meshwise/text/draw_batch.hpp>
#include <meshwise/text/entity_f1.hpp>
#include <meshwise/text/perplexity.hpp>
#include <meshwise/text/plain_tokenizers.hpp>
#include <meshwise/text/read_ahead.hpp>
#include <meshwise/text/readers.hpp>
#include <meshwise/text/sample_order.hpp>
#include <meshwise/text/strided_windows.hpp>
#include <meshwise/text/subword_codes.hpp>
#include <meshwise/text/tag_words.hpp>
#include <meshwise/text/token_accuracy.hpp>
#include <meshwise/text/tokenizer_json.hpp>
#include <meshwise/text/train_bpe.hpp>
