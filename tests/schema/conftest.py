from typing import Any

import pytest

from config.settings import Secret, Settings
from proxy.app import create_app
from tests.support.document import OpenAPIDocument


@pytest.fixture(scope="session")
def document() -> OpenAPIDocument:
    settings = Settings(store="sqlite://", admin_key=Secret("operator"))
    schema: dict[str, Any] = create_app(settings).openapi_schema.to_schema()
    return OpenAPIDocument(schema)
