import pytest
from planted import planted_meta

from gamac_meta.types import MetaDataset


@pytest.fixture(scope="session")
def planted() -> MetaDataset:
    return planted_meta()
