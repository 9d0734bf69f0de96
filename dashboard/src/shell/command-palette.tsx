"use client";

import { useEffect } from "react";
import { useOnDemand } from "@/ui/on-demand";
import type { PaletteProps } from "./palette-view";

export const loadPalette = () => import("./palette-view");

export function CommandPalette({ open, onOpenChange }: PaletteProps) {
  useEffect(() => {
    const toggle = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      onOpenChange(!open);
    };
    addEventListener("keydown", toggle);
    return () => removeEventListener("keydown", toggle);
  }, [open, onOpenChange]);
  const view = useOnDemand(loadPalette, open, () => onOpenChange(false));
  return view && <view.PaletteView open={open} onOpenChange={onOpenChange} />;
}
