#!/usr/bin/env python3
"""Single operations in PyTorch, on the inputs of benchmarks/attention.cpp and benchmarks/row_operations.cpp.

torch_kernels.py THREADS; answers `prepare OPERATION NUMBERS...` by eight elements of the result at equal distances, and
`run` by the seconds of one run.
"""
import sys

from formula import answer, clock, formula, ids, torch
from torch.nn import functional

aten = torch.ops.aten


def attention(backward, batch, kv_heads, group, tokens, head_dim):
    """Heads lie beside each other in memory, as projections leave them."""
    heads = kv_heads * group
    q, k, v, d = (formula((batch, tokens, count, head_dim), which).transpose(1, 2)
                  for which, count in enumerate((heads, kv_heads, kv_heads, heads), start=1))

    def forward():
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=group > 1)

    if not backward:
        return lambda: forward().transpose(1, 2)
    for each in (q, k, v):
        each.requires_grad_()
    out = forward()
    return lambda: torch.autograd.grad(out, (q, k, v), d, retain_graph=True)[0].transpose(1, 2)


def rows_of(name, rows, n):
    x, d = formula((rows, n), 1), formula((rows, n), 2)
    gain, bias = formula((n,), 3), formula((n,), 4)
    if name == "softmax":
        return lambda: torch.softmax(x, 1)
    if name == "softmax_gradient":
        y = torch.softmax(x, 1)
        return lambda: aten._softmax_backward_data(d, y, 1, torch.float32)
    if name == "layer_norm":
        return lambda: functional.layer_norm(x, (n,), gain, bias)
    if name in ("layer_norm_gradient", "layer_norm_parameters"):
        _, mean, inverse = aten.native_layer_norm(x, (n,), gain, bias, 1e-5)
        which = [name == "layer_norm_gradient"] + 2 * [name != "layer_norm_gradient"]
        return lambda: aten.native_layer_norm_backward(d, x, (n,), mean, inverse, gain, bias, which)[which.index(True)]
    if name == "rms_norm":
        return lambda: functional.rms_norm(x, (n,), gain, 1e-5)
    if name == "gelu":
        return lambda: functional.gelu(x, approximate="tanh")
    if name == "silu":
        return lambda: functional.silu(x)
    targets = ids(rows, 5, n)
    if name == "cross_entropy":
        return lambda: functional.cross_entropy(x, targets, reduction="none")
    if name == "cross_entropy_gradient":
        logs = torch.log_softmax(x, 1)
        one = torch.ones(())

        def gradient():
            of_logs = aten.nll_loss_backward(one, logs, targets, None, 2, -100, torch.tensor(float(rows)))
            return aten._log_softmax_backward_data(of_logs, logs, 1, torch.float32)
        return gradient
    if name == "embedding_gradient":  # rows of the table; 1024 tokens
        tokens = ids(1024, 5, rows)
        slopes = formula((1024, n), 2)
        return lambda: aten.embedding_dense_backward(slopes, tokens, rows, -1, False)
    if name == "adamw":
        p = x.clone().requires_grad_()
        p.grad = d
        optimizer = torch.optim.AdamW([p], lr=1e-3, weight_decay=0.1, fused=True)

        def step():
            optimizer.step()
            return p
        return step
    raise ValueError(name)


def main():
    threads = int(sys.argv[1])
    torch.set_num_threads(threads)
    now = clock(threads)
    prepared = None

    def handle(line):
        nonlocal prepared
        if line != "run":
            _, name, *numbers = line.split()
            numbers = map(int, numbers)
            prepared = None  # gives its memory back first
            if name.startswith("attention"):
                prepared = attention(name.endswith("gradient"), *numbers)
            else:
                prepared = rows_of(name, *numbers)
            result = prepared().detach().reshape(-1)
            return [result[i * result.numel() // 8].item() for i in range(8)]
        start = now()
        prepared()
        took = now() - start
        repetitions = max(1, int(2e-3 / max(took, 1e-6)))
        if repetitions == 1:
            return [took]
        start = now()
        for _ in range(repetitions):
            prepared()
        return [(now() - start) / repetitions]

    answer(handle)


main()
