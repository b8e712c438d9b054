"""Every object of the chart is one that Kubernetes, KEDA and prometheus-operator know, field by field."""

from __future__ import annotations

import copy

import pytest

from tests.chart.api_schemas import ApiSchemas
from tests.chart.render import Document, Helm
from tests.chart.value_sets import SCALED, SECURED, VALUE_SETS
from tests.servers.choice import give_up
from tests.servers.process import Unavailable


@pytest.fixture(scope="module")
def schemas(helm: Helm) -> ApiSchemas:
    made = ApiSchemas()
    try:
        assert made.errors(helm.render().documents[0]) == []
    except Unavailable as error:
        give_up(error)
    return made


@pytest.mark.parametrize("values", VALUE_SETS)
def test_objects_have_only_fields_that_exist(schemas: ApiSchemas, helm: Helm, values: str) -> None:
    for document in helm.render(VALUE_SETS[values]).documents:
        assert schemas.errors(document) == [], document["metadata"]["name"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "template", "spec", "containers", 0, "livenessProb")),
        ("StatefulSet", ("spec", "podManagement")),
        ("ScaledObject", ("spec", "advanced", "horizontalPodAutoscaler")),
        ("TriggerAuthentication", ("spec", "secretTargetRefs")),
        ("ServiceMonitor", ("spec", "endpoints", 0, "intervall")),
        ("PodDisruptionBudget", ("spec", "maxUnavailabl")),
        ("NetworkPolicy", ("spec", "egresss")),
    ],
)
def test_a_misspelt_field_is_found(schemas: ApiSchemas, helm: Helm, kind: str, path: tuple[str | int, ...]) -> None:
    document = copy.deepcopy(next(iter(helm.render(SECURED, SCALED).of_kind(kind).values())))
    assert schemas.errors(document) == []
    part: Document = document
    for step in path[:-1]:
        part = part[step]  # type: ignore[index]
    part[str(path[-1])] = {}
    assert schemas.errors(document) != []
