from oracle import case


def operands(inputs, shape):
    if shape.startswith("special"):
        return inputs
    rows, columns = map(int, shape.split("x"))
    x, y, row, column = inputs
    return [x[:rows, :columns], y[:rows, :columns], row[:columns], column[:rows]]


def of_x(name, function, **bounds):
    case(name, lambda t, x, y, row, column: function(t, x), **bounds)


def of_both(name, function, **bounds):
    case(name, lambda t, x, y, row, column: function(t, x, y), **bounds)


def of_rows(name, function, **bounds):
    case(name, lambda t, x, y, row, column: function(t, x, row, column[:, None]), **bounds)


for name in "exp expm1 log log1p log2 sqrt sin cos tanh floor ceil round abs isnan isfinite".split():
    of_x(name, lambda t, x, name=name: getattr(t, name)(x))
for name in "rsqrt sigmoid erf".split():
    of_x(name, lambda t, x, name=name: getattr(t, name)(x))
of_x("sign", lambda t, x: t.where(t.isnan(x), float("nan"), t.sign(x)))  # as numpy has it
of_x("softplus", lambda t, x: t.logaddexp(x, 0 * t.ones_like(x)))
of_x("gelu", lambda t, x: t.nn.functional.gelu(x, approximate="tanh"))
for name in "silu relu mish".split():
    of_x(name, lambda t, x, name=name: getattr(t.nn.functional, name)(x))
of_x("hard_swish", lambda t, x: t.nn.functional.hardswish(x))
of_x("leaky_relu", lambda t, x: t.nn.functional.leaky_relu(x, 0.1))
of_x("elu", lambda t, x: t.nn.functional.elu(x, 1.5))
# torch changed its mind about the gradient at the bounds; ours is kept there
of_x("clamp", lambda t, x: t.where(t.isnan(x), float("nan"), t.where(x < -1, -1.0, t.where(x > 1.5, 1.5, x))))
for n in "0.00 1.00 2.00 3.00 -1.5 0.75".split():
    of_x("pow_of_" + n, lambda t, x, n=float(n): x**n)
of_both("pow", lambda t, x, y: x**y)
of_x("pow_from_number", lambda t, x: 1.5**x)
of_x("pow_from_0", lambda t, x: 0.0**x)
# where torch's gradient goes to both operands of a NaN, or to none, ours goes to the NaN
of_both("max", lambda t, x, y: t.where(x == y, x / 2 + y / 2, t.where((x < y) | t.isnan(y), y, x)))
of_both("min", lambda t, x, y: t.where(x == y, x / 2 + y / 2, t.where((y < x) | t.isnan(y), y, x)))
of_x("max_with_number", lambda t, x: t.where(x <= 0.5, 0.5, x))
of_x("min_with_number", lambda t, x: t.where(x >= 1, 1.0, x))

of_both("x+y", lambda t, x, y: x + y)
of_both("x-y", lambda t, x, y: x - y)
of_both("x*y", lambda t, x, y: x * y)
of_both("x_over_y", lambda t, x, y: x / y)
of_rows("x+row", lambda t, x, row, column: x + row)
of_rows("row-x", lambda t, x, row, column: row - x)
of_rows("column*x", lambda t, x, row, column: column * x)
of_rows("x_over_row", lambda t, x, row, column: x / row)
of_rows("row_over_x", lambda t, x, row, column: row / x)
of_rows("column*row", lambda t, x, row, column: column * row)
of_rows("column_over_row", lambda t, x, row, column: column / row)
of_x("x+1", lambda t, x: x + 1)
of_x("x-2.5", lambda t, x: x - 2.5)
of_x("1-x", lambda t, x: 1 - x)
of_x("x*2.5", lambda t, x: x * 2.5)
of_x("x_over_3", lambda t, x: x / 3)
of_x("2_over_x", lambda t, x: 2 / x)
of_x("-x", lambda t, x: -x)
case("assigned", lambda t, x, y, row, column: ((x + y) * row - 2) / column[:, None])
of_rows("map", lambda t, x, row, column: x / (1 + t.exp(-row)) + row, finite_gradients=True)
of_both("where", lambda t, x, y: t.where(x > y, x, y * 2))
of_x("where_number", lambda t, x: t.where(t.isfinite(x), x, 7.0))
of_both("where_two_numbers", lambda t, x, y: y * t.where(~((x > 0) & (y < 1)) | (x < -1), 1.5, -1.0))
case("dropout", lambda t, x, y, row, column, seen:
     t.where(t.asarray(seen) == 0, 0.0, (x + 9) / 0.75))

of_both("less", lambda t, x, y: x < y)
of_rows("less_or_equal", lambda t, x, row, column: x <= row)
of_x("greater", lambda t, x: x < 0.5)
of_both("greater_or_equal", lambda t, x, y: x >= y)
of_both("equal", lambda t, x, y: x == y)
of_x("not_equal", lambda t, x: x != 1)
of_both("and", lambda t, x, y: (x > 0) & (y > 0))
of_both("or", lambda t, x, y: (x > 0) | (y > 0))
of_x("cast_to_float", lambda t, x: t.asarray(x.detach() if hasattr(x, "detach") else x, dtype=t.float32))
