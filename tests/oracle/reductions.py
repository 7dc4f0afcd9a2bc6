import math
import warnings

from oracle import case

warnings.filterwarnings("ignore", message=".*degrees of freedom.*", category=UserWarning)


def operands(inputs, shape):
    if shape.startswith("special"):
        return inputs
    batch, token, embed = map(int, shape.split("x"))
    return [inputs[0][:batch, :token, :embed]]


def shape_without(x, axes):
    return [n for i, n in enumerate(x.shape) if i not in axes]


def reduction(name, function, **how):
    """function(t, x, axes): over the last axis, the first two, and all."""
    case(name, lambda t, x: function(t, x, (2,)), **how)
    case(name + "_of_two", lambda t, x: function(t, x, (0, 1)), **how)
    case(name + "_of_all", lambda t, x: function(t, x, (0, 1, 2)), **how)


def elements(x, axes):
    return math.prod(x.shape[i] for i in axes)


def in_rows(t, x, axes):
    """The reduced axes as one, which is the last; of several equal elements the first is the first of this axis."""
    kept = [i for i in range(3) if i not in axes]
    moved = t.permute(x, (*kept, *axes)) if hasattr(t, "permute") else t.transpose(x, (*kept, *axes))
    return moved.reshape([*shape_without(x, axes), elements(x, axes)])


def extreme(t, x, axes, which):
    if elements(x, axes) == 0:
        return t.full(shape_without(x, axes), -math.inf if which == "max" else math.inf)
    rows = in_rows(t, x, axes)
    found = getattr(rows, which)(-1)
    return found.values if hasattr(found, "values") else found


reduction("sum", lambda t, x, axes: x.sum(axes))
reduction("mean", lambda t, x, axes: x.sum(axes) / max(1, elements(x, axes)))
reduction("max", lambda t, x, axes: extreme(t, x, axes, "max"))
reduction("min", lambda t, x, axes: extreme(t, x, axes, "min"))
reduction("prod", lambda t, x, axes: in_rows(t, x, axes).prod(-1), finite_gradients=True)
reduction("logsumexp", lambda t, x, axes: t.logsumexp(x, axes), finite_gradients=True)
reduction("variance", lambda t, x, axes: t.var(x, axes, correction=1))
reduction("deviation", lambda t, x, axes: t.std(x, axes, correction=0))
reduction("norm", lambda t, x, axes: t.linalg.vector_norm(x, 2, axes))
reduction("norm_1", lambda t, x, axes: t.linalg.vector_norm(x, 1, axes), finite_gradients=True)
reduction("norm_inf", lambda t, x, axes: t.linalg.vector_norm(x, math.inf, axes)
          if elements(x, axes) else t.zeros(shape_without(x, axes)), finite_gradients=True)
case("cumsum", lambda t, x: t.cumsum(x, 1))
case("cumsum_of_last", lambda t, x: t.cumsum(x, 2))
case("cumprod", lambda t, x: t.cumprod(x, 1), finite_gradients=True)
case("cumprod_of_last", lambda t, x: t.cumprod(x, 2), finite_gradients=True)
case("sort", lambda t, x: t.sort(x, dim=2, stable=True).values)
case("sort_descending", lambda t, x: t.sort(x, dim=1, descending=True, stable=True).values)
case("top_k", lambda t, x: t.sort(x, dim=2, descending=True, stable=True).values[..., : (x.shape[2] + 1) // 2])
case("top_k_indices",
     lambda t, x: t.sort(x, dim=2, descending=True, stable=True).indices[..., : (x.shape[2] + 1) // 2])
case("argsort", lambda t, x: t.sort(x, dim=2, stable=True).indices)
case("argsort_descending", lambda t, x: t.sort(x, dim=1, descending=True, stable=True).indices)
case("argmax", lambda t, x: t.argmax(x, 2))
case("argmin", lambda t, x: t.argmin(x, 2))
case("count_nonzero", lambda t, x: t.count_nonzero(x, 1))
case("any", lambda t, x: (x != 0).any(1))
case("all", lambda t, x: (x != 0).all(2).all(1))
