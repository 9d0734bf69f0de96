"use client";

import { useEffect, useRef, useState, type ComponentProps } from "react";
import { Field } from "./field";

interface Props extends Omit<ComponentProps<typeof Field>, "type" | "step" | "value" | "onChange" | "onBlur"> {
  value: number | undefined;
  isWhole?: boolean;
  /** Undefined for an empty field, and for a text that is not a number or has more digits than can be kept. */
  onChange(value: number | undefined): void;
}

const isExact = (text: string) => !/^-?\d+$/.test(text) || (Number.isFinite(Number(text)) && BigInt(text) === BigInt(Number(text)));

const RIGHT = { text: "", mistake: "" };

/** A number. React gets it as one, and so leaves the text alone that is typed: `10.0` is as good as 10 on the way to `10.05`. */
export function NumberField({ value, isWhole = false, problem, onChange, ...field }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(RIGHT);
  // What is wrong has no value, so it is gone when there is one, for instance because it was discarded.
  const { text, mistake } = value === undefined ? typed : RIGHT;
  useEffect(() => input.current?.setCustomValidity(text && mistake), [text, mistake]);
  return (
    <Field
      {...field}
      ref={input}
      type="number"
      step={isWhole ? 1 : "any"}
      value={value ?? text}
      problem={problem ?? (mistake || undefined)}
      onChange={({ target }) => {
        const isKept = isExact(target.value);
        setTyped(isKept ? RIGHT : { text: target.value, mistake: "This number has more digits than can be kept." });
        onChange(isKept && target.value !== "" ? Number(target.value) : undefined);
      }}
      onBlur={({ target }) => target.validity.badInput && setTyped({ text: "", mistake: "This is not a number." })}
    />
  );
}
