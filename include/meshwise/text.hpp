// Everything of text/: tokenizers, their files and their training, readers of examples, batches, their order, scores.
// A program that only trains on ids compiles faster with the headers it needs.
#pragma once

#include <meshwise/text/batches/batch_tensors.hpp>
#include <meshwise/text/batches/batching.hpp>
#include <meshwise/text/batches/blocks.hpp>
#include <meshwise/text/batches/collate.hpp>
#include <meshwise/text/batches/draw_batch.hpp>
#include <meshwise/text/batches/read_ahead.hpp>
#include <meshwise/text/batches/sample_order.hpp>
#include <meshwise/text/batches/strided_windows.hpp>
#include <meshwise/text/batches/tag_words.hpp>
#include <meshwise/text/readers/readers.hpp>
#include <meshwise/text/scores/bleu.hpp>
#include <meshwise/text/scores/classification_scores.hpp>
#include <meshwise/text/scores/entity_f1.hpp>
#include <meshwise/text/scores/perplexity.hpp>
#include <meshwise/text/scores/token_accuracy.hpp>
#include <meshwise/text/tokenizers/plain_tokenizers.hpp>
#include <meshwise/text/tokenizers/subword_codes.hpp>
#include <meshwise/text/tokenizers/tokenizer_json.hpp>
#include <meshwise/text/tokenizers/train_bpe.hpp>
