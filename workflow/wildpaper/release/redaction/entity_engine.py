"""Names by spaCy and patterns by Presidio, for many texts at once.

The findings are those of a plain ``AnalyzerEngine.analyze(text, language="en", entities=...)``
of Presidio per text, spans and kinds alike; in a language without a model for names, those
less the names. Two things make it fast without changing a finding. spaCy's parser, tagger and
lemmatizer do not look for names; only the sentence boundaries of the parser do limit them:
no name goes over one. So the parser runs only where something longer than a word was found
without it, and names are looked for again only where that went over a boundary (see `Names`).
And pattern recognizers are asked only where they can find something.

Scores may differ: Presidio raises them where context words (lemmas) stand near. No score is
compared with a threshold, neither there nor in our rules, so scores decide on spans only where
two findings of one kind lie one in the other; such texts go through Presidio's own engine.
"""

import importlib
import importlib.metadata
import logging
import os
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, Literal

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.entity_patterns import FINDERS, find_others, use_bundled_suffixes
from wildpaper.release.redaction.light_imports import import_analyzer
from wildpaper.release.redaction.redaction_spans import Span

Patterns = Literal["all", "analysed"]

_LANGUAGE = "en"
"""Presidio's recognizers are those for English, as in the plain engine."""

_KNOWN_PIPES = frozenset(
    {
        *("tok2vec", "transformer", "tagger", "morphologizer", "parser", "senter"),
        *("attribute_ruler", "lemmatizer", "ner"),
    }
)
"""Pipelines of these alone are understood; with others, all components run."""

_BATCH_DOCS = 16
"""Results do not depend on it; small batches stay in the cache of the processor."""


class Names:
    """Finds names by a spaCy model.

    spaCy takes what it finds word by word, always the likeliest next step that is allowed,
    and a sentence boundary only forbids steps. What is found without boundaries is therefore
    what is found with them, unless it goes over one; then the text is looked at again.

    Parameters
    ----------
    model : str
        An installed model package.
    longest : int
        Longest text, in characters.

    Raises
    ------
    WildpaperError
        If the package is not installed, or is no model that finds entities.
    """

    def __init__(self, model: str, longest: int) -> None:
        self.nlp = _load(model)
        self.model = model
        self.version = f"{model}-{self.nlp.meta['version']}"
        self.nlp.max_length = max(self.nlp.max_length, longest)
        from presidio_analyzer.nlp_engine import NerModelConfiguration

        configuration: Any = NerModelConfiguration()
        self._kinds: dict[str, str] = dict(configuration.model_to_presidio_entity_mapping)
        self._score = float(configuration.default_score)

    def find(self, texts: Sequence[str], kinds: frozenset[str]) -> list[list[Span]]:
        """Return the entities of these kinds in each text."""
        docs = self._pipe(texts, self._quick)
        if self._quick != self._all:
            again = [i for i, doc in enumerate(docs) if any(len(ent) > 1 for ent in doc.ents)]
            bounded = self._pipe([texts[i] for i in again], self._bounding)
            wrong = [
                i for i, doc in zip(again, bounded, strict=True) if _goes_over(docs[i].ents, doc)
            ]
            exact = self._pipe([texts[i] for i in wrong], self._exact)
            for i, doc in zip(wrong, exact, strict=True):
                docs[i] = doc
        return [self._spans(doc, kinds) for doc in docs]

    def _spans(self, doc: Any, kinds: frozenset[str]) -> list[Span]:
        named = ((ent, self._kinds.get(ent.label_, ent.label_)) for ent in doc.ents)
        return [
            Span(ent.start_char, ent.end_char, kind, self._score)
            for ent, kind in named
            if kind in kinds
        ]

    def _pipe(self, texts: Sequence[str], pipes: tuple[str, ...]) -> list[Any]:
        with self.nlp.select_pipes(enable=list(pipes)):
            return list(self.nlp.pipe(texts, batch_size=_BATCH_DOCS))

    @cached_property
    def _quick(self) -> tuple[str, ...]:
        return self._with_sources("ner") if self._is_understood else self._all

    @cached_property
    def _bounding(self) -> tuple[str, ...]:
        return self._with_sources(*(name for name in self._all if name in ("parser", "senter")))

    @cached_property
    def _exact(self) -> tuple[str, ...]:
        return tuple(name for name in self._all if name in {*self._bounding, *self._quick})

    @property
    def _is_understood(self) -> bool:
        return set(self._all) <= _KNOWN_PIPES

    @cached_property
    def _all(self) -> tuple[str, ...]:
        return tuple(self.nlp.pipe_names)

    def _with_sources(self, *wanted: str) -> tuple[str, ...]:
        """Return components and those whose vectors they take, in the order of the pipeline."""
        feeding = {
            name
            for name, pipe in self.nlp.pipeline
            if set(getattr(pipe, "listening_components", ())) & set(wanted)
        }
        return tuple(name for name in self._all if name in feeding | set(wanted))


@lru_cache(maxsize=8)
def _load(model: str) -> Any:
    """Return an installed model; loaded once in a process."""
    try:
        nlp: Any = importlib.import_module(model).load()
    except (ImportError, AttributeError, OSError) as error:
        raise WildpaperError(
            f"Cannot load the spaCy model {model!r}: {error}",
            where="config key release.redaction.name_models",
            hint="Install the model as a package, or take its language out of the list.",
        ) from error
    if "ner" not in nlp.pipe_names:
        raise WildpaperError(
            f"The spaCy model {model!r} has no component 'ner', so it finds no names",
            where="config key release.redaction.name_models",
        )
    return nlp


