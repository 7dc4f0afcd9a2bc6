"""The same inputs as benchmarks/measure.hpp makes, and the protocol of benchmarks/peers/child.hpp."""
import importlib
import sys
import time


def package(name):
    """The package of this name; without it, says so and ends."""
    try:
        return importlib.import_module(name)
    except Exception as error:  # a broken installation is a missing one
        print(f"missing: {error}", flush=True)
        sys.exit(0)


numpy = package("numpy")


def __getattr__(name):
    """formula.torch: imported only for those who ask for it, as not every peer needs it."""
    if name == "torch":
        return package(name)
    raise AttributeError(name)


def numbers(shape, which):
    """An array whose element i is the same as bench::formula(i, which)."""
    count = int(numpy.prod(shape))
    x = numpy.arange(count, dtype=numpy.uint32) * numpy.uint32(2654435761)
    x += numpy.uint32(which * 0x9E3779B9 % 2**32)
    x = (x ^ (x >> numpy.uint32(16))) * numpy.uint32(0x45D9F3B)
    x ^= x >> numpy.uint32(16)
    values = (x >> numpy.uint32(8)).astype(numpy.float32) * numpy.float32(1 / 8388608) - numpy.float32(1)
    return values.reshape(shape)


def formula(shape, which):
    """The same as a tensor."""
    return package("torch").from_numpy(numbers(shape, which))


def id_numbers(count, which, below):
    """bench::id."""
    return ((numbers((count,), which).astype(numpy.float64) + 1) / 2 * below).astype(numpy.int64)


def ids(count, which, below):
    """The same as a tensor."""
    return package("torch").from_numpy(id_numbers(count, which, below))


def clock(threads):
    """Processor time of this thread, or the wall clock where several threads work."""
    return time.thread_time if threads == 1 else time.perf_counter


def answer(handle):
    """Says that it is ready, and answers each line of stdin by the numbers that handle(line) returns."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(*handle(line.strip()), flush=True)
