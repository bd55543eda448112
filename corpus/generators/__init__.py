"""Families of 2-D data sets with known clusters: `generate(draw_recipe(index, seed))`."""

from corpus.generators import gaussians
from corpus.generators._recipes import MODIFIERS, Recipe, draw_recipe
from corpus.generators._registry import GENERATORS, Generator, generator
from corpus.generators._samples import Sample, generate

__all__ = [
    "GENERATORS",
    "MODIFIERS",
    "Generator",
    "Recipe",
    "Sample",
    "draw_recipe",
    "gaussians",
    "generate",
    "generator",
]
