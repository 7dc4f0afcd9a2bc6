from oracle import case


def loss(name, function, **how):
    """function(F, t, x, y) of torch.nn.functional."""
    case(name, lambda t, x, y: function(t.nn.functional, t, x, y), **how)


loss("mse", lambda F, t, x, y: F.mse_loss(x, y))
loss("mse_sum", lambda F, t, x, y: F.mse_loss(x, y, reduction="sum"))
loss("l1", lambda F, t, x, y: F.l1_loss(x, y))
loss("huber", lambda F, t, x, y: F.huber_loss(x, y, delta=0.75))
loss("bce", lambda F, t, x, y: F.binary_cross_entropy_with_logits(x, y))
loss("bce_weighted", lambda F, t, x, y: F.binary_cross_entropy_with_logits(
    x, y, pos_weight=t.tensor(2.5, dtype=x.dtype)))
loss("kl", lambda F, t, x, y: F.kl_div(x, y * y, reduction="batchmean"))
loss("kl_sum_of_logarithms", lambda F, t, x, y: F.kl_div(x, y, reduction="sum", log_target=True))
loss("nll", lambda F, t, x, y: F.nll_loss(F.log_softmax(x, 1), t.tensor([3, 0, -100, 5, 1])))
# torch adds 1e-12 to squared lengths there
loss("cosine_embedding", lambda F, t, x, y: F.cosine_embedding_loss(
    x, y, t.tensor([1, -1, -1, 1, -1]), margin=0.2), bound=1e-10, gradient_bound=1e-10)
loss("info_nce", lambda F, t, x, y: F.cross_entropy(
    F.normalize(x, dim=1) @ F.normalize(y, dim=1).T / 0.3, t.arange(x.shape[0])))
loss("cosine", lambda F, t, x, y: F.cosine_similarity(x, y, dim=1))

case("batch_norm", lambda t, x, gain, bias: t.nn.functional.batch_norm(x, None, None, gain, bias, training=True))
case("group_norm", lambda t, x, gain, bias: t.nn.functional.group_norm(x, 4, gain, bias))
case("instance_norm", lambda t, x, gain, bias: t.nn.functional.instance_norm(x, weight=gain, bias=bias))
case("batch_norm_layer", lambda t, x, gain, bias, mean, variance: t.nn.functional.batch_norm(
    x.detach(), mean.detach(), variance.detach(), gain, bias))


def running_statistics(t, x, gain, bias, mean, variance):
    layer = t.nn.BatchNorm1d(x.shape[1], dtype=x.dtype)
    for i in range(3):
        layer(x.detach() * (i + 1))
    return t.stack([layer.running_mean, layer.running_var])


case("running_statistics", running_statistics)


def recurrent(kind):
    def run(t, x, w_x, b_x, w_h, b_h):
        layer = getattr(t.nn, kind)(x.shape[2], w_h.shape[0], batch_first=True, dtype=x.dtype)
        weights = {
            "weight_ih_l0": w_x.permute(1, 2, 0).flatten(0, 1), "bias_ih_l0": b_x.flatten(),
            "weight_hh_l0": w_h.permute(1, 2, 0).flatten(0, 1), "bias_hh_l0": b_h.flatten()}
        return t.func.functional_call(layer, weights, (x,))[0]
    return run


case("lstm", recurrent("LSTM"))
case("gru", recurrent("GRU"))

IDS = [[1, 2, 2], [0, 5, 0], [4, 4, 4], [3, 0, 1], [5, 1, 0]]


def bag(name, **how):
    case(name, lambda t, table: t.nn.functional.embedding_bag(t.tensor(IDS), table, **how))


bag("bag_mean", mode="mean")
bag("bag_sum", mode="sum")
bag("bag_padded", mode="mean", padding_idx=0)
