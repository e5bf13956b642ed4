"""A network as the list of graph nodes that docs/MODEL_FORMAT.md defines, and its PyTorch interpreter.

The graph is the single source of truth: training runs it, `export.py` writes it, the C engine reads it.
Tensors here are (batch, channels, rows, columns); the model file says (rows, columns, channels).

One key exists in training only: `norm: true` on a convolution puts a batch normalisation between the
convolution and its activation, which the exporter folds away; an affine node with it is a batch normalisation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WEIGHTED = ("conv", "deconv", "affine")


def act_of(name: str, alpha: float, x: Tensor) -> Tensor:
    if name == "none":
        return x
    if name == "relu":
        return F.relu(x)
    if name == "leaky_relu":
        return F.leaky_relu(x, alpha)
    if name == "sigmoid":
        return torch.sigmoid(x)
    if name == "tanh":
        return torch.tanh(x)
    raise ValueError(f"unknown activation {name!r}")


def upsample_linear(x: Tensor) -> Tensor:
    """Columns x2: out[2k] = x[k], out[2k+1] = (x[k] + x[k+1]) / 2, the last clamped (TF1's rule)."""
    following = torch.cat([x[..., 1:], x[..., -1:]], dim=-1)
    return torch.stack([x, (x + following) / 2], dim=-1).flatten(-2)


def depth_to_space(x: Tensor, block: list[int]) -> Tensor:
    """Channel (i*bc+j)*C+c goes to row r*br+i, column q*bc+j, channel c."""
    br, bc = block
    batch, channels, rows, columns = x.shape
    depth = channels // (br * bc)
    cells = x.reshape(batch, br, bc, depth, rows, columns).permute(0, 3, 4, 1, 5, 2)
    return cells.reshape(batch, depth, rows * br, columns * bc)


def convolve(node: dict, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    top, bottom, left, right = node.get("pad", [0, 0, 0, 0])
    if top == bottom and left == right:
        return F.conv2d(x, w, b, stride=tuple(node["stride"]), padding=(top, left))
    return F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride=tuple(node["stride"]))


def deconvolve(node: dict, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
    top, bottom, left, right = node.get("crop", [0, 0, 0, 0])
    full = F.conv_transpose2d(x, w, b, stride=tuple(node["stride"]))
    return full[:, :, top : full.shape[2] - bottom, left : full.shape[3] - right]


def structural(node: dict, args: list[Tensor]) -> Tensor:
    """The ops without weights."""
    op, x = node["op"], args[0]
    if op == "act":
        return x
    if op == "concat":
        return torch.cat(args, dim=1)
    if op == "concat_columns":
        return torch.cat(args, dim=3)
    if op == "slice_columns":
        return x[..., node["from"] : node["to"]]
    if op == "slice_channels":
        return x[:, node["from"] : node["to"]]
    if op == "decimate":
        return x[:, :, :: node["stride"][0], :: node["stride"][1]]
    if op == "avgpool":
        return F.avg_pool2d(x, tuple(node["stride"]))
    if op == "upsample_linear":
        return upsample_linear(x)
    if op == "depth_to_space":
        return depth_to_space(x, node["block"])
    if op == "add":
        return args[0] + args[1]
    if op == "mul":
        return args[0] * args[1]
    raise ValueError(f"unknown op {op!r}")


class GraphNet(nn.Module):
    """Runs a list of nodes. `shapes[name]` gives the shape of weight tensor `name`; `fixed` weights are constants; those of `start` are
    learned from the values given."""

    def __init__(self, nodes: list[dict], shapes: dict[str, tuple[int, ...]], fixed: dict | None = None,
                 start: dict | None = None):
        super().__init__()
        self.nodes = nodes
        self.weights = nn.ParameterDict()
        self.norms = nn.ModuleDict()
        for node in nodes:
            if node["op"] in WEIGHTED:
                self._make_weights(node, shapes)
        for name, values in (fixed or {}).items():
            given = torch.tensor(values).view(shapes[name])
            self.weights[_key(name)] = nn.Parameter(given, requires_grad=False)
        for name, values in (start or {}).items():
            self.weights[_key(name)] = nn.Parameter(torch.tensor(values).view(shapes[name]))

    def _make_weights(self, node: dict, shapes: dict) -> None:
        if node.get("norm"):
            self.norms[_key(node["out"])] = nn.BatchNorm2d(shapes[node["b"]][0])
            if node["op"] == "affine":
                return
        w = torch.empty(shapes[node["w"]])
        if w.dim() > 1:
            slope = node.get("alpha", 0.0) if node.get("act") == "leaky_relu" else 0.0
            mode = "fan_in" if node["op"] == "conv" else "fan_out"
            nn.init.kaiming_normal_(w, a=slope, mode=mode)
        else:
            nn.init.ones_(w)
        self.weights[_key(node["w"])] = nn.Parameter(w)
        if node.get("b"):
            self.weights[_key(node["b"])] = nn.Parameter(torch.zeros(shapes[node["b"]]))

    def weight(self, name: str | None) -> Tensor | None:
        """None for those of a batch normalisation, which are its own."""
        return self.weights[_key(name)] if name and _key(name) in self.weights else None

    def norm(self, node: dict) -> nn.BatchNorm2d | None:
        return self.norms[_key(node["out"])] if node.get("norm") else None

    def forward(self, x: Tensor) -> Tensor:
        values = {"x": x}
        uses = _last_uses(self.nodes)
        for i, node in enumerate(self.nodes):
            values[node["out"]] = self._run(node, values)
            for name in uses[i]:
                del values[name]
        return values["y"]

    def _run(self, node: dict, values: dict[str, Tensor]) -> Tensor:
        names = node["in"] if isinstance(node["in"], list) else [node["in"]]
        args = [values[n] for n in names]
        w, b = self.weight(node.get("w")), self.weight(node.get("b"))
        if node["op"] == "conv":
            out = convolve(node, args[0], w, b)
        elif node["op"] == "deconv":
            out = deconvolve(node, args[0], w, b)
        elif node["op"] == "affine" and w is None:
            out = args[0]
        elif node["op"] == "affine":
            out = args[0] * w[:, None, None] + b[:, None, None]
        else:
            out = structural(node, args)
        if node.get("norm"):
            out = self.norm(node)(out)
        return act_of(node.get("act", "none"), node.get("alpha", 0.0), out)


def _key(name: str) -> str:
    """ParameterDict refuses dots in names."""
    return name.replace(".", "/")


def _last_uses(nodes: list[dict]) -> list[list[str]]:
    """For each node, the tensors that no later node reads."""
    seen, drops = {"y"}, []
    for node in reversed(nodes):
        names = node["in"] if isinstance(node["in"], list) else [node["in"]]
        drops.append([n for n in dict.fromkeys(names) if n not in seen])
        seen.update(names)
    return drops[::-1]
