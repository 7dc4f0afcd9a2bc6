#!/usr/bin/env python3
"""One training step of a GPT in PyTorch, as benchmarks/training.hpp takes it: same weights, same batch, same AdamW.

torch_gpt.py THREADS LAYERS EMBED HEADS VOCAB BATCH TOKEN; answers each line by seconds and loss of one step.
"""
import sys

from formula import answer, clock, formula, ids, torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, embed, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(embed), nn.LayerNorm(embed)
        self.qkv, self.out = nn.Linear(embed, 3 * embed), nn.Linear(embed, embed)
        self.up, self.down = nn.Linear(embed, 4 * embed), nn.Linear(4 * embed, embed)

    def forward(self, x):
        batch, token, embed = x.shape
        q, k, v = (part.view(batch, token, self.heads, -1).transpose(1, 2)
                   for part in self.qkv(self.attention_norm(x)).split(embed, dim=2))
        attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(batch, token, embed))
        return x + self.down(functional.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, layers, embed, heads, vocab, token):
        super().__init__()
        self.table, self.positions = nn.Embedding(vocab, embed), nn.Embedding(token, embed)
        self.blocks = nn.ModuleList(Block(embed, heads) for _ in range(layers))
        self.final_norm = nn.LayerNorm(embed)

    def forward(self, x, targets):
        state = self.table(x) + self.positions.weight
        for block in self.blocks:
            state = block(state)
        logits = functional.linear(self.final_norm(state), self.table.weight)
        return functional.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))

    @torch.no_grad()
    def take_weights(self):
        """Those of training.hpp, which numbers the parameters in its own order and keeps weights as (in, out)."""
        at = 0

        def norm(layer):  # gain 1 and bias 0, as they are
            nonlocal at
            at += 2

        def table(weight):
            nonlocal at
            weight.copy_(0.02 * formula(tuple(weight.shape), 100 + at))
            at += 1

        def linear(weight, bias):
            nonlocal at
            weight.copy_(0.02 * formula((weight.shape[1], weight.shape[0]), 100 + at).T)
            bias.zero_()
            at += 2

        table(self.table.weight)
        table(self.positions.weight)
        for block in self.blocks:
            embed = block.out.weight.shape[0]
            norm(block.attention_norm)
            for i in range(3):
                rows = slice(i * embed, (i + 1) * embed)
                linear(block.qkv.weight[rows], block.qkv.bias[rows])
            linear(block.out.weight, block.out.bias)
            norm(block.mlp_norm)
            linear(block.up.weight, block.up.bias)
            linear(block.down.weight, block.down.bias)
        return self


def main():
    threads, layers, embed, heads, vocab, batch, token = map(int, sys.argv[1:])
    torch.set_num_threads(threads)
    model = GPT(layers, embed, heads, vocab, token).take_weights()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, eps=1e-8, weight_decay=0.0, fused=True)
    x, targets = ids(batch * token, 1, vocab).view(batch, token), ids(batch * token, 2, vocab).view(batch, token)
    now = clock(threads)

    def step(_):
        start = now()
        optimizer.zero_grad(set_to_none=True)
        loss = model(x, targets)
        loss.backward()
        optimizer.step()
        return now() - start, loss.item()

    answer(step)


main()
