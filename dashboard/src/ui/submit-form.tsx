"use client";

import { useEffect, useRef, type ReactNode } from "react";
import type { Refusal } from "@/data/use-submit";
import { Button } from "./button";
import { Notice } from "./states";

interface Props {
  refusal: Refusal;
  onSubmit(form: FormData): void;
  className?: string;
  children: ReactNode;
}

/** A form that says why it was refused, and puts the focus on the first field at fault. */
export function SubmitForm({ refusal, onSubmit, className = "", children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (refusal.message) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusal]);
  return (
    <form
      ref={form}
      className={`grid gap-4 ${className}`}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(new FormData(event.currentTarget));
      }}
    >
      {refusal.message && <Notice tone="bad">{refusal.message}</Notice>}
      {children}
    </form>
  );
}

interface ActionsProps {
  label: string;
  isBusy: boolean;
  disabled?: boolean;
  onCancel?(): void;
}

/** The buttons at the end of a form. */
export const Actions = ({ label, isBusy, disabled = false, onCancel }: ActionsProps) => (
  <div className="flex justify-end gap-2">
    {onCancel && (
      <Button disabled={isBusy} onClick={onCancel}>
        Cancel
      </Button>
    )}
    <Button type="submit" kind="primary" busy={isBusy} disabled={disabled}>
      {label}
    </Button>
  </div>
);
