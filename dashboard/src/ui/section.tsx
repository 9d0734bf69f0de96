import { useId, type ReactNode } from "react";

interface Props {
  /** For links to the section. */
  id?: string;
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a heading and a sentence about it. */
export function Section({ id, title, text, children }: Props) {
  const heading = useId();
  return (
    <section id={id} role="group" aria-labelledby={heading} className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <h2 id={heading} className="text-base font-semibold">
        {title}
      </h2>
      {text && <div className="mt-1 text-sm text-muted">{text}</div>}
      <div className="mt-4 grid gap-4">{children}</div>
    </section>
  );
}
