import type { ReactNode } from "react";
import { Button } from "./button";
import { Notice } from "./states";

interface Props {
  what: string;
  /** What the button says. */
  replace: string;
  onReplace(): void;
  children: ReactNode;
}

/** Says that storing this would replace something, and offers to do that explicitly. */
export const Exists = ({ what, replace, onReplace, children }: Props) => (
  <Notice tone="warn">
    <p>
      {what} exists already. {children}
    </p>
    <Button className="mt-2" onClick={onReplace}>
      {replace}
    </Button>
  </Notice>
);
