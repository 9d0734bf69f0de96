import { useId, type ReactNode } from "react";
import { Field } from "./field";

interface Props {
  label: string;
  hint?: ReactNode;
  value: string;
  options: readonly string[];
  placeholder?: string;
  disabled?: boolean;
  problem?: string | undefined;
  onChange(value: string): void;
}

/** A text with suggestions, of which none has to be taken. */
export function Suggested({ options, onChange, ...more }: Props) {
  const id = useId();
  return (
    <div>
      <Field {...more} list={id} autoCapitalize="none" spellCheck={false} onChange={({ target }) => onChange(target.value)} />
      <datalist id={id}>
        {options.map((option) => (
          <option key={option} value={option} />
        ))}
      </datalist>
    </div>
  );
}
