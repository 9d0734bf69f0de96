"use client";

import { useEffect, useId, useRef, useState } from "react";
import { messageOf, type Problems } from "@/data/problem";
import { problemsOf, type MutationError } from "@/data/refusal";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import type { Catalog } from "./catalog";
import { findProvider, inputOf, type Model } from "./models";
import { useVoicePreview } from "./use-voice-preview";

interface Props {
  /** What is heard, for its button. */
  what: string;
  catalog: Catalog;
  model: Model;
  /** Empty for the usual voice of the provider. */
  voice: string;
  /** Empty for the usual language of the provider. */
  language: string;
  /** Why there is nothing to hear yet. */
  missing?: string | false;
  /** Whether a field shows what is wrong with a value, by its path in the input: `tts.model`, `voice`, `language`. */
  isShown(path: string): boolean;
  /** Takes what the fields are to show. */
  onProblems(problems: Problems): void;
}

const STATUS = { silent: "", asking: "The sample is being requested.", playing: "The sample is playing." };

/** A button that lets a provider speak as it would in a call. */
export function Listen({ what, catalog, model, voice, language, missing, isShown, onProblems }: Props) {
  const id = useId();
  const { state, listen, stop } = useVoicePreview();
  const [error, setError] = useState<MutationError | null>(null);
  const input = { tts: inputOf(model), voice: voice.trim() || null, language: language.trim() || null };
  const asked = JSON.stringify(input);
  const mayWrite = useMay("AGENTS_WRITE");
  const reason = mayWrite ? missing || keyProblem(catalog, model) || slotProblem(voice) : "Your role does not include agents:write.";
  const forget = () => {
    setError(null);
    onProblems({});
  };
  // What is heard, and what was refused, belongs to the values from before.
  const heard = useRef(asked);
  useEffect(() => {
    if (heard.current === asked) return;
    heard.current = asked;
    stop();
    forget();
  });
  const start = async () => {
    forget();
    const error = await listen(input);
    if (!error) return;
    setError(error);
    onProblems(Object.fromEntries(Object.entries(problemsOf(error)).filter(([path]) => isShown(path))));
  };
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
      {state !== "silent" ? (
        <Button icon="stop" onClick={stop}>
          Stop<span className="sr-only"> the sample</span>
        </Button>
      ) : (
        <Button icon="play" aria-disabled={Boolean(reason)} aria-describedby={reason ? id : undefined} onClick={() => void start()}>
          Listen<span className="sr-only"> to {what}</span>
        </Button>
      )}
      <span role="status" className="sr-only">
        {STATUS[state]}
      </span>
      {reason && (
        <span id={id} className="text-xs text-muted">
          {reason}
        </span>
      )}
      {error && !reason && (
        <span role="alert" className="text-xs text-bad">
          {textOf(error, isShown)}
        </span>
      )}
    </div>
  );
}

/** What no field shows of an error. */
function textOf(error: MutationError, isShown: Props["isShown"]): string {
  const problems = Object.entries(problemsOf(error));
  const others = problems.filter(([path]) => !isShown(path)).map(([, message]) => message);
  if (others.length) return others.join(" ");
  return problems.length ? "This was refused. See the marked field." : messageOf(error);
}

/** Why the provider cannot speak; nothing if it can, or if the role may not read which keys there are. */
function keyProblem({ providers, keys }: Catalog, { provider, credential }: Model): string | false {
  const entry = findProvider(providers, "tts", provider);
  if (!entry?.needsKey || (entry.hasOperatorKey && !credential)) return false;
  if (!keys || keys.has(credential ? `${provider}/${credential}` : provider)) return false;
  return credential ? `There is no credential ${credential}.` : `There is no key for ${entry.displayName}. Set one under Providers.`;
}

const slotProblem = (voice: string) => voice.includes("{{") && "The voice has a slot, whose value only a call knows.";
