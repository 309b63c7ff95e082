"""Reading figures, from the object that keeps them or as they are served."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from admin.metrics import Metrics


def figure(metrics: Metrics, name: str, **labels: str) -> float:
    """The value of the sample `name` with exactly these labels; 0 where there is none."""
    return sample(metrics.reading().collect(), name, **labels)


def served(text: str, name: str, **labels: str) -> float:
    """The same of what `GET /metrics` answered."""
    return sample(text_string_to_metric_families(text), name, **labels)


def sample(families: Iterable[Metric], name: str, **labels: str) -> float:
    found = (each for family in families for each in family.samples)
    return next((each.value for each in found if each.name == name and each.labels == labels), 0.0)
