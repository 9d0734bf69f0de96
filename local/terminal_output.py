"""The output of `./studio talk`: for a terminal, and as JSON lines."""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any, Protocol, TextIO

from domain.common.durations import parse_duration

Json = dict[str, Any]

DIM, BOLD, CYAN, GREEN, YELLOW, RED = "2", "1", "36", "32", "33", "31"


CALLER_LABEL, LABEL_WIDTH = "you", 10
"""The name of the speaker is padded to a column of this width."""


class TalkOutput(Protocol):
    def show_event(self, event: Json) -> None: ...

    def prompt(self) -> None: ...

    def on_disconnect(self) -> None:
        """Called when the connection to the API is lost, and after each failed retry."""
        ...

    def show_note(self, text: str) -> None: ...

    def show_hint(self, text: str) -> None:
        """Show how to use the program."""
        ...

    def show_total(self, call: Json) -> None:
        """Show the cost and latency of the call after its end."""
        ...


class JsonOutput:
    """One event per line, exactly as the subscription delivered it."""

    def show_event(self, event: Json) -> None:
        print(json.dumps(event, ensure_ascii=False), flush=True)

    def prompt(self) -> None:
        pass

    def on_disconnect(self) -> None:
        pass

    def show_note(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def show_hint(self, text: str) -> None:
        pass

    def show_total(self, call: Json) -> None:
        pass


class TerminalOutput:
    """Turns as dialogue; tool calls, hand-offs and states as dimmed lines in between."""

    def __init__(self, out: TextIO, voice: bool = False) -> None:
        self._out = out
        self._voice = voice
        self._is_tty = out.isatty()
        self._partial = False
        self._prompted = False
        self._reconnecting = False

    def show_event(self, event: Json) -> None:
        self._reconnecting = False
        if event["__typename"] == "PartialTranscript":
            self._show_partial(event["speaker"], event["text"])
        elif line := self._format_event(event):
            self._write(line)

    def prompt(self) -> None:
        if self._is_tty:
            self._out.write(self._paint(BOLD, CALLER_LABEL.ljust(LABEL_WIDTH)) + " ")
            self._out.flush()
            self._prompted = True

    def on_disconnect(self) -> None:
        if not self._reconnecting:
            self._reconnecting = True
            self._write(self._paint(YELLOW, "  · the API is unavailable; reconnecting"))

    def show_note(self, text: str) -> None:
        self._write(self._paint(RED, f"  ! {text}"))

    def show_hint(self, text: str) -> None:
        self._write(self._detail_line(text))

    def show_total(self, call: Json) -> None:
        cost, latency = call["cost"], call["latency"]
        parts = []
        if cost:
            parts.append(f"{'at least' if cost['partial'] else 'about'} {cost['total']} USD")
        if latency:
            parts.append(_format_response_time(latency))
        if parts:
            self._write(self._detail_line(", ".join(parts)))

    def _format_event(self, event: Json) -> str | None:
        match event["__typename"]:
            case "UserTurn":
                # A line typed into the terminal is already visible.
                if self._is_tty and not self._voice:
                    return None
                return f"{self._paint(BOLD, CALLER_LABEL.ljust(LABEL_WIDTH))} {event['text']}"
            case "AgentTurn":
                dash = " —" if event["interrupted"] else ""
                return (
                    f"{self._paint(CYAN, event['agent'].ljust(LABEL_WIDTH))} {event['text']}{dash}"
                )
            case "ToolStarted":
                arguments = json.dumps(event["arguments"], ensure_ascii=False)
                return self._detail_line(f"tool {event['tool']} {arguments}")
            case "ToolFinished":
                return self._detail_line(
                    f"tool {event['tool']} {event['outcome'].lower()}: {event['result']} "
                    f"({_milliseconds(event['duration']):.0f} ms)"
                )
            case "ContextChanged":
                value = json.dumps(event["value"], ensure_ascii=False)
                return self._detail_line(
                    f"{event['path']} = {'removed' if event['removed'] else value}"
                )
            case "HandedOff":
                skipped = f" (skipped {', '.join(event['skipped'])})" if event["skipped"] else ""
                route = f"{event['fromNode']} → {event['toNode']}{skipped}"
                return self._detail_line(f"hand-off {route}", GREEN)
            case "ProviderFailedOver":
                model = f"{event['provider']} {event['model']}"
                status = "is available again" if event["available"] else "failed; using a fallback"
                return self._detail_line(f"{model} {status}", YELLOW)
            case "HandoffRefused":
                return self._detail_line(
                    f"hand-off to {event['toNode']} refused: {event['message']}", RED
                )
            case "StateChanged":
                return self._detail_line(event["state"].lower())
            case "CommandRefused":
                return self._detail_line(f"command refused: {event['message']}", RED)
            case "ErrorRaised":
                return self._detail_line(f"{event['source']}: {event['message']}", RED)
            case "TurnMeasured" if event["firstAudio"] is not None:
                return self._detail_line(_format_latency(event))
            case "DialStarted":
                return self._detail_line(f"dialling {event['toNumber']} over {event['trunk']}")
            case "DialFailed":
                status = f" (SIP {event['sipStatus']})" if event["sipStatus"] else ""
                reason = event["reason"].lower().replace("_", " ")
                return self._detail_line(f"not reached: {reason}{status}", YELLOW)
            case "CallerQueued":
                how = "on hold" if event["stage"] == "HOLD" else "ringing"
                return self._detail_line(
                    f"all workers are busy: {how}, position {event['position']}"
                )
            case "CallerDequeued":
                waited = f"{_seconds(event['waited']):.0f} s"
                return self._detail_line(f"an agent is there after {waited}", GREEN)
            case "NewDestination":
                return self._detail_line(f"the first call to {event['region']}", YELLOW)
            case "CallAnswered":
                after = f" after {_seconds(event['after']):.1f} s" if event["after"] else ""
                return self._detail_line(f"the phone was answered{after}", GREEN)
            case "AnsweredBy":
                return self._detail_line(_format_verdict(event))
            case "MessageLeft":
                tone = "after the tone" if event["toneHeard"] else "without a tone"
                return self._detail_line(f"message left {tone}", GREEN)
            case "ScreenerAnswered":
                return self._detail_line("introduced itself to the screener")
            case "DtmfSent":
                return self._detail_line(f"pressed {event['digits']}")
            case "DtmfReceived":
                return self._detail_line(f"the caller pressed {event['digits']}")
            case "DtmfRequested":
                masked = "masked digits" if event["masked"] else "digits"
                return self._detail_line(f"asks for the {masked} {event['name']}")
            case "DtmfCollected":
                colour = DIM if event["complete"] else YELLOW
                return self._detail_line(_format_collected(event), colour)
            case "TransferStarted":
                return self._detail_line(
                    f"{event['mode'].lower()} transfer to {event['number']}", GREEN
                )
            case "TransferAdvanced":
                brief = f": “{event['brief']}”" if event["brief"] else ""
                return self._detail_line(f"transfer: {event['phase'].lower()}{brief}")
            case "TransferFailed":
                status = f" (SIP {event['sipStatus']})" if event["sipStatus"] else ""
                reason = event["failure"].lower().replace("_", " ")
                return self._detail_line(f"transfer failed: {reason}{status}", YELLOW)
            case "TransferIsolationLost":
                return self._detail_line("caller and colleague may have heard each other", RED)
            case "CallerPresent":
                if event["present"]:
                    return None
                return self._detail_line(
                    "the caller has left the room, or the connection was lost", YELLOW
                )
            case "CallerSilent":
                return self._detail_line(f"silence for {_seconds(event['duration']):g} s", YELLOW)
            case "WorkerReplaced":
                return self._detail_line("the worker was lost; another one has taken over", YELLOW)
            case "CallEnded":
                reason = event["reason"].lower().replace("_", " ")
                seconds = _seconds(event["duration"])
                return self._detail_line(
                    f"{event['state'].lower()}: {reason}, after {seconds:.1f} s"
                )
        return None

    def _detail_line(self, text: str, colour: str = DIM) -> str:
        return self._paint(colour, f"  · {text}")

    def _show_partial(self, speaker: str, text: str) -> None:
        if not self._is_tty:
            return
        width = shutil.get_terminal_size().columns - LABEL_WIDTH - 2
        clipped = text if len(text) <= width else "…" + text[-(width - 1) :]
        label = CALLER_LABEL if speaker == "CALLER" else ""
        self._out.write("\r\033[K" + self._paint(DIM, f"{label.ljust(LABEL_WIDTH)} {clipped}"))
        self._out.flush()
        self._partial = True

    def _write(self, line: str) -> None:
        erase = "\r\033[K" if self._is_tty and (self._partial or self._prompted) else ""
        self._out.write(f"{erase}{line}\n")
        self._out.flush()
        self._partial = self._prompted = False

    def _paint(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._is_tty else text


LATENCY_PARTS = {
    "endOfTurn": "end of turn",
    "stt": "STT",
    "llmFirstToken": "LLM",
    "ttsFirstByte": "TTS",
    "line": "telephone",
}


def _seconds(duration: str) -> float:
    return parse_duration(duration).total_seconds()


def _milliseconds(duration: str) -> float:
    return 1000 * _seconds(duration)


def _format_latency(measured: Json) -> str:
    """How long the caller waited for audio, and the share of each stage."""
    parts = (
        f"{label} {_milliseconds(took):.0f}"
        for name, label in LATENCY_PARTS.items()
        if (took := measured.get(name))
    )
    detail = ", ".join(parts)
    return f"heard after {_milliseconds(measured['atEar']):.0f} ms" + (
        f" ({detail})" if detail else ""
    )


def _format_verdict(event: Json) -> str:
    """Who answered the phone, on what evidence, and the words that decided."""
    quote = f": “{event['quote']}”" if event["quote"] else ""
    evidence = ", ".join(each.lower() for each in event["evidence"])
    return f"answered by {event['by'].lower().replace('_', ' ')} ({evidence}){quote}"


def _format_collected(event: Json) -> str:
    """What the caller pressed when asked, or how many keys if they are masked."""
    pressed = f"{event['count']} keys" if event["masked"] else event["pressed"] or "no key"
    result = "" if event["complete"] else ", which is not what was asked for"
    return f"{event['name']}: the caller pressed {pressed}{result}"


def _format_response_time(latency: Json) -> str:
    """The median wait: in voice calls until audio starts, in text calls until the reply is
    complete."""
    if at_caller := latency["atEar"]:
        return f"replies heard after {_milliseconds(at_caller['p50']):.0f} ms"
    return f"replies in {_milliseconds(latency['total']['p50']):.0f} ms"
