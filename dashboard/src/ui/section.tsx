import type { ReactNode } from "react";

interface Props {
  title: string;
  text?: ReactNode;
  children: ReactNode;
}

/** A part of a page with a heading and a sentence about it. */
export const Section = ({ title, text, children }: Props) => (
  <section className="rounded-xl border bg-surface p-5 shadow-soft">
    <h2 className="text-sm font-semibold">{title}</h2>
    {text && <div className="mt-1 text-sm text-muted">{text}</div>}
    <div className="mt-4 grid gap-4">{children}</div>
  </section>
);
