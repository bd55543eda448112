"""Real tables that installed packages ship: numbers, and the classes that their owners gave."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gamac_meta.types import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

PIXELS = 4000  # of each photograph, evenly spaced


class Table(NamedTuple):
    """Points and classes."""

    X: Floats  # (n, d)
    classes: Ints  # (n,) 0..c-1, all 0 where the table has none


def _digits() -> Table:
    """1797 images of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    return Table(*load_digits(return_X_y=True))


def _diabetes() -> Table:
    """442 people; what is to be predicted is a number, so there are no classes."""
    from sklearn.datasets import load_diabetes

    X = load_diabetes(return_X_y=True)[0]
    return Table(X, np.zeros(len(X), dtype=np.int64))


def _photograph(name: str) -> Table:
    """Colors of pixels."""
    from sklearn.datasets import load_sample_image

    colors = load_sample_image(name).reshape(-1, 3)
    X = colors[:: len(colors) // PIXELS] / 255.0
    return Table(X, np.zeros(len(X), dtype=np.int64))


def _file(name: str) -> pd.DataFrame:
    import io
    from importlib.resources import files

    import pandas as pd

    content = (files("bokeh_sampledata") / "_data" / name).read_bytes()
    return pd.read_csv(io.BytesIO(content), compression="gzip" if name.endswith(".gz") else None)


def _columns(frame: pd.DataFrame, columns: list[str], classes: str) -> Table:
    whole = frame[[*columns, classes]].dropna()
    return Table(
        whole[columns].to_numpy(dtype=np.float64),
        np.unique(whole[classes].to_numpy().astype(str), return_inverse=True)[1],
    )


def _cars() -> Table:
    """392 cars of 1970 to 1982, by number of cylinders."""
    return _columns(_file("auto-mpg.csv"), ["mpg", "displ", "hp", "weight", "accel", "yr"], "cyl")


def _fuel() -> Table:
    """234 models of cars of 1999 and 2008, by kind."""
    return _columns(_file("auto-mpg2.csv"), ["displ", "year", "cyl", "cty", "hwy"], "class")


def _countries() -> Table:
    """Fertility, life expectancy and the logarithm of population through fifty years, by region."""
    frame = _file("gapminder.csv.gz")
    frame["population"] = np.log(frame["population"])
    wide = frame.pivot(index="country", columns="year", values=["fertility", "life_expectancy", "population"])
    wide.columns = wide.columns.map("{0[0]} {0[1]}".format)
    regions = _file("gapminder_regions.csv").set_index("Country")["Group"]
    return _columns(wide.assign(region=regions.reindex(wide.index)), list(wide.columns), "region")


# Left out on purpose: iris, wine, breast cancer and penguins. The first three are among data sets that
# clustering is commonly examined on, the last is this project's example: nothing learns from them.
TABLES: dict[str, Callable[[], Table]] = {
    "digits": _digits,
    "diabetes": _diabetes,
    "china": lambda: _photograph("china.jpg"),
    "flower": lambda: _photograph("flower.jpg"),
    "cars": _cars,
    "fuel": _fuel,
    "countries": _countries,
}


@lru_cache(maxsize=len(TABLES))
def table(name: str) -> Table:
    """One of TABLES, read once."""
    return TABLES[name]()
