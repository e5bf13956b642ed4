"""What chooses, tabulates and describes models, without the matcher itself."""

import json
from pathlib import Path

import pytest
import torch

import ablate
import choose
import matcher
import modelcard
import modelfile
import parity
import tables
from recipe import parse

REPORT = json.loads((Path(__file__).parents[2] / "docs/benchmarks/identification-p3.json").read_text())


def test_a_report_gives_its_rates_and_false_answers():
    rate = matcher.rates(REPORT)
    assert rate["p3", "joint", "clean"] == 100 and 0 < rate["p3", "separated", "-30 dB"] < 100
    assert matcher.false_answers(REPORT) == len(REPORT["false_identifications"])


def test_the_best_identifies_most_without_more_false_answers():
    judged = {Path("a"): ([90.0, 40.0], 0), Path("b"): ([95.0, 60.0], 1), Path("c"): ([91.0, 41.0], 0)}
    assert choose.best_of(judged) == Path("c")


def test_every_row_of_the_ablation_is_a_recipe_of_its_own():
    recipes = [parse(options[1:]) for options in ablate.ROWS.values() if options[:1] in ([], ["--set"])]
    assert len(set(recipes)) == len(recipes) == len(ablate.ROWS) - 1


def test_a_variant_has_the_weights_and_another_domain(tmp_path):
    model = tmp_path / "m.safetensors"
    net = parity.tiny_unet()
    nodes, tensors = modelfile.fold(net, parity.randomised(net, 1))
    model.write_bytes(modelfile.serialise(net, nodes, tensors, "", torch.float32))
    other, module = modelfile.read(tables.variant(model, tmp_path, frames=32))
    assert other.domain["frames"] == 32 and module(torch.rand(1, 1, 32, 512)).shape == (1, 1, 32, 512)


def test_tables_name_what_is_not_trained():
    rows = tables.missing([], 2)
    assert [r[0] for r in rows] == list(tables.NETWORKS) and rows[0][1:] == [tables.UNTRAINED] * 2
    assert "| a | 1.0 |  |" in matcher.table(["x", "y", "z"], [["a", 1.0, None]])


def test_distortion_of_the_mixture_is_its_snr():
    torch.manual_seed(0)
    pairs = [(0.05 * torch.randn(64000), 0.05 * torch.randn(64000))]
    sdr, sir, sar, _ = tables.distortion(lambda mixture: mixture, pairs, -10)
    assert sir == pytest.approx(-10, abs=1) and sdr == pytest.approx(sir, abs=0.1) and sar > 40


def test_a_model_card_names_the_run(tmp_path, trainer_args):
    import train

    trainer_args.steps, trainer_args.keep_every, trainer_args.set = 2, 2, ["codec=0"]
    train.Trainer(trainer_args).run()
    [model] = trainer_args.run.glob("step-*/*.safetensors")
    text = modelcard.facts(trainer_args.run, model)
    assert "2 steps of 2: 4 mixtures" in text and "codec 0" in text and "dev " in text
    assert "| p3 joint | 100.0 |" in modelcard.results(REPORT)
