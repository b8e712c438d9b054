"""Keys of other SDKs <-> metric and variant. The same for every protocol, in both directions."""

from __future__ import annotations

SYSTEM = "system/"  # before the keys of what a tracker itself measures
GPU = "gpu"
MONITOR_GPU, MONITOR_MACHINE = ":monitor:gpu", ":monitor:machine"
MONITORS = (MONITOR_GPU, MONITOR_MACHINE)


def names_of_path(key: str) -> tuple[str, str]:
    """Return the first part of a path and the rest of it; both are the key if there are not two parts."""
    metric, _, variant = key.partition("/")
    return (metric, variant) if metric and variant else (key, key)


def metric_and_variant(key: str) -> tuple[str, str]:
    """Return ``names_of_path`` of a key, but for what a tracker itself measures.

    ``system/gpu_0_utilization`` is a variant of ``:monitor:gpu``, other ``system/`` keys are of ``:monitor:machine``.
    """
    if key.startswith(SYSTEM) and len(key) > len(SYSTEM):
        variant = key.removeprefix(SYSTEM)
        return (MONITOR_GPU if variant.startswith(GPU) else MONITOR_MACHINE), variant
    return names_of_path(key)


def key_of(metric: str, variant: str) -> str:
    """Return the key of a metric and variant: the inverse of ``metric_and_variant``."""
    if metric in MONITORS:
        return f"{SYSTEM}{variant}"
    return metric if metric == variant else f"{metric}/{variant}"
