"use client";

import { useEffect, useRef } from "react";

export interface Actions {
  undo(): void;
  redo(): void;
  save(): void;
  remove(): void;
  selectAll(): void;
  /** The text for the clipboard; null if nothing is selected. */
  copy(): string | null;
  cut(): string | null;
  paste(text: string): void;
}

const isIn = (target: EventTarget | null, selector: string) => target instanceof Element && target.closest(selector) !== null;
/** Fields of text have their own undo and clipboard. */
const isField = (target: EventTarget | null) => isIn(target, "input:not([type=checkbox], [type=radio]), textarea, [contenteditable=true]");
const isDialog = () => document.querySelector("[role=dialog]") !== null;
const isOnCanvas = (target: EventTarget | null) => target === document.body || isIn(target, "[data-canvas]");

/** The keys of the builder. They work on the whole page, as the focus is on the body after something was removed. */
export function useKeys(actions: Actions) {
  const current = useRef(actions);
  current.current = actions;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isDialog()) return;
      const run = actionOf(event, current.current);
      if (!run) return;
      event.preventDefault();
      run();
    };
    const onClipboard = (event: ClipboardEvent) => {
      if (isDialog() || isField(event.target) || !event.clipboardData || getSelection()?.toString()) return;
      if (event.type === "paste") return current.current.paste(event.clipboardData.getData("text/plain"));
      const text = event.type === "cut" ? current.current.cut() : current.current.copy();
      if (text === null) return;
      event.preventDefault();
      event.clipboardData.setData("text/plain", text);
    };
    const clipboard = ["copy", "cut", "paste"] as const;
    addEventListener("keydown", onKey);
    for (const name of clipboard) addEventListener(name, onClipboard);
    return () => {
      removeEventListener("keydown", onKey);
      for (const name of clipboard) removeEventListener(name, onClipboard);
    };
  }, []);
}

function actionOf(event: KeyboardEvent, actions: Actions): (() => void) | undefined {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "s") return actions.save;
    if (isField(event.target)) return undefined;
    if (key === "z") return event.shiftKey ? actions.redo : actions.undo;
    if (key === "y") return actions.redo;
    return key === "a" && isOnCanvas(event.target) ? actions.selectAll : undefined;
  }
  const isRemoval = event.key === "Delete" || event.key === "Backspace";
  return isRemoval && !isField(event.target) && isOnCanvas(event.target) ? actions.remove : undefined;
}
