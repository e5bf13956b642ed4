"""Reads and writes model files as docs/MODEL_FORMAT.md defines them."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from graph import WEIGHTED, GraphNet
from networks import SAMPLE_RATE, Network

FORMAT = "undertone-model-1"


def fold(net: Network, model: GraphNet) -> tuple[list[dict], dict[str, Tensor]]:
    """Nodes and float32 weights without batch normalisations: w' = w g/s, b' = (b - m) g/s + beta."""
    nodes, tensors = [], {}
    for node in net.nodes:
        plain = {k: v for k, v in node.items() if k != "norm"}
        nodes.append(plain)
        if node["op"] not in WEIGHTED:
            continue
        w, b = model.weight(node["w"]), model.weight(node.get("b"))
        if node.get("norm"):
            w, b = _folded(node, w, b, model.norm(node))
        tensors[node["w"]] = w.detach().float().cpu().contiguous()
        if b is not None:
            tensors[node["b"]] = b.detach().float().cpu().contiguous()
    return nodes, tensors


def _folded(node: dict, w: Tensor | None, b: Tensor | None, norm) -> tuple[Tensor, Tensor]:
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    if node["op"] == "affine":
        return gain, norm.bias - norm.running_mean * gain
    shape = (-1, 1, 1, 1) if node["op"] == "conv" else (1, -1, 1, 1)
    return w * gain.view(shape), (b - norm.running_mean) * gain + norm.bias


def data_section(blob: bytes) -> bytes:
    (header,) = struct.unpack("<Q", blob[:8])
    return blob[8 + header :]


def serialise(net: Network, nodes: list[dict], tensors: dict[str, Tensor], recipe: str,
              dtype: torch.dtype) -> bytes:
    tensors = {k: v.contiguous().to(dtype) for k, v in tensors.items()}
    sha256 = hashlib.sha256(data_section(save(tensors))).hexdigest()
    compact = {"separators": (",", ":")}
    return save(tensors, {
        "format": FORMAT,
        "name": net.name,
        "sha256": sha256,
        "sample_rate": str(SAMPLE_RATE),
        "domain": json.dumps(net.domain, **compact),
        "graph": json.dumps(nodes, **compact),
        "recipe": recipe,
    })


def metadata(blob: bytes) -> dict[str, str]:
    (header,) = struct.unpack("<Q", blob[:8])
    return json.loads(blob[8 : 8 + header])["__metadata__"]


def read(path: Path) -> tuple[Network, GraphNet]:
    """The network of a file and its module with the file's weights, in evaluation mode."""
    blob = Path(path).read_bytes()
    meta, tensors = metadata(blob), load(blob)
    if meta["format"] != FORMAT:
        raise ValueError(f"{path}: format {meta['format']!r}")
    if meta["sha256"] != hashlib.sha256(data_section(blob)).hexdigest():
        raise ValueError(f"{path}: data does not fit its SHA-256")
    shapes = {k: tuple(v.shape) for k, v in tensors.items()}
    net = Network(meta["name"], json.loads(meta["domain"]), json.loads(meta["graph"]), shapes)
    module = net.module().eval()
    with torch.no_grad():
        for name, tensor in tensors.items():
            module.weight(name).copy_(tensor.float())
    return net, module
