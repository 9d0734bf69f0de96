"use client";

import { Button } from "./button";
import { Field } from "./field";
import { useHeldDialog } from "./held-dialog";
import { Notice } from "./states";
import { useToast } from "./toast";

export function CopyButton({ text, what, children = "Copy" }: { text: string; what: string; children?: string }) {
  const toast = useToast();
  const copy = () =>
    // The clipboard exists in secure contexts only.
    Promise.resolve()
      .then(() => navigator.clipboard.writeText(text))
      .then(
        () => toast("ok", `${what} was copied.`),
        () => toast("bad", "The browser does not allow copying. Select the text and copy it."),
      );
  return (
    <Button icon="copy" onClick={() => void copy()}>
      {children}
    </Button>
  );
}

interface Props {
  label: string;
  value: string;
  warning: string;
  onDone(): void;
}

/** A value that cannot be read again, such as a key or a link. Its dialog closes with the button only. */
export function ShownOnce({ label, value, warning, onDone }: Props) {
  useHeldDialog(true);
  return (
    <div className="mt-4 grid gap-4">
      <Notice tone="warn">{warning}</Notice>
      <Field label={label} value={value} readOnly autoFocus className="font-mono" onFocus={(event) => event.currentTarget.select()} />
      <div className="flex justify-end gap-2">
        <CopyButton text={value} what={`The ${label.toLowerCase()}`} />
        <Button kind="primary" onClick={onDone}>
          Done
        </Button>
      </div>
    </div>
  );
}
