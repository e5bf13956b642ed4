"""Model files: folding, round trip, hash, parity vectors."""

import pytest
import torch
from safetensors.torch import load_file

import modelfile
import parity
from graph import WEIGHTED

def written(make, tmp_path, dtype=torch.float32):
    net = make()
    module = parity.randomised(net, 3)
    nodes, tensors = modelfile.fold(net, module)
    path = tmp_path / "net.safetensors"
    path.write_bytes(modelfile.serialise(net, nodes, tensors, "test", dtype))
    return net, module, path


@pytest.mark.parametrize("make", parity.TINY)
def test_a_file_computes_what_the_trained_module_computes(make, tmp_path):
    net, module, path = written(make, tmp_path)
    again, loaded = modelfile.read(path)
    assert not any("norm" in node for node in again.nodes)
    assert (again.domain, again.input_shape) == (net.domain, net.input_shape)
    x = torch.rand(2, *net.input_shape)
    with torch.no_grad():
        assert torch.allclose(module(x), loaded(x), atol=2e-5)


def test_a_changed_byte_is_refused(tmp_path):
    _, _, path = written(parity.tiny_wave, tmp_path)
    blob = bytearray(path.read_bytes())
    blob[-1] ^= 1
    path.write_bytes(bytes(blob))
    with pytest.raises(ValueError, match="SHA-256"):
        modelfile.read(path)


def test_bf16_halves_the_data(tmp_path):
    _, _, full = written(parity.tiny_wave, tmp_path)
    size = len(modelfile.data_section(full.read_bytes()))
    _, _, half = written(parity.tiny_wave, tmp_path, torch.bfloat16)
    assert len(modelfile.data_section(half.read_bytes())) * 2 == size


def test_metadata_is_all_strings_and_complete(tmp_path):
    _, _, path = written(parity.tiny_unet, tmp_path)
    meta = modelfile.metadata(path.read_bytes())
    assert all(isinstance(v, str) for v in meta.values())
    assert set(meta) == {"format", "name", "sha256", "sample_rate", "domain", "graph", "recipe"}


def test_the_tiny_networks_cover_every_op():
    used = {node["op"] for make in parity.TINY for node in make().nodes}
    assert used == {*WEIGHTED, "act", "concat", "concat_columns", "slice_columns", "slice_channels",
                    "decimate", "avgpool", "upsample_linear", "depth_to_space", "add", "mul"}


def test_parity_vectors_hold_one_block(tmp_path):
    parity.write_tiny(tmp_path)
    io = load_file(tmp_path / "tiny-unet.io.safetensors")
    net, _ = modelfile.read(tmp_path / "tiny-unet.safetensors")
    assert io["x"].shape == io["y"].shape == (16, 512, 1)
    assert io["audio_in"].shape == io["music_out"].shape == (net.block,)
    assert all(p.stat().st_size < 200_000 for p in tmp_path.iterdir())
