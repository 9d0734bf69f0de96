"use client";

// Short messages about what just happened. They are read out, take no focus, and leave after some seconds.

import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from "react";
import { Icon } from "./icons";

interface Toast {
  readonly id: number;
  readonly tone: "ok" | "bad";
  readonly text: string;
}

const SHOWN_MS = 6000;
const Context = createContext<(tone: Toast["tone"], text: string) => void>(() => {});

export const useToast = () => useContext(Context);

let last = 0;

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const show = useCallback((tone: Toast["tone"], text: string) => {
    setToasts((shown) => [...shown.slice(-2), { id: ++last, tone, text }]);
  }, []);
  const remove = useCallback((id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)), []);
  return (
    <Context value={show}>
      {children}
      <div role="status" className="pointer-events-none fixed right-4 bottom-4 left-4 z-60 grid justify-items-end gap-2">
        {toasts.map((toast) => (
          <Message key={toast.id} toast={toast} onRemove={remove} />
        ))}
      </div>
    </Context>
  );
}

function Message({ toast, onRemove }: { toast: Toast; onRemove(id: number): void }) {
  useEffect(() => {
    const timer = setTimeout(() => onRemove(toast.id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [toast.id, onRemove]);
  return (
    <div className="fade-in pointer-events-auto flex max-w-sm items-start gap-2.5 rounded-lg border bg-raised py-2.5 pr-2 pl-3.5 text-sm shadow-large">
      <Icon name={toast.tone === "ok" ? "check" : "warning"} className={`mt-0.5 ${toast.tone === "ok" ? "text-ok" : "text-bad"}`} />
      <span className="min-w-0 py-px">{toast.text}</span>
      <button type="button" aria-label="Dismiss" className="rounded p-1 text-muted hover:bg-hover" onClick={() => onRemove(toast.id)}>
        <Icon name="close" width={16} height={16} />
      </button>
    </div>
  );
}
