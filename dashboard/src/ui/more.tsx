"use client";

import { useState, type ReactNode } from "react";

interface Props {
  title: ReactNode;
  /** Whether it has to be open, for instance because a field in it was refused. */
  isNeeded?: boolean;
  children: ReactNode;
}

/** Fields that most people leave as they are. */
export function More({ title, isNeeded = false, children }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="rounded-lg border p-3" open={isOpen || isNeeded} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="min-h-6 text-sm font-medium">{title}</summary>
      <div className="mt-3 grid gap-4">{children}</div>
    </details>
  );
}
