"""Readings of Nvidia's GPUs: by ``pynvml`` where it is installed, else by the program ``nvidia-smi``, else none."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from importlib import import_module
from typing import Any

PROGRAM = "nvidia-smi"
FIELDS = "index,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw"
NAMES = ("utilization", "mem_used_gb", "mem_total_gb", "temperature", "power_watts")
MB_PER_GB = 1024
SECONDS = 5.0


class Gpus:
    """The GPUs of this machine."""

    def __init__(self) -> None:
        self._library = _library()
        self._program = None if self._library else shutil.which(PROGRAM)

    def read(self) -> dict[str, float]:
        """Return values by ``gpu_<number>_<name>``; nothing where there is no GPU."""
        if self._library:
            return _by_library(self._library)
        return _by_program(self._program) if self._program else {}


def parsed(output: str) -> dict[str, float]:
    """Return the values of nvidia-smi's CSV; what it has no number for is left out."""
    found = {}
    for line in output.splitlines():
        number, *words = (word.strip() for word in line.split(","))
        for name, word in zip(NAMES, words):
            with suppress(ValueError):
                found[f"gpu_{number}_{name}"] = float(word) / (MB_PER_GB if name.endswith("gb") else 1)
    return found


def _by_program(program: str) -> dict[str, float]:
    command = [program, f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    with suppress(OSError, subprocess.SubprocessError):
        return parsed(subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout)  # noqa: S603
    return {}


def _library() -> Any:
    try:
        library = import_module("pynvml")
        library.nvmlInit()
    except Exception:  # not installed, no driver, no GPU
        return None
    return library


def _by_library(library: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    with suppress(library.NVMLError):
        for number in range(library.nvmlDeviceGetCount()):
            handle = library.nvmlDeviceGetHandleByIndex(number)
            memory = library.nvmlDeviceGetMemoryInfo(handle)
            found[f"gpu_{number}_utilization"] = library.nvmlDeviceGetUtilizationRates(handle).gpu
            found[f"gpu_{number}_mem_used_gb"] = memory.used / (1 << 30)
            found[f"gpu_{number}_mem_total_gb"] = memory.total / (1 << 30)
            found[f"gpu_{number}_temperature"] = library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU)
            found[f"gpu_{number}_power_watts"] = library.nvmlDeviceGetPowerUsage(handle) / 1000
    return found
