"""Params of stage build_kg."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, StageParams


class Kg(Section):
    """Section ``kg``."""

    fasttext: str = Field(min_length=1)
    """train: a model from the catalogue's text. hub: cc.en.300.bin. Else the path of a .bin file."""

    fasttext_epochs: int = Field(ge=1, le=1000)
    """Passes over the text when training, 1 to 1000."""

    val_share: float = Field(ge=0, le=0.4)
    """Share of a relation's edges by which stage links stops, 0 to 0.4."""

    test_share: float = Field(ge=0, le=0.4)
    """Share of a relation's edges by which stage links judges, 0 to 0.4; 0: it judges nothing."""


class KgParams(StageParams):
    """What stage build_kg reads."""

    kg: Kg
