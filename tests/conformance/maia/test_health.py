"""The document's Health & Status section."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.conformance.maia.shape import same_shape
from tests.support.operator import Operator

OUR_CHECKS = {"embedder", "tokenizer", "learning"}


def test_health(client: httpx.Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


def test_ready(client: httpx.Client) -> None:
    answer = client.get("/ready")

    assert answer.status_code == 200
    same_shape(answer.json(), {"status": "ready", "checks": {"storage": "ok"}}, beyond=OUR_CHECKS)
    assert answer.json()["status"] == "ready"
    assert answer.json()["checks"]["storage"] == "ok"


def test_metrics(operator: Operator) -> None:
    answer = operator.client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert any(family.name.startswith("remora_") for family in text_string_to_metric_families(answer.text))
