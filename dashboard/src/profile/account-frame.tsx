"use client";

import { Link } from "@/ui/link";
import type { ReactNode } from "react";
import { useTitle } from "@/data/use-title";
import { Logo } from "@/shell/frame";
import { buttonClass } from "@/ui/button";

/** A page for those who are not signed in. */
export function AccountFrame({ title, text, children }: { title: string; text?: ReactNode; children?: ReactNode }) {
  useTitle(title);
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <Logo />
        <h1 className="mt-8 text-2xl font-semibold tracking-tight">{title}</h1>
        {text && <p className="mt-3 text-sm text-muted">{text}</p>}
        {children && <div className="mt-6 grid gap-4">{children}</div>}
      </div>
    </main>
  );
}

export const ToSignIn = () => (
  <Link href="/" className={`${buttonClass("primary")} h-10`}>
    Sign in
  </Link>
);
