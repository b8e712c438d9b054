"""The schemas of Kubernetes' API and of custom resources, made strict: a field that they do not name is an error."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator

from tests.chart.render import Document
from tests.servers.kubernetes_modules import api_descriptions, custom_resources

Schema = dict[str, Any]
REF = "#/components/schemas/"


class ApiSchemas:
    """What every kind of object may have."""

    @cached_property
    def _components(self) -> Schema:
        """The parts of Kubernetes' schemas, by name. Raises Unavailable."""
        found: Schema = {}
        for file in api_descriptions():
            found |= json.loads(file.read_text())["components"]["schemas"]
        return {name: _strict(schema) for name, schema in found.items()}

    @cached_property
    def _roots(self) -> dict[tuple[str, str], Schema]:
        """The schema of an object, by API version and kind. Raises Unavailable."""
        roots: dict[tuple[str, str], Schema] = {}
        for name, schema in self._components.items():
            for kind in schema.get("x-kubernetes-group-version-kind", ()):
                version = f"{kind['group']}/{kind['version']}".removeprefix("/")
                roots[version, kind["kind"]] = {"$ref": f"{REF}{name}"}
        for resource in custom_resources():
            spec = resource["spec"]
            for served in spec["versions"]:
                version = f"{spec['group']}/{served['name']}"
                roots[version, spec["names"]["kind"]] = _strict(served["schema"]["openAPIV3Schema"])
        return roots

    def errors(self, document: Document) -> list[str]:
        """What is wrong with an object: paths, and reasons. Raises Unavailable, and KeyError for no kind."""
        root = self._roots[document["apiVersion"], document["kind"]]
        validator = Draft202012Validator({**root, "components": {"schemas": self._components}})
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def _strict(schema: Any) -> Any:
    """A schema without fields that it does not name, but where it says that any may come."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(part) for name, part in schema.items()}
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and not is_open:
        strict["additionalProperties"] = False
    return strict
