#!/usr/bin/env python3
"""tiktoken (PyPI) on what bench_tokenizer encodes first, in bytes of text a second on one core:
    MESHWISE_DATA=... benchmarks/tokenizer_peer.py"""
import base64
import os
import pathlib
import statistics
import time

import tiktoken

# GPT-2's splitting as its authors published it
SPLIT = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""

data = pathlib.Path(os.environ["MESHWISE_DATA"])
lines = (data / "tokenizers/gpt2/r50k_base.tiktoken").read_bytes().splitlines()
ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
encoding = tiktoken.Encoding("gpt2", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={})
text = (data / "lm/tinyshakespeare.txt").read_text()
times = []
for _ in range(9):
    start = time.process_time()
    ids = encoding.encode_ordinary(text)
    times.append(time.process_time() - start)
print(f"english: {len(text.encode()) / statistics.median(times) / 1e6:.1f} MB/s, {len(ids)} tokens")
