import { useId, type ReactNode } from "react";

interface Props {
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a heading and a sentence about it. */
export function Section({ title, text, children }: Props) {
  const id = useId();
  return (
    <section role="group" aria-labelledby={id} className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <h2 id={id} className="text-sm font-semibold">
        {title}
      </h2>
      {text && <div className="mt-1 text-sm text-muted">{text}</div>}
      <div className="mt-4 grid gap-4">{children}</div>
    </section>
  );
}
