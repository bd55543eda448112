"""Families of data sets with known clusters: `generate(draw_recipe(index, seed))`."""

# each module registers its families when imported
from corpus.generators import (
    arcs,
    areas,
    borders,
    densities,
    gaussians,
    hierarchies,
    lines,
    mixtures,
    noisy,
    overlaps,
    spaces,
    tails,
    views,
    warped,
)
from corpus.generators._recipes import Recipe, draw_recipe
from corpus.generators._registry import (
    COLLECTIONS,
    GENERATORS,
    LARGEST_COLLECTION,
    MODIFIERS,
    Collection,
    Generator,
    collection_of,
    families,
    generator,
)
from corpus.generators._samples import Sample, generate

__all__ = [
    "COLLECTIONS",
    "GENERATORS",
    "LARGEST_COLLECTION",
    "MODIFIERS",
    "Collection",
    "Generator",
    "Recipe",
    "Sample",
    "arcs",
    "areas",
    "borders",
    "collection_of",
    "densities",
    "draw_recipe",
    "families",
    "gaussians",
    "generate",
    "generator",
    "hierarchies",
    "lines",
    "mixtures",
    "noisy",
    "overlaps",
    "spaces",
    "tails",
    "views",
    "warped",
]
