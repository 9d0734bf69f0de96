"use client";

// A form whose fields are named as the values of the API: `limits.callsPerDay` is where an error with the path
// ["input", "limits", "callsPerDay"] is shown.

import { useEffect, useRef, useState, type ChangeEvent } from "react";
import { listOf } from "./format";
import { messageOf, problemAt, type Problems } from "./problem";
import { problemsOf, type MutationError, type Outcome } from "./refusal";

/** A value that cannot be sent at all, such as a text that is not JSON. */
export class InvalidField extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** The first field with a text that is no number, or one that cannot be kept. It counts as empty, so sending it would remove the value. */
export const unfinishedIn = (element: HTMLElement | null): HTMLInputElement | undefined =>
  [...(element?.querySelectorAll("input") ?? [])].find(({ validity }) => validity.badInput || validity.customError);

export const UNFINISHED = "A value is not a number, or has too many digits. Correct it, or clear the field.";
const MARKED = "This was refused. See the marked fields.";

type KeysOf<Draft, Value> = { [Key in keyof Draft]: Draft[Key] extends Value ? Key : never }[keyof Draft] & string;

export const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function useForm<Draft extends object>(initial: Draft | (() => Draft)) {
  const [draft, setDraft] = useState<Draft>(initial);
  return { ...useFields(draft, setDraft), setDraft };
}

/** The fields of a draft with their problems. `isShown` says which paths have a field besides those of the draft. */
export function useFields<Draft extends object>(
  draft: Draft,
  change: (update: (before: Draft) => Draft) => void,
  isShown: (path: string) => boolean = () => false,
) {
  const [problems, setProblems] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [refusals, setRefusals] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);

  useEffect(() => {
    if (!refusals) return;
    const field = element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-problem]');
    const texts = Object.values(problems);
    if (field) field.focus();
    else if (texts.length) setProblem(texts.join(" "));
    // Only a refusal moves the focus, and not the removal of a problem while its field is edited.
  }, [refusals]);

  /** What was refused is not known to be wrong any more. */
  const set = <Name extends keyof Draft & string>(name: Name, value: Draft[Name]) => {
    change((before) => ({ ...before, [name]: value }));
    setProblems((before) => Object.fromEntries(Object.entries(before).filter(([path]) => path !== name && !path.startsWith(`${name}.`))));
  };

  const refuse = (error: MutationError) => {
    const found = Object.entries(problemsOf(error));
    const nameOf = (at: string) => Object.keys(draft).find((each) => at === each || at.startsWith(`${each}.`));
    const shown = found.flatMap(([at, message]) => {
      const name = nameOf(at);
      if (name !== undefined) return [[at, aboutItem(draft[name as keyof Draft], at.slice(name.length + 1), message)] as const];
      return isShown(at) ? [[at, message] as const] : [];
    });
    setProblems(Object.fromEntries(shown));
    setRefusals((count) => count + 1);
    const others = found.filter(([at]) => !shown.some(([path]) => path === at)).map(([, message]) => message);
    setProblem(!found.length ? messageOf(error) : others.length ? others.join(" ") : MARKED);
  };

  const forgetProblems = () => {
    setProblem("");
    setProblems({});
  };

  /** Sends the form once; null when it was refused, and the form then says why. */
  const submit = async <Value>(send: () => Promise<Outcome<Value>>): Promise<Value | null> => {
    if (isBusy) return null;
    const unfinished = unfinishedIn(element.current);
    if (unfinished) {
      setProblem(UNFINISHED);
      unfinished.focus();
      return null;
    }
    setBusy(true);
    forgetProblems();
    try {
      const outcome = await send();
      if (outcome.ok) return outcome.value;
      refuse(outcome.error);
    } catch (error) {
      if (!(error instanceof InvalidField)) throw error;
      refuse({ code: "INVALID_INPUT", message: error.message, path: ["input", error.field] });
    } finally {
      setBusy(false);
    }
    return null;
  };

  return {
    problem: problem === MARKED && !Object.keys(problems).length ? "" : problem,
    ...{ draft, set, setProblem, forgetProblems, problems, isBusy, submit, element },
    /** The problem of a field, or the first one within it. */
    problemAt: (name: string) => problemAt(problems, name),
    text: <Name extends KeysOf<Draft, string>>(name: Name): TextProps => ({
      value: draft[name] as string,
      problem: problemAt(problems, name),
      onChange: (event) => set(name, event.target.value as Draft[Name]),
    }),
    check: <Name extends KeysOf<Draft, boolean>>(name: Name) => ({
      checked: draft[name] as boolean,
      onChange: (event: ChangeEvent<HTMLInputElement>) => set(name, event.target.checked as Draft[Name]),
    }),
  };
}

/** What the field of a text receives. */
export interface TextProps {
  readonly value: string;
  readonly problem: string | undefined;
  onChange(event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>): void;
}

export type Form<Draft extends object> = ReturnType<typeof useFields<Draft>>;

/** Names the item of a list that is typed as one text. */
function aboutItem(value: unknown, index: string, message: string): string {
  const item = typeof value === "string" && index !== "" ? listOf(value)[Number(index)] : undefined;
  return item === undefined ? message : `${item}: ${message}`;
}
