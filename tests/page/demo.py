"""Experiments as people have them, for tests of the page and its screenshots."""

from __future__ import annotations

import base64
import json
import math
import random
import time
from collections.abc import Iterable, Iterator

from tests.harness.api import Api, Data

STEPS = 2000
EVERY_MS = 900
LEVELS = ["info"] * 12 + ["warning", "debug", "error"]
TEXTS = {
    "info": "epoch {n:3d}  loss {loss:.4f}  \x1b[32maccuracy {accuracy:.3f}\x1b[0m",
    "warning": "gradient norm {loss:.2f} was clipped to 1.0",
    "debug": "batch {n} read in {loss:.1f} ms",
    "error": "worker {n} of the data loader was started again",
}
BATCH_EVENTS = 20_000


def curves(task: str, *, rate: float, seed: int, steps: int = STEPS, start_ms: int = 0) -> Iterator[Data]:
    """Scalars of a training: losses that fall with noise and spikes, accuracies that rise, and a learning rate."""
    noise = random.Random(seed)
    start_ms = start_ms or int(time.time() * 1000) - steps * EVERY_MS
    for step in range(steps):
        at = {"type": "training_stats_scalar", "task": task, "iter": step, "timestamp": start_ms + step * EVERY_MS}
        for metric, variant, value in values(step, rate, noise):
            yield at | {"metric": metric, "variant": variant, "value": value}


def values(step: int, rate: float, noise: random.Random) -> Iterator[tuple[str, str, float]]:
    """What one step reports."""
    fall = 2.3 * math.exp(-step * rate / 400) + 0.25
    yield "loss", "train", fall + noise.gauss(0, 0.05) + (1.5 * noise.random() if noise.random() < 0.004 else 0)
    yield "learning rate", "adamw", 3e-4 * rate * (min(step / 200, 1) * 0.5 * (1 + math.cos(math.pi * step / STEPS)))
    if step % 10 == 0:
        yield "loss", "validation", fall * 1.12 + noise.gauss(0, 0.02)
        yield "accuracy", "top 1", 0.94 * (1 - math.exp(-step * rate / 350)) + noise.gauss(0, 0.006)
        yield "accuracy", "top 5", 0.99 * (1 - math.exp(-step * rate / 160)) + noise.gauss(0, 0.003)
        yield "throughput", "images/s", 2400 + noise.gauss(0, 60)


def single_values(task: str) -> list[Data]:
    """What is told once."""
    told = {"best accuracy": 0.9382, "parameters": 25_557_032, "epochs": 90}
    return [
        {"type": "training_stats_scalar", "task": task, "iter": -(2**31), "metric": "Summary", "variant": n, "value": v}
        for n, v in told.items()
    ]


def log(task: str, lines: int = 400) -> Iterator[Data]:
    """A console."""
    now = int(time.time() * 1000)
    for n in range(lines):
        level = LEVELS[n % len(LEVELS)]
        message = TEXTS[level].format(n=n, loss=2.3 * math.exp(-n / 120), accuracy=1 - math.exp(-n / 90))
        yield {
            "type": "log",
            "task": task,
            "worker": "gpu-7:0",
            "timestamp": now - (lines - n) * 1500,
            "level": level,
            "msg": message,
        }


def plots(task: str, iteration: int = 0) -> Iterator[Data]:
    """A confusion matrix, a histogram and a table, as the SDK reports them."""
    names = ["cat", "dog", "fox", "owl", "hen"]
    matrix = [[90 - 3 * i if i == j else (7 * i + 3 * j) % 9 for j in range(5)] for i in range(5)]
    bars = [round(1000 * math.exp(-((n - 10) ** 2) / 30)) for n in range(20)]
    drawn: dict[str, Data] = {
        "confusion": {
            "data": [{"type": "heatmap", "z": matrix, "x": names, "y": names, "colorscale": "Blues"}],
            "layout": {"title": {"text": "confusion"}, "xaxis": {"title": {"text": "predicted"}}},
        },
        "weights": {"data": [{"type": "bar", "y": bars, "name": "layer 1"}], "layout": {"title": "weights"}},
        "worst classes": {
            "data": [
                {
                    "type": "table",
                    "header": {"values": ["class", "recall", "images"]},
                    "cells": {"values": [names, [0.91, 0.88, 0.84, 0.8, 0.77], [1300, 1280, 1212, 990, 870]]},
                }
            ],
            "layout": {},
        },
    }
    for name, plot in drawn.items():
        at = {"type": "plot", "task": task, "iter": iteration, "metric": name, "variant": "validation"}
        yield at | {"plot_str": json.dumps(plot)}


def images(task: str, iterations: int = 6) -> Iterator[Data]:
    """Debug images that need no files server."""
    for iteration in range(iterations):
        for variant, hue in (("input", 200), ("reconstruction", 160)):
            at = {"type": "training_debug_image", "task": task, "iter": iteration * 100, "metric": "samples"}
            yield at | {"variant": variant, "key": f"{variant}-{iteration}", "url": picture(hue + 20 * iteration)}


def picture(hue: int) -> str:
    """A data URL."""
    circles = "".join(
        f"<circle cx='{30 + 37 * n % 200}' cy='{20 + 53 * n % 120}' r='{12 + n % 5 * 6}'"
        f" fill='hsl({hue + 9 * n} 70% 60% / .7)'/>"
        for n in range(9)
    )
    ground = f"<rect width='240' height='160' fill='hsl({hue} 30% 22%)'/>"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 240 160'>{ground}{circles}</svg>"
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


RUNS = {
    "resnet50 baseline": 1.0,
    "resnet50 larger batches": 1.4,
    "resnet50 cosine schedule": 1.8,
    "vit-b/16 from scratch": 0.6,
    "vit-b/16 fine-tuned": 2.4,
    "convnext tiny": 1.2,
}


def fill(api: Api, steps: int = STEPS) -> dict[str, str]:
    """Some tasks of one project, the last of them running; their ids by name."""
    project = api.call("projects.create", name="image classification", description="")["id"]
    tasks: dict[str, str] = {}
    for seed, (name, rate) in enumerate(RUNS.items()):
        task = tasks[name] = api.create_task(name, project=project)
        api.call("tasks.started", task=task)
        send(api, curves(task, rate=rate, seed=seed, steps=steps))
        send(api, single_values(task))
        send(api, [*log(task), *plots(task), *images(task)])
        if name != list(RUNS)[-1]:
            api.call("tasks.completed" if seed != 3 else "tasks.failed", task=task, force=True)
    return tasks


def send(api: Api, events: Iterable[Data]) -> None:
    """Store events, in batches."""
    batch: list[Data] = []
    for event in events:
        batch.append(event)
        if len(batch) == BATCH_EVENTS:
            api.add(*batch)
            batch = []
    if batch:
        api.add(*batch)
