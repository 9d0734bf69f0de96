import type { ReactNode } from "react";

export const Card = ({ children }: { children: ReactNode }) => <div className="rounded-xl border bg-surface shadow-soft">{children}</div>;
