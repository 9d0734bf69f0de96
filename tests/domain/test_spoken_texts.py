"""Spoken texts: every language, and the wording of agents and tenants."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from domain.bundles.model import Bundle, read_bundle, write_bundle
from domain.common.errors import InvalidInput
from domain.common.findings import Finding, FindingCode
from domain.providers.catalog import TTS
from domain.templating.templates import parse, paths_in
from domain.tenants.settings import NO_SETTINGS, TenantSettings, check_settings, merge_settings
from domain.verification import verify
from domain.workflows.agents import Session, SilencePrompt, check_agent
from domain.workflows.model import Snapshot
from domain.workflows.spoken_text_templates import (
    SpokenTexts,
    SpokenTextTemplate,
    find_spoken_text,
)
from domain.workflows.spoken_texts import (
    DEFAULT_SPOKEN_TEXTS,
    SpokenText,
    default_spoken_text,
    text_language,
)
from persistence.codec import snapshot_from_json, snapshot_to_json
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

TAGS = sorted({tag for provider in TTS for tag in provider.languages})
SCRIPTS = {
    "bn": "BENGALI",
    "gu": "GUJARATI",
    "hi": "DEVANAGARI",
    "kn": "KANNADA",
    "ml": "MALAYALAM",
    "mr": "DEVANAGARI",
    "or": "ORIYA",
    "pa": "GURMUKHI",
    "ta": "TAMIL",
    "te": "TELUGU",
    "ur": "ARABIC",
    **dict.fromkeys(["bg", "ru", "uk"], "CYRILLIC"),
    "ar": "ARABIC",
    "el": "GREEK",
    "he": "HEBREW",
    "ka": "GEORGIAN",
    "ko": "HANGUL",
    "th": "THAI",
    "zh": "CJK",
}
"""The script of each language that is not written in Latin letters."""


def template(text: SpokenText, language: str, say: str) -> SpokenTextTemplate:
    return SpokenTextTemplate(text=text, language=language, say=say)


def still_there(**say: str) -> SpokenTexts:
    """Wordings of STILL_THERE, by language."""
    return tuple(
        template(SpokenText.STILL_THERE, language.replace("_", "-"), text)
        for language, text in say.items()
    )


# ---- the built-in texts --------------------------------------------------------------------


@pytest.mark.parametrize("text", SpokenText)
@pytest.mark.parametrize("tag", TAGS)
def test_every_text_exists_in_every_language_that_a_provider_speaks(
    tag: str, text: SpokenText
) -> None:
    own, english = default_spoken_text(text, tag), default_spoken_text(text, "en")
    assert own is not None
    assert english is not None
    assert own.strip() == own != ""
    assert (own == english) == (text_language(tag) == "en"), "English must not stand in for it"
    assert sorted(paths_in(parse(own))) == sorted(paths_in(parse(english)))
    assert find_spoken_text(text, tag) == own


def test_no_language_exists_that_no_provider_speaks() -> None:
    assert set(DEFAULT_SPOKEN_TEXTS) == {text_language(tag) for tag in TAGS}


@pytest.mark.parametrize("language", DEFAULT_SPOKEN_TEXTS)
def test_the_texts_are_written_in_the_script_of_their_language(language: str) -> None:
    letters = {
        unicodedata.name(char).split()[0]
        for text in DEFAULT_SPOKEN_TEXTS[language].values()
        for char in text
        if char.isalpha()
    }
    if language == "ja":
        assert letters == {"CJK", "HIRAGANA", "IDEOGRAPHIC"}
    else:
        assert letters == {SCRIPTS.get(language, "LATIN")}


@pytest.mark.parametrize("language", DEFAULT_SPOKEN_TEXTS)
def test_no_two_texts_of_a_language_are_the_same(language: str) -> None:
    texts = DEFAULT_SPOKEN_TEXTS[language]
    assert list(texts) == list(SpokenText)
    assert len(set(texts.values())) == len(texts)


def test_sarvams_tag_for_odia_finds_odia() -> None:
    assert find_spoken_text(SpokenText.STILL_THERE, "od-IN") == find_spoken_text(
        SpokenText.STILL_THERE, "or"
    )


# ---- the choice of a text ----------------------------------------------------------------------

HINDI = default_spoken_text(SpokenText.STILL_THERE, "hi")
ENGLISH = "Are you still there?"


@pytest.mark.parametrize(
    ("language", "agent", "tenant", "said"),
    [
        ("hi-IN", (), (), HINDI),
        ("hi", (), (), HINDI),
        (None, (), (), ENGLISH),
        ("sw", (), (), ENGLISH),
        # The agent comes before the tenant, and the tenant before what is built in.
        ("hi-IN", still_there(hi="agent"), still_there(hi_IN="tenant"), "agent"),
        ("hi-IN", still_there(en="agent"), still_there(hi="tenant"), "tenant"),
        ("hi-IN", still_there(en="agent"), still_there(en="tenant"), HINDI),
        # The closest language counts.
        ("hi-IN", still_there(hi="general", hi_IN="exact"), (), "exact"),
        ("hi-IN", still_there(hi_Latn="script", hi="general"), (), "general"),
        ("hi", still_there(hi_IN="region"), (), "region"),
        ("or", still_there(od_IN="odia"), (), "odia"),
        # If no level has the language, English is looked up in the same order.
        ("sw", still_there(hi="agent"), still_there(en="tenant"), "tenant"),
        (None, still_there(en_IN="agent"), still_there(en="tenant"), "agent"),
        ("sw", still_there(sw="agent"), (), "agent"),
        # Another text has its own wording.
        ("en", (template(SpokenText.CANNOT_HEAR, "en", "Hm?"),), (), ENGLISH),
    ],
)
def test_agent_wording_precedes_tenant_wording_and_built_in_texts(
    language: str | None, agent: SpokenTexts, tenant: SpokenTexts, said: str
) -> None:
    assert find_spoken_text(SpokenText.STILL_THERE, language, agent, tenant) == said


# ---- saving --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "path", "reported"),
    [
        (still_there(en="Hello {{user.name"), ("0", "say"), "not closed"),
        (still_there(en="{{params.x}}"), ("0", "say"), "not a path of the context"),
        (still_there(en="{{user.name | shout}}"), ("0", "say"), "no filter 'shout'"),
        (still_there(en="  "), ("0", "say"), "must not be empty"),
        (still_there(en="x" * 501), ("0", "say"), "501 characters"),
        (still_there(English="Hm?"), ("0", "language"), "not a language tag"),
        (
            (*still_there(en="a"), *still_there(en="b")),
            ("1",),
            "STILL_THERE is listed twice for en.",
        ),
        (still_there(en="a") * 401, (), "00 items"),
    ],
)
def test_an_invalid_wording_is_not_saved(
    texts: SpokenTexts, path: tuple[str, ...], reported: str
) -> None:
    for check in (
        lambda: check_agent(replace(RECEPTION, spoken_texts=texts)),
        lambda: check_settings(TenantSettings(spoken_texts=texts)),
    ):
        with pytest.raises(InvalidInput) as refused:
            check()
        assert refused.value.path == ("spokenTexts", *path)
        assert reported in refused.value.message


def test_a_tenant_reads_only_what_every_call_has() -> None:
    texts = still_there(en="{{workflow.slot}}")
    check_agent(replace(RECEPTION, spoken_texts=texts))
    with pytest.raises(InvalidInput, match="paths begin with call, tenant, user"):
        check_settings(TenantSettings(spoken_texts=texts))


def test_a_silence_prompt_needs_no_text() -> None:
    for say, accepted in (("", True), ("Hm?", True), ("  ", False)):
        session = Session(silence=(SilencePrompt(after=5.0, say=say),))
        spec = replace(RECEPTION, session=session)
        if accepted:
            assert check_agent(spec) == spec
        else:
            with pytest.raises(InvalidInput, match="must not be empty"):
                check_agent(spec)


# ---- verification --------------------------------------------------------------------------


def found(
    texts: SpokenTexts,
    *languages: str,
    tenant: TenantSettings | None = NO_SETTINGS,
) -> list[tuple[FindingCode, str]]:
    reception = replace(RECEPTION, languages=languages, spoken_texts=texts)
    agents = {"booking": BOOKING, "reception": reception}
    snapshot = Snapshot(workflow=CLINIC, agents=agents, tools={BOOK.name: BOOK})
    findings: tuple[Finding, ...] = verify(snapshot, tenant)
    return [(each.code, ".".join(each.path)) for each in findings]


def test_a_language_without_a_text_is_reported_and_not_silently_english() -> None:
    missing = (FindingCode.NO_SPOKEN_TEXT, "agents.reception.spokenTexts")
    assert found((), "hi-IN", "mai-IN") == [missing]
    assert found((), "mai-IN", tenant=None) == [missing]
    all_but_one = tuple(
        template(text, "mai", "…") for text in SpokenText if text is not SpokenText.STILL_THERE
    )
    assert found(all_but_one, "mai-IN") == [missing]
    assert found((*all_but_one, *still_there(mai="…")), "mai-IN") == []
    tenant = TenantSettings(spoken_texts=still_there(mai_IN="…"))
    assert found(all_but_one, "mai-IN", tenant=tenant) == []


def test_a_text_that_is_never_said_is_reported() -> None:
    unused = FindingCode.SPOKEN_TEXT_WITHOUT_LANGUAGE
    place = "agents.reception.spokenTexts.0.language"
    assert found(still_there(de="Hm?"), "hi-IN") == [(unused, place)]
    assert found(still_there(hi="Hm?"), "hi-IN") == []
    assert found(still_there(xx="Hm?")) == [(unused, place)]
    assert found(still_there(de="Hm?")) == []
    # In Maithili some texts are said in English.
    assert found(still_there(en="Hm?"), "mai-IN") == [
        (FindingCode.NO_SPOKEN_TEXT, "agents.reception.spokenTexts")
    ]
    tenant = TenantSettings(spoken_texts=still_there(hi="Hm?", xx="Hm?"))
    assert found((), "en", tenant=tenant) == [(unused, "settings.spokenTexts.1.language")]


def test_variables_in_a_wording_are_verified() -> None:
    assert found(still_there(en="{{workflow.nothing}}")) == [
        (FindingCode.UNDEFINED_VARIABLE, "agents.reception.spokenTexts.0.say")
    ]
    reads = still_there(en="{{tenant.settings.clinic}}")
    unknown = FindingCode.UNKNOWN_SETTING
    assert found(reads) == [(unknown, "agents.reception.spokenTexts.0.say")]
    tenant = TenantSettings(spoken_texts=reads)
    assert found((), tenant=tenant) == [(unknown, "settings.spokenTexts.0.say")]
    assert found(reads, tenant=replace(tenant, values={"clinic": "Sunrise"})) == []


# ---- bundles and versions ------------------------------------------------------------------


def test_bundles_carry_the_wording_of_agents_and_settings() -> None:
    bundle = Bundle(
        agents=(replace(RECEPTION, spoken_texts=still_there(hi="सुन रहे हैं?")),),
        settings=TenantSettings(spoken_texts=still_there(en="Hm?")),
    )
    plain = write_bundle(bundle)
    assert plain["agents"][0]["spokenTexts"] == [
        {"text": "STILL_THERE", "language": "hi", "say": "सुन रहे हैं?"}
    ]
    assert plain["settings"] == {
        "spokenTexts": [{"text": "STILL_THERE", "language": "en", "say": "Hm?"}]
    }
    assert read_bundle(plain) == bundle


def test_a_bundle_with_an_unknown_text_is_refused() -> None:
    texts = [{"text": "STIL_THERE", "language": "en", "say": "Hm?"}]
    with pytest.raises(InvalidInput) as refused:
        read_bundle({"settings": {"spokenTexts": texts}})
    assert refused.value.path == ("settings", "spokenTexts", "0", "text")
    assert refused.value.message == "'STIL_THERE' is not a valid value; did you mean STILL_THERE?"


def test_an_import_replaces_the_texts_that_it_names() -> None:
    current = TenantSettings(spoken_texts=still_there(en="a", hi="b"))
    merged = merge_settings(current, TenantSettings(spoken_texts=still_there(hi="c", de="d")))
    assert merged == TenantSettings(spoken_texts=still_there(en="a", hi="c", de="d"))


def test_versions_without_own_texts_keep_their_checksums() -> None:
    snapshot = Snapshot(workflow=CLINIC, agents={"reception": RECEPTION}, tools={})
    plain, checksum = snapshot_to_json(snapshot)
    assert "spoken_texts" not in plain["agents"]["reception"]
    assert snapshot_from_json(plain) == snapshot
    own = replace(
        snapshot, agents={"reception": replace(RECEPTION, spoken_texts=still_there(en="Hm?"))}
    )
    with_it, other = snapshot_to_json(own)
    assert other != checksum
    assert snapshot_from_json(with_it) == own
