"""The versions of Kubernetes, KEDA and prometheus-operator that the chart is tested with, and their definitions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.servers.go_programs import module

KUBERNETES = "k8s.io/kubernetes", "v1.34.2"
KEDA = "github.com/kedacore/keda/v2", "v2.21.0"
OPERATOR = "github.com/prometheus-operator/prometheus-operator", "v0.85.0"
API_GROUPS = ("api__v1", "apis__apps__v1", "apis__batch__v1", "apis__networking.k8s.io__v1", "apis__policy__v1")


def api_descriptions() -> list[Path]:
    """Kubernetes' own OpenAPI documents, of the groups that the chart has objects of. Raises Unavailable."""
    directory = module(*KUBERNETES) / "api" / "openapi-spec" / "v3"
    return [directory / f"{group}_openapi.json" for group in API_GROUPS]


def resource_files() -> list[Path]:
    """The files of the custom resources of KEDA and prometheus-operator. Raises Unavailable."""
    keda = module(*KEDA) / "config" / "crd" / "bases"
    operator = module(*OPERATOR) / "example" / "prometheus-operator-crd"
    watched = (operator / f"monitoring.coreos.com_{kind}.yaml" for kind in ("servicemonitors", "prometheusrules"))
    return [*sorted(keda.glob("keda.sh_*.yaml")), *watched]


@cache
def custom_resources() -> list[dict[str, Any]]:
    """The definitions of custom resources. Raises Unavailable."""
    return [yaml.safe_load(file.read_text()) for file in resource_files()]
