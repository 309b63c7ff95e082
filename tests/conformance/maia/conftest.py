"""For each test a tenant of its own, in which nothing was stored yet."""

from typing import Any

import httpx
import pytest

from tests.support.operator import Operator


@pytest.fixture
def tenant(operator: Operator) -> dict[str, Any]:
    return operator.tenant()


@pytest.fixture
def key(operator: Operator, tenant: dict[str, Any]) -> str:
    return operator.key(tenant["id"])


@pytest.fixture
def client(operator: Operator, key: str) -> httpx.Client:
    """Of this test's tenant."""
    return operator.acting(key)
