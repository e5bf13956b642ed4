"""The ops of docs/MODEL_FORMAT.md, each against a direct reading of its sentence there."""

import torch

from graph import GraphNet, deconvolve, depth_to_space, structural, upsample_linear


def test_upsample_linear_is_tf1s_rule_with_the_last_sample_clamped():
    x = torch.tensor([[[[1.0, 3.0, 7.0]]]])
    assert upsample_linear(x).flatten().tolist() == [1, 2, 3, 5, 7, 7]


def test_depth_to_space_puts_each_channel_where_the_format_says():
    br, bc, depth, rows, columns = 2, 3, 2, 4, 5
    x = torch.rand(1, br * bc * depth, rows, columns)
    y = depth_to_space(x, [br, bc])
    for i in range(br):
        for j in range(bc):
            for c in range(depth):
                assert torch.equal(y[0, c, i::br, j::bc], x[0, (i * bc + j) * depth + c])


def test_decimate_keeps_multiples_and_avgpool_means_cells():
    x = torch.arange(24.0).view(1, 1, 4, 6)
    kept = structural({"op": "decimate", "stride": [2, 3]}, [x])
    assert kept.flatten().tolist() == [0, 3, 12, 15]
    mean = structural({"op": "avgpool", "stride": [2, 3]}, [x])
    assert mean.flatten().tolist() == [4, 7, 16, 19]


def test_slices_are_half_open_and_concats_undo_them():
    x = torch.rand(1, 4, 3, 6)
    low = structural({"op": "slice_columns", "from": 0, "to": 2}, [x])
    high = structural({"op": "slice_columns", "from": 2, "to": 6}, [x])
    assert torch.equal(structural({"op": "concat_columns"}, [low, high]), x)
    first = structural({"op": "slice_channels", "from": 0, "to": 1}, [x])
    rest = structural({"op": "slice_channels", "from": 1, "to": 4}, [x])
    assert torch.equal(structural({"op": "concat"}, [first, rest]), x)


def test_deconv_scatters_then_crops():
    x, w = torch.rand(1, 1, 1, 3), torch.rand(1, 1, 1, 5)
    full = torch.zeros(9)
    for i in range(3):
        full[2 * i : 2 * i + 5] += x[0, 0, 0, i] * w[0, 0, 0]
    y = deconvolve({"stride": [1, 2], "crop": [0, 0, 2, 1]}, x, w, None)
    assert torch.allclose(y.flatten(), full[2:8])


def test_conv_pads_top_bottom_left_right():
    node = {"op": "conv", "in": "x", "out": "y", "w": "w", "stride": [1, 1], "pad": [1, 0, 2, 0]}
    net = GraphNet([node], {"w": (1, 1, 2, 3)})
    with torch.no_grad():
        net.weight("w").zero_()
        net.weight("w")[0, 0, 0, 0] = 1.0
        y = net(torch.arange(1.0, 7.0).view(1, 1, 2, 3))
    assert y.shape == (1, 1, 2, 3)
    assert y[0, 0].tolist() == [[0, 0, 0], [0, 0, 1]]


def test_a_tensor_is_dropped_after_its_last_use_only():
    nodes = [
        {"op": "act", "in": "x", "out": "a", "act": "relu"},
        {"op": "add", "in": ["a", "x"], "out": "b"},
        {"op": "mul", "in": ["b", "a"], "out": "y"},
    ]
    assert GraphNet(nodes, {})(torch.full((1, 1, 1, 1), 2.0)).item() == 8.0
