"""The networks, each a `Network`: its domain, its graph and the shapes of its weights.

    unet          undertone's default: a magnitude mask at 16 kHz, 1024/256
    unet-jansson  the paper's U-Net (Jansson 2017 shape), 512 frames, 1024/373
    wave-unet-m1  Wave-U-Net M1 (Stoller 2018), 16,384 samples
    wave-densenet the paper's own proposal, 16,384 samples
    mmdensenet    MMDenseNet (Takahashi 2017), two bands and the whole, 512 frames, 1024/256

Each has one output, the music; speech is the rest. Sizes and readings of the papers: tests/test_networks.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graph import GraphNet

SAMPLE_RATE = 16000


@dataclass
class Network:
    """A graph under construction; every method appends one node and returns its output's name."""

    name: str
    domain: dict
    nodes: list[dict] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    fixed: dict[str, list[float]] = field(default_factory=dict)  # weights that are given, not learned
    start: dict[str, list[float]] = field(default_factory=dict)  # weights that training begins with

    def conv(self, out, src, cin, cout, kernel, stride=(1, 1), pad=None, act="none", alpha=None,
             bias=True, norm=False):
        kr, kc = kernel
        pad = [kr // 2, kr // 2, kc // 2, kc // 2] if pad is None else list(pad)
        node = {"op": "conv", "in": src, "out": out, "w": f"{out}.w", "stride": list(stride), "pad": pad}
        self.shapes[f"{out}.w"] = (cout, cin, kr, kc)
        return self._weighted(node, cout, act, alpha, bias or norm, norm)

    def deconv(self, out, src, cin, cout, kernel, stride, crop, act="none", alpha=None, bias=True,
               norm=False):
        node = {"op": "deconv", "in": src, "out": out, "w": f"{out}.w", "stride": list(stride),
                "crop": list(crop)}
        self.shapes[f"{out}.w"] = (cin, cout, *kernel)
        return self._weighted(node, cout, act, alpha, bias or norm, norm)

    def affine(self, out, src, channels, act="none", alpha=None):
        self.shapes[f"{out}.w"] = (channels,)
        node = {"op": "affine", "in": src, "out": out, "w": f"{out}.w"}
        return self._weighted(node, channels, act, alpha, True, False)

    def norm(self, out, src, channels, act="none"):
        """A batch normalisation that no convolution precedes: an affine node in the file."""
        self.shapes[f"{out}.w"] = (channels,)
        node = {"op": "affine", "in": src, "out": out, "w": f"{out}.w"}
        return self._weighted(node, channels, act, None, True, True)

    def op(self, op, out, src, **keys):
        self.nodes.append({"op": op, "in": src, "out": out, **keys})
        return out

    def _weighted(self, node, channels, act, alpha, bias, norm):
        if bias:
            node["b"] = f"{node['out']}.b"
            self.shapes[node["b"]] = (channels,)
        if act != "none":
            node["act"] = act
        if alpha is not None:
            node["alpha"] = alpha
        if norm:
            node["norm"] = True
        self.nodes.append(node)
        return node["out"]

    @property
    def block(self) -> int:
        """Samples of one block."""
        d = self.domain
        return d["block"] if d["kind"] == "wave" else (d["frames"] - 1) * d["hop"] + d["fft"]

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of `x`."""
        d = self.domain
        return (1, 1, d["block"]) if d["kind"] == "wave" else (1, d["frames"], d["fft"] // 2)

    def module(self) -> GraphNet:
        return GraphNet(self.nodes, self.shapes, self.fixed, self.start)


def mask_domain(hop: int, frames: int) -> dict:
    return {"kind": "mask", "fft": 1024, "hop": hop, "frames": frames, "input": "log1p"}


def unet(frames: int = 256, widths=(16, 32, 64, 96, 128), decoder=(16, 24, 48, 64),
         hidden: int = 128) -> Network:
    """undertone's default.

    `f` turns log1p(|X|) into four saturating curves: a logarithm in steps, down to 0.002 where log1p is still
    linear and music 30 dB under speech lives. It is given, since its gradient would cost a fifth of the
    training time. Encoder: strided convolutions. Bottom: a dense layer over all columns, which
    gives the network absolute frequency. Decoder: convolution and depth_to_space. The last convolution
    sees full resolution, so the mask carries no grid pattern.
    """
    n = Network("unet", mask_domain(256, frames))
    leaky = {"act": "leaky_relu", "alpha": 0.2, "norm": True}
    n.conv("f", "x", 1, 4, (1, 1), act="tanh", bias=False)
    n.fixed["f.w"] = [0.4, 2.0, 10.0, 50.0]
    src, cin = "f", 4
    for i, c in enumerate(widths, 1):
        k = (5, 5) if i <= 3 else (3, 3)
        src, cin = n.conv(f"e{i}", src, cin, c, k, (2, 2), act="leaky_relu", alpha=0.2, norm=True), c
    columns = 512 >> len(widths)
    n.conv("t1", src, cin, hidden, (3, columns), pad=(1, 1, 0, 0), **leaky)
    n.conv("t2", "t1", hidden, columns * cin, (1, 1), **leaky)
    n.op("depth_to_space", "t3", "t2", block=[1, columns])
    src = n.op("add", "t", [src, "t3"])
    for i in range(len(widths) - 1, 0, -1):
        c = decoder[i - 1]
        n.conv(f"p{i}", src, cin, 4 * c, (3, 3), **leaky)
        n.op("depth_to_space", f"s{i}", f"p{i}", block=[2, 2])
        src, cin = n.op("concat", f"d{i}", [f"s{i}", f"e{i}"]), c + widths[i - 1]
    n.conv("p0", src, cin, 16, (3, 3), **leaky)
    n.op("depth_to_space", "s0", "p0", block=[2, 2])
    n.op("concat", "d0", ["s0", "f"])
    n.conv("y", "d0", 8, 1, (3, 3), act="sigmoid")
    return n


def unet_jansson(frames: int = 512) -> Network:
    """Jansson 2017 / the paper's table 1: six 5x5 stride-2 levels, 16 ... 512 filters, hop 373."""
    n = Network("unet-jansson", mask_domain(373, frames))
    widths = [16, 32, 64, 128, 256, 512]
    src, cin = "x", 1
    for i, c in enumerate(widths, 1):
        src = n.conv(f"e{i}", src, cin, c, (5, 5), (2, 2), act="leaky_relu", alpha=0.2, norm=True)
        cin = c
    for i in range(5, 0, -1):
        c = widths[i - 1]
        n.deconv(f"u{i}", src, cin, c, (5, 5), (2, 2), (2, 1, 2, 1), act="relu", norm=True)
        src, cin = n.op("concat", f"d{i}", [f"u{i}", f"e{i}"]), 2 * c
    n.deconv("y", src, cin, 1, (5, 5), (2, 2), (2, 1, 2, 1), act="sigmoid")
    return n


def wave_unet_m1(block: int = 16384) -> Network:
    """Wave-U-Net M1 (f90/Wave-U-Net): 12 levels of 24 i filters, 15 down, 5 up, no normalisation."""
    n = Network("wave-unet-m1", {"kind": "wave", "block": block})
    leaky = {"act": "leaky_relu", "alpha": 0.2}
    src, cin = "x", 1
    for i in range(1, 13):
        n.conv(f"c{i}", src, cin, 24 * i, (1, 15), **leaky)
        src, cin = n.op("decimate", f"e{i}", f"c{i}", stride=[1, 2]), 24 * i
    src, cin = n.conv("b", src, cin, 312, (1, 15), **leaky), 312
    for i in range(12, 0, -1):
        n.op("upsample_linear", f"l{i}", src)
        n.op("concat", f"d{i}", [f"c{i}", f"l{i}"])
        src, cin = n.conv(f"u{i}", f"d{i}", cin + 24 * i, 24 * i, (1, 5), **leaky), 24 * i
    return _beside_the_input(n, src, cin)


def _beside_the_input(n: Network, src: str, channels: int) -> Network:
    """The last convolution of a waveform network, over the features and the input: at first it lets the input through."""
    n.op("concat", "o", ["x", src])
    n.conv("y", "o", channels + 1, 1, (1, 1), act="tanh")
    n.start["y.w"] = [1.0] + [0.0] * channels
    return n


def _dense(n: Network, name: str, src: str, cin: int, growth: int, layers: int, kernel) -> list[str]:
    """Normalised, rectified, convolved: each layer sees the outputs of all before it. Their names."""
    made = [src]
    for i in range(1, layers + 1):
        seen = n.op("concat", f"{name}i{i}", list(made)) if i > 1 else src
        n.norm(f"{name}n{i}", seen, cin + (i - 1) * growth, act="relu")
        made.append(n.conv(f"{name}c{i}", f"{name}n{i}", cin + (i - 1) * growth, growth, kernel, bias=False))
    return made


def wave_densenet(block: int = 16384, first: int = 24, growth: int = 12, layers: int = 12, levels: int = 5) -> Network:
    """The paper's Wave-DenseNet: 15 taps both ways, transitions that keep a fifth of the channels, which are also the
    skips; average pooling down, transposed convolutions up. Not given there, and so a reading: the first
    convolution's width, and that of the four last ones (4), which here see the input as those of Wave-U-Net do.
    """
    n = Network("wave-densenet", {"kind": "wave", "block": block})
    taps = (1, 15)

    def dense(name, src, cin):
        made = _dense(n, name, src, cin, growth, layers, taps)
        return n.op("concat", name, made), cin + layers * growth

    src, cin = n.conv("f", "x", 1, first, taps, bias=False), first
    skips = []
    for i in range(1, levels + 1):
        src, cin = dense(f"e{i}", src, cin)
        src, cin = n.conv(f"s{i}", src, cin, cin // 5, (1, 1), bias=False), cin // 5
        skips.append((src, cin))
        src = n.op("avgpool", f"a{i}", src, stride=[1, 2])
    src, cin = dense("b", src, cin)
    for i in range(levels, 0, -1):
        skip, more = skips.pop()
        src, cin = n.conv(f"t{i}", src, cin, cin // 5, (1, 1), bias=False), cin // 5
        src = n.deconv(f"u{i}", src, cin, cin, taps, (1, 2), (0, 0, 7, 6), bias=False)
        src, cin = dense(f"d{i}", n.op("concat", f"j{i}", [src, skip]), cin + more)
    for i, (width, kernel) in enumerate(((4, taps), (4, (1, 1)), (4, taps)), 1):
        src, cin = n.conv(f"h{i}", src, cin, width, kernel, act="leaky_relu", alpha=0.2), width
    return _beside_the_input(n, src, cin)


@dataclass(frozen=True)
class Band:
    """The network of one band of MMDenseNet: growth of its dense blocks on the way down, the bottom included, and up."""

    kernel: tuple[int, int]  # of the first convolution
    down: tuple[int, ...]
    up: tuple[int, ...]
    layers: int

    def add(self, n: Network, name: str, src: str, first: int) -> str:
        """Appends it; a dense block hands on its last layer only."""
        rows, columns = self.kernel
        pad = (rows // 2, (rows - 1) // 2, columns // 2, (columns - 1) // 2)
        src, cin, skips = n.conv(f"{name}f", src, 1, first, self.kernel, pad=pad), first, []
        for i, growth in enumerate(self.down, 1):
            src, cin = _dense(n, f"{name}e{i}", src, cin, growth, self.layers, (3, 3))[-1], growth
            if i < len(self.down):
                skips.append((src, cin))
                n.conv(f"{name}t{i}", src, cin, cin, (1, 1))
                src = n.op("avgpool", f"{name}a{i}", f"{name}t{i}", stride=[2, 2])
        for i, growth in enumerate(self.up, 1):
            skip, more = skips.pop()
            n.deconv(f"{name}u{i}", src, cin, cin, (2, 2), (2, 2), (0, 0, 0, 0))
            src = n.op("concat", f"{name}j{i}", [f"{name}u{i}", skip])
            src, cin = _dense(n, f"{name}d{i}", src, cin + more, growth, self.layers, (3, 3))[-1], growth
        return src


LOW = Band((3, 4), (14, 16, 16, 16), (16, 16, 16), 4)
HIGH = Band((3, 3), (10, 10, 10, 10), (10, 10, 16), 3)
WHOLE = Band((3, 4), (6, 6, 6, 6), (6, 6, 6), 2)


def mmdensenet(frames: int = 512, hop: int = 256, bands: tuple[Band, Band, Band] = (LOW, HIGH, WHOLE),
               first: int = 32, last: int = 32) -> Network:
    """MMDenseNet (Takahashi & Mitsufuji 2017): a network for each half of the bins and one for all of them, joined by two
    dense layers. The paper names neither growth nor depth; these are those of a public implementation
    (jlqian98/mmdenselstm), with one mask instead of four outputs and with average pooling.
    """
    n = Network("mmdensenet", mask_domain(hop, frames))
    n.op("slice_columns", "xl", "x", **{"from": 0, "to": 256})
    n.op("slice_columns", "xh", "x", **{"from": 256, "to": 512})
    low, high, whole = bands
    n.op("concat_columns", "halves", [low.add(n, "l", "xl", first), high.add(n, "h", "xh", first)])
    n.op("concat", "all", ["halves", whole.add(n, "w", "x", first)])
    out = _dense(n, "o", "all", low.up[-1] + whole.up[-1], last, 2, (3, 3))[-1]
    n.conv("y", out, last, 1, (1, 1), act="sigmoid")
    return n


NETWORKS = {"unet": unet, "unet-jansson": unet_jansson, "wave-unet-m1": wave_unet_m1, "wave-densenet": wave_densenet,
            "mmdensenet": mmdensenet}


def build(name: str, **options) -> Network:
    return NETWORKS[name](**options)


def parameter_count(net: Network) -> int:
    """Learned numbers before folding, without the normalisation's running statistics."""
    return sum(p.numel() for p in net.module().parameters())


def macs(net: Network) -> int:
    """Multiply-accumulates of all convolutions for one block."""
    sizes = {"x": net.input_shape[1:]}
    total = 0
    for node in net.nodes:
        first = node["in"][0] if isinstance(node["in"], list) else node["in"]
        sizes[node["out"]] = size = _size_after(node, sizes, first, net.shapes)
        if node["op"] == "conv":
            total += _product(net.shapes[node["w"]]) * size[0] * size[1]
        elif node["op"] == "deconv":
            total += _product(net.shapes[node["w"]]) * _product(sizes[first])
    return total


def _size_after(node, sizes, first, shapes):
    rows, columns = sizes[first]
    op = node["op"]
    if op == "conv":
        _, _, kr, kc = shapes[node["w"]]
        (sr, sc), (t, b, l, r) = node["stride"], node["pad"]
        return (rows + t + b - kr) // sr + 1, (columns + l + r - kc) // sc + 1
    if op == "deconv":
        _, _, kr, kc = shapes[node["w"]]
        (sr, sc), (t, b, l, r) = node["stride"], node["crop"]
        return (rows - 1) * sr + kr - t - b, (columns - 1) * sc + kc - l - r
    if op == "decimate":
        return -(-rows // node["stride"][0]), -(-columns // node["stride"][1])
    if op == "avgpool":
        return rows // node["stride"][0], columns // node["stride"][1]
    if op == "upsample_linear":
        return rows, 2 * columns
    if op == "depth_to_space":
        return rows * node["block"][0], columns * node["block"][1]
    if op == "concat_columns":
        return rows, sum(sizes[n][1] for n in node["in"])
    if op == "slice_columns":
        return rows, node["to"] - node["from"]
    return rows, columns


def _product(shape) -> int:
    total = 1
    for n in shape:
        total *= n
    return total
