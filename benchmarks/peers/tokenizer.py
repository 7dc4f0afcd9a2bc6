#!/usr/bin/env python3
"""tiktoken (PyPI) on what bench_tokenizer encodes first; answers `count` by the number of tokens, `run` by seconds."""
import base64
import os
import pathlib
import sys
import time

try:
    import tiktoken
except Exception as error:
    print(f"missing: {error}", flush=True)
    sys.exit(0)

# GPT-2's splitting as its authors published it
SPLIT = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""

data = pathlib.Path(os.environ["MESHWISE_DATA"])
lines = (data / "tokenizers/gpt2/r50k_base.tiktoken").read_bytes().splitlines()
ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
encoding = tiktoken.Encoding("gpt2", pat_str=SPLIT, mergeable_ranks=ranks, special_tokens={})
text = (data / "lm/tinyshakespeare.txt").read_text()
print("ready", flush=True)
for line in sys.stdin:
    start = time.process_time()
    count = len(encoding.encode_ordinary(text))
    print(count if line.strip() == "count" else time.process_time() - start, flush=True)
