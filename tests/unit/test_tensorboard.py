"""Event files of TensorBoard -> parts of runs."""

from __future__ import annotations

import math
import struct
from collections import Counter
from pathlib import Path

import pytest

from ingest.importers.formats import source_of
from ingest.importers.records import Details, Image, Lines, Plot, Points, Run, Skipped
from tests.harness.import_samples import SAMPLES, curves, parts_of, runs_of
from tests.harness.tfevents import block, event, integer, record, simple, tensor

SAMPLE = SAMPLES / "tensorboard"
FLOAT, STRING = 1, 7


def write(path: Path, *events: bytes) -> Path:
    """An event file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(map(record, events)))
    return path


def test_a_sample_of_tensorboardx_is_read_whole() -> None:
    source = source_of(str(SAMPLE))
    runs = {run.name: run for run in source.runs() if isinstance(run, Run)}
    assert (source.format, set(runs)) == (
        "tensorboard",
        {"tbx_run", "tbx_run/1796021723.1448066", "tbx_run/multi/a", "tbx_run/multi/b"},
    )
    parts = list(runs["tbx_run"].read())
    found = curves(parts)
    loss = [math.exp(-step / 50) for step in range(200)]
    assert [value for _, value in found["loss", "train"]] == [struct.unpack("f", struct.pack("f", v))[0] for v in loss]
    assert Counter(type(part).__name__ for part in parts if not isinstance(part, Points)) == {
        "Lines": 1,
        "Image": 1,
        "Plot": 2,
        "Details": 1,
    }
    text = next(part for part in parts if isinstance(part, Lines))
    assert text.lines[0].text == "[notes/text_summary @ 0] hello **world**"
    hparams = [part for part in runs["tbx_run/1796021723.1448066"].read() if isinstance(part, Details)][-1]
    assert hparams.config == {"lr": 0.1, "opt": "adam", "bs": 32}
    assert hparams.status == "completed"


def test_a_picture_of_the_sample_is_a_whole_file() -> None:
    image = next(part for part in parts_of(SAMPLE) if isinstance(part, Image))
    assert isinstance(image.content, bytes)
    assert image.content.startswith(b"\x89PNG")
    assert image.content.endswith(b"IEND\xaeB`\x82")


def test_steps_of_any_length_stay_in_order(tmp_path: Path) -> None:
    steps = [0, 1, 127, 128, 16_383, 16_384, 2**31, 2**40, 2**62, 5]
    write(tmp_path / "events.out.tfevents.1", *(event(s, simple("loss/train", i)) for i, s in enumerate(steps)))
    assert curves(parts_of(tmp_path)) == {("loss", "train"): [(s, i) for i, s in enumerate(steps)]}


def test_the_fast_way_reads_what_the_slow_one_reads(tmp_path: Path) -> None:
    tags = ["a", "loss/train", "loss/valid", "x" * 40, "y" * 140, "é/ü"]
    events = [event(step, simple(tag, step / 7)) for step in range(300) for tag in tags]
    several = [event(step, *(simple(tag, step / 7) for tag in tags)) for step in range(300)]
    write(tmp_path / "one" / "events.out.tfevents.1", *events)
    write(tmp_path / "many" / "events.out.tfevents.1", *several)
    one, many = runs_of(tmp_path)
    assert curves(one.read()) == curves(many.read())
    assert sum(map(len, curves(one.read()).values())) == 1800


def test_scalars_in_the_form_of_tensorflow_2(tmp_path: Path) -> None:
    number = integer(1, FLOAT) + block(2, b"") + block(4, struct.pack("<f", 0.5))
    listed = integer(1, FLOAT) + block(2, b"") + block(5, struct.pack("<f", 0.25))
    values = (event(3, tensor("acc", "scalars", number)), event(4, tensor("acc", "scalars", listed)))
    write(tmp_path / "events.out.tfevents.1", *values)
    assert curves(parts_of(tmp_path)) == {("acc", "acc"): [(3, 0.5), (4, 0.25)]}


def test_pictures_texts_and_histograms_in_the_form_of_tensorflow_2(tmp_path: Path) -> None:
    pictures = integer(1, STRING) + b"".join(block(8, one) for one in (b"8", b"8", b"\x89PNG1", b"\x89PNG2"))
    words = integer(1, STRING) + block(8, "né".encode())
    shape = block(2, block(2, integer(1, 2)) + block(2, integer(1, 3)))
    bars = integer(1, FLOAT) + shape + block(4, struct.pack("<6f", 0, 1, 5, 1, 2, 7))
    values = tensor("img/a", "images", pictures), tensor("note", "text", words), tensor("h", "histograms", bars)
    write(tmp_path / "events.out.tfevents.1", event(2, *values))
    parts = parts_of(tmp_path)
    assert [(p.name, p.key) for p in parts if isinstance(p, Image)] == [("a_2_0.png", "0"), ("a_2_1.png", "1")]
    assert [p.lines[0].text for p in parts if isinstance(p, Lines)] == ["[note @ 2] né"]
    plot = next(p for p in parts if isinstance(p, Plot))
    assert (plot.figure["data"][0]["x"], plot.figure["data"][0]["y"]) == ([0.0, 1.0], [5.0, 7.0])


def test_a_torn_file_ends_in_one_line_and_the_next_follows(tmp_path: Path) -> None:
    torn = write(tmp_path / "events.out.tfevents.1", *(event(s, simple("loss", s)) for s in range(10)))
    torn.write_bytes(torn.read_bytes()[:-3])
    write(tmp_path / "events.out.tfevents.2", *(event(s, simple("loss", s)) for s in range(10, 20)))
    parts = parts_of(tmp_path)
    assert [step for step, _ in curves(parts)["loss", "loss"]] == [*range(9), *range(10, 20)]
    (skipped,) = (part for part in parts if isinstance(part, Skipped))
    assert skipped.message.startswith(f"{torn}: torn at byte ")


@pytest.mark.parametrize(("place", "left"), [(20, 9), (4, 0)])
def test_damage_is_counted(tmp_path: Path, place: int, left: int) -> None:
    """A damaged record alone is lost; where a length is damaged, nobody knows where the next record begins."""
    path = write(tmp_path / "events.out.tfevents.1", *(event(s, simple("loss", s)) for s in range(10)))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    parts = parts_of(tmp_path)
    assert len(curves(parts).get(("loss", "loss"), [])) == left
    assert [part.count for part in parts if isinstance(part, Skipped)] == [1]


def test_what_has_no_place_is_counted(tmp_path: Path) -> None:
    graph = b"\x09" + struct.pack("<d", 1.0) + block(4, b"a graph")
    mesh = integer(1, FLOAT) + block(2, block(2, integer(1, 1)) + block(2, integer(1, 1))) + block(4, bytes(4))
    write(tmp_path / "events.out.tfevents.1", graph, event(1, tensor("m", "mesh", mesh)), b"\xff\xff")
    skipped = [part for part in parts_of(tmp_path) if isinstance(part, Skipped)]
    assert [part.reason for part in skipped] == ["graph", "mesh summary", "malformed event"]


def test_links_are_followed_once_and_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    write(tmp_path / "logs" / "run" / "events.out.tfevents.1", event(1, simple("loss", 1.0)))
    (tmp_path / "logs" / "run" / "again").symlink_to(tmp_path / "logs")
    (tmp_path / "logs" / "gone").mkdir()
    (tmp_path / "logs" / "gone" / "events.out.tfevents.1").symlink_to(tmp_path / "nothing")
    assert [run.name for run in runs_of(tmp_path / "logs")] == ["run"]
    (told,) = (part for part in parts_of(tmp_path / "logs") if isinstance(part, Skipped))
    assert (told.reason, str(tmp_path / "logs" / "gone") in told.message) == ("run that cannot be read", True)


def test_an_id_survives_a_move_and_more_files(tmp_path: Path) -> None:
    write(tmp_path / "a" / "run" / "events.out.tfevents.1", event(1, simple("loss", 1.0)))
    before = runs_of(tmp_path / "a")[0].id
    (tmp_path / "a").rename(tmp_path / "b")
    write(tmp_path / "b" / "run" / "events.out.tfevents.2", event(2, simple("loss", 1.0)))
    assert runs_of(tmp_path / "b")[0].id == before
    assert runs_of(tmp_path / "b" / "run")[0].id == before
