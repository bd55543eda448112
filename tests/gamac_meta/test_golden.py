"""Values on which independent public packages agree (the file says which), and scikit-learn's own."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from scipy.spatial.distance import pdist
from strategies import clusterings

from gamac_meta.measures import MEASURES
from gamac_meta.pairwise import PartitionView

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "measures.json").read_text(encoding="utf-8"))
DATASETS = {data["id"]: (np.array(data["X"]), np.array(data["labels"])) for data in GOLDEN["datasets"]}

# golden name -> ours, where they differ
NAMES = {f"gdi{i}{j}": f"gd{i}{j}" for i in (1, 3, 4) for j in (1, 3)} | {
    "banfeld_raftery": "banfield_raftery",
    "silhouette_w": "macro_silhouette",
    "xie_beni_centroid(=ray_turi for hard)": "ray_turi",
    "xie_beni_pts": "xie_beni",
}
CASES = [case for case in GOLDEN["golden"] if NAMES.get(case["measure"], case["measure"]) in MEASURES]


def as_published_by_cluster_crit(name, value, X):
    """Its point-biserial counts lying together, not apart, as one, and is not divided by the deviation."""
    return -value * pdist(X).std() if name == "point_biserial" else value


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c['measure']}-{c['dataset']}") for c in CASES])
def test_agrees_with_public_packages(case):
    X, labels = DATASETS[case["dataset"]]
    name = NAMES.get(case["measure"], case["measure"])
    value = MEASURES[name](PartitionView(X, labels))
    assert as_published_by_cluster_crit(name, value, X) == pytest.approx(case["value"], rel=1e-6)


def test_most_golden_measures_are_ours():
    # left out: nine members of the Dunn family outside the reference set, and determinants by other names
    ours = {NAMES.get(case["measure"], case["measure"]) for case in CASES}
    assert len(ours) >= 25
    assert {case["dataset"] for case in CASES} == set(DATASETS)


@settings(max_examples=25, deadline=None)
@given(data=clusterings(max_points=60, max_clusters=4))
def test_agrees_with_scikit_learn(data):
    from sklearn import metrics

    X, labels = data
    assume(np.bincount(labels).min() > 1)  # scikit-learn puts a single point 1e-8 from its own centroid
    view = PartitionView(X, labels)
    for name, score in {
        "silhouette": metrics.silhouette_score,
        "calinski_harabasz": metrics.calinski_harabasz_score,
        "davies_bouldin": metrics.davies_bouldin_score,
    }.items():
        assert MEASURES[name](view) == pytest.approx(score(X, labels), rel=1e-9, abs=1e-12), name
