"""What the report says of movies: map, vectors, links; and of the run: data and params."""

from __future__ import annotations

from collections.abc import Mapping

from reelgraph.report import captions, charts, tables
from reelgraph.report.inputs import Curve, Figures, Study
from reelgraph.report.labels import fixed, name
from reelgraph.report.page import Atlas, Figure, Section, figure
from reelgraph.report.results import missing, unmeasured
from reelgraph.report.tables import Table

AVERAGES = ("micro", "macro")


def movie_map(count: int, embedding: str) -> Section:
    """Return the place of the map."""
    text = (
        f"All {count:,} movies, placed so that those with alike vectors ({name(embedding)}) lie near "
        f"each other. {captions.MAP}"
    )
    return Section("map", "Map", "A map of all movies", texts=[text], atlas=Atlas(f"{count:,}"))


def embeddings(figures: Figures, spectra: Mapping[str, Curve], probe: Study) -> Section:
    """Return what the vectors are worth."""
    drawn = []
    if spectra:
        named = {name(key): curve for key, curve in spectra.items()}
        picture = charts.curves(named, "rank", "singular value / largest", "Spectrum of each set", log=True)
        drawn.append(figure("Spectra", picture, captions.SPECTRA))
    first, *others = list(tables.embeddings(figures))
    probed = _probed(probe.figures)
    extra = [tables.nested(probed, "The same small rater on each, in stars", "vectors")] if probed else []
    return Section(
        "embeddings",
        "Vectors",
        "What the movie vectors are worth",
        texts=[captions.VECTORS],
        notes=missing("probe", probe),
        figures=drawn,
        tables=[first, *extra],
        folded_title="After centring, without the top components, whitened",
        folded=others,
    )


def _probed(figures: Figures) -> Figures:
    return {f"{key}, {kind}": row for key, one in figures.items() for kind, row in one.items()}


def links(figures: Figures, learning: Curve) -> Section:
    """Return how well held-out edges are found.

    Args:
        figures: metrics/links.json.
        learning: MRR of the validation edges by epoch.
    """
    title, heading = "Links", "Who made what: link prediction"
    if not figures:
        return Section("links", title, heading, notes=unmeasured(figures))
    models = dict(sorted(figures.items(), key=lambda item: (item[0] != "gnn", item[0])))
    picture = charts.dots(_by_relation(models), "MRR, log scale", "MRR per relation")
    hits = ("hits_1", "hits_3", "hits_10")
    return Section(
        "links",
        title,
        heading,
        texts=[" ".join(_winner(models, average) for average in AVERAGES)],
        figures=[figure("Rank of the true answer", picture, captions.LINKS), *_learning(learning)],
        tables=[tables.links(models, "mrr", "MRR per relation; more is better")],
        folded_title="Hits@1, @3 and @10",
        folded=[tables.links(models, key, f"{name(key)} per relation") for key in hits],
    )


def _learning(curve: Curve) -> list[Figure]:
    if not curve:
        return []
    picture = charts.curves({"GNN": curve}, "epoch", "validation MRR", "MRR of validation edges by epoch")
    return [figure("How the GNN learned them", picture, captions.LINKS_LEARNED)]


def _by_relation(models: Figures) -> dict[str, dict[str, float]]:
    relations = dict.fromkeys(key for one in models.values() for key in one if key not in AVERAGES)
    return {
        name(relation): {
            name(model): one[relation]["mrr"] for model, one in models.items() if relation in one
        }
        for relation in (*relations, *AVERAGES)
    }


def _winner(models: Figures, average: str) -> str:
    ranked = sorted(models, key=lambda key: -models[key][average]["mrr"])
    first, second = (f"{name(key)} with {fixed(models[key][average]['mrr'])}" for key in ranked[:2])
    return f"By {average} MRR the first is {first}, the second {second}."


def data(counts: Figures, networks: Mapping[str, Figures], params: Figures) -> Section:
    """Return what the data and the params are.

    Args:
        counts: metrics/data.json.
        networks: figures of the graph networks, by variant.
        params: params.yaml.
    """
    counted = [Table(name(part).capitalize(), ("count", ""), _rows(one)) for part, one in counts.items()]
    trained = [Table(f"Network {name(key)}", ("", ""), _rows(one)) for key, one in networks.items() if one]
    sections = {key: one if isinstance(one, dict) else {key: one} for key, one in params.items()}
    used = [Table(key, ("param", "value"), list(tables.flat(one))) for key, one in sections.items()]
    return Section(
        "data",
        "Data",
        "Data and params",
        folded_title="Counts of the stages, and every param",
        folded=[*counted, *trained, *used],
    )


def _rows(figures: Figures) -> list[tuple[str, str]]:
    return [(name(key.replace(".", ": ")), value) for key, value in tables.flat(figures)]
