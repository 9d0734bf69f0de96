"use client";

import { useSyncExternalStore } from "react";

export interface SavedView {
  readonly name: string;
  /** The query of the address. */
  readonly query: string;
}

const EVENT = "agent-studio:views";
const NONE: readonly SavedView[] = [];
let cached: { key: string; text: string | null; views: readonly SavedView[] } | undefined;

const keyOf = (tenant: string) => `agent-studio:views:${tenant}`;

function load(tenant: string): readonly SavedView[] {
  const [key, text] = [keyOf(tenant), localStorage.getItem(keyOf(tenant))];
  if (cached?.key !== key || cached.text !== text) cached = { key, text, views: parse(text) };
  return cached.views;
}

function parse(text: string | null): readonly SavedView[] {
  try {
    return JSON.parse(text ?? "[]") as SavedView[];
  } catch {
    return NONE;
  }
}

function subscribe(listener: () => void) {
  addEventListener("storage", listener);
  addEventListener(EVENT, listener);
  return () => {
    removeEventListener("storage", listener);
    removeEventListener(EVENT, listener);
  };
}

/** The views that this browser has saved for the tenant. */
export function useSavedViews(tenant: string) {
  const views = useSyncExternalStore(subscribe, () => load(tenant), () => NONE);
  const store = (next: readonly SavedView[]) => {
    localStorage.setItem(keyOf(tenant), JSON.stringify(next));
    dispatchEvent(new Event(EVENT));
  };
  return {
    views,
    save: (view: SavedView) => store([...views.filter(({ name }) => name !== view.name), view]),
    remove: (name: string) => store(views.filter((view) => view.name !== name)),
  };
}
