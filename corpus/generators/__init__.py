"""Families of 2-D data sets with known clusters: `generate(draw_recipe(index, seed))`."""

# each module registers its families when imported
from corpus.generators import (
    arcs,
    areas,
    densities,
    gaussians,
    hierarchies,
    lines,
    mixtures,
    tails,
    warped,
)
from corpus.generators._recipes import Recipe, draw_recipe
from corpus.generators._registry import GENERATORS, MODIFIERS, Generator, generator
from corpus.generators._samples import Sample, generate

__all__ = [
    "GENERATORS",
    "MODIFIERS",
    "Generator",
    "Recipe",
    "Sample",
    "arcs",
    "areas",
    "densities",
    "draw_recipe",
    "gaussians",
    "generate",
    "generator",
    "hierarchies",
    "lines",
    "mixtures",
    "tails",
    "warped",
]