class EntityEngine:
    """Finds entities in texts, each in its language.

    Parameters
    ----------
    kinds : sequence of str
        Presidio's names of what is looked for.
    name_models : dict of str to str
        spaCy model by lingua's name of the language.
    patterns : {"all", "analysed"}
        Where pattern recognizers look: in all languages or in those of `name_models`.
    longest : int
        Longest text, in characters.

    Raises
    ------
    WildpaperError
        If a model cannot be loaded, or nothing finds one of the kinds.
    """

    def __init__(
        self, kinds: Sequence[str], name_models: dict[str, str], patterns: Patterns, longest: int
    ) -> None:
        _quiet_and_single()
        import_analyzer(name_models.values())
        use_bundled_suffixes()
        self.kinds = frozenset(kinds)
        self._patterns = patterns
        loaded = {model: Names(model, longest) for model in sorted(set(name_models.values()))}
        self._names = {language: loaded[model] for language, model in name_models.items()}
        self._recognizers = _pattern_recognizers(kinds)
        self._plain: dict[str, Any] = {}

    def find(self, texts: Sequence[str], languages: Sequence[str]) -> list[list[Span]]:
        """Return the findings in each text, sorted.

        Parameters
        ----------
        texts, languages : sequence of str
            The texts, and lingua's names of their languages.
        """
        found: list[list[Span]] = [[] for _ in texts]
        for language, names in self._names.items():
            mine = [i for i, spoken in enumerate(languages) if spoken == language]
            named = names.find([texts[i] for i in mine], self.kinds)
            for i, spans in zip(mine, named, strict=True):
                found[i] = spans
        for i, (text, language) in enumerate(zip(texts, languages, strict=True)):
            if self._patterns == "all" or language in self._names:
                for recognizer, kind in self._recognizers:
                    finder = FINDERS.get(type(recognizer).__name__, find_others)
                    found[i] += finder(recognizer, kind, text)
            if _is_nested(found[i]):
                found[i] = self._settled(text, language, found[i])
        return [sorted(set(spans)) for spans in found]

    def _settled(self, text: str, language: str, found: list[Span]) -> list[Span]:
        """Return the findings that Presidio's own engine keeps, by scores in context."""
        model = self._names.get(language) or next(iter(self._names.values()), None)
        if model is None:
            return found
        if model.model not in self._plain:
            self._plain[model.model] = plain_engine(model.nlp)
        results = self._plain[model.model].analyze(text, _LANGUAGE, entities=sorted(self.kinds))
        kept = {(result.start, result.end, result.entity_type) for result in results}
        return [span for span in found if span[:3] in kept]


def plain_engine(nlp: Any) -> Any:
    """Return Presidio's engine as it comes, with a loaded spaCy model."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    # The engine is given its model: by itself it would look for a larger one and download it.
    engine: Any = SpacyNlpEngine(models=[{"lang_code": _LANGUAGE, "model_name": nlp.meta["name"]}])
    engine.nlp = {_LANGUAGE: nlp}
    return AnalyzerEngine(nlp_engine=engine, supported_languages=[_LANGUAGE])


def engine_version(name_models: dict[str, str]) -> str:
    """Return names and versions of all that finds entities."""
    parts = [f"presidio-{importlib.metadata.version('presidio-analyzer')}"]
    parts += sorted(
        f"{model}-{importlib.import_module(model).__version__}"
        for model in set(name_models.values())
    )
    return "+".join(parts)


def _pattern_recognizers(kinds: Sequence[str]) -> list[tuple[Any, str]]:
    from presidio_analyzer.predefined_recognizers import SpacyRecognizer
    from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider

    configuration = {"supported_languages": [_LANGUAGE]}
    provider = RecognizerRegistryProvider(registry_configuration=configuration)
    registry = provider.create_recognizer_registry()
    found = []
    for kind in kinds:
        named = kind in SpacyRecognizer.ENTITIES
        try:
            matching = registry.get_recognizers(language=_LANGUAGE, entities=[kind])
        except ValueError:  # no recognizer for it
            matching = []
        found += [(one, kind) for one in matching if not isinstance(one, SpacyRecognizer)]
        if not (named or matching):
            raise WildpaperError(
                f"Presidio has no recognizer that finds {kind!r}",
                where="rules of redaction, key kinds",
            )
    return found


def _goes_over(entities: Sequence[Any], bounded: Any) -> bool:
    """Say whether a sentence of `bounded` begins within an entity of the same text."""
    return any(bounded[i].is_sent_start for ent in entities for i in range(ent.start + 1, ent.end))


def _is_nested(spans: Sequence[Span]) -> bool:
    """Say whether a finding lies within another of its kind."""
    ordered = sorted(spans, key=lambda span: (span.entity, span.start, -span.end))
    reach: dict[str, int] = {}
    for span in ordered:
        if span.end <= reach.get(span.entity, -1):
            return True
        reach[span.entity] = max(span.end, reach.get(span.entity, -1))
    return False


def _quiet_and_single() -> None:
    """Silence loggers that name values, and keep to one thread: processes share the cores."""
    for name in ("presidio-analyzer", "tldextract"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"):
        os.environ[name] = "1"
