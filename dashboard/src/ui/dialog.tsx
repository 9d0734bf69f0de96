"use client";

import type { ReactNode, RefObject } from "react";
import { useOnDemand } from "./on-demand";

export interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  isWide?: boolean;
  /** What has the focus after it was closed if what opened it is gone. */
  focusOtherwise?: RefObject<HTMLElement | null>;
}

export interface DrawerProps extends Omit<DialogProps, "isWide" | "description" | "focusOtherwise"> {
  side?: "left" | "right";
}

export const loadDialogs = () => import("./dialog-view");

const useView = ({ open, onOpenChange }: Pick<DialogProps, "open" | "onOpenChange">) => useOnDemand(loadDialogs, open, () => onOpenChange(false));

export function Dialog(props: DialogProps) {
  const view = useView(props);
  return view && <view.DialogView {...props} />;
}

/** A panel from the left for the navigation of narrow windows, or from the right for work next to a page. */
export function Drawer(props: DrawerProps) {
  const view = useView(props);
  return view && <view.DrawerView {...props} />;
}
