#!/usr/bin/env python3
"""The Llama of benchmarks/decode.cpp in llama.cpp (PyPI: llama-cpp-python, gguf): same weights, same tokens.

llama_cpp_decode.py THREADS TYPE LAYERS EMBED HEADS KV_HEADS FFN VOCAB CONTEXT, where TYPE of the matrices is f32 or
bf16. Answers `seconds COUNT IDS...` by those of the first COUNT ids of the prompt at once and of each further id by
itself, and `scores COUNT IDS...` by every 1024th score of what follows.
"""
import ctypes
import os
import sys
import tempfile

from formula import answer, clock, id_numbers, numbers, numpy, package

gguf, llama = package("gguf"), package("llama_cpp")


@llama.llama_log_callback
def log_errors(level, text, _):
    if level == 4:  # GGML_LOG_LEVEL_ERROR
        print(text.decode(), end="", file=sys.stderr)


def write_model(path, matrix_type, layers, embed, heads, kv_heads, ffn, vocab, context):
    """As a GGUF file. Its matrices are (out, in), where ours are (in, out); both turn neighbours of a head by rope."""
    file = gguf.GGUFWriter(path, "llama")
    file.add_tokenizer_model("no_vocab")
    file.add_vocab_size(vocab)
    file.add_context_length(context)
    file.add_block_count(layers)
    file.add_embedding_length(embed)
    file.add_feed_forward_length(ffn)
    file.add_head_count(heads)
    file.add_head_count_kv(kv_heads)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_rope_dimension_count(embed // heads)
    file.add_rope_freq_base(10000.0)
    at = 0  # decode.cpp numbers the parameters in its own order

    def table(name, shape, turned=False):
        nonlocal at
        values = numpy.float32(0.05) * numbers(shape, 100 + at)
        values = numpy.ascontiguousarray(values.T) if turned else values
        # the nearest bfloat16, ties to even, as ours
        file.add_tensor(f"{name}.weight", gguf.quants.quantize(values, matrix_type), raw_dtype=matrix_type)
        at += 1

    def norm(name):
        nonlocal at
        file.add_tensor(f"{name}.weight", numpy.ones(embed, numpy.float32))
        at += 1

    kv_embed = embed // heads * kv_heads
    table("token_embd", (vocab, embed))
    for i in range(layers):
        norm(f"blk.{i}.attn_norm")
        for name, outputs in (("q", embed), ("k", kv_embed), ("v", kv_embed), ("output", embed)):
            table(f"blk.{i}.attn_{name}", (embed, outputs), turned=True)
        norm(f"blk.{i}.ffn_norm")
        for name, shape in (("gate", (embed, ffn)), ("up", (embed, ffn)), ("down", (ffn, embed))):
            table(f"blk.{i}.ffn_{name}", shape, turned=True)
    norm("output_norm")
    table("output", (vocab, embed))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


def load(path, threads, exact, context):
    how = llama.llama_model_default_params()
    how.use_mmap = False  # memory of its own may lie on huge pages, as decode.cpp asks for; and the file may go
    model = llama.llama_model_load_from_file(os.fsencode(path), how)
    how = llama.llama_context_default_params()
    how.n_ctx = context
    how.n_threads = how.n_threads_batch = threads
    if exact:
        # f32 throughout, as ours: flash attention would round keys and values to f16
        how.type_k = how.type_v = llama.GGML_TYPE_F32
        how.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    # else its fastest, flash attention on keys and values in f16, which is finer than the bfloat16 of all products
    return llama.llama_init_from_model(model, how)


def main():
    threads, matrix_type = int(sys.argv[1]), sys.argv[2]
    shape = list(map(int, sys.argv[3:]))
    vocab, context = shape[-2:]
    llama.llama_log_set(log_errors, ctypes.c_void_p(0))
    llama.llama_backend_init()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.gguf")
        write_model(path, gguf.GGMLQuantizationType[matrix_type.upper()], *shape)
        run = load(path, threads, matrix_type == "f32", context)
    now, prompt = clock(threads), id_numbers(context, 1, vocab).tolist()

    def decode(ids):
        """Seconds, and the scores of what follows."""
        tokens = (llama.llama_token * len(ids))(*ids)  # lives as long as the batch
        batch = llama.llama_batch_get_one(tokens, len(ids))
        start = now()
        if llama.llama_decode(run, batch) != 0:
            raise RuntimeError("llama.cpp cannot decode")
        scores = llama.llama_get_logits(run)
        return now() - start, scores

    def handle(line):
        what, count, *ids = line.split()
        llama.llama_memory_clear(llama.llama_get_memory(run), False)
        parts = [decode(prompt[:int(count)])] + [decode([int(each)]) for each in ids]
        if what == "scores":
            return [parts[-1][1][i] for i in range(0, vocab, 1024)]
        return [seconds for seconds, _ in parts]

    answer(handle)


main()
