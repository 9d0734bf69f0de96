"""Hearing the voices that agents can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.audit.model import AuditKind, AuditNote
from domain.common.access import Scope, Viewer
from domain.common.errors import InvalidInput, NotFound, Path, Problem, ProviderFailed
from domain.common.findings import Severity
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.text_validation import check_text
from domain.ports import Services
from domain.providers.catalog import find_provider
from domain.providers.espeak import voice_problem
from domain.providers.model import ProviderKind
from domain.tenants.budgets import raise_if_exhausted
from domain.tenants.credentials import credential_name
from domain.tenants.provider_keys import MissingApiKey, ProviderMisconfigured
from domain.tenants.voice_previews import MAX_TEXT_LENGTH, SpokenAudio, VoicePreview
from domain.use_cases.rate_limits import charge
from domain.verification.agents import provider_findings
from domain.workflows.agents import agent_problems

PREVIEWS_PER_MINUTE = 20
SLOT_SECONDS = 2.0
"""How long a preview waits for others of the tenant."""

PATHS: Mapping[Path, Path] = {
    ("languages", "0"): ("language",),
    ("voices", "0", "language"): ("language",),
    ("voices", "0", "voice"): ("voice",),
}
"""Where the input has the values of an agent that it has in another place."""


async def preview_voice(
    services: Services, viewer: Viewer, preview: VoicePreview, found: Sequence[Problem]
) -> SpokenAudio:
    """Let the provider speak as it would in a call of an agent, with the key of such a call. `found`
    are the problems of the request that were found while it was read."""
    viewer.require(Scope.AGENTS_WRITE)
    limit = f"voicepreview:{viewer.tenant_id}"
    await charge(services.limiter, limit, PREVIEWS_PER_MINUTE, "previews of voices")
    raise_per_value(found, _problems(preview))
    async with services.voice_preview_limit.acquire(SLOT_SECONDS, viewer.tenant_id):
        async with services.store.transaction(viewer.tenant_id) as work:
            budgets, usage = await work.calls.budget_usage()
            credentials = await work.credentials.decrypt_all()
        # A tenant that may not spend more may not use the operator's key either.
        raise_if_exhausted(replace(budgets, concurrent_calls=None), usage)
        if (note := _note(preview)) is not None:
            services.audit_notes.put(viewer.tenant_id, note)
        try:
            return await services.speech_synthesizer.synthesize(preview, credentials)
        except MissingApiKey as error:
            field = "provider" if preview.choice.credential is None else "credential"
            raise NotFound(str(error), ("tts", field)) from None
        except ProviderMisconfigured as error:
            provider = preview.choice.provider
            raise ProviderFailed(str(error), ("tts", "provider"), provider=provider) from None


def _problems(preview: VoicePreview) -> Problems:
    choice, voice = preview.choice, preview.voice
    yield from problems_of(
        check_text, preview.text, ("text",), max_length=MAX_TEXT_LENGTH, min_length=1
    )
    if choice.fallbacks:
        yield InvalidInput(
            "A preview is of one provider: request one for each fallback.", ("tts", "fallbacks")
        )
    if voice is not None and "{{" in voice:
        yield InvalidInput("A preview needs the id of a voice, without placeholders.", ("voice",))
    if voice is not None and choice.provider == "local" and (reason := voice_problem(voice)):
        yield InvalidInput(reason, ("voice",))
    malformed = list(agent_problems(preview.agent))
    for problem in malformed:
        yield InvalidInput(problem.message, _path(problem.path or ()))
    # What is malformed is unknown to every provider, too.
    for finding in () if malformed else provider_findings(preview.agent, (), keys=None):
        if finding.severity is Severity.ERROR:
            yield InvalidInput(f"{finding.message} {finding.fix}", _path(finding.path))


def _path(path: Path) -> Path:
    return PATHS.get(path, path)


def _note(preview: VoicePreview) -> AuditNote | None:
    """The entry about the use of a key; None if the provider needs none."""
    choice = preview.choice
    entry = find_provider(ProviderKind.TTS, choice.provider)
    if entry is None or not entry.needs_key:
        return None
    return AuditNote(
        kind=AuditKind.TESTED,
        target_kind="credential",
        target_name=credential_name(choice.provider, choice.credential),
        details={"model": choice.model, "voice": preview.voice},
    )
