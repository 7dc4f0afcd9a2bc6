#!/usr/bin/env python3
"""Recomputes what a program of this folder wrote with PyTorch, or numpy, in double, and compares: oracle.py PROGRAM CASES.py

A script of cases calls case(name, function), function(t, x0, x1, ...) -> result, where t is torch, or numpy where there is
no torch. Its operands are the parameters of the program's model; with `operands(inputs, shape)` in the script, what that
makes of them and of the name behind the @. A parameter called `seen` gets what the program wrote. numpy's gradients are
central differences, of what is not called special behind the @; a function that calls what numpy lacks is left to torch.
Where there is neither torch nor numpy the test is skipped.
"""
import inspect
import pathlib
import runpy
import subprocess
import sys
import tempfile

SKIPPED = 77
cases, options = {}, {}


def case(name, function, bound=1e-12, gradient_bound=1e-11, finite_gradients=False):
    """One operation. Bounds are of differences, in units of the larger number or of 1. finite_gradients: of operands and
    results that are finite alone, where torch and the library differ in what NaN and infinity do to others."""
    assert name not in cases, name
    cases[name] = function
    options[name] = bound, gradient_bound, finite_gradients


def load(folder, stem, kind):
    found = []
    while (file := folder / f"{stem}.{kind}{len(found)}.npy").exists():
        found.append(numpy.load(file))
    return found


def difference(seen, expected, bound):
    """What is wrong with seen, or None."""
    seen, expected = numpy.asarray(seen), numpy.asarray(expected)
    if seen.shape != expected.shape:
        return f"has shape {seen.shape} instead of {expected.shape}"
    if seen.size == 0:
        return None
    seen, expected = seen.astype(numpy.float64), expected.astype(numpy.float64)
    with numpy.errstate(invalid="ignore", over="ignore"):
        alike = (seen == expected) | (numpy.isnan(seen) & numpy.isnan(expected))
        scale = numpy.maximum(1, numpy.maximum(numpy.abs(seen), numpy.abs(expected)))
        wrong = ~(alike | (numpy.abs(seen - expected) <= bound * scale))
        wrong |= ~alike & ~(numpy.isfinite(seen) & numpy.isfinite(expected))
    if not wrong.any():
        return None
    at = tuple(int(i) for i in numpy.argwhere(wrong)[0])
    return f"is {seen[at]!r} instead of {expected[at]!r} at {at}; {int(wrong.sum())} of {seen.size} differ"


def all_finite(arrays):
    return all(numpy.isfinite(x).all() for x in arrays)


def weights(shape):
    count = int(numpy.prod(shape, dtype=numpy.int64))
    return ((numpy.arange(count) * 7 + 3) % 11 - 4.5).reshape(shape)


def by_torch(function, inputs, prepare, extra):
    leaves = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    out = function(torch, *prepare(leaves), **extra)
    if not out.is_floating_point() or not out.requires_grad:
        return out.detach().numpy(), None
    (out * torch.tensor(weights(tuple(out.shape)))).sum().backward()
    return out.detach().numpy(), [(torch.zeros_like(x) if x.grad is None else x.grad).numpy() for x in leaves]


def by_numpy(function, inputs, prepare, extra):
    def value(given):
        with numpy.errstate(all="ignore"):
            return numpy.asarray(function(numpy, *prepare(given), **extra))

    out = value(inputs)
    if out.dtype.kind != "f" or not all_finite([*inputs, out]):
        return out, None
    slopes = []
    for i, x in enumerate(inputs):
        slope = numpy.zeros_like(x)
        for at in numpy.ndindex(x.shape):
            sides = []
            for step in (1e-6, -1e-6):
                moved = [y.copy() for y in inputs]
                moved[i][at] += step
                sides.append((value(moved) * weights(out.shape)).sum())
            slope[at] = (sides[0] - sides[1]) / 2e-6
        slopes.append(slope)
    return out, slopes


def check(folder, script):
    sys.modules["oracle"] = sys.modules["__main__"]  # what the script imports
    prepare = runpy.run_path(str(script)).get("operands", lambda inputs, shape: inputs)
    stems = sorted(file.name[: -len(".out.npy")] for file in folder.glob("*.out.npy"))
    written = {stem.split("@")[0] for stem in stems}
    failures = [f"{name}: a case of one side only" for name in sorted(written ^ set(cases))]
    checked, left_to_torch = 0, set()
    for stem in stems:
        name, _, shape = stem.partition("@")
        if name not in cases:
            continue
        function, (bound, gradient_bound, finite_gradients) = cases[name], options[name]
        seen = numpy.load(folder / f"{stem}.out.npy")
        extra = {"seen": seen} if "seen" in inspect.signature(function).parameters else {}
        inputs = load(folder, stem, "x")
        try:
            out, slopes = (by_torch if torch else by_numpy)(
                function, inputs, lambda given: prepare(given, shape), extra)
        except (AttributeError, TypeError):
            if torch:
                raise
            left_to_torch.add(name)
            continue
        checked += 1
        wrong = difference(seen, out, bound)
        if wrong:
            failures.append(f"{stem}: the result {wrong}")
        if slopes is None or not torch and "special" in shape or finite_gradients and not all_finite([*inputs, out]):
            continue
        for i, (d, slope) in enumerate(zip(load(folder, stem, "d"), slopes)):
            wrong = difference(d, slope, gradient_bound if torch else 1e-5)
            if wrong:
                failures.append(f"{stem}: the gradient of operand {i} {wrong}")
    print("\n".join(failures))
    print(f"{checked} results of {len(cases) - len(left_to_torch)} operations compared with "
          f"{'torch ' + torch.__version__ if torch else 'numpy ' + numpy.__version__}; {len(failures)} differ"
          + (f"; {len(left_to_torch)} operations need torch" if left_to_torch else ""))
    return 1 if failures or checked == 0 else 0


if __name__ == "__main__":
    try:
        import numpy
    except ImportError:
        print("skipped: there is neither torch nor numpy (pip install torch)")
        sys.exit(SKIPPED)
    try:
        import torch
    except (ImportError, OSError):
        torch = None
    if "--numpy" in sys.argv:
        sys.argv.remove("--numpy")
        torch = None
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder], check=True)
        sys.exit(check(pathlib.Path(folder), sys.argv[2]))
