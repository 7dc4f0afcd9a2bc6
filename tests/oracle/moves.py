from oracle import case


def operands(inputs, shape):
    batch, token = map(int, shape.split("-")[0].split("x"))
    return [x[:batch, :token] for x in inputs]


def of_x(name, function):
    case(name, lambda t, x, y: function(t, x))


def zeros(t, x, tokens):
    return t.zeros((x.shape[0], tokens, x.shape[2]))


def joined(t, parts, axis):
    return (t.cat if hasattr(t, "cat") else t.concatenate)(parts, axis)


def shifted(t, x, n):
    gap = min(abs(n), x.shape[1])
    kept = x.shape[1] - gap
    return joined(t, [zeros(t, x, gap), x[:, :kept]] if n > 0 else [x[:, gap:], zeros(t, x, gap)], 1)


def repeated(t, x, times, axis):
    return x.repeat_interleave(times, axis) if hasattr(t, "cat") else x.repeat(times, axis)


def windows(t, x, step, dilation):
    count = max(0, (x.shape[1] - 1 - dilation) // step + 1) if x.shape[1] > dilation else 0
    parts = [joined(t, [x[:, i * step + j * dilation : i * step + j * dilation + 1] for j in range(2)], 1)[:, None]
             for i in range(count)]
    return joined(t, parts, 1) if parts else t.zeros((x.shape[0], 0, 2, x.shape[2]))


def permuted(t, x, order):
    return x.permute(order) if hasattr(t, "cat") else x.transpose(order)


def summed_by_id(t, x, ids, size):
    """Along the last axis."""
    columns = []
    for v in range(size):
        own = [i for i, found in enumerate(ids) if found == v]
        columns.append(sum((x[..., i] for i in own[1:]), x[..., own[0]]) if own else t.zeros(x.shape[:-1]))
    return t.stack(columns, -1)


of_x("slice", lambda t, x: x[:, :, 1:3])
of_x("slice_with_step", lambda t, x: x[:, :, [3, 1]])
of_x("flip", lambda t, x: t.flip(x, (1,)))
of_x("roll", lambda t, x: t.roll(x, 2, 1))
of_x("roll_back", lambda t, x: t.roll(x, -7, 2))
of_x("shift", lambda t, x: shifted(t, x, 2))
of_x("shift_back", lambda t, x: shifted(t, x, -1))
of_x("pad", lambda t, x: joined(t, [zeros(t, x, 2), x, zeros(t, x, 3)], 1))
of_x("repeat", lambda t, x: repeated(t, x, 2, 1))
of_x("repeat_last", lambda t, x: repeated(t, x, 2, 2))
of_x("tile", lambda t, x: t.tile(x, (1, 3, 1)))
of_x("tile_last", lambda t, x: t.tile(x, (1, 1, 2)))
of_x("unfold", lambda t, x: windows(t, x, 1, 1))
of_x("unfold_apart", lambda t, x: windows(t, x, 2, 2))
case("concatenate", lambda t, x, y: joined(t, [x, y], 1))
case("concatenate_three", lambda t, x, y: joined(t, [x, y, x], 1))
case("stack", lambda t, x, y: t.stack([x, y], 0))
of_x("chunk", lambda t, x: x[:, :, :2] * x[:, :, 2:])
case("pieces", lambda t, x, y: x[:, :, 1:3] * x[:, :, :1] + y[:, :, 1:3] * x[:, :, 3:])
of_x("expand", lambda t, x: t.stack([x, x], 0))
of_x("squeeze", lambda t, x: x)
of_x("transpose", lambda t, x: permuted(t, x, (2, 0, 1)))
of_x("split_axis", lambda t, x: x.reshape((*x.shape[:2], 2, 2)))
case("merge_axes", lambda t, x, y: joined(t, [x, y], 2))
of_x("rename", lambda t, x: x)
of_x("tril", lambda t, x: t.tril(x, 1))
of_x("triu", lambda t, x: permuted(t, t.triu(permuted(t, x, (0, 2, 1)), -1), (0, 2, 1)))
of_x("take", lambda t, x: x[:, :, [3, 0, 0, 2, 3]])
of_x("take_along", lambda t, x: permuted(t, x[:, :, [1, 1, 0, 3, 2]], (2, 0, 1)))
of_x("scatter_add", lambda t, x: permuted(t, summed_by_id(t, x, [2, 0, 2, 2], 3), (0, 2, 1)))
case("index_add", lambda t, x, y: x + summed_by_id(t, y, [3, 0, 3, 3], 4))
of_x("settle", lambda t, x: x)
