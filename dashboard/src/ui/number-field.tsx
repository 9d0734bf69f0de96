"use client";

import { useState, type ComponentProps } from "react";
import { Field } from "./field";

interface Props extends Omit<ComponentProps<typeof Field>, "type" | "step" | "value" | "onChange" | "onBlur"> {
  value: number | undefined;
  isWhole?: boolean;
  /** Undefined for an empty field, and for a text that is not a number. */
  onChange(value: number | undefined): void;
}

const isExact = (text: string) => !/^-?\d+$/.test(text) || (Number.isFinite(Number(text)) && BigInt(text) === BigInt(Number(text)));

/** A number. React gets it as one, and so leaves the text alone that is typed: `10.0` is as good as 10 on the way to `10.05`. */
export function NumberField({ value, isWhole = false, problem, onChange, ...field }: Props) {
  const [mistake, setMistake] = useState("");
  return (
    <Field
      {...field}
      type="number"
      step={isWhole ? 1 : "any"}
      value={value ?? ""}
      problem={problem ?? (mistake || undefined)}
      onChange={({ target }) => {
        setMistake(isExact(target.value) ? "" : "This number has more digits than can be kept.");
        onChange(target.value === "" ? undefined : Number(target.value));
      }}
      onBlur={({ target }) => target.validity.badInput && setMistake("This is not a number.")}
    />
  );
}
