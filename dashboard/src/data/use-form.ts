"use client";

// A form whose fields are named as the values of the API: `limits.callsPerDay` is where an error with the path
// ["input", "limits", "callsPerDay"] is shown.

import { useEffect, useRef, useState, type ChangeEvent } from "react";
import { listOf } from "./format";
import { messageOf, problemAt, type Problems } from "./problem";

/** An error of a mutation. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly problems?: readonly { readonly message: string; readonly path: readonly string[] }[];
}

export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: Refusal };

/** A value that cannot be sent at all, such as a text that is not JSON. */
export class InvalidField extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

const MARKED = "This was refused. See the marked fields.";

type KeysOf<Draft, Value> = { [Key in keyof Draft]: Draft[Key] extends Value ? Key : never }[keyof Draft] & string;

export const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function useForm<Draft extends object>(initial: Draft | (() => Draft)) {
  const [draft, setDraft] = useState<Draft>(initial);
  const [problems, setProblems] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [refusals, setRefusals] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);

  useEffect(() => {
    const field = element.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const texts = Object.values(problems);
    if (field) field.focus();
    else if (texts.length) setProblem(texts.join(" "));
    // Only a refusal moves the focus, and not the removal of a problem while its field is edited.
  }, [refusals]);

  /** What was refused is not known to be wrong any more. */
  const set = <Name extends keyof Draft & string>(name: Name, value: Draft[Name]) => {
    setDraft((before) => ({ ...before, [name]: value }));
    setProblems((before) => Object.fromEntries(Object.entries(before).filter(([path]) => path !== name && !path.startsWith(`${name}.`))));
  };

  const refuse = (error: Refusal) => {
    const found = (error.problems ?? [{ message: error.message, path: error.path ?? [] }]).map(({ message, path }) => ({
      message,
      at: path.slice(1).join("."),
    }));
    const shown = found.flatMap(({ at, message }) => {
      const name = Object.keys(draft).find((each) => at === each || at.startsWith(`${each}.`));
      return name === undefined ? [] : [[at, aboutItem(draft[name as keyof Draft], at.slice(name.length + 1), message)] as const];
    });
    setProblems(Object.fromEntries(shown));
    setRefusals((count) => count + 1);
    const others = found.filter(({ at }) => !shown.some(([path]) => path === at)).map(({ message }) => message);
    const isRefusal = error.problems !== undefined || shown.length > 0;
    setProblem(!isRefusal ? messageOf(error) : others.length ? others.join(" ") : MARKED);
  };

  const forgetProblems = () => {
    setProblem("");
    setProblems({});
  };

  /** Sends the form once; null when it was refused, and the form then says why. */
  const submit = async <Value>(send: () => Promise<Outcome<Value>>): Promise<Value | null> => {
    if (isBusy) return null;
    // The browser gives an empty text for what is not a number, which would remove the value.
    const unfinished = [...(element.current?.querySelectorAll("input") ?? [])].find((input) => input.validity.badInput);
    if (unfinished) {
      setProblem("A value is not a number. Correct it, or clear the field.");
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
    ...{ draft, setDraft, set, setProblem, forgetProblems, problems, isBusy, submit, element },
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

export type Form<Draft extends object> = ReturnType<typeof useForm<Draft>>;

/** Names the item of a list that is typed as one text. */
function aboutItem(value: unknown, index: string, message: string): string {
  const item = typeof value === "string" && index !== "" ? listOf(value)[Number(index)] : undefined;
  return item === undefined ? message : `${item}: ${message}`;
}
